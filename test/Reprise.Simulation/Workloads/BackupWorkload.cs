using System.Text;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Capturing;
using Reprise.Repository;
using Reprise.Repository.Checking;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Simulation.Faults;
using Reprise.Simulation.Runtime;
using Reprise.Storage;
using Reprise.Storage.Errors;

namespace Reprise.Simulation.Workloads;

/// <summary>
/// Makes a repository and takes points of a small application, with the real repository and the real backup run.
/// <para>Legal afterwards: the repository opens; a point that was reported committed is there and comes back bit for
/// bit; one whose backup was reported failed is not there, unless the report said that it may be; one whose process
/// died is there whole or not at all; a check finds no damage; the next backup succeeds.</para>
/// </summary>
public sealed class BackupWorkload(ulong seed, int backups, int mostBytes = 40_000) : IWorkload
{
    private const string Configuration = "application: simulated\n";
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly Chance chance = Chance.For(seed, "application");
    private readonly Dictionary<string, Attempt> attempts = new(StringComparer.Ordinal);
    private readonly HashSet<string> needs = new(StringComparer.Ordinal);
    private KeyFile? key;
    private bool creating;
    private byte[] orders = [];

    /// <summary>What became of a backup, as far as its operator knows.</summary>
    private enum Fate
    {
        Unknown,
        Committed,
        Failed,
    }

    /// <inheritdoc />
    public string Name => Twice ? "two backups at once" : $"backup x{backups}";

    /// <summary>Points that were reported committed.</summary>
    public int Committed => attempts.Values.Count(a => a.Fate == Fate.Committed);

    /// <summary>Whether two clients take points at the same time.</summary>
    public bool Twice { get; set; }

    /// <summary>
    /// Whether there is a repository with a key that opens it. A creation whose last answer was lost ends without: it
    /// returned its keys to nobody, and nothing was ever stored under them.
    /// </summary>
    public bool HasRepository => key is not null || !creating;

    /// <summary>Whether somebody has a key.</summary>
    public bool HasKey => key is not null;

    /// <inheritdoc />
    public bool GoesOn => HasRepository;

    /// <inheritdoc />
    public async Task LiveAsync(Life life)
    {
        try
        {
            await CreateAsync(life);
            if (Twice) await Task.WhenAll(BackUpQuietlyAsync(life, 1), BackUpQuietlyAsync(life, 2));
            else for (var i = 0; i < backups; i++) await BackUpAsync(life, client: 0);
        }
        catch (RepriseException e)
        {
            life.Loop.Log.Notable($"gave up: {e.Code}");
        }
    }

    /// <inheritdoc />
    public async Task JudgeAsync(Life life)
    {
        await CreateOrRetryAsync(life);
        if (key is null) return;
        using (var repository = await OpenAsync(life, 0)) await JudgePointsAsync(life, repository);
        await BackUpAsync(life, client: 0);
        using var again = await OpenAsync(life, 0);
        await JudgePointsAsync(life, again);
    }

    /// <summary>
    /// With one object damaged at rest: every other point comes back bit for bit, and whoever does not come back names
    /// exactly that object. Returns how many points came back.
    /// </summary>
    public async Task<int> JudgeDamagedAsync(Life life, string harmed)
    {
        using var repository = await OpenAsync(life, 0);
        var catalog = await repository.ListPointsAsync(SigningKeys.None, None);
        var whole = 0;
        foreach (var point in catalog.Points)
        {
            using var reader = repository.OpenPoint(point);
            try
            {
                await CompareAsync(reader, AttemptOf(point));
                whole++;
                life.Count(RecoveryBranch.DamageElsewhere);
            }
            catch (RepriseException e) when (e.Code.Exit == ExitCodes.Damaged && e.Problem.Where == harmed)
            {
                life.Count(RecoveryBranch.DamageNamed);
                life.Loop.Log.Notable($"{point.Id} needs {harmed}: {e.Code}");
            }
        }

        // Nothing but what is remembered outside the store can tell that the newest point is gone.
        var newest = attempts.Values.Where(a => a.Fate == Fate.Committed).Select(a => "points/" + a.Id).Max();
        if (catalog.Points.Count < Committed && harmed != newest && catalog.Problems.All(p => p.Where != harmed))
            throw new SimulationFailureException($"a point is not listed, and nothing names {harmed}");
        return whole;
    }

    /// <summary>Makes the repository when an earlier life did not come to that.</summary>
    internal async Task CreateOrRetryAsync(Life life)
    {
        if (key is null) await RetryCreationAsync(life);
    }

    /// <summary>Makes the repository, unless there is one.</summary>
    internal async Task CreateAsync(Life life)
    {
        if (key is not null) return;
        creating = true;
        var made = await PointRepository.CreateAsync(await life.ConnectAsync(), None);
        made.Repository.Dispose();
        key = made.File;
        life.Loop.Log.Notable("created");
    }

    /// <summary>
    /// A creation that was cut off can be repeated. When it had come to its last step and its answer was lost, the
    /// repository is there and says so; its keys were returned to nobody, so it holds nothing that could be lost.
    /// </summary>
    private async Task RetryCreationAsync(Life life)
    {
        var again = creating;
        try
        {
            await CreateAsync(life);
            if (again) life.Count(RecoveryBranch.CreationRepeated);
        }
        catch (RepriseException e) when (creating && e.Code == RepositoryErrors.RepositoryExists)
        {
            life.Count(RecoveryBranch.CreationFoundDone);
            life.Loop.Log.Notable("created before, keys lost");
        }
        catch (RepriseException e)
        {
            throw new SimulationFailureException($"a creation cannot be repeated: {e.Code} {e.Message}", e);
        }
    }

    /// <summary>Takes a point, and takes a failure down.</summary>
    internal async Task BackUpQuietlyAsync(Life life, int client, Func<Task>? during = null)
    {
        try
        {
            await BackUpAsync(life, client, during);
        }
        catch (RepriseException e)
        {
            life.Loop.Log.Notable($"client {client} gave up: {e.Code}");
        }
    }

    internal async Task<PointRepository> OpenAsync(Life life, int client) => await PointRepository.OpenAsync(
        await life.ConnectAsync(client), key ?? throw new SimulationFailureException("no key yet"), None);

    /// <summary>Takes a point; <paramref name="during"/> runs in the middle of the capture.</summary>
    internal async Task BackUpAsync(Life life, int client, Func<Task>? during = null)
    {
        using var repository = await OpenAsync(life, client);
        Alter();
        var attempt = new Attempt(new Dictionary<string, byte[]>(StringComparer.Ordinal)
        {
            ["orders/rows"] = orders,
            ["orders/pages"] = [.. orders.Reverse()],
            ["uploads/logo"] = chance.Bytes(chance.Between(0, 3000)),
        });
        var number = $"attempt {attempts.Count}";
        attempts[number] = attempt;
        var request = new BackupRequest
        {
            Application = number,
            Kind = PointKind.Manual,
            Assets = [attempt.Asset("uploads", AssetKinds.Files), attempt.Asset("orders", AssetKinds.Postgres, during)],
            Configuration = Configuration,
            Signing = SigningKeys.None,
            Scratch = World.Scratch,
            Writer = "simulation",
        };
        try
        {
            var result = await new BackupRun(repository, life.Disk, life.Loop.Clock)
                .RunAsync(request, new SilentProgress(), None);
            attempt.Fate = Fate.Committed;
            attempt.Id = result.Point.Manifest.Id.Value;
            life.Loop.Log.Notable($"committed {attempt.Id}");
            foreach (var problem in result.Problems) Count(life, problem);
        }
        catch (RepriseException e)
        {
            attempt.Fate = MayBeCommitted(e) ? Fate.Unknown : Fate.Failed;
            attempt.Error = $"{e.Code} {e.Message}";
            if (e.Code == RepositoryErrors.SessionExpelled) life.Count(RecoveryBranch.WriterGaveUp);
            throw;
        }
    }

    private static void Count(Life life, Problem problem)
    {
        if (problem.Where?.StartsWith("condemned/", StringComparison.Ordinal) == true) life.Count(RecoveryBranch.WriterReliedOnNothing);
        if (problem.Where?.StartsWith("index/", StringComparison.Ordinal) == true) life.Count(RecoveryBranch.IndexUnread);
    }

    // Only one call commits, so only its lost answer leaves the question open.
    private static bool MayBeCommitted(RepriseException e) =>
        e is StoreException { Fault.MayHaveTakenEffect: true, Name: { } name }
        && name.Value.StartsWith("points/", StringComparison.Ordinal);

    private void Alter()
    {
        if (orders.Length == 0) orders = chance.Bytes(chance.Between(mostBytes / 2, mostBytes));
        byte[] next = [.. orders];
        chance.Bytes(100).CopyTo(next, chance.Below(next.Length - 100));
        orders = next;
    }

    /// <summary>Notes that a point may be dropped from now on.</summary>
    internal void MayDrop(PointEntry point) => AttemptOf(point).MayBeDropped = true;

    /// <summary>Whether every point that must be there is, and is whole.</summary>
    internal async Task JudgePointsAsync(Life life, PointRepository repository)
    {
        var catalog = await repository.ListPointsAsync(SigningKeys.None, None);
        if (catalog.Problems.Count > 0)
            throw new SimulationFailureException("the catalogue has problems: " + catalog.Problems[0].Message);
        foreach (var point in catalog.Points)
        {
            var attempt = AttemptOf(point);
            if (attempt.Fate == Fate.Failed)
                throw new SimulationFailureException($"{point.Id} is there, but its backup was said to have failed: {attempt.Error}");
            using var reader = repository.OpenPoint(point);
            await CompareAsync(reader, attempt);
        }

        CountReused(life, catalog);
        CountUnheard(life, catalog);
        foreach (var attempt in attempts.Values.Where(a => a is { Fate: Fate.Committed, MayBeDropped: false }))
        {
            if (catalog.Points.All(p => p.Id.Value != attempt.Id || AttemptOf(p) != attempt))
                throw new SimulationFailureException($"committed point {attempt.Id} is gone");
        }

        var report = await repository.CheckAsync(catalog.Points, ReadDepth.All, _ => { }, None);
        if (report.Damage.Count > 0)
            throw new SimulationFailureException("a check found damage: " + report.Damage.First().Value.Message);
    }

    // A pack is stored by one writer, whatever lies in it: every other point that needs it uses it again.
    private void CountReused(Life life, PointCatalog catalog)
    {
        foreach (var point in catalog.Points)
        {
            foreach (var pack in point.Table.Packs)
            {
                if (needs.Add($"{point.Id} {pack.Id}") && !needs.Add(pack.Id.ToString())) life.World.Disk.Counters.ReusedPacks++;
            }
        }
    }

    private void CountUnheard(Life life, PointCatalog catalog)
    {
        foreach (var (number, attempt) in attempts.Where(a => a.Value is { Fate: Fate.Unknown, Settled: false }))
        {
            attempt.Settled = true;
            life.Count(catalog.Points.Any(p => p.Manifest.Application == number)
                ? RecoveryBranch.UnheardPointThere : RecoveryBranch.UnheardPointAbsent);
        }
    }

    private Attempt AttemptOf(PointEntry point) => attempts.TryGetValue(point.Manifest.Application, out var attempt)
        ? attempt
        : throw new SimulationFailureException($"point {point.Id} was never taken");

    private static async Task CompareAsync(PointReader reader, Attempt attempt)
    {
        var id = reader.Manifest.Id;
        var streams = reader.Manifest.Assets.SelectMany(
            asset => asset.Streams.Select(s => (Name: $"{asset.Name}/{s.Key}", s.Value))).ToList();
        if (streams.Count != attempt.Streams.Count)
            throw new SimulationFailureException($"point {id} has {streams.Count} streams, not {attempt.Streams.Count}");
        foreach (var (name, content) in streams)
        {
            var bytes = await ReadAsync(reader, content);
            if (!bytes.AsSpan().SequenceEqual(attempt.Streams[name]))
                throw new SimulationFailureException($"point {id} gives back other bytes for {name}");
        }

        var text = reader.Manifest.Configuration is { } c ? Encoding.UTF8.GetString(await ReadAsync(reader, c)) : "";
        if (text != Configuration) throw new SimulationFailureException($"point {id} has another configuration");
    }

    private static async Task<byte[]> ReadAsync(PointReader reader, Content content)
    {
        var bytes = new byte[content.LengthBytes];
        await foreach (var block in reader.ReadAsync(content, None))
            block.Bytes.Span.CopyTo(bytes.AsSpan((int)block.OffsetBytes));
        return bytes;
    }

    private sealed class Attempt(Dictionary<string, byte[]> streams)
    {
        public Dictionary<string, byte[]> Streams => streams;

        public Fate Fate { get; set; } = Fate.Unknown;

        public string? Id { get; set; }

        public string? Error { get; set; }

        /// <summary>Whether somebody has looked what became of it after it was left.</summary>
        public bool Settled { get; set; }

        /// <summary>Whether somebody decided to drop it: then it may be there, and may not.</summary>
        public bool MayBeDropped { get; set; }

        public MemoryAsset Asset(string name, string kind, Func<Task>? during = null) => new(
            name,
            kind,
            streams.Where(s => s.Key.StartsWith(name + "/", StringComparison.Ordinal))
                .ToDictionary(s => s.Key[(name.Length + 1)..], s => s.Value, StringComparer.Ordinal),
            during);
    }
}
