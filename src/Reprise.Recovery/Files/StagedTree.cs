using System.Buffers;
using System.Security.Cryptography;
using Reprise.Recovery.Assets;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Runtime;

namespace Reprise.Recovery.Files;

/// <summary>
/// Proves a staged tree against its list: every entry is there, is of its type, has its bytes (all are read again),
/// mode and time; and nothing else is there.
/// </summary>
internal sealed class StagedTree(IDisk disk, Cpu cpu, FilesSlot slot, AssetRecord record, Func<DiskPath, bool> leftOut)
{
    private const int SliceEntries = 2000;
    private const long SliceBytes = 64L * 1024 * 1024;
    private const int SetIds = 0xC00;

    private readonly byte[] buffer = new byte[1024 * 1024];
    private readonly Question present = new(
        "every entry of the point is staged, and nothing else", "file-missing");
    private readonly Question content = new(
        "every file has the SHA-256 that the point says", "file-altered");
    private readonly Question metadata = new(
        "types, modes, times and link targets are those of the point", "file-metadata-differs");
    private readonly Question owners = new("owners are those of the point", RecoveryErrors.PrivilegeMissing.Name);
    private readonly ArrayBufferWriter<byte> encoded = new();
    private readonly SortedDictionary<string, long> listed = new(StringComparer.Ordinal);
    private long files;

    /// <summary>Reads everything that is staged and answers.</summary>
    public async Task<IReadOnlyList<CheckOutcome>> VerifyAsync(
        string asset, TimeProvider clock, IProgressSink progress, CancellationToken cancellationToken)
    {
        var started = clock.GetTimestamp();
        using var list = new FileListReader(disk, slot.List);
        using var encoder = new FileListEncoder();
        while (true)
        {
            var (bytes, more) = await cpu.RunAsync(() => Slice(list, encoder, cancellationToken), cancellationToken);
            progress.Advance(bytes);
            if (!more) break;
        }

        CompareList(encoder.Hash());
        await cpu.RunAsync(CountStaged, cancellationToken);
        var elapsed = clock.GetElapsedTime(started);
        return
        [
            Answer(asset + "-files", CheckLevel.Structure, present, elapsed),
            Answer(asset + "-content", CheckLevel.Bytes, content, elapsed),
            Answer(asset + "-metadata", CheckLevel.Structure, metadata, elapsed),
            AnswerOwners(asset, elapsed),
        ];
    }

    private (long Bytes, bool More) Slice(FileListReader list, FileListEncoder encoder, CancellationToken cancellationToken)
    {
        var bytes = 0L;
        for (var entries = 0; entries < SliceEntries && bytes < SliceBytes; entries++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (list.Next() is not { } entry) return (bytes, false);
            encoder.Add(encoded, entry);
            encoded.ResetWrittenCount();
            if (FilesCapture.RowOf(entry) is { } row) listed[row] = listed.GetValueOrDefault(row) + 1;
            bytes += Check(entry, cancellationToken);
        }

        return (bytes, true);
    }

    // A list that is intact may still be another one than the point speaks of.
    private void CompareList(Sha256Digest hash)
    {
        var differing = listed.Keys.Union(record.Rows.Keys, StringComparer.Ordinal)
            .FirstOrDefault(row => listed.GetValueOrDefault(row) != record.Rows.GetValueOrDefault(row));
        if (differing is not null)
        {
            var (there, wanted) = (listed.GetValueOrDefault(differing), record.Rows.GetValueOrDefault(differing));
            present.Fails($"the point speaks of {wanted:N0} {differing}, its list has {there:N0}");
        }
        else if (hash != record.Sha256)
        {
            content.Fails($"the list of the point has sha256 {hash}, it speaks of {record.Sha256}");
        }
    }

    private long Check(FileEntry entry, CancellationToken cancellationToken)
    {
        if (entry.Type == FileEntryType.Missing || leftOut(entry.Path)) return 0;
        if (entry.Type == FileEntryType.HardLink && leftOut(entry.Target)) return 0;
        present.Asked++;
        var path = slot.Tree / entry.Path;
        if (disk.Stat(path) is not { } status)
        {
            present.Fails($"{entry.Path} is not staged");
            return 0;
        }

        files++;
        var type = entry.Type switch
        {
            FileEntryType.Folder => FileType.Folder,
            FileEntryType.SymbolicLink => FileType.SymbolicLink,
            FileEntryType.Fifo => FileType.Fifo,
            _ => FileType.Regular,
        };
        metadata.Asked++;
        if (status.Type != type)
        {
            metadata.Fails($"{entry.Path} is a {status.Type}, not a {type}");
            return 0;
        }

        // Folders get their modes and times when they become live.
        if (type == FileType.Folder) return 0;
        CheckMetadata(entry, path, status);
        return entry.Type == FileEntryType.File ? CheckContent(entry, path, cancellationToken) : 0;
    }

    private void CheckMetadata(FileEntry entry, DiskPath path, FileStatus status)
    {
        if (entry.Type == FileEntryType.HardLink)
        {
            var first = disk.Stat(slot.Tree / entry.Target);
            if (first?.Inode != status.Inode || first.Device != status.Device)
                metadata.Fails($"{entry.Path} is not another name of {entry.Target}");
            return;
        }

        owners.Asked++;
        var owned = status.User == entry.User && status.Group == entry.Group;
        if (!owned)
            owners.Fails($"{entry.Path} belongs to {status.User}:{status.Group}, not {entry.User}:{entry.Group}");
        var mode = owned ? entry.Mode : entry.Mode & ~SetIds;
        if (entry.Type != FileEntryType.SymbolicLink && status.Mode != mode)
            metadata.Fails($"{entry.Path} has mode {Octal(status.Mode)}, not {Octal(mode)}");
        if (status.Modified != entry.Modified)
            metadata.Fails($"{entry.Path} has another time than in the point");
        if (entry.Type == FileEntryType.SymbolicLink && disk.ReadSymbolicLink(path) != entry.Target)
            metadata.Fails($"{entry.Path} leads elsewhere than in the point");
    }

    private long CheckContent(FileEntry entry, DiskPath path, CancellationToken cancellationToken)
    {
        var wanted = entry.Content ?? throw new InvalidOperationException("a file without content");
        this.content.Asked++;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var file = disk.OpenRead(path);
        var offset = 0L;
        for (int read; (read = file.Read(offset, buffer)) > 0; offset += read)
        {
            cancellationToken.ThrowIfCancellationRequested();
            hash.AppendData(buffer.AsSpan(0, read));
        }

        if (offset != wanted.LengthBytes || !hash.GetHashAndReset().AsSpan().SequenceEqual(wanted.Sha256.Bytes))
            this.content.Fails($"{entry.Path} does not have the bytes of the point");
        return offset;
    }

    private void CountStaged()
    {
        var staged = 0L;
        var open = new Stack<DiskPath>();
        open.Push(slot.Tree);
        while (open.TryPop(out var folder))
        {
            staged++;
            foreach (var entry in disk.List(folder))
            {
                var path = folder / entry.Name;
                if ((entry.Type ?? disk.Stat(path)?.Type) == FileType.Folder) open.Push(path);
                else staged++;
            }
        }

        if (staged != files) present.Fails($"{staged:N0} entries are staged, {files:N0} belong to the point");
    }

    private static CheckOutcome Answer(string name, CheckLevel level, Question question, TimeSpan elapsed) => new()
    {
        Name = name,
        Level = level,
        Outcome = question.Failed == 0 ? Outcome.Pass : Outcome.Fail,
        Expected = question.Text,
        Actual = question.Failed == 0 ? $"{question.Asked:N0} of {question.Asked:N0}" : question.Summary,
        Elapsed = elapsed,
        Reason = question.Failed == 0 ? null : question.Reason,
    };

    private CheckOutcome AnswerOwners(string asset, TimeSpan elapsed) =>
        Answer(asset + "-owners", CheckLevel.Structure, owners, elapsed) with { Required = false };

    private static string Octal(int mode) => "0" + Convert.ToString(mode, 8);

    /// <summary>One question, how often it was asked, and the first answers that were wrong.</summary>
    private sealed class Question(string text, string reason)
    {
        private const int Named = 3;

        private readonly List<string> first = [];

        public string Text => text;

        public string Reason => reason;

        public long Asked { get; set; }

        public long Failed { get; private set; }

        public string Summary => string.Join("; ", first) + (Failed > Named ? $"; and {Failed - Named:N0} more" : "");

        public void Fails(string what)
        {
            if (++Failed <= Named) first.Add(what);
        }
    }
}
