using Reprise.Recovery.Assets;
using Reprise.Recovery.Evidence;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Drills;

/// <summary>What a drill has seen so far.</summary>
internal sealed class DrillNotes(TimeProvider clock)
{
    private readonly Dictionary<string, TimeSpan> elapsed = new(StringComparer.Ordinal);

    /// <summary>Questions and answers, in the order in which they were asked.</summary>
    public List<DrillCheck> Checks { get; } = [];

    /// <summary>What is not as it should be.</summary>
    public List<DrillFinding> Findings { get; } = [];

    /// <summary>Moments by name.</summary>
    public SortedDictionary<string, DateTimeOffset> Moments { get; } = new(StringComparer.Ordinal);

    /// <summary>Assets that were left out, with the reason.</summary>
    public List<LeftOut> OutOfScope { get; } = [];

    /// <summary>What a pass does not prove.</summary>
    public List<string> NotProven { get; } = [];

    /// <summary>Damage of the repository itself, which decides the exit code before all else.</summary>
    public List<Problem> Damage { get; } = [];

    /// <summary>Whether the application ran on recovered data.</summary>
    public bool ApplicationRan { get; set; }

    /// <summary>Notes a moment, once.</summary>
    public void At(string name) => Moments.TryAdd(name, clock.GetUtcNow());

    /// <summary>Adds what a phase took; a phase may have several parts.</summary>
    public async Task InAsync(string phase, Func<Task> work)
    {
        var began = clock.GetTimestamp();
        try
        {
            await work();
        }
        finally
        {
            elapsed[phase] = elapsed.GetValueOrDefault(phase) + clock.GetElapsedTime(began);
        }
    }

    /// <summary>Counts part of what one phase took as another.</summary>
    public void Move(string from, string to, TimeSpan time)
    {
        elapsed[from] = elapsed.GetValueOrDefault(from) - time;
        elapsed[to] = elapsed.GetValueOrDefault(to) + time;
    }

    /// <summary>What a phase took, or null when it was not reached.</summary>
    public TimeSpan? Of(string phase) => elapsed.TryGetValue(phase, out var time) ? time : null;

    /// <summary>Keeps answers.</summary>
    public void Add(IEnumerable<CheckOutcome> outcomes, bool? discriminates = null) =>
        Checks.AddRange(outcomes.Select(outcome => new DrillCheck(outcome, discriminates)));

    /// <summary>Keeps an answer of ours.</summary>
    public void Add(
        string name, CheckLevel level, Outcome outcome, string? asset, string expected, string actual, string? reason) =>
        Add(
        [
            new CheckOutcome
            {
                Name = name,
                Level = level,
                Outcome = outcome,
                Asset = asset,
                Expected = expected,
                Actual = actual,
                Reason = reason,
            },
        ]);

    /// <summary>Keeps a finding.</summary>
    public void Find(string severity, string code, string? asset, string text, string hint) =>
        Findings.Add(new DrillFinding(severity, code, asset, text, hint));
}
