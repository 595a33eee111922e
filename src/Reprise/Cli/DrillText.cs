using System.Globalization;
using Reprise.Json;

namespace Reprise.Cli;

/// <summary>A drill as a person reads it.</summary>
internal static class DrillText
{
    /// <summary>The verdict first, then what it rests on.</summary>
    public static void Render(DrillJson drill, Output output, CommandContext context)
    {
        var tone = Output.ToneOf(drill.Verdict);
        var words = drill.Verdict switch
        {
            "pass" => "PASS: the application can be brought back",
            "fail" => "FAIL: the application cannot be brought back as it should be",
            _ => "UNPROVEN: not everything could be asked",
        };
        if (drill.Runbook is { } runbook)
        {
            words = drill.Verdict switch
            {
                "pass" => $"PASS: runbook {runbook.Id} brings the application back after {runbook.Incident}",
                "fail" => $"FAIL: runbook {runbook.Id} does not do after {runbook.Incident} what it should",
                _ => words,
            };
        }

        output.Paragraph(
            $"{output.Paint(words, tone)} (drill {drill.Id}, point {drill.Point}, "
            + $"level {drill.Level} of {drill.WantedLevel})", 2);
        output.Line();
        Times(drill, output, context);
        output.Line();
        output.Line("checks:");
        output.Table(
            [.. drill.Checks.Select(c => (string[])[Output.WordOf(c.Outcome), $"L{c.Level}", c.Name, Detail(c)])],
            [.. drill.Checks.Select(c => Output.ToneOf(c.Outcome))]);
        output.Line();
        output.Paragraph($"separation: {Output.WordOf(drill.Separation.Outcome)}", 2);
        foreach (var fact in drill.Separation.Facts) output.Paragraph("  " + fact, 4);
        output.Paragraph($"clean-up: {Output.WordOf(drill.CleanUp.Outcome)}", 2);
        foreach (var fact in drill.CleanUp.Facts) output.Paragraph("  " + fact, 4);
        foreach (var part in drill.Runbook?.NotExercised ?? []) output.Paragraph($"not exercised: {part}", 2);
        Findings(drill, output);
        if (drill.KeptAt is { } kept) output.Paragraph($"the recovered data is in {kept}; delete it yourself", 2);
        if (drill.Evidence is { } evidence) output.Paragraph($"evidence: {evidence}", 2);
        if (drill.Report is { } report) output.Paragraph($"the report is in {report}", 2);
    }

    private static void Times(DrillJson drill, Output output, CommandContext context)
    {
        var rto = drill.Objectives.RtoSeconds is { } promised ? $" (objective {Amounts.Seconds(promised)})" : "";
        output.Paragraph(drill.TechnicalRecoverySeconds is { } technical
            ? $"technical recovery time: {Seconds(technical)}{rto}"
            : "technical recovery time: not reached", 2);
        output.Table([.. drill.Phases.Select(
            p => (string[])[p.Name, p.Seconds is { } time ? Seconds(time) : p.Kind, p.Reason ?? ""])]);
        var rpo = drill.Objectives.RpoSeconds is { } allowed ? $" (objective {Amounts.Seconds(allowed)})" : "";
        output.Paragraph(drill.RpoOfSetSeconds is { } lost
            ? $"would have been lost: {Amounts.Seconds(lost)}{rpo}"
            : "would have been lost: unknown", 2);
        output.Table([.. drill.Rpo.Select(
            l => (string[])[l.Asset, Amounts.Seconds(l.LostSeconds), $"back to {context.Calendar.Short(l.Moment)}"])]);
    }

    private static void Findings(DrillJson drill, Output output)
    {
        if (drill.Findings.Count == 0) return;
        output.Line();
        output.Line("findings:");
        foreach (var finding in drill.Findings)
        {
            output.Paragraph($"  {output.Paint(finding.Severity, ToneOf(finding.Severity))} {finding.Message} [{finding.Code}]", 4);
            output.Paragraph($"    next: {finding.Hint}", 6);
        }
    }

    private static Tone ToneOf(string severity) => severity switch
    {
        "error" => Tone.Bad,
        "warning" => Tone.Warning,
        _ => Tone.Faint,
    };

    private static string Seconds(double seconds) => seconds < 60
        ? seconds.ToString("0.0", CultureInfo.InvariantCulture) + " s"
        : Amounts.Seconds(seconds);

    private static string Detail(DrillCheckJson check)
    {
        var weak = check is { Discriminates: false, Outcome: "pass", Level: >= 4 } ? " (would pass on nothing as well)" : "";
        if (check.Outcome == "pass") return check.Actual + weak;
        var expected = check.Expected is { Length: > 0 } wanted ? $"expected {wanted}, " : "";
        return expected + (check.Actual ?? "no answer");
    }
}
