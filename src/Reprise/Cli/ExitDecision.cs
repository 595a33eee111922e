using Reprise.Storage.Errors;

namespace Reprise.Cli;

/// <summary>Decides the exit code; nothing else does.</summary>
internal static class ExitDecision
{
    // When several hold, the first of these counts. What was refused, unavailable or misused did nothing, so that what
    // is merely missing or red cannot hold as well; damage and our own bugs are told whatever else happened.
    private static readonly int[] WorstFirst =
    [
        ExitCodes.Bug,
        ExitCodes.Interrupted,
        ExitCodes.Damaged,
        ExitCodes.Usage,
        ExitCodes.Refused,
        ExitCodes.Unavailable,
        ExitCodes.Incomplete,
        ExitCodes.CheckFailed,
    ];

    /// <summary>The exit code of a report.</summary>
    public static int Of<T>(CommandReport<T> report)
        where T : class
    {
        var exit = Of(report.Problems);
        return report is { IsDiagnosis: true, Result: not null } && exit is not (
            0 or ExitCodes.Bug or ExitCodes.Interrupted)
            ? ExitCodes.CheckFailed
            : exit;
    }

    /// <summary>
    /// The worst exit code of the errors among <paramref name="problems"/>; notes and warnings change nothing.
    /// </summary>
    public static int Of(IEnumerable<Problem> problems)
    {
        var exits = problems.Where(p => p.Severity == Severity.Error).Select(p => p.Code.Exit).ToHashSet();
        exits.Remove(ExitCodes.Done);
        return exits.Count == 0
            ? ExitCodes.Done
            : Array.Find(WorstFirst, exits.Contains) is var worst and not 0
                ? worst
                : throw new InvariantException($"exit code {exits.First()} has no rank");
    }
}
