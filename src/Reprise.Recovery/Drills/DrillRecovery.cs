using System.Globalization;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Postgres;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Drills;

/// <summary>Brings the assets of a point back into a sandbox, with the code with which a restore does it.</summary>
internal sealed class DrillRecovery(
    DrillApplication application, DrillHost host, Sandbox sandbox, Separation separation, DrillNotes notes)
{
    private const string RecoveredName = "a";
    private const string EmptyName = "e";

    private readonly Dictionary<string, PostgresThrowaway> servers = new(StringComparer.Ordinal);
    private int started;
    private int lost;
    private readonly HashSet<string> recovered = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, MomentSeen> replayed = new(StringComparer.Ordinal);

    /// <summary>What was recovered; null before <see cref="RunAsync"/>.</summary>
    public DrillTarget? Target { get; private set; }

    /// <summary>Where that lies; null before <see cref="RunAsync"/>.</summary>
    public DrillPlaces? RecoveredPlaces { get; private set; }

    /// <summary>The same places with nothing in them.</summary>
    public DrillTarget? Empty { get; private set; }

    /// <summary>Records that were brought back, with their assets.</summary>
    public IReadOnlyList<(IRestorable Asset, RestoreItem Item)> Recovered { get; private set; } = [];

    /// <summary>Recovers everything; what cannot be is a check that fails.</summary>
    public async Task RunAsync(
        IReadOnlyList<AssetRecord> records, DrillRequest request, PointId id, CancellationToken cancellationToken)
    {
        var (point, level) = (request.Point, request.Level);
        await notes.InAsync("restore", () => StartServersAsync(records, request, cancellationToken));
        foreach (var seen in replayed.Values) notes.Move("restore", "replay", seen.Elapsed);
        RecoveredPlaces = Places(RecoveredName, isEmpty: false);
        Target = application.Target(RecoveredPlaces);
        Empty = application.Target(Places(EmptyName, isEmpty: true));
        var back = new List<(IRestorable, RestoreItem)>();
        foreach (var record in records)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (Target.Assets.FirstOrDefault(a => a.Name == record.Name) is not { } asset) continue;
            var item = new RestoreItem(id, record);
            if (await TryBringBackAsync(asset, item, point, level, cancellationToken)) back.Add((asset, item));
        }

        Recovered = back;
        IsComplete = lost == 0 && back.Count == records.Count(r => Target.Assets.Any(a => a.Name == r.Name));
    }

    /// <summary>What was taken on to a moment behind the point, by asset.</summary>
    public IReadOnlyDictionary<string, MomentSeen> Replayed => replayed;

    /// <summary>Whether everything that was to come back did.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Stops the servers.</summary>
    public async Task StopAsync()
    {
        foreach (var server in servers.Values) await server.DisposeAsync();
    }

    /// <summary>What of the servers is worth knowing, by asset.</summary>
    public IReadOnlyDictionary<string, string> Servers => servers.ToDictionary(
        s => s.Key,
        s => $"PostgreSQL {s.Value.Version}, which syncs to disk, with the settings of {(s.Value.IsRestored ? "production" : "initdb")}");

    private DrillPlaces Places(string name, bool isEmpty)
    {
        var folder = sandbox.Folder / name;
        host.Disk.MakeFolder(folder);
        return new DrillPlaces
        {
            Folder = folder,
            Servers = servers,
            IsEmpty = isEmpty,
            Together = application.Rehearsal is not null && !isEmpty ? folder / "app" : null,
            Enter = separation.Enter,
            AsServer = separation.AsServer,
            Dial = separation.Dial,
        };
    }

    private async Task StartServersAsync(
        IReadOnlyList<AssetRecord> records, DrillRequest request, CancellationToken cancellationToken)
    {
        foreach (var record in records.Where(r => r.Kind == AssetKinds.Postgres))
        {
            var folder = sandbox.Servers / started.ToString(CultureInfo.InvariantCulture);
            var port = separation.IsProven ? PostgresThrowaway.FirstPort + started : (int?)null;
            started++;
            host.Disk.MakeFolder(folder);
            if (host.IsRoot) await GiveAwayAsync(folder, cancellationToken);
            host.Progress.Begin($"start a server for {record.Name}", null);
            if (record.Method == PostgresRecord.PhysicalMethod)
            {
                await TryStartRestoredAsync(record, request, folder, port, cancellationToken);
                continue;
            }

            servers[record.Name] = await PostgresThrowaway.StartAsync(
                host.Postgres,
                PostgresRecord.MajorOf(record) ?? 0,
                folder,
                separation.EnterAsServer,
                port,
                cancellationToken);
        }
    }

    // Here the files themselves are what is proven: that they do not start is a failure of the point.
    private async Task TryStartRestoredAsync(
        AssetRecord record, DrillRequest request, DiskPath folder, int? port, CancellationToken cancellationToken)
    {
        try
        {
            var beyond = application.Beyond is { } find
                ? await find(request.Point.Manifest, record, request.FaultAt, cancellationToken)
                : null;
            var server = await StartRestoredAsync(record, request.Point, beyond, (folder, separation.EnterAsServer, port), cancellationToken);
            servers[record.Name] = server;
            if (server.Moment is { } seen) Note(record.Name, seen, beyond?.Notes ?? []);
            notes.Add(
                $"{record.Name}-files",
                CheckLevel.Bytes,
                server.IsVerified ? Outcome.Pass : Outcome.CouldNotVerify,
                record.Name,
                "pg_verifybackup accepts the files before their first start",
                server.IsVerified ? "it does" : "it is not installed here",
                server.IsVerified ? null : RecoveryErrors.ClientMissing.Name);
        }
        catch (RepriseException e) when (!DrillReasons.IsOfMachine(e.Problem))
        {
            lost++;
            if (e.Code.Exit == ExitCodes.Damaged) notes.Damage.Add(e.Problem with { Asset = record.Name });
            notes.Add(
                $"{record.Name}-restore",
                CheckLevel.Engine,
                Outcome.Fail,
                record.Name,
                "it comes back",
                e.Problem.Message,
                DrillReasons.Of(e.Problem));
        }
    }

    // What would write into production's tablespaces is not replayed; the point itself is looked at all the same.
    private async Task<PostgresThrowaway> StartRestoredAsync(
        AssetRecord record,
        PointReader point,
        RehearsedMoment? beyond,
        (DiskPath Folder, Func<Processes.ChildCommand, Processes.ChildCommand> Enter, int? Port) place,
        CancellationToken cancellationToken)
    {
        try
        {
            return await PostgresThrowaway.StartRestoredAsync(host.Postgres, record, point, host.Progress, beyond, place, cancellationToken);
        }
        catch (RepriseException e) when (e.Code == RecoveryErrors.TablespaceReplay && beyond is not null)
        {
            notes.Add(
                $"{record.Name}-moment",
                CheckLevel.Engine,
                Outcome.CouldNotVerify,
                record.Name,
                $"the WAL is replayed to {beyond.Moment.Wish}",
                e.Problem.Message,
                e.Code.Name);
            foreach (var entry in host.Disk.List(place.Folder).ToList()) Folders.DeleteTree(host.Disk, place.Folder / entry.Name);
            return await PostgresThrowaway.StartRestoredAsync(host.Postgres, record, point, host.Progress, null, place, cancellationToken);
        }
    }

    private void Note(string asset, MomentSeen seen, IReadOnlyList<Problem> gaps)
    {
        replayed[asset] = seen;
        notes.Add(
            $"{asset}-moment",
            CheckLevel.Engine,
            seen.Outcome,
            asset,
            seen.Expected,
            seen.Actual,
            seen.Outcome == Outcome.Pass ? null : seen.Outcome == Outcome.Fail ? "moment-missed" : "moment-not-asked");
        foreach (var gap in gaps) notes.Find("error", gap.Code.Name, asset, gap.Message, gap.Hint);
    }

    // The folder above is given away too: who cannot pass through it cannot reach what is in it.
    private async Task GiveAwayAsync(DiskPath folder, CancellationToken cancellationToken)
    {
        var command = new Processes.ChildCommand(
            ["chown", Separation.PostgresUser, sandbox.Servers.ToString(), folder.ToString()]) { Folder = "/" };
        var result = await host.Children.RunAsync(command, cancellationToken);
        if (result.Exit == 0) return;
        throw new RepriseException(
            DrillErrors.SandboxImpossible,
            $"root cannot run PostgreSQL, and there is no user {Separation.PostgresUser}: {result.LastError}",
            $"add a user {Separation.PostgresUser}, or drill as an ordinary user");
    }

    private async Task<bool> TryBringBackAsync(
        IRestorable asset, RestoreItem item, PointReader point, int level, CancellationToken cancellationToken)
    {
        try
        {
            await notes.InAsync("restore", () => asset.StageAsync(item, point, host.Progress, cancellationToken));
            if (asset is not IExaminable && level >= (int)CheckLevel.Engine)
            {
                await notes.InAsync("verify", async () => notes.Add(
                    (await asset.VerifyStagedAsync(item, host.Progress, cancellationToken))
                    .Where(o => (int)o.Level <= level)));
            }

            var swap = new Swap(Slot.New(item.RestoreId), Slot.Before(item.RestoreId));
            await notes.InAsync("restore", () => asset.SwapAsync(item, swap, cancellationToken));
            notes.Add(
                $"{asset.Name}-restore", CheckLevel.Engine, Outcome.Pass, asset.Name, "it comes back", "it did", null);
            recovered.Add(asset.Name);
            return true;
        }
        catch (RepriseException e) when (!DrillReasons.IsOfMachine(e.Problem))
        {
            if (e.Code.Exit == ExitCodes.Damaged) notes.Damage.Add(e.Problem with { Asset = asset.Name });
            notes.Add(
                $"{asset.Name}-restore",
                CheckLevel.Engine,
                Outcome.Fail,
                asset.Name,
                "it comes back",
                e.Problem.Message,
                DrillReasons.Of(e.Problem));
            return false;
        }
    }
}
