using System.Collections.Concurrent;
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

    /// <summary>Which relative paths are left out, because something else owns them by now.</summary>
    public required Func<DiskPath, bool> LeftOut { get; init; }

    /// <summary>Which are left out because their content cannot be read.</summary>
    public Func<DiskPath, bool> Damaged { get; init; } = _ => false;

    /// <summary>Hears every entry that is about to be written, in order.</summary>
    public required Action<FileEntry> Written { get; init; }
}

/// <summary>
/// Writes the entries of a list into an empty folder. Short files are gathered into batches, of which some are read and
/// written at once, and beside them a long one streams: it waits for the disk while they keep the cores busy. Nothing leaves the folder: the list promises plain
/// relative paths below folders that it names (see <see cref="FileListReader"/>), every name is created and none
/// opened, and what holds a hard link is looked at first.
/// </summary>
internal sealed class TreeWriter(IDisk disk, Cpu cpu, TreeWriting writing, MetadataTally tally)
{
    private const int BatchBytes = 2 * 1024 * 1024;
    private const int BatchEntries = 256;
    private const int PrivateFolder = 0x1C0;
    private const int ReadAndRun = 5;

    /// <summary>Lists of <see cref="BatchEntries"/> entries whose packs are asked for before they are needed.</summary>
    private const int ListsAhead = 8;

    /// <summary>Files up to this are written whole, many in one piece of work; longer ones stream.</summary>
    private const int ShortFileBytes = 1024 * 1024;

    /// <summary>From here on a file is written past the page cache: finding room in it costs more than waiting for the disk.</summary>
    private const int DirectBytes = 64 * 1024;

    /// <summary>After this many bytes the file system is told to write them.</summary>
    private const long WriteBackBytes = 128L * 1024 * 1024;

    /// <summary>Batches that are read and written at once.</summary>
    private const int BatchesInFlight = 4;

    /// <summary>Long files that stream at once: one waits for the disk while the other is opened.</summary>
    private const int StreamsInFlight = 2;

    /// <summary>Pieces of work that may have ended while one before them goes on: what they remember are folders.</summary>
    private const int MostRemembered = 4096;

    private readonly EntryMetadata metadata = new(disk, tally);
    private readonly Stack<FileEntry> folders = new();

    /// <summary>What was begun, in the order of the list, and the folders that were left before it.</summary>
    private readonly Queue<(Task Work, List<FileEntry> Left)> inFlight = new();

    private readonly Queue<Task> batches = new();
    private readonly Queue<(LongFileWriter Writer, Task Last)> streams = new();
    private readonly ConcurrentBag<DirectBuffer> rooms = [];
    private readonly Queue<List<FileEntry>> ahead = new();
    private List<FileEntry> left = [];
    private bool syncEach;
    private Task writingBack = Task.CompletedTask;
    private long dirtyBytes;

    /// <summary>Writes everything, durably on return.</summary>
    public async Task WriteAsync(
        FileListReader list, PointReader point, IProgressSink progress, CancellationToken cancellationToken)
    {
        syncEach = !await cpu.RunAsync(TrySyncAll, cancellationToken);
        for (var number = 0; number < StreamsInFlight; number++)
            streams.Enqueue((new LongFileWriter(cpu, point.Beside()), Task.CompletedTask));
        try
        {
            await WriteEachAsync(list, point, progress, cancellationToken);
            await EndAsync(0, cancellationToken);
            await writingBack;
        }
        finally
        {
            // Whatever failed, nothing goes on behind the caller's back, who may delete what is here.
            foreach (var (work, _) in inFlight) await Task.WhenAny(work);
            await Task.WhenAny(writingBack);
        }

        await cpu.RunAsync(
            () =>
            {
                Leave(null);
                Finish(left);
                TrySyncAll();
            },
            cancellationToken);
    }

    private async Task WriteEachAsync(
        FileListReader list, PointReader point, IProgressSink progress, CancellationToken cancellationToken)
    {
        var batch = new Batch();
        while (await cpu.RunAsync(() => Entries(list, point), cancellationToken) is { Count: > 0 } entries)
        {
            foreach (var entry in entries)
            {
                var isShort = entry.Content is not { } content || IsShort(content);
                if (!isShort || entry.Type == FileEntryType.HardLink || !batch.HasRoom(entry))
                {
                    await BeginAsync(batch, point, progress, cancellationToken);
                    batch = new Batch();
                }

                // What a hard link names has to be there.
                if (entry.Type == FileEntryType.HardLink) await EndAsync(0, cancellationToken);
                if (isShort) batch.Add(entry);
                else await StreamAsync(entry, progress, cancellationToken);
            }
        }

        await BeginAsync(batch, point, progress, cancellationToken);
    }

    // One with holes streams.
    private static bool IsShort(Content content) =>
        content is { Depth: 0, LengthBytes: <= ShortFileBytes } && !content.Parts.Any(part => part.IsHole);

    // A disk that is told early what will be read is never waited for.
    private List<FileEntry> Entries(FileListReader list, PointReader point)
    {
        while (ahead.Count < ListsAhead)
        {
            var entries = new List<FileEntry>(BatchEntries);
            while (entries.Count < BatchEntries && list.Next() is { } entry) entries.Add(entry);
            point.Expect(entries.Select(entry => entry.Content).OfType<Content>());
            ahead.Enqueue(entries);
        }

        return ahead.Dequeue();
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

    /// <summary>Makes folders and links of a batch in their order, then starts writing its files.</summary>
    private async Task BeginAsync(
        Batch batch, PointReader point, IProgressSink progress, CancellationToken cancellationToken)
    {
        await EndAsync(BatchesInFlight - 1, cancellationToken);
        var files = await cpu.RunAsync(
            () =>
            {
                var placed = new List<FileEntry>();
                foreach (var entry in batch.Entries)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    if (Place(entry)) placed.Add(entry);
                }

                return placed;
            },
            cancellationToken);
        var work = files.Count == 0 ? Task.CompletedTask : StoreAsync(files, point, cancellationToken);
        batches.Enqueue(work);
        Begun(work);
        progress.Advance(batch.Bytes);
        await WriteBackAsync(batch.Bytes, cancellationToken);
    }

    // Linux keeps gigabytes in memory before it begins to write: the disk would do nothing until the end, and all then.
    private async ValueTask WriteBackAsync(long bytes, CancellationToken cancellationToken)
    {
        dirtyBytes += bytes;
        if (dirtyBytes < WriteBackBytes || syncEach || !writingBack.IsCompleted) return;
        await writingBack;
        dirtyBytes = 0;
        writingBack = cpu.RunAsync(TrySyncAll, cancellationToken);
    }

    private void Begun(Task work)
    {
        inFlight.Enqueue((work, left));
        left = [];
    }

    /// <summary>
    /// Waits for batches until <paramref name="most"/> are in flight, for everything when that is 0, and finishes folders of
    /// which nothing is written any more.
    /// </summary>
    private async Task EndAsync(int most, CancellationToken cancellationToken)
    {
        while (batches.Count > most) await batches.Dequeue();
        while (inFlight.TryPeek(out var first) && (most == 0 || first.Work.IsCompleted || inFlight.Count > MostRemembered))
        {
            await first.Work;
            inFlight.Dequeue();
            if (first.Left.Count > 0) await cpu.RunAsync(() => Finish(first.Left), cancellationToken);
        }
    }

    private async Task StoreAsync(List<FileEntry> files, PointReader point, CancellationToken cancellationToken)
    {
        if (!rooms.TryTake(out var room)) room = new DirectBuffer(ShortFileBytes);
        await point.ReadEachAsync(
            [.. files.Select(entry => entry.Content ?? throw new InvalidOperationException("a file without content"))],
            room.Memory,
            (number, bytes) =>
            {
                var entry = files[number];
                using var file = Create(entry);
                if (bytes.Length >= DirectBytes) room.WriteMostTo(file, bytes.Length);
                else if (!bytes.IsEmpty) file.Write(0, bytes);
                Finish(file, entry);
            },
            cancellationToken);
        rooms.Add(room);
    }

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

        if (writing.Damaged(entry.Path)) return false;

        Leave(entry.Path);
        var path = writing.Tree / entry.Path;
        switch (entry.Type)
        {
            case FileEntryType.File:
                writing.Written(entry);
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
        FileEntry entry, IProgressSink progress, CancellationToken cancellationToken)
    {
        await streams.Peek().Last;
        if (!await cpu.RunAsync(() => Place(entry), cancellationToken)) return;
        var content = entry.Content ?? throw new InvalidOperationException("only files are streamed");
        var file = await cpu.RunAsync(() => Create(entry), cancellationToken);
        var (writer, _) = streams.Dequeue();
        var proving = writer.WriteAsync(file, content, written => Finish(written, entry), progress, cancellationToken);
        streams.Enqueue((writer, proving));
        Begun(proving.Unwrap());
    }

    // Nobody else may write before it is whole, and until it has its group nobody may read it as a member of ours.
    private IDiskFile Create(FileEntry entry)
    {
        var (group, others) = ((entry.Mode >> 3) & ReadAndRun, entry.Mode & ReadAndRun);
        var shared = group == others ? (group << 3) | others : 0;
        return disk.CreateNew(writing.Tree / entry.Path, (entry.Mode & PrivateFolder) | shared);
    }

    private void Finish(IDiskFile file, FileEntry entry)
    {
        if (syncEach) file.Sync();
        metadata.Apply(writing.Tree / entry.Path, entry, file.Stat(), file);
    }

    /// <summary>
    /// Leaves the folders that <paramref name="next"/> is not in; all of them at the end. They are finished when the files
    /// that are being written in them are.
    /// </summary>
    private void Leave(DiskPath? next)
    {
        while (folders.TryPeek(out var folder) && !(next is { } path && IsBelow(path, folder.Path)))
        {
            folders.Pop();
            if (writing.WithFolders && !folder.Path.IsEmpty) left.Add(folder);
        }
    }

    private void Finish(List<FileEntry> finished)
    {
        foreach (var folder in finished)
        {
            var place = writing.Tree / folder.Path;
            metadata.Apply(place, folder, StatusOf(place));
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

    /// <summary>Entries that are written together.</summary>
    private sealed class Batch
    {
        public List<FileEntry> Entries { get; } = [];

        public long Bytes { get; private set; }

        public bool HasRoom(FileEntry entry) =>
            Entries.Count == 0
            || (Entries.Count < BatchEntries && Bytes + (entry.Content?.LengthBytes ?? 0) <= BatchBytes);

        public void Add(FileEntry entry)
        {
            Entries.Add(entry);
            Bytes += entry.Content?.LengthBytes ?? 0;
        }
    }
}
