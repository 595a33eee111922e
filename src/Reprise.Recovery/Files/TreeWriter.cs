using Reprise.Recovery.Assets;
using Reprise.Repository.Format;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;

namespace Reprise.Recovery.Files;

/// <summary>How a tree is written.</summary>
internal sealed record TreeWriting
{
    /// <summary>An existing folder that holds nothing yet.</summary>
    public required DiskPath Tree { get; init; }

    /// <summary>Whether folders get their modes, owners and times; else they stay open to us alone.</summary>
    public required bool WithFolders { get; init; }

    /// <summary>Which relative paths are left out.</summary>
    public required Func<DiskPath, bool> LeftOut { get; init; }

    /// <summary>Hears every entry that is written, in order.</summary>
    public required Action<FileEntry> Written { get; init; }
}

/// <summary>
/// Writes the entries of a list into an empty folder. Small files are gathered into batches that are written while the
/// next ones are read from the repository; large ones stream. Nothing leaves the folder: the list promises plain
/// relative paths below folders that it names (see <see cref="FileListReader"/>), every name is created and none
/// opened, and what holds a hard link is looked at first.
/// </summary>
internal sealed class TreeWriter(IDisk disk, Cpu cpu, TreeWriting writing, MetadataTally tally)
{
    private const int BatchBytes = 1024 * 1024;
    private const int BatchEntries = 256;
    private const int PrivateFolder = 0x1C0;

    private readonly EntryMetadata metadata = new(disk, tally);
    private readonly Stack<FileEntry> folders = new();
    private bool syncEach;

    /// <summary>Writes everything, durably on return.</summary>
    public async Task WriteAsync(
        FileListReader list, PointReader point, IProgressSink progress, CancellationToken cancellationToken)
    {
        syncEach = !await cpu.RunAsync(TrySyncAll, cancellationToken);
        var (filling, free) = (new Batch(), new Batch());
        var storing = Task.CompletedTask;
        try
        {
            while (await cpu.RunAsync(() => Entries(list), cancellationToken) is { Count: > 0 } entries)
            {
                foreach (var entry in entries)
                {
                    var length = entry.Content?.LengthBytes ?? 0;
                    if (length > CaptureScan.SmallFileBytes)
                    {
                        await storing;
                        await StoreAsync(filling, cancellationToken);
                        filling.Clear();
                        storing = Task.CompletedTask;
                        await StreamAsync(entry, point, progress, cancellationToken);
                        continue;
                    }

                    if (filling.Used + length > BatchBytes || filling.Items.Count == BatchEntries)
                    {
                        await storing;
                        storing = StoreAsync(filling, cancellationToken);
                        (filling, free) = (free, filling);
                        filling.Clear();
                    }

                    await filling.AddAsync(entry, point, cancellationToken);
                    progress.Advance(length);
                }
            }

            await storing;
            await StoreAsync(filling, cancellationToken);
        }
        finally
        {
            await Task.WhenAny(storing);
        }

        await cpu.RunAsync(
            () =>
            {
                Leave(null);
                TrySyncAll();
            },
            cancellationToken);
    }

    private static List<FileEntry> Entries(FileListReader list)
    {
        var entries = new List<FileEntry>(BatchEntries);
        while (entries.Count < BatchEntries && list.Next() is { } entry) entries.Add(entry);
        return entries;
    }

    // One call makes thousands of files durable; where there is none, each file is synced.
    private bool TrySyncAll()
    {
        try
        {
            disk.SyncFileSystem(writing.Tree);
            return true;
        }
        catch (RepriseException e) when (e.Code == StorageErrors.DiskUnsupported)
        {
            return false;
        }
    }

    private Task StoreAsync(Batch batch, CancellationToken cancellationToken) => cpu.RunAsync(
        () =>
        {
            foreach (var (entry, offset) in batch.Items)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (!Place(entry)) continue;
                using var file = disk.CreateNew(writing.Tree / entry.Path);
                file.Write(0, batch.Bytes(entry, offset));
                Finish(file, entry);
            }
        },
        cancellationToken);

    /// <summary>
    /// Makes everything but regular files; true when <paramref name="entry"/> is one that is to be written.
    /// </summary>
    private bool Place(FileEntry entry)
    {
        if (writing.LeftOut(entry.Path) || (entry.Type == FileEntryType.HardLink && writing.LeftOut(entry.Target)))
        {
            tally.LeftOut++;
            return false;
        }

        Leave(entry.Path);
        var path = writing.Tree / entry.Path;
        switch (entry.Type)
        {
            case FileEntryType.File:
                return true;
            case FileEntryType.Folder:
                if (!entry.Path.IsEmpty) MakeFolder(path);
                folders.Push(entry);
                break;
            case FileEntryType.SymbolicLink:
                disk.MakeSymbolicLink(path, entry.Target);
                metadata.Apply(path, entry, StatusOf(path));
                break;
            case FileEntryType.Fifo:
                disk.MakeFifo(path, entry.Mode);
                metadata.Apply(path, entry, StatusOf(path));
                break;
            case FileEntryType.HardLink:
                Link(path, entry);
                break;
            case FileEntryType.Missing:
                return false;
            default:
                throw new InvalidOperationException($"entry type {entry.Type} is not known");
        }

        writing.Written(entry);
        return false;
    }

    private void MakeFolder(DiskPath path)
    {
        // Two names that are one on this file system (it ignores case) would let a link stand where a folder was asked
        // for.
        if (disk.Stat(path) is not null)
            throw DiskError(StorageErrors.FileExists, path, "is one with another name on this file system");
        disk.MakeFolder(path, PrivateFolder);
    }

    private void Link(DiskPath path, FileEntry entry)
    {
        for (var folder = entry.Target.Parent; !folder.IsEmpty; folder = folder.Parent)
        {
            if (disk.Stat(writing.Tree / folder)?.Type != FileType.Folder)
                throw ByteReader.Broken($"hard link {entry.Path} leads through '{folder}', which is not a folder");
        }

        if (disk.Stat(writing.Tree / entry.Target)?.Type != FileType.Regular)
            throw ByteReader.Broken($"hard link {entry.Path} has no file at '{entry.Target}'");
        if (!disk.Link(writing.Tree / entry.Target, path))
            throw DiskError(StorageErrors.FileExists, path, "is one with another name on this file system");
    }

    private async Task StreamAsync(
        FileEntry entry, PointReader point, IProgressSink progress, CancellationToken cancellationToken)
    {
        if (!await cpu.RunAsync(() => Place(entry), cancellationToken)) return;
        var content = entry.Content ?? throw new InvalidOperationException("only files are streamed");
        using var file = await cpu.RunAsync(() => Create(entry, content), cancellationToken);
        await foreach (var block in point.ReadAsync(content, cancellationToken))
        {
            if (!block.Bytes.IsEmpty)
                await cpu.RunAsync(() => file.Write(block.OffsetBytes, block.Bytes.Span), cancellationToken);
            progress.Advance(block.Bytes.Length + block.HoleBytes);
        }

        await cpu.RunAsync(
            () =>
            {
                file.SetLength(content.LengthBytes);
                Finish(file, entry);
            },
            cancellationToken);
    }

    private IDiskFile Create(FileEntry entry, Content content)
    {
        var file = disk.CreateNew(writing.Tree / entry.Path);
        var reserved = false;
        try
        {
            // A disk that is too small says so now, and not after half of the bytes. Holes must not be filled by it.
            if (content.Depth == 0 && !content.Parts.Any(part => part.IsHole)) file.Reserve(content.LengthBytes);
            reserved = true;
        }
        finally
        {
            if (!reserved) file.Dispose();
        }

        return file;
    }

    private void Finish(IDiskFile file, FileEntry entry)
    {
        if (syncEach) file.Sync();
        metadata.Apply(writing.Tree / entry.Path, entry, file.Stat());
        writing.Written(entry);
    }

    /// <summary>Finishes the folders that <paramref name="next"/> is not in; all of them at the end.</summary>
    private void Leave(DiskPath? next)
    {
        while (folders.TryPeek(out var folder) && !(next is { } path && IsBelow(path, folder.Path)))
        {
            folders.Pop();
            var place = writing.Tree / folder.Path;
            if (writing.WithFolders && !folder.Path.IsEmpty) metadata.Apply(place, folder, StatusOf(place));
        }
    }

    private static bool IsBelow(DiskPath path, DiskPath folder) => folder.IsEmpty || path.IsWithin(folder);

    private FileStatus StatusOf(DiskPath path) =>
        disk.Stat(path) ?? throw DiskError(StorageErrors.FileMissing, path, "vanished while it was restored");

    private static RepriseException DiskError(ErrorCode code, DiskPath path, string what) => new(
        new Problem(code, Severity.Error, $"{path} {what}", "look at what else works in this folder, then try again")
        {
            Where = path.ToString(),
        });

    /// <summary>Entries with the bytes of the small files among them.</summary>
    private sealed class Batch
    {
        private readonly byte[] buffer = new byte[BatchBytes];

        public List<(FileEntry Entry, int Offset)> Items { get; } = [];

        public int Used { get; private set; }

        public ReadOnlySpan<byte> Bytes(FileEntry entry, int offset) =>
            buffer.AsSpan(offset, (int)(entry.Content?.LengthBytes ?? 0));

        public void Clear()
        {
            Items.Clear();
            Used = 0;
        }

        public async ValueTask AddAsync(FileEntry entry, PointReader point, CancellationToken cancellationToken)
        {
            Items.Add((entry, Used));
            if (entry.Content is not { LengthBytes: > 0 } content) return;
            var start = Used;
            Used += (int)content.LengthBytes;
            buffer.AsSpan(start, Used - start).Clear();
            await foreach (var block in point.ReadAsync(content, cancellationToken))
                block.Bytes.CopyTo(buffer.AsMemory(start + (int)block.OffsetBytes));
        }
    }
}
