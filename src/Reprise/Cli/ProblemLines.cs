using Reprise.Storage.Errors;

namespace Reprise.Cli;

/// <summary>Prints problems for people. Every error ends with a line that begins with <c>next:</c>.</summary>
internal static class ProblemLines
{
    /// <summary>Prints notes and warnings first, then errors, so that what to do next stands last.</summary>
    public static void Write(Output output, IReadOnlyList<Problem> problems)
    {
        foreach (var problem in problems.Where(p => p.Severity != Severity.Error)) Write(output, problem);
        foreach (var problem in problems.Where(p => p.Severity == Severity.Error)) Write(output, problem);
    }

    private static void Write(Output output, Problem problem)
    {
        var (word, tone) = problem.Severity switch
        {
            Severity.Note => ("note", Tone.Faint),
            Severity.Warning => ("warning", Tone.Warning),
            Severity.Error => ("error", Tone.Bad),
            _ => throw new InvariantException($"severity {problem.Severity}"),
        };
        var asset = problem.Asset is null || problem.Message.Contains(problem.Asset, StringComparison.Ordinal)
            ? ""
            : problem.Asset + ": ";
        var head = $"{word}: {asset}{problem.Message}";
        var lines = Output.Wrap($"{head} [{problem.Code}]", output.Width, 2);
        output.Line(output.Paint(word + ":", tone) + lines[0][(word.Length + 1)..]);
        foreach (var line in lines.Skip(1)) output.Line(line);
        if (problem.Where is { } where && !problem.Message.Contains(
            where, StringComparison.Ordinal)) output.Line($"  at {where}");
        if (problem.Severity == Severity.Note) return;
        if (problem.Hint.Length == 0 && problem.Severity != Severity.Error) return;
        var next = (problem.Severity == Severity.Error ? "next: " : "  ")
            + (problem.Hint.Length == 0 ? "reprise doctor" : problem.Hint);

        // The terminal itself breaks a line that is too long, so that it is still copied as one.
        if (IsCommand(problem.Hint)) output.Line(next);
        else output.Paragraph(next, 2);
    }

    private static bool IsCommand(string hint) =>
        hint.StartsWith("reprise ", StringComparison.Ordinal) && hint.IndexOfAny([',', ';']) < 0;
}
