using Reprise.Recovery.Assets;
using Reprise.Recovery.Evidence;
using Reprise.Recovery.Postgres;
using Reprise.Repository.Points;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Drills;

/// <summary>
/// A rehearsal: everything of a point is recovered into a sandbox with the code with which a restore does it, asked as
/// deep as wanted, measured, and thrown away. Production is only read, and only for its secrets.
/// </summary>
public sealed class DrillRun(DrillApplication application, DrillHost host)
{
    private static readonly TimeSpan EndingLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(20);

    private readonly DrillNotes notes = new(host.Clock);

    /// <summary>Drills. Whatever comes of it, nothing is left unless <see cref="DrillRequest.Keep"/> says so.</summary>
    public async Task<DrillReport> RunAsync(DrillRequest request, CancellationToken cancellationToken)
    {
        var manifest = request.Point.Manifest;
        var fault = request.FaultAt ?? request.Started;
        var records = Choose(manifest);
        var losses = DrillVerdict.Losses(records, fault);
        if (losses.FirstOrDefault(l => l.Lost < TimeSpan.Zero) is { } later) throw FaultBefore(manifest, later);
        notes.Moments["T0"] = fault;
        var id = PointId.At(request.Started);
        var seen = await InSandboxAsync(request, records, id, cancellationToken);
        var record = Record(request, records, DrillVerdict.Losses(losses, seen.Replayed, fault), id, seen);
        return new DrillReport(record, [.. Problems(record)], request.Keep ? seen.Folder : null);
    }

    private List<AssetRecord> Choose(PointManifest manifest)
    {
        var chosen = new List<AssetRecord>();
        foreach (var record in manifest.Assets)
        {
            if (application.WhyNot(record) is { } why) notes.OutOfScope.Add(new LeftOut(record.Name, why));
            else chosen.Add(record);
        }

        return chosen;
    }

    private async Task ProveBytesAsync(DrillRequest request, CancellationToken cancellationToken)
    {
        host.Progress.Begin("read every byte of the point", null);
        var began = host.Clock.GetTimestamp();
        var proof = await request.ProveBytes(cancellationToken);
        notes.Damage.AddRange(proof.Problems);
        notes.Add(
        [
            new CheckOutcome
            {
                Name = "point-bytes",
                Level = CheckLevel.Bytes,
                Outcome = proof.Problems.Count == 0 ? Outcome.Pass : Outcome.Fail,
                Expected = "every byte is as it was written",
                Actual = proof.Problems.Count == 0
                    ? $"{proof.Objects:N0} objects with {proof.Bytes:N0} bytes are"
                    : proof.Problems[0].Message,
                Elapsed = host.Clock.GetElapsedTime(began),
                Reason = proof.Problems.Count == 0 ? null : proof.Problems[0].Code.Name,
            },
        ], discriminates: true);
    }

    private async Task<Seen> InSandboxAsync(
        DrillRequest request, IReadOnlyList<AssetRecord> records, PointId id, CancellationToken cancellationToken)
    {
        if (request.Level < (int)CheckLevel.Engine)
        {
            await ProveBytesAsync(request, cancellationToken);
            return Seen.Nothing;
        }

        using var sandbox = Sandbox.Make(host.Disk, host.TemporaryFolder, id, serversBeside: host.IsRoot);
        var seen = new Seen { Folder = sandbox.Folder.ToString() };
        try
        {
            seen.LeftOvers = Sandbox.RemoveLeftOvers(host.Disk, host.TemporaryFolder, sandbox.Folder);
            DrillRoom.Require(host.Disk, host.TemporaryFolder, records);
            await ProveBytesAsync(request, cancellationToken);
            await using (var separation = await Separation.MakeAsync(
                host,
                sandbox.Folder,
                application.Production,
                application.Rehearsal is null ? [] : sandbox.Both,
                cancellationToken))
            {
                seen.Separation = separation.Facts;
                await RecoverAsync(request, records, id, sandbox, separation, seen, cancellationToken);
            }
        }
        finally
        {
            seen.CleanUp = await ClearAsync(sandbox, request.Keep);
        }

        return seen;
    }

    private async Task RecoverAsync(
        DrillRequest request,
        IReadOnlyList<AssetRecord> records,
        PointId id,
        Sandbox sandbox,
        Separation separation,
        Seen seen,
        CancellationToken cancellationToken)
    {
        var recovery = new DrillRecovery(application, host, sandbox, separation, notes);
        try
        {
            // What is recovered for a runbook is what it finds; its own recovery is the one that is measured.
            var isMeasured = application.Rehearsal is null;
            if (isMeasured) notes.At("T3");
            await recovery.RunAsync(records, request, id, cancellationToken);
            seen.Replayed = recovery.Replayed;
            if (isMeasured) notes.At("T4");
            if (isMeasured) notes.At("T5");
            seen.Servers = recovery.Servers;
            var questions = new DrillQuestions(application, host, recovery, notes);
            await notes.InAsync(
                "verify", () => questions.AskDataAsync(request.Point, request.Level, cancellationToken));
            if (application.Rehearsal is { } rehearsal)
                seen.Rehearsal = await RehearseAsync(rehearsal, request, recovery, sandbox, separation, cancellationToken);
            else if (request.Level >= (int)CheckLevel.Application)
                await RunApplicationAsync(request.Point.Manifest, recovery, questions, separation, cancellationToken);
            if (isMeasured) notes.At("T7");
        }
        finally
        {
            (recovery.Target?.Questions as IDisposable)?.Dispose();
            (recovery.Empty?.Questions as IDisposable)?.Dispose();
            await recovery.StopAsync();
        }
    }

    // A runbook has to find an application that is well: what is not back cannot be broken.
    private async Task<RehearsalSeen?> RehearseAsync(
        DrillRehearsal rehearsal,
        DrillRequest request,
        DrillRecovery recovery,
        Sandbox sandbox,
        Separation separation,
        CancellationToken cancellationToken)
    {
        if (recovery is not { Target: { } target, RecoveredPlaces: { } places } || !recovery.IsComplete) return null;
        return await DrillRehearsing.RunAsync(
            rehearsal,
            separation,
            new RehearsalPlace(sandbox.Folder, places, target, request.Point.Manifest),
            notes,
            cancellationToken);
    }

    private async Task RunApplicationAsync(
        PointManifest manifest,
        DrillRecovery recovery,
        DrillQuestions questions,
        Separation separation,
        CancellationToken cancellationToken)
    {
        if (application.Start is not { } start || recovery.Target is not { } target) return;
        if (!separation.IsProven)
        {
            notes.Add(
                "application-start",
                CheckLevel.Application,
                Outcome.CouldNotVerify,
                null,
                "it starts on recovered data",
                "it was not started, because production could be reached from where it would have run",
                "not-separated");
            return;
        }

        var green = await questions.GreenBeforeAsync(manifest, cancellationToken);
        await using var backend = new DrillBackend(application, host, start, separation, notes);
        var ready = false;
        await notes.InAsync("start", async () => ready = await backend.StartAsync(target, manifest, cancellationToken));
        notes.At("T6");
        if (!ready) return;
        notes.ApplicationRan = true;
        await notes.InAsync("verify", () => questions.AskApplicationAsync(manifest, green, cancellationToken));
        notes.At("T7"); // That it is ended is no part of a recovery.
    }

    private async Task<DrillCleanUp> ClearAsync(Sandbox sandbox, bool keep)
    {
        if (keep)
        {
            sandbox.Keep();
            return new DrillCleanUp(Outcome.NotRun, [$"{sandbox.Folder} was kept, as asked; delete it yourself"]);
        }

        // PostgreSQL takes its pid file away, for which pg_ctl waits, a moment before it has ended.
        var began = host.Clock.GetTimestamp();
        var users = sandbox.Users();
        while (users.Count > 0 && host.Clock.GetElapsedTime(began) < EndingLimit)
        {
            await Task.Delay(Glance, host.Clock, CancellationToken.None);
            users = sandbox.Users();
        }

        var facts = new List<string>(users.Select(u => $"{u} still used the sandbox"));
        var gone = sandbox.Delete();
        facts.Add(gone
            ? $"{sandbox.Folder} is gone with everything in it: databases, files, sockets, logs"
            : $"something is left of {sandbox.Folder}");
        if (users.Count == 0) facts.Add("no process had its folder or an open file in it when it was deleted");
        return new DrillCleanUp(gone && users.Count == 0 ? Outcome.Pass : Outcome.Fail, facts);
    }

    private DrillRecord Record(
        DrillRequest request, IReadOnlyList<AssetRecord> records, IReadOnlyList<DrillLoss> losses, PointId id, Seen seen)
    {
        var manifest = request.Point.Manifest;
        var rehearsal = application.Rehearsal;
        var technical = notes.Moments.TryGetValue("T7", out var end) ? end - notes.Moments["T3"] : (TimeSpan?)null;
        var lost = losses.Count == 0 ? (TimeSpan?)null : losses.Max(l => l.Lost);
        DrillVerdict.JudgeChecks(notes);
        DrillVerdict.JudgeObjectives(notes, application.Objectives, lost, technical);
        Say(request, seen);
        var level = DrillVerdict.LevelOf(notes.Checks, request.Level, notes.ApplicationRan);
        return new DrillRecord
        {
            Id = id.Value,
            Application = application.Name,
            ToolVersion = host.Tool.Version,
            ToolSha256 = host.Tool.Sha256,
            Environment = Surroundings(seen),
            Scenario = rehearsal is not null
                ? DrillRehearsing.Scenario(rehearsal, seen.Rehearsal, application.Name)
                : new DrillScenario(
                    "recovery",
                    $"{application.Name} comes back from the repository alone, as it was at {manifest.Id}",
                    null,
                    null,
                    null,
                    ["alarming and deciding", "a new host", "bringing the recovered data into production"]),
            Objectives = application.Objectives,
            InScope = [.. records.Select(r => r.Name)],
            OutOfScope = notes.OutOfScope,
            Input = request.Input,
            Separation = seen.Separation,
            Executor = host.Executor,
            Moments = notes.Moments,
            Phases = DrillRehearsing.PhasesOf(seen.Rehearsal)
                ?? DrillVerdict.Phases(notes, request.Level >= 5 && application.Start is not null),
            TechnicalRecovery = technical,
            Rpo = losses,
            RpoOfSet = lost,
            Skew = DrillVerdict.Skew(losses),
            Checks = notes.Checks,
            Level = level,
            WantedLevel = request.Level,
            Verdict = DrillVerdict.Of(notes, level, request.Level),
            Findings = DrillVerdict.Sorted(notes.Findings),
            NotProven = [.. NotProven(request.Level)],
            CleanUp = seen.CleanUp,
            Fingerprint = application.Fingerprint(manifest),
        };
    }

    private SortedDictionary<string, string> Surroundings(Seen seen)
    {
        var all = new SortedDictionary<string, string>(host.Environment.ToDictionary(), StringComparer.Ordinal);
        if (application.Rehearsal is { } rehearsal) all["runbook"] = $"{rehearsal.Runbook} version {rehearsal.Version}";
        foreach (var (asset, server) in seen.Servers) all["server/" + asset] = server;
        return all;
    }

    private void Say(DrillRequest request, Seen seen)
    {
        foreach (var left in seen.LeftOvers)
            notes.Find("note", "left-over-removed", null, left, "nothing has to be done");
        if (seen.CleanUp.Outcome == Outcome.Fail)
        {
            notes.Find(
                "error", DrillErrors.LeftOver.Name, null, string.Join("; ", seen.CleanUp.Facts), "end what uses it, then delete it");
        }

        if (request.Level < (int)CheckLevel.Engine || seen.Separation.Outcome == Outcome.Pass) return;
        notes.Find(
            seen.Separation.Outcome == Outcome.Fail ? "error" : "warning",
            "not-separated",
            null,
            "the sandbox was not proven to be kept apart from production: " + string.Join("; ", seen.Separation.Facts),
            "drill as root, or allow namespaces to ordinary users (kernel.unprivileged_userns_clone)");
    }

    private IEnumerable<string> NotProven(int level)
    {
        yield return "that people notice, decide and are there: only technical recovery time (T7 - T3) was measured";
        if (application.Rehearsal is not null)
        {
            yield return "that the runbook restores the point itself: it restored one of the sandbox, taken of what the point "
                + "had brought back";
        }

        yield return "that another machine can do it: this one had the programs, the key and the repository";
        if (level >= (int)CheckLevel.Application && application.Start is not null) yield break;
        yield return application.Start is null
            ? "that the application runs on recovered data: drill.start does not say how it is started"
            : $"what lies deeper than level {level}";
    }

    private IEnumerable<Problem> Problems(DrillRecord record)
    {
        foreach (var problem in notes.Damage) yield return problem;
        if (record.Verdict == Outcome.Pass) yield break;
        var worst = record.Findings.FirstOrDefault(f => f.Severity == "error") ?? record.Findings.FirstOrDefault();
        yield return new Problem(
            record.Verdict == Outcome.Fail ? DrillErrors.Failed : DrillErrors.NotVerified,
            Severity.Error,
            record.Verdict == Outcome.Fail
                ? $"drill {record.Id} failed: {worst?.Text}"
                : $"drill {record.Id} reached level {record.Level} of {record.WantedLevel}: {worst?.Text}",
            worst?.Hint ?? "see the checks")
        {
            Asset = worst?.Asset,
        };
    }

    private static RepriseException FaultBefore(PointManifest manifest, DrillLoss loss) => new(
        DrillErrors.FaultBeforePoint,
        $"{loss.Asset} of point {manifest.Id} is of {loss.Moment:u}, after the moment of the fault",
        "choose an earlier point with --point, or leave --point out: then the newest one before the fault is taken");

    /// <summary>What is known of the sandbox when it is gone.</summary>
    private sealed class Seen
    {
        public static Seen Nothing => new()
        {
            Separation = new DrillSeparation(Outcome.NotApplicable, ["only bytes were asked: there was no sandbox"]),
            CleanUp = new DrillCleanUp(Outcome.NotApplicable, ["there was no sandbox"]),
        };

        public string? Folder { get; init; }

        public RehearsalSeen? Rehearsal { get; set; }

        public DrillSeparation Separation { get; set; } = new(Outcome.CouldNotVerify, []);

        public DrillCleanUp CleanUp { get; set; } = new(Outcome.CouldNotVerify, []);

        public IReadOnlyList<string> LeftOvers { get; set; } = [];

        public IReadOnlyDictionary<string, MomentSeen> Replayed { get; set; } = new SortedDictionary<string, MomentSeen>();

        public IReadOnlyDictionary<string, string> Servers { get; set; } = new SortedDictionary<string, string>();
    }
}
