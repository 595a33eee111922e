using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Reprise.Repository;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Runbooks;

/// <summary>
/// The journal of one run: a line of JSON for each event, appended and synced before anything that depends on it
/// happens, each with the hash of the line before. It lies in the state folder, outside of what is recovered, beside
/// the text of the runbook as it was when the run began. A last line without its line feed was being written when the
/// process died: nothing depended on it yet, and it is dropped.
/// </summary>
public sealed class RunJournal : IDisposable
{
    /// <summary>A journal larger than this is not ours.</summary>
    public const int MaxBytes = 16 * 1024 * 1024;

    /// <summary>How much of an answer is kept, in characters.</summary>
    public const int MaxExcerpt = 4000;

    private static readonly string NoHash = new('0', 64);

    private readonly IDiskFile file;
    private readonly IDisposable held;
    private readonly List<RunEvent> events;
    private long lengthBytes;
    private string lastHash;

    private RunJournal(string id, IDiskFile file, IDisposable held, Content content)
    {
        Id = id;
        this.file = file;
        this.held = held;
        events = content.Events;
        lengthBytes = content.LengthBytes;
        lastHash = content.LastHash;
    }

    /// <summary>The run.</summary>
    public string Id { get; }

    /// <summary>What happened so far.</summary>
    public IReadOnlyList<RunEvent> Events => events;

    /// <summary>SHA-256 of the last line.</summary>
    public string Head => lastHash;

    /// <summary>Begins a journal in <paramref name="folder"/>, with the runbook's text beside it.</summary>
    public static RunJournal Create(IDisk disk, DiskPath folder, DateTimeOffset now, string runbookText)
    {
        disk.MakeFolderDurably(folder);
        var id = PointId.At(now);
        while (disk.Stat(folder / (id + ".jsonl")) is not null) id = id.Next();
        var lease = Hold(disk, folder, id.Value);
        try
        {
            using (var copy = disk.OpenWrite(folder / (id + ".runbook.md")))
            {
                copy.SetLength(0);
                copy.Write(0, Encoding.UTF8.GetBytes(runbookText));
                copy.Sync();
            }

            var lines = disk.CreateNew(folder / (id + ".jsonl"));
            disk.SyncFolder(folder);
            return new RunJournal(id.Value, lines, lease, new Content([], 0, NoHash));
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    /// <summary>Goes on with a journal.</summary>
    public static RunJournal Open(IDisk disk, DiskPath folder, string id)
    {
        var lease = Hold(disk, folder, id);
        try
        {
            var content = Load(disk, folder / (id + ".jsonl"));
            var lines = disk.OpenWrite(folder / (id + ".jsonl"));
            lines.SetLength(content.LengthBytes);
            return new RunJournal(id, lines, lease, content);
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    /// <summary>Only reads a journal and the hash of its last line; somebody may be writing it.</summary>
    public static (IReadOnlyList<RunEvent> Events, string Head) Read(IDisk disk, DiskPath folder, string id)
    {
        var content = Load(disk, folder / (id + ".jsonl"));
        return (content.Events, content.LastHash);
    }

    /// <summary>The text of the runbook as it was when the run began.</summary>
    public static string ReadRunbook(IDisk disk, DiskPath folder, string id) =>
        Encoding.UTF8.GetString(ReadAll(disk, folder / (id + ".runbook.md")));

    /// <summary>The runs of which there is a journal, oldest first.</summary>
    public static IReadOnlyList<string> List(IDisk disk, DiskPath folder)
    {
        if (disk.Stat(folder) is null) return [];
        return [.. disk.List(folder)
            .Select(e => e.Name.ToString())
            .Where(n => n.EndsWith(".jsonl", StringComparison.Ordinal))
            .Select(n => n[..^".jsonl".Length])
            .Order(StringComparer.Ordinal)];
    }

    /// <summary>The run with this identifier or its beginning; <c>latest</c>, or null, is the newest.</summary>
    public static string Find(IDisk disk, DiskPath folder, string? name)
    {
        var all = List(disk, folder);
        if (name is null or "latest" && all.Count > 0) return all[^1];
        var found = name is { Length: >= 4 } ? all.Where(i => i.StartsWith(name, StringComparison.Ordinal)).ToList() : [];
        return found is [var one] ? one : throw new RepriseException(
            RunbookErrors.RunUnknown,
            all.Count == 0 ? "no runbook was run on this host yet"
            : found.Count == 0 ? $"no run is called {name}" : $"{found.Count} runs begin with {name}",
            all.Count == 0 ? "reprise runbook run NAME" : $"the newest is {all[^1]}");
    }

    /// <summary>Appends an event and makes it durable; returns it as it was written.</summary>
    public RunEvent Append(RunEvent happened)
    {
        var line = happened with { Seq = events.Count + 1, PrevHash = lastHash, Run = Id };
        var bytes = JsonSerializer.SerializeToUtf8Bytes(line, RunJson.Default.RunEvent);
        byte[] whole = [.. bytes, (byte)'\n'];
        file.Write(lengthBytes, whole);
        file.Sync();
        lengthBytes += whole.Length;
        lastHash = Convert.ToHexStringLower(SHA256.HashData(bytes));
        events.Add(line);
        return line;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        file.Dispose();
        held.Dispose();
    }

    private static IDisposable Hold(IDisk disk, DiskPath folder, string id) =>
        disk.TryLock(folder / (id + ".lock")) ?? throw new RepriseException(
            RunbookErrors.Running, $"another process works on run {id}", "wait until it has ended, or end it");

    private static byte[] ReadAll(IDisk disk, DiskPath path)
    {
        using var open = disk.OpenRead(path);
        var size = open.Stat().SizeBytes;
        if (size > MaxBytes) throw Damaged(path, $"it has {size:N0} bytes");
        var bytes = new byte[size];
        return bytes[..open.Read(0, bytes)];
    }

    private static Content Load(IDisk disk, DiskPath path)
    {
        var bytes = ReadAll(disk, path);
        var read = new List<RunEvent>();
        var hash = NoHash;
        var at = 0;
        for (int end; (end = bytes.AsSpan(at).IndexOf((byte)'\n')) >= 0; at += end + 1)
        {
            var line = bytes.AsSpan(at, end);
            var parsed = Parse(line, path, read.Count + 1);
            if (parsed.PrevHash != hash || parsed.Seq != read.Count + 1)
                throw Damaged(path, $"line {read.Count + 1} does not follow the line before it");
            hash = Convert.ToHexStringLower(SHA256.HashData(line));
            read.Add(parsed);
        }

        return new Content(read, at, hash);
    }

    private static RunEvent Parse(ReadOnlySpan<byte> line, DiskPath path, int number)
    {
        try
        {
            var read = JsonSerializer.Deserialize(line, RunJson.Default.RunEvent)
                ?? throw Damaged(path, $"line {number} holds nothing");
            return read.Version <= RunEvent.CurrentVersion ? read : throw new RepriseException(
                RepositoryErrors.FormatNewer,
                $"{path} was written by a newer Reprise",
                "run the command with the newer program");
        }
        catch (JsonException e)
        {
            throw Damaged(path, $"line {number}: {e.Message}");
        }
    }

    private static RepriseException Damaged(DiskPath path, string why) => new(new Problem(
        RunbookErrors.JournalDamaged,
        Severity.Error,
        $"{path} is not what was written: {why}",
        "keep the file for whoever looks into this, and begin a new run")
    {
        Where = path.ToString(),
    });

    private sealed record Content(List<RunEvent> Events, long LengthBytes, string LastHash);
}
