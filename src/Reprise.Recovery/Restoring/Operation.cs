using Reprise.Recovery.Assets;
using Reprise.Recovery.Checks;
using Reprise.Recovery.Planning;
using Reprise.Recovery.State;
using Reprise.Repository.Points;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Restoring;

/// <summary>
/// One running operation: its journal on disk, and what its report will say. Used by one caller at a time.
/// </summary>
internal sealed class Operation(RestoreApplication application, RestoreHost host, PointId id, OperationKind kind)
{
    private readonly List<PhaseReport> phases = [];
    private readonly List<CheckOutcome> checks = [];
    private OperationJournal? journal;
    private TimeSpan nested;

    public RestoreApplication Application => application;

    public RestoreHost Host => host;

    public PointId Id => id;

    /// <summary>Whether anything was written down: before that there is nothing to put back.</summary>
    public bool HasJournal => journal is not null;

    public OperationJournal Journal => journal ?? throw new InvariantException("the operation has no journal yet");

    public RestorePlan? Plan { get; set; }

    public IReadOnlyList<SecretOutcome> Secrets { get; set; } = [];

    /// <summary>What is wrong or worth knowing, added to as it goes.</summary>
    public List<Problem> Problems { get; } = [];

    public IReadOnlyList<CheckOutcome> Checks => checks;

    /// <summary>What checks compare with.</summary>
    public CheckSubject Subject { get; set; } = CheckSubject.None;

    /// <summary>
    /// Identities as the plan saw them, by asset: what was confirmed was confirmed for these targets.
    /// </summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> ConfirmedIdentities { get; set; } =
        new SortedDictionary<string, IReadOnlyDictionary<string, string>>();

    /// <summary>
    /// Whether Reprise or the person says that the application is stopped; without either nobody knows.
    /// </summary>
    public bool IsControlled => application.Control is not null || host.Dialogue.IsInteractive;

    /// <summary>Begins a journal, durably. When that fails nothing has begun.</summary>
    public void Begin(OperationJournal begun)
    {
        begun = begun with { Events = [new JournalEvent(begun.Started, begun.State)] };
        host.State.Save(begun);
        journal = begun;
    }

    /// <summary>Takes over the journal of an interrupted operation.</summary>
    public void Take(OperationJournal taken) => journal = taken;

    /// <summary>Changes the journal, durably: called before what it says is done.</summary>
    public void Save(Func<OperationJournal, OperationJournal> change)
    {
        var next = change(Journal);
        host.State.Save(next);
        journal = next;
    }

    /// <summary>Enters a state, durably.</summary>
    public void Enter(OperationState state, Func<OperationJournal, OperationJournal>? change = null) => Save(before =>
    {
        var now = host.Clock.GetUtcNow();
        var next = before with { State = state, Events = [.. before.Events, new JournalEvent(now, state)] };
        next = change?.Invoke(next) ?? next;
        return next.IsOpen ? next : next with { Finished = now };
    });

    /// <summary>Changes one asset of the journal, durably.</summary>
    public void SaveAsset(string name, Func<JournalAsset, JournalAsset> change) => Save(before => before with
    {
        Assets = [.. before.Assets.Select(a => a.Name == name ? change(a) : a)],
    });

    /// <summary>The asset of the configuration that the journal means.</summary>
    public IRestorable Asset(string name) => Restorable(application, name) ?? throw new RepriseException(
        RecoveryErrors.AssetUnknown,
        $"{name} was part of {id}, but the configuration has no such asset any more",
        $"put {name} back into the configuration, then run the command again");

    /// <summary>What was found damaged, and is left out.</summary>
    public Survey Survey { get; set; } = Survey.Intact;

    public RestoreItem Item(JournalAsset asset) => new(id, asset.Record) { Survey = Survey, Moment = asset.Moment };

    /// <summary>Adds an outcome, in place of an earlier one of the same question.</summary>
    public void Add(CheckOutcome outcome)
    {
        var at = checks.FindIndex(c => c.Name == outcome.Name);
        if (at >= 0) checks[at] = outcome;
        else checks.Add(outcome);
        host.Dialogue.OnCheck(outcome);
    }

    /// <summary>Runs one phase and times it, whatever its end; a phase within it is not counted twice.</summary>
    public async Task<T> PhaseAsync<T>(string name, InterruptEffect interrupt, Func<Task<T>> body)
    {
        var started = host.Clock.GetTimestamp();
        var phase = new PhaseReport(name, null, EstimateOf(name), interrupt);
        host.Dialogue.OnPhase(phase);
        var outside = nested;
        nested = TimeSpan.Zero;
        try
        {
            return await body();
        }
        finally
        {
            var elapsed = host.Clock.GetElapsedTime(started);
            phase = phase with { Elapsed = elapsed - nested };
            nested = outside + elapsed;
            phases.Add(phase);
            host.Dialogue.OnPhase(phase);
        }
    }

    /// <summary>Runs one phase and times it, whatever its end.</summary>
    public Task PhaseAsync(string name, InterruptEffect interrupt, Func<Task> body) =>
        PhaseAsync(name, interrupt, async () =>
        {
            await body();
            return true;
        });

    public RestoreReport Report(RestoreOutcome outcome, IReadOnlyList<FormerData>? former = null) => new()
    {
        RestoreId = id,
        Kind = kind,
        Outcome = outcome,
        Point = journal?.Point ?? Plan?.Point,
        Plan = Plan,
        Secrets = Secrets,
        Safety = SafetyOf(journal),
        Checks = [.. checks],
        Former = former ?? [],
        Phases = [.. phases],
        KeptBecause = journal?.KeptBecause,
        Problems = [.. Problems],
    };

    /// <summary>An asset of the configuration that can be restored, or null.</summary>
    public static IRestorable? Restorable(RestoreApplication application, string name) =>
        application.Assets.FirstOrDefault(a => a.Name == name) as IRestorable;

    private static SafetyReport SafetyOf(OperationJournal? journal)
    {
        if (journal is null || journal.Safety.Count == 0) return SafetyReport.None;
        return new SafetyReport(journal.Safety.Values.Max(), journal.SafetyPoint, journal.Safety);
    }

    private TimeSpan? EstimateOf(string phase)
    {
        var steps =
            Plan?.Steps.Where(s => s.Id == phase || s.Id.StartsWith(phase + "-", StringComparison.Ordinal)).ToList();
        return steps is not { Count: > 0 }
            ? null
            : steps.Aggregate(TimeSpan.Zero, (sum, s) => sum + (s.Estimate ?? TimeSpan.Zero));
    }
}
