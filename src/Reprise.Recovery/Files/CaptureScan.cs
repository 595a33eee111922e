using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Files;

/// <summary>
/// The reading half of a capture: walks, opens, and reads small files whole into the buffer of a batch, so that a
/// hundred of them cost one change of thread. Synchronous; one call at a time.
/// </summary>
internal sealed class CaptureScan(
    IDisk disk, TreeWalker walker, ExclusionRules rules, SettledTimes times, UnchangedFiles? unchanged = null) : IDisposable
{
    /// <summary>Files up to this are read whole into a batch; larger ones are streamed.</summary>
    public const int SmallFileBytes = 1024 * 1024;

    /// <summary>A file with holes is streamed when it is larger than this.</summary>
    private const int SmallSparseFileBytes = 64 * 1024;

    /// <summary>How often a file is read again that changed while it was read.</summary>
    public const int Retries = 3;

    /// <summary>Entries of a batch.</summary>
    private const int BatchEntries = 256;

    /// <summary>
    /// Files with several names that are remembered at once; beyond, a further name is kept as a file of its own.
    /// </summary>
    private const int MaxLinkedFiles = 500_000;

    private readonly IEnumerator<Walked> walk = walker.Walk().GetEnumerator();
    private readonly Dictionary<(long Device, ulong Inode), (DiskPath First, uint Left)> linked = [];
    private byte[] again = [];
    private Walked? waiting;

    /// <summary>Fills <paramref name="batch"/>; false when nothing is left.</summary>
    public bool Fill(CaptureBatch batch, CancellationToken cancellationToken)
    {
        batch.Clear();
        times.Look();
        while (batch.Items.Count < BatchEntries && (waiting is not null || walk.MoveNext()))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var walked = waiting ?? walk.Current;
            waiting = null;
            var outcome = Take(walked, batch);
            if (outcome == Taken.Streamed) return true;
            if (outcome == Taken.NoRoom)
            {
                waiting = walked;
                return true;
            }
        }

        return batch.Items.Count > 0;
    }

    /// <inheritdoc />
    public void Dispose() => walk.Dispose();

    private enum Taken
    {
        Done,
        Streamed,
        NoRoom,
    }

    private Taken Take(Walked walked, CaptureBatch batch)
    {
        if (walked.Fault is { } fault)
        {
            batch.Items.Add(CapturedItem.Unreadable(walked.Path, fault));
            return Taken.Done;
        }

        try
        {
            var status = walked.Status;
            if (status is null or { Type: FileType.Regular })
                return TakeUnchanged(walked, batch) ? Taken.Done : TakeFile(walked, batch);
            if (Describe(walked, status) is { } item) batch.Items.Add(item);
            return Taken.Done;
        }
        catch (RepriseException e) when (e.Code == StorageErrors.FileMissing)
        {
            // It vanished between the listing and now, which is what files do.
            return Taken.Done;
        }
        catch (RepriseException e) when (IsOfTheSource(e.Code))
        {
            // What took the place of a file since the listing is taken for what it is now.
            if (walked.Status is null or { Type: FileType.Regular } && LookAgain(walked.FullPath) is { } now)
                return Take(walked with { Status = now }, batch);
            batch.Items.Add(CapturedItem.Unreadable(walked.Path, e));
            return Taken.Done;
        }
    }

    private FileStatus? LookAgain(DiskPath path)
    {
        try
        {
            return disk.Stat(path) is { Type: not FileType.Regular } status ? status : null;
        }
        catch (RepriseException e) when (IsOfTheSource(e.Code))
        {
            return null;
        }
    }

    private static bool IsOfTheSource(ErrorCode code) =>
        code == StorageErrors.FileDenied || code == StorageErrors.MediumFailed || code == StorageErrors.DiskUnsupported;

    private CapturedItem? Describe(Walked walked, FileStatus status)
    {
        var type = status.Type switch
        {
            FileType.Folder => FileEntryType.Folder,
            FileType.SymbolicLink => FileEntryType.SymbolicLink,
            FileType.Fifo => FileEntryType.Fifo,
            _ => (FileEntryType?)null,
        };
        if (type is not { } known) return CapturedItem.Skipped(walked.Path, status.Type);
        var entry = FileEntry.Of(known, walked.Path, status) with
        {
            Flags = walked.IsAncestor ? FileEntryFlags.Ancestor : FileEntryFlags.None,
        };
        if (known == FileEntryType.SymbolicLink)
            entry = entry with { Target = disk.ReadSymbolicLink(walked.FullPath) };
        return WithAttributes(walked, entry);
    }

    /// <summary>Takes a file whose bytes the last point has; false: it has to be opened.</summary>
    private bool TakeUnchanged(Walked walked, CaptureBatch batch)
    {
        if (unchanged?.At(walked.Path) is not { Content: { } content } known) return false;
        if ((walked.Status ?? disk.Stat(walked.FullPath)) is not { Type: FileType.Regular } status) return false;
        if (rules.Is(status) || !unchanged.Holds(known, status)) return false;
        if (status.Links > 1)
        {
            if (linked.ContainsKey((status.Device, status.Inode))) return false;
            Remember(walked, status);
        }

        // A stored list of parts may name packs that are gone, which is known only when it was read: then these bytes
        // are captured again after all.
        var stream = content.Depth > 0 ? disk.OpenRead(walked.FullPath) : null;
        batch.Items.Add(new CapturedItem(
            FileEntry.Of(FileEntryType.File, walked.Path, status) with { Attributes = known.Attributes })
        {
            Unchanged = content, Stream = stream, Status = status, FullPath = walked.FullPath,
        });
        return true;
    }

    private void Remember(Walked walked, FileStatus status)
    {
        if (status.Links > 1 && linked.Count < MaxLinkedFiles)
            linked.TryAdd((status.Device, status.Inode), (walked.Path, status.Links - 1));
    }

    private Taken TakeFile(Walked walked, CaptureBatch batch)
    {
        var file = disk.OpenRead(walked.FullPath);
        var handedOver = false;
        try
        {
            var status = file.Stat();
            if (rules.Is(status)) return Taken.Done;
            if (status.Links > 1 && FirstNameOf(status) is { } first)
            {
                batch.Items.Add(new CapturedItem(
                    FileEntry.Of(FileEntryType.HardLink, walked.Path, status) with { Target = first }));
                return Taken.Done;
            }

            var isSparse = status.AllocatedBytes < status.SizeBytes && status.SizeBytes > SmallSparseFileBytes;
            if (status.SizeBytes > SmallFileBytes || isSparse)
            {
                handedOver = true;
                AddFile(walked, status, batch, file);
                return Taken.Streamed;
            }

            if (status.SizeBytes > batch.Room) return Taken.NoRoom;
            return TakeSmall(walked, file, status, batch) ? Taken.Done : Taken.NoRoom;
        }
        finally
        {
            if (!handedOver) file.Dispose();
        }
    }

    /// <summary>Reads a file whole until it holds still; false when it outgrew the batch meanwhile.</summary>
    private bool TakeSmall(Walked walked, IDiskFile file, FileStatus status, CaptureBatch batch)
    {
        for (var attempt = 0; ; attempt++)
        {
            if (status.SizeBytes > Math.Min(batch.Room, SmallFileBytes)) return false;
            var size = (int)status.SizeBytes;
            var read = file.Read(0, batch.Free[..size]);
            var after = file.Stat();
            var flags = FileEntryFlags.None;
            if (read != size || !IsSame(status, after))
            {
                if (read == size && after.SizeBytes > size && IsSameStart(file, batch.Free[..size]))
                {
                    flags = FileEntryFlags.Growing;
                }
                else if (attempt < Retries)
                {
                    status = after;
                    continue;
                }
                else
                {
                    flags = FileEntryFlags.Changing;
                }
            }

            AddFile(walked, status, batch, null, flags, read);
            return true;
        }
    }

    private void AddFile(
        Walked walked,
        FileStatus status,
        CaptureBatch batch,
        IDiskFile? stream,
        FileEntryFlags flags = FileEntryFlags.None,
        int read = 0)
    {
        var entry = FileEntry.Of(FileEntryType.File, walked.Path, status) with
        {
            Flags = flags, Changed = times.ChangeOf(status, walked.FullPath),
        };
        var item = WithAttributes(walked, entry);
        Remember(walked, status);
        if (stream is not null)
        {
            batch.Items.Add(item with { Stream = stream, Status = status, FullPath = walked.FullPath });
            return;
        }

        batch.Items.Add(item with { Offset = batch.Used, Length = read });
        batch.Used += read;
    }

    private DiskPath? FirstNameOf(FileStatus status)
    {
        var identity = (status.Device, status.Inode);
        if (status.Inode == 0 || !linked.TryGetValue(identity, out var known)) return null;
        if (known.Left <= 1) linked.Remove(identity);
        else linked[identity] = (known.First, known.Left - 1);
        return known.First;
    }

    private CapturedItem WithAttributes(Walked walked, FileEntry entry)
    {
        var all = disk.ReadAttributes(walked.FullPath);
        if (all.Count == 0) return new CapturedItem(entry);
        var kept = new List<ExtendedAttribute>();
        var bytes = 0;
        string? tooLarge = null;
        foreach (var attribute in all)
        {
            if (!IsKept(attribute.Name)) continue;
            var size = attribute.Name.Length + attribute.Value.Length;
            if (bytes + size > FileListCodec.MaxAttributesBytes - 1024) tooLarge = attribute.Name;
            else kept.Add(attribute);
            bytes += tooLarge is null ? size : 0;
        }

        return new CapturedItem(entry with { Attributes = kept }) { AttributeTooLarge = tooLarge };
    }

    /// <summary>
    /// What an application or an administrator set. The labels of SELinux and of integrity measurement belong to the
    /// machine, and trusted attributes to the file systems that are stacked on it.
    /// </summary>
    internal static bool IsKept(string name) =>
        name.StartsWith("user.", StringComparison.Ordinal)
        || name is "security.capability" or "system.posix_acl_access" or "system.posix_acl_default";

    internal static bool IsSame(FileStatus before, FileStatus after) =>
        before.SizeBytes == after.SizeBytes && before.Modified == after.Modified && before.Changed == after.Changed;

    private bool IsSameStart(IDiskFile file, ReadOnlySpan<byte> captured)
    {
        if (again.Length < captured.Length) again = new byte[SmallFileBytes];
        var span = again.AsSpan(0, captured.Length);
        return file.Read(0, span) == span.Length && span.SequenceEqual(captured);
    }
}

/// <summary>One thing of a batch: an entry, with its bytes in the batch, in an open file, or without any.</summary>
internal sealed record CapturedItem(FileEntry Entry)
{
    /// <summary>Where the bytes of a small file start in the batch; -1 when there are none.</summary>
    public int Offset { get; init; } = -1;

    /// <summary>How many.</summary>
    public int Length { get; init; }

    /// <summary>A large file, open; the taker disposes it.</summary>
    public IDiskFile? Stream { get; init; }

    /// <summary>What the last point has of a file that did not change.</summary>
    public Content? Unchanged { get; init; }

    /// <summary>Its status when it was opened, or looked at.</summary>
    public FileStatus? Status { get; init; }

    /// <summary>Its absolute path.</summary>
    public DiskPath FullPath { get; init; }

    /// <summary>Why it could not be read; then the entry is one of what is missing.</summary>
    public RepriseException? Fault { get; init; }

    /// <summary>The type of what cannot be captured at all (socket, device); then the entry is only a path.</summary>
    public FileType? SkippedType { get; init; }

    /// <summary>
    /// The name of an attribute that was left out because the attributes of this entry are too large.
    /// </summary>
    public string? AttributeTooLarge { get; init; }

    /// <summary>Something that belongs to the asset and cannot be read.</summary>
    public static CapturedItem Unreadable(DiskPath path, RepriseException fault) =>
        new(new FileEntry { Type = FileEntryType.Missing, Path = path, Target = new DiskPath(fault.Code.Name) })
        {
            Fault = fault,
        };

    /// <summary>A socket or a device.</summary>
    public static CapturedItem Skipped(DiskPath path, FileType type) =>
        new(new FileEntry { Type = FileEntryType.Missing, Path = path }) { SkippedType = type };
}

/// <summary>What one turn of reading brought.</summary>
internal sealed class CaptureBatch
{
    private readonly byte[] buffer = new byte[CaptureScan.SmallFileBytes * 3 / 2];

    /// <summary>In the order of the list.</summary>
    public List<CapturedItem> Items { get; } = [];

    /// <summary>Bytes of the buffer that are taken.</summary>
    public int Used { get; set; }

    /// <summary>Bytes that are left; all of the buffer is room for at least one small file.</summary>
    public int Room => buffer.Length - Used;

    /// <summary>The part of the buffer that is not taken.</summary>
    public Span<byte> Free => buffer.AsSpan(Used);

    /// <summary>The bytes of its small files, in the order of the items.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Contents() =>
        [.. Items.Where(item => item.Offset >= 0).Select(item => (ReadOnlyMemory<byte>)buffer.AsMemory(item.Offset, item.Length))];

    /// <summary>Empties it for the next turn.</summary>
    public void Clear()
    {
        Items.Clear();
        Used = 0;
    }
}
