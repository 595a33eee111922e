using System.Buffers;
using System.Security.Cryptography;
using Reprise.Recovery.Assets;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;

namespace Reprise.Recovery.Files;

/// <summary>What a capture brought together.</summary>
internal sealed record CaptureSummary
{
    public required Content List { get; init; }

    public required Sha256Digest Sha256 { get; init; }

    public required SortedDictionary<string, long> Rows { get; init; }

    /// <summary>Bytes of the files, whether they were read or not.</summary>
    public required long SourceBytes { get; init; }

    /// <summary>Bytes that a restore needs room for, holes left out.</summary>
    public required long DataBytes { get; init; }

    /// <summary>Files whose bytes were taken from the last point, because nothing changed.</summary>
    public required long Unread { get; init; }

    public required bool IsIncomplete { get; init; }

    public required SortedSet<uint> Users { get; init; }

    public required SortedSet<uint> Groups { get; init; }
}

/// <summary>
/// The writing half of a capture: takes batches as <see cref="CaptureScan"/> reads them, two ahead, stores the bytes
/// and writes the list. Memory: three batches, two blocks of a large file, and what the point's writer takes.
/// </summary>
internal sealed class FilesCapture(Cpu cpu, CaptureContext context, string asset) : IDisposable
{
    /// <summary>Problems that are named one by one; the rest are counted, and every one is named in the list.</summary>
    public const int NamedProblems = 100;

    private const int BlockBytes = 1024 * 1024;
    private const int ListFlushBytes = 256 * 1024;
    private const int MaxOwners = 1000;

    private readonly FileListEncoder encoder = new();
    private readonly ArrayBufferWriter<byte> buffer = new(ListFlushBytes * 2);
    private readonly ContentWriter list = context.Writer.Begin(Cutting.ContentDefined, isList: true);
    private readonly SortedDictionary<string, long> rows = new(StringComparer.Ordinal)
    {
        ["files"] = 0, ["folders"] = 0, ["links"] = 0,
    };

    private readonly Dictionary<DiskPath, RepriseException> failedLinks = [];
    private readonly SortedSet<uint> users = [];
    private readonly SortedSet<uint> groups = [];
    private readonly byte[][] blocks = [new byte[BlockBytes], new byte[BlockBytes]];
    private readonly SortedDictionary<string, int> unnamed = new(StringComparer.Ordinal);
    private int named;
    private bool incomplete;
    private long sourceBytes;
    private long dataBytes;
    private long unread;

    /// <summary>Captures everything that <paramref name="scan"/> brings.</summary>
    public async Task<CaptureSummary> RunAsync(CaptureScan scan, CancellationToken cancellationToken)
    {
        FileListEncoder.Begin(buffer);
        await TakeAllAsync(scan, cancellationToken);
        foreach (var (code, count) in unnamed) context.Problems.Add(Unnamed(code, count));
        encoder.End(buffer);
        await list.WriteAsync(buffer.WrittenMemory, cancellationToken);
        return new CaptureSummary
        {
            List = await list.CompleteAsync(cancellationToken),
            Sha256 = encoder.Hash(),
            Rows = rows,
            SourceBytes = sourceBytes,
            DataBytes = dataBytes,
            Unread = unread,
            IsIncomplete = incomplete,
            Users = users,
            Groups = groups,
        };
    }

    /// <summary>As what an entry is counted, or null: it is not.</summary>
    public static string? RowOf(FileEntry entry) => entry.Type switch
    {
        _ when entry.Path.IsEmpty => null,
        FileEntryType.File or FileEntryType.HardLink => "files",
        FileEntryType.Folder => "folders",
        FileEntryType.SymbolicLink => "links",
        FileEntryType.Fifo => "pipes",
        _ => null,
    };

    /// <inheritdoc />
    public void Dispose() => encoder.Dispose();

    /// <summary>
    /// One batch is read while the one before it is compressed and the one before that gets its place: at each moment there
    /// is work for every core.
    /// </summary>
    private async Task TakeAllAsync(CaptureScan scan, CancellationToken cancellationToken)
    {
        CaptureBatch[] batches = [new(), new(), new()];
        var prepared = new ContentBatch?[batches.Length];
        var reading = cpu.RunAsync(() => scan.Fill(batches[0], cancellationToken), cancellationToken);
        try
        {
            var more = true;
            for (var turn = 0; more; turn++)
            {
                var (now, next, before) = (turn % 3, (turn + 1) % 3, (turn + 2) % 3);
                more = await reading;
                if (more)
                {
                    prepared[now] = context.Writer.Prepare(batches[now].Contents(), cancellationToken);
                    reading = cpu.RunAsync(() => scan.Fill(batches[next], cancellationToken), cancellationToken);
                }

                if (prepared[before] is not { } ready) continue;
                await TakeBatchAsync(batches[before], ready, cancellationToken);
                await ready.DisposeAsync();
                prepared[before] = null;
            }
        }
        finally
        {
            // The scan is still using its batch when something else failed; its own failure is then the second one.
            await Task.WhenAny(reading);
            foreach (var batch in prepared)
            {
                if (batch is not null) await batch.DisposeAsync();
            }

            foreach (var item in batches.SelectMany(batch => batch.Items)) item.Stream?.Dispose();
        }
    }

    private async Task TakeBatchAsync(CaptureBatch batch, ContentBatch prepared, CancellationToken cancellationToken)
    {
        var contents = new Queue<Content>(await context.Writer.TakeUpAsync(prepared, cancellationToken));
        foreach (var item in batch.Items)
            await TakeAsync(item, item.Offset >= 0 ? contents.Dequeue() : null, cancellationToken);
    }

    private async ValueTask TakeAsync(CapturedItem item, Content? stored, CancellationToken cancellationToken)
    {
        if (item.SkippedType is { } type)
        {
            var what = type == FileType.Socket ? "socket" : "device";
            Add(
                RecoveryErrors.FileSkipped,
                Severity.Note,
                $"{what} {item.Entry.Path} cannot be captured",
                item.Entry.Path);
            return;
        }

        if (item.AttributeTooLarge is { } attribute)
            AddIncomplete(
                RecoveryErrors.FileSkipped,
                $"attribute {attribute} of {item.Entry.Path} is too large",
                item.Entry.Path);
        var entry = item.Entry;
        if (item.Fault is { } fault) entry = Missing(entry.Path, fault);
        else if (item.Unchanged is not null && await AdoptAsync(item, cancellationToken) is { } adopted) entry = adopted;
        else if (item.Stream is not null) entry = await StreamAsync(item, item.Stream, cancellationToken);
        else if (stored is not null) entry = entry with { Content = Counted(stored) };
        else if (entry.Type == FileEntryType.HardLink && failedLinks.TryGetValue(entry.Target, out var failed))
            entry = Missing(entry.Path, failed);
        await AppendAsync(entry, cancellationToken);
    }

    private Content Counted(Content stored)
    {
        Count((int)stored.LengthBytes);
        dataBytes += stored.LengthBytes;
        return stored;
    }

    /// <summary>Takes the bytes from the last point; null when they are not whole there.</summary>
    private async ValueTask<FileEntry?> AdoptAsync(CapturedItem item, CancellationToken cancellationToken)
    {
        var (point, known) = (context.PreviousPoint, item.Unchanged);
        if (point is null || known is null) return null;
        if (await context.Writer.AdoptAsync(point, known, cancellationToken) is not { } content) return null;
        item.Stream?.Dispose();
        unread++;
        sourceBytes += content.LengthBytes;
        dataBytes += known.Depth > 0
            ? Math.Min(content.LengthBytes, item.Status?.AllocatedBytes ?? long.MaxValue)
            : known.Parts.Where(part => !part.IsHole).Sum(part => (long)part.PlainBytes);
        context.Progress.Advance(content.LengthBytes);
        return item.Entry with { Content = content };
    }

    /// <summary>Stores a large file, again while it changes.</summary>
    private async Task<FileEntry> StreamAsync(CapturedItem item, IDiskFile file, CancellationToken cancellationToken)
    {
        using var _ = file;
        var status = item.Status ?? file.Stat();
        for (var attempt = 0; ; attempt++)
        {
            var copy = await CopyAsync(file, status, cancellationToken);
            if (copy.Fault is { } fault)
            {
                failedLinks[item.Entry.Path] = fault;
                return Missing(item.Entry.Path, fault);
            }

            var after = file.Stat();
            var whole = copy.Content.LengthBytes == status.SizeBytes;
            var flags = FileEntryFlags.None;
            if (!whole || !CaptureScan.IsSame(status, after))
            {
                if (whole && after.SizeBytes > status.SizeBytes
                    && await IsSameStartAsync(file, copy.Content, cancellationToken))
                {
                    flags = FileEntryFlags.Growing;
                }
                else if (attempt < CaptureScan.Retries)
                {
                    status = after;
                    continue;
                }
                else
                {
                    flags = FileEntryFlags.Changing;
                }
            }

            dataBytes += copy.DataBytes;
            return FileEntry.Of(FileEntryType.File, item.Entry.Path, status) with
            {
                Flags = flags,
                Attributes = item.Entry.Attributes,
                Content = copy.Content,

                // Read again after a change, it is too young to be relied on.
                Changed = attempt == 0 && flags == FileEntryFlags.None ? item.Entry.Changed : default,
            };
        }
    }

    /// <summary>
    /// Stores the file up to the size of <paramref name="status"/>, one block read ahead of the one that is stored.
    /// </summary>
    private async Task<Copy> CopyAsync(IDiskFile file, FileStatus status, CancellationToken cancellationToken)
    {
        var writer = context.Writer.Begin(Cutting.ContentDefined);
        var reader = new ExtentReader(file, status);
        var copied = 0L;
        var turn = 0;
        var reading = cpu.RunAsync(() => reader.Next(blocks[0]), cancellationToken);
        while (true)
        {
            var piece = await reading;
            if (piece.Fault is not null)
                return new Copy(new Content { LengthBytes = 0, Sha256 = default, Parts = [] }, 0, piece.Fault);
            if (piece.IsEnd) break;
            var (full, free) = (blocks[turn], blocks[1 - turn]);
            turn = 1 - turn;
            reading = cpu.RunAsync(() => reader.Next(free), cancellationToken);
            try
            {
                if (piece.HoleBytes > 0) await writer.WriteZerosAsync(piece.HoleBytes, cancellationToken);
                else await writer.WriteAsync(full.AsMemory(0, piece.DataBytes), cancellationToken);
            }
            catch
            {
                await Task.WhenAny(reading);
                throw;
            }

            Count(piece.DataBytes);
            copied += piece.DataBytes;
        }

        return new Copy(await writer.CompleteAsync(cancellationToken), copied, null);
    }

    private async Task<bool> IsSameStartAsync(IDiskFile file, Content content, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (var offset = 0L; offset < content.LengthBytes;)
        {
            var at = offset;
            var count = await cpu.RunAsync(
                () =>
                {
                    var wanted = (int)Math.Min(BlockBytes, content.LengthBytes - at);
                    var read = file.Read(at, blocks[0].AsSpan(0, wanted));
                    hash.AppendData(blocks[0].AsSpan(0, read));
                    return read;
                },
                cancellationToken);
            if (count == 0) return false;
            offset += count;
        }

        return hash.GetHashAndReset().AsSpan().SequenceEqual(content.Sha256.Bytes);
    }

    private async ValueTask AppendAsync(FileEntry entry, CancellationToken cancellationToken)
    {
        if (entry.Flags.HasFlag(FileEntryFlags.Changing))
            AddIncomplete(RecoveryErrors.FileChanging, $"{entry.Path} changed each time it was read", entry.Path);
        if (entry.Flags.HasFlag(FileEntryFlags.Growing))
            context.Progress.Note(
                $"{entry.Path} grew while it was read; the point has it as it was when it was opened");
        if (RowOf(entry) is { } row) rows[row] = rows.GetValueOrDefault(row) + 1;
        if (entry.Type != FileEntryType.Missing && users.Count < MaxOwners && groups.Count < MaxOwners)
        {
            users.Add(entry.User);
            groups.Add(entry.Group);
        }

        encoder.Add(buffer, entry);
        if (buffer.WrittenCount < ListFlushBytes) return;
        await list.WriteAsync(buffer.WrittenMemory, cancellationToken);
        buffer.ResetWrittenCount();
    }

    private void Count(int bytes)
    {
        if (bytes == 0) return;
        sourceBytes += bytes;
        context.Progress.Advance(bytes);
    }

    private FileEntry Missing(DiskPath path, RepriseException fault)
    {
        AddIncomplete(RecoveryErrors.FileUnreadable, fault.Message, path);
        return new FileEntry { Type = FileEntryType.Missing, Path = path, Target = new DiskPath(fault.Code.Name) };
    }

    private void AddIncomplete(ErrorCode code, string message, DiskPath path)
    {
        incomplete = true;
        Add(code, Severity.Error, message, path);
    }

    private void Add(ErrorCode code, Severity severity, string message, DiskPath path)
    {
        if (named++ >= NamedProblems)
        {
            unnamed[code.Name] = unnamed.GetValueOrDefault(code.Name) + 1;
            return;
        }

        var hint = code == RecoveryErrors.FileUnreadable ? "let the user that runs the backup read it, or exclude it"
            : code == RecoveryErrors.FileChanging ? "exclude it, or let a hook hold the application still during "
                + "the backup"
            : "exclude it, to silence this";
        context.Problems.Add(new Problem(code, severity, message, hint) { Asset = asset, Where = path.ToString() });
    }

    private Problem Unnamed(string code, int count)
    {
        ErrorCode[] codes = [RecoveryErrors.FileUnreadable, RecoveryErrors.FileChanging, RecoveryErrors.FileSkipped];
        var known = codes.First(candidate => candidate.Name == code);
        var severity = known == RecoveryErrors.FileSkipped ? Severity.Note : Severity.Error;
        return new Problem(
            known,
            severity,
            $"{count:N0} more like the {NamedProblems} problems above",
            "correct those first, then look again")
        {
            Asset = asset,
        };
    }

    private sealed record Copy(Content Content, long DataBytes, RepriseException? Fault);
}

/// <summary>Reads a file piece by piece up to the size that it had, and tells the long holes.</summary>
internal sealed class ExtentReader(IDiskFile file, FileStatus status)
{
    /// <summary>Shorter holes are read as the zeros that they are: each stored hole ends a chunk.</summary>
    private const int ShortestHoleBytes = 64 * 1024;

    private readonly bool sparse = status.AllocatedBytes < status.SizeBytes;
    private long position;
    private long dataUntil;

    /// <summary>The next piece: data in <paramref name="buffer"/>, a hole, the end, or why it cannot be read.</summary>
    public Piece Next(byte[] buffer)
    {
        try
        {
            if (position >= status.SizeBytes) return default;
            if (position >= dataUntil)
            {
                var data = sparse ? NextData() : position;
                if (data - position >= ShortestHoleBytes || data >= status.SizeBytes)
                {
                    var hole = data - position;
                    position = data;
                    if (hole > 0) return new Piece(0, hole, null);
                }

                dataUntil = sparse ? Math.Min(file.NextHole(data), status.SizeBytes) : status.SizeBytes;
            }

            var read = file.Read(position, buffer.AsSpan(0, (int)Math.Min(buffer.Length, dataUntil - position)));
            position = read == 0 ? status.SizeBytes : position + read;
            return new Piece(read, 0, null);
        }
        catch (RepriseException e)
        {
            return new Piece(0, 0, e);
        }
    }

    private long NextData() => Math.Min(file.NextData(position) ?? status.SizeBytes, status.SizeBytes);

    /// <summary>What came.</summary>
    internal readonly record struct Piece(int DataBytes, long HoleBytes, RepriseException? Fault)
    {
        /// <summary>Whether the file has ended, or is shorter than it was.</summary>
        public bool IsEnd => DataBytes == 0 && HoleBytes == 0 && Fault is null;
    }
}
