using Reprise.Recovery.Assets;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Files;

/// <summary>
/// The list of the last point, walked beside the tree, which has the same order: says of which files the bytes need not
/// be read, because name, inode, size and times are those of that point, whose packs are all there. Not thread-safe.
/// </summary>
internal sealed class UnchangedFiles : IDisposable
{
    private readonly IDisk disk;
    private readonly DiskPath path;
    private readonly FileListReader list;
    private readonly PointReader point;
    private readonly PointWriter writer;
    private FileEntry? next;

    private UnchangedFiles(IDisk disk, DiskPath path, PointReader point, PointWriter writer)
    {
        this.disk = disk;
        this.path = path;
        list = new FileListReader(disk, path);
        this.point = point;
        this.writer = writer;
        next = list.Next(FileEntryType.File);
    }

    /// <summary>
    /// Opens the list of the last point, which <paramref name="spool"/> brings into the scratch folder; null when it
    /// cannot be used, with a warning in the context: then everything is read.
    /// </summary>
    public static async Task<UnchangedFiles?> OpenAsync(
        IDisk disk, CaptureContext context, Func<PointReader, AssetRecord, DiskPath, Task> spool, string asset)
    {
        if (context is not { Previous: { } record, PreviousPoint: { } point }) return null;
        var spooled = new DiskPath(context.ScratchFolder) / $"{asset}.last-list";
        try
        {
            await spool(point, record, spooled);
            return new UnchangedFiles(disk, spooled, point, context.Writer);
        }
        catch (RepriseException e) when (e.Code.Exit is ExitCodes.Damaged or ExitCodes.Unavailable)
        {
            disk.DeleteFile(spooled);
            context.Problems.Add(e.Problem with
            {
                Severity = Severity.Warning,
                Message = $"the list of files of point {point.Manifest.Id} cannot be used, so every file is read: {e.Message}",
                Asset = asset,
            });
            return null;
        }
    }

    /// <summary>The file as the last point has it, or null. Paths are asked for in the order of the list.</summary>
    public FileEntry? At(DiskPath path)
    {
        while (next is { } entry && FileListCodec.Compare(entry.Path, path) < 0) next = list.Next(FileEntryType.File);
        return next is { } found && found.Path == path ? found : null;
    }

    /// <summary>Whether the file has the bytes that the last point has of it, and these can be relied on.</summary>
    public bool Holds(FileEntry known, FileStatus now) =>
        known is { Flags: FileEntryFlags.None, Content: { } content }
        && known.Changed != default
        && known.Changed == now.Changed
        && known.Modified == now.Modified
        && known.Inode == now.Inode
        && known.Device == now.Device
        && content.LengthBytes == now.SizeBytes
        && writer.MayAdopt(point, content);

    /// <inheritdoc />
    public void Dispose()
    {
        list.Dispose();
        disk.DeleteFile(path);
    }
}

/// <summary>
/// Which times of files a later capture can rely on. Memory that is mapped and written moves the time of its file once,
/// and again only after it was written back, which Linux does after 30 to 35 seconds: until then equal times do not mean
/// equal bytes. The steps of the clock (1 to 10 ms) and clocks that are set lie far below this.
/// </summary>
internal sealed class SettledTimes(IDisk disk, TimeProvider clock)
{
    /// <summary>How old times must be.</summary>
    public static readonly TimeSpan Margin = TimeSpan.FromSeconds(60);

    private readonly Dictionary<long, bool> devices = [];
    private UnixTime settled;

    /// <summary>Looks at the clock; called before the files are looked at whose times are asked about.</summary>
    public void Look()
    {
        var until = clock.GetUtcNow() - Margin;
        settled = new UnixTime(until.ToUnixTimeSeconds(), 0);
    }

    /// <summary>The time of the last change, or none (0) when it must not be relied on.</summary>
    public UnixTime ChangeOf(FileStatus status, DiskPath path)
    {
        if (status.Changed >= settled || status.Modified >= settled) return default;
        if (!devices.TryGetValue(status.Device, out var keeps))
            devices[status.Device] = keeps = disk.KeepsTimes(path);
        return keeps ? status.Changed : default;
    }
}
