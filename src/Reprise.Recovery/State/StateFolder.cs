using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Reprise.Repository;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.State;

/// <summary>
/// What Reprise remembers on this host, outside the repository: the lock of operations that change production, their
/// journals, the newest point seen, answers of a person. Mode 0700. Every file is replaced as a whole: written beside,
/// synced, renamed, folder synced. Losing it loses no data, only the comfort of <c>undo</c> and <c>--continue</c>.
/// </summary>
public sealed class StateFolder(IDisk disk, DiskPath path)
{
    /// <summary>A journal larger than this is not ours.</summary>
    public const int MaxFileBytes = 64 * 1024 * 1024;

    /// <summary>Journals of finished operations without any kept data beyond these are deleted, oldest first.</summary>
    public const int MaxFinishedJournals = 100;

    private const int PrivateFolder = 0x1C0;

    private readonly HashSet<DiskPath> durable = [];

    /// <summary>Where it is.</summary>
    public DiskPath Path => path;

    private DiskPath Restores => path / "restores";

    /// <summary>
    /// The default place: <c>REPRISE_STATE</c>; else, below the state home of the user
    /// (<c>XDG_STATE_HOME</c>, <c>~/.local/state</c>; on Windows the local application data),
    /// <c>reprise/APPLICATION-</c> and eight hexadecimal digits of the hash of the configuration's path.
    /// </summary>
    /// <param name="application">its name.</param>
    /// <param name="configurationPath">absolute; two checkouts of one application do not share their state.</param>
    /// <param name="environment">looks a variable up.</param>
    public static DiskPath DefaultPath(string application, string configurationPath, Func<string, string?> environment)
    {
        if (environment("REPRISE_STATE") is { Length: > 0 } chosen)
        {
            return new DiskPath(System.IO.Path.GetFullPath(chosen));
        }

        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(configurationPath)))[..8];
        return Home(environment) / "reprise" / $"{application}-{hash}";
    }

    /// <summary>
    /// Takes the lock of operations that change production; it dies with the process. <c>operation-running</c> when
    /// another process has it.
    /// </summary>
    public IDisposable Lock()
    {
        MakeFolder(path);
        return disk.TryLock(path / "lock") ?? throw new RepriseException(
            RecoveryErrors.OperationRunning,
            $"another restore or undo is running (it holds {path / "lock"})",
            "wait until it has ended, then run the command again");
    }

    /// <summary>Whether another process holds the lock just now.</summary>
    public bool IsRunning()
    {
        if (disk.Stat(path) is null) return false;
        using var held = disk.TryLock(path / "lock");
        return held is null;
    }

    /// <summary>An identifier that no operation has yet.</summary>
    public PointId NewId(DateTimeOffset now)
    {
        var id = PointId.At(now);
        while (disk.Stat(Restores / (id + ".json")) is not null) id = id.Next();
        return id;
    }

    /// <summary>Makes <paramref name="journal"/> durable.</summary>
    public void Save(OperationJournal journal) =>
        Write(Restores, journal.Id + ".json", journal, StateJson.Default.OperationJournal);

    /// <summary>Every operation, oldest first.</summary>
    public IReadOnlyList<OperationJournal> Operations()
    {
        if (disk.Stat(Restores) is null) return [];
        return [.. disk.List(Restores)
            .Select(entry => entry.Name.ToString())
            .Where(name => name.EndsWith(".json", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .Select(name => Read(Restores / name, StateJson.Default.OperationJournal, j => j.Version))
            .OfType<OperationJournal>()];
    }

    /// <summary>
    /// Operations that were interrupted, or are running just now: at most one, unless somebody copied the folder.
    /// </summary>
    public IReadOnlyList<OperationJournal> Interrupted() => [.. Operations().Where(o => o.IsOpen)];

    /// <summary>
    /// The operation with this identifier, or with this unique beginning of at least four characters.
    /// <c>restore-unknown</c> when there is none, or several.
    /// </summary>
    public OperationJournal Find(string name)
    {
        var found = name.Length < 4
            ? []
            : Operations().Where(o => o.Id.Value.StartsWith(name, StringComparison.Ordinal)).ToList();
        return found is [var one] ? one : throw new RepriseException(
            RecoveryErrors.RestoreUnknown,
            found.Count == 0
                ? $"no restore or undo is called {name}"
                : $"{found.Count} restores and undos begin with {name}",
            "name one of those that 'reprise status' lists");
    }

    /// <summary>
    /// Deletes the journals of operations that keep no data any more, beyond the newest
    /// <see cref="MaxFinishedJournals"/>.
    /// </summary>
    public void Trim()
    {
        var finished = Operations()
            .Where(o => !o.IsOpen && (o.Forgotten || o.State == OperationState.Abandoned))
            .ToList();
        foreach (var old in finished.SkipLast(MaxFinishedJournals)) disk.DeleteFile(Restores / (old.Id + ".json"));
    }

    /// <summary>The newest point that this host has seen, or null.</summary>
    public RememberedHead? ReadHead() => Read(path / "head.json", StateJson.Default.RememberedHead, _ => 1);

    /// <summary>Remembers <paramref name="newest"/> unless a newer one is remembered already.</summary>
    public void RememberHead(PointReference newest, DateTimeOffset now)
    {
        if (ReadHead() is { } known && known.Newest.Id >= newest.Id) return;
        Write(path, "head.json", new RememberedHead(newest, now), StateJson.Default.RememberedHead);
    }

    /// <summary>What a person answered earlier.</summary>
    public KeptAnswers ReadAnswers() =>
        Read(path / "answers.json", StateJson.Default.KeptAnswers, _ => 1) ?? new KeptAnswers();

    /// <summary>Keeps answers.</summary>
    public void SaveAnswers(KeptAnswers answers) => Write(path, "answers.json", answers, StateJson.Default.KeptAnswers);

    /// <summary>The last drill, and the last that passed; both null when there was none.</summary>
    public RememberedDrills ReadDrills() =>
        Read(path / "drills.json", StateJson.Default.RememberedDrills, _ => 1) ?? new RememberedDrills();

    /// <summary>Remembers a drill.</summary>
    public void RememberDrill(RememberedDrill drill) => Write(
        path,
        "drills.json",
        new RememberedDrills { Last = drill, LastPassed = drill.Passed ? drill : ReadDrills().LastPassed },
        StateJson.Default.RememberedDrills);

    /// <summary>Which parts of a repository were read; nothing when this host remembers another repository, or other parts.</summary>
    public RememberedReads ReadReads(string repository, int parts) =>
        Read(path / "reads.json", StateJson.Default.RememberedReads, _ => 1) is { } known
            && known.Repository == repository && known.Parts.Count == parts && (known.Last ?? 0) >= 0 && (known.Last ?? 0) < parts
            ? known
            : RememberedReads.Nothing(repository, parts);

    /// <summary>Remembers which parts were read.</summary>
    public void SaveReads(RememberedReads reads) => Write(path, "reads.json", reads, StateJson.Default.RememberedReads);

    private static DiskPath Home(Func<string, string?> environment)
    {
        if (OperatingSystem.IsWindows())
        {
            return new DiskPath(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData));
        }

        // A relative XDG_STATE_HOME is to be ignored, says the specification of the base directories.
        if (environment("XDG_STATE_HOME") is ['/', ..] state) return new DiskPath(state);
        return new DiskPath(environment("HOME") is ['/', ..] home ? home : "/root") / ".local" / "state";
    }

    // Once in the life of this object: every step of a restore is written here.
    private void MakeFolder(DiskPath folder)
    {
        if (durable.Contains(folder) && disk.Stat(folder) is not null) return;
        disk.MakeFolderDurably(folder, PrivateFolder);
        durable.Add(folder);
    }

    private void Write<T>(DiskPath folder, string name, T value, JsonTypeInfo<T> type)
    {
        MakeFolder(folder);
        var next = folder / (name + ".next");

        // What an interrupted write left under this name is incomplete by definition.
        disk.DeleteFile(next);
        using (var file = disk.CreateNew(next))
        {
            file.Write(0, JsonSerializer.SerializeToUtf8Bytes(value, type));
            file.Sync();
        }

        disk.Rename(next, folder / name);
        disk.SyncFolder(folder);
    }

    private T? Read<T>(DiskPath file, JsonTypeInfo<T> type, Func<T, int> version)
        where T : class
    {
        if (disk.Stat(file) is not { } status) return null;
        if (status.SizeBytes > MaxFileBytes) throw Damaged(file, $"it has {status.SizeBytes:N0} bytes");
        var bytes = new byte[status.SizeBytes];
        using (var open = disk.OpenRead(file))
        {
            if (open.Read(0, bytes) != bytes.Length) throw Damaged(file, "it became shorter while it was read");
        }

        try
        {
            var value = JsonSerializer.Deserialize(bytes, type) ?? throw Damaged(file, "it holds nothing");
            return version(value) <= OperationJournal.CurrentVersion ? value : throw new RepriseException(
                RepositoryErrors.FormatNewer,
                $"{file} was written by a newer Reprise (version {version(value)})",
                "run the command with the newer program");
        }
        catch (JsonException e)
        {
            throw Damaged(file, e.Message, e);
        }
    }

    private static RepriseException Damaged(DiskPath file, string why, Exception? inner = null) => new(
        new Problem(
            RecoveryErrors.JournalDamaged,
            Severity.Error,
            $"{file} is not what we wrote: {why}",
            "move the file away and look at the names with .before- and .new- beside your data yourself")
        {
            Where = file.ToString(),
        },
        inner);
}
