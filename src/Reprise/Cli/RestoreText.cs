using Reprise.Json;

namespace Reprise.Cli;

/// <summary>Restores as text: before, what you get, lose, and how to go back; after, what came of it.</summary>
internal static class RestoreText
{
    private const int MostChanges = 3;
    private const int MostPaths = 12;

    /// <summary><c>orders 41,202 → 40,950</c>, the largest differences first.</summary>
    public static string Changes(IReadOnlyList<ChangeJson> changes)
    {
        var different = changes
            .Where(c => c.Now != c.Then)
            .OrderByDescending(c => Math.Abs((c.Now ?? 0) - (c.Then ?? 0)))
            .ToList();
        if (different.Count == 0) return changes.Count == 0 ? "" : "as many rows as now";
        var shown = different.Take(MostChanges).Select(c => $"{Name(c)} {Number(c.Now)} → {Number(c.Then)}");
        var more = different.Count - MostChanges;
        return string.Join(", ", shown) + (more > 0 ? $" and {Amounts.Count(more, "more table")}" : "");
    }

    /// <summary>What a restore or an undo came to.</summary>
    public static void Render(RestoreJson result, Output output, CommandContext context)
    {
        if (result.Verdict == "planned")
        {
            RenderPlan(result, output, context);
            return;
        }

        var name = output.Paint(context.Application ?? "the application", Tone.Strong);
        var seconds = result.Phases.Sum(p => p.Seconds);
        var took = result.Phases.Count == 0 ? "" : $" in {Amounts.Seconds(seconds)}";
        output.Paragraph(result.Verdict switch
        {
            "restored" => $"{name} is {output.Paint("back", Tone.Good)}{took}: {From(result, context)}",
            "rolled-back" =>
                $"{name} was {output.Paint("rolled back", Tone.Bad)}{took}: what was live before is live again",
            "beside" => $"{Amounts.Count(result.Tables.Count, "table")} of {name} {output.Paint("came back", Tone.Good)}{took} beside the live ones: {From(result, context)}",
            "written" when result.Tables.Count > 0 => $"{Amounts.Count(result.Tables.Count, "table")} of {name} written to files{took}: {From(result, context)}; what is live was not touched",
            "written" => $"{name} was written to a folder{took}: {From(result, context)}; what is live was not touched",
            "unchanged" => $"{name} was {output.Paint("not restored", Tone.Bad)}{took}: what is live is as it was",
            _ => $"{name}: the restore did not come to an end",
        });
        Lost(result, output, context);
        RenderChecks(result, output);
        RenderUnsafe(result, output);
        RenderFormer(result, output, context);
        if (result.Tables.Count == 0) RenderWritten(result, output);
        RenderTables(result, output);
        foreach (var moment in result.Moments) RenderMoment(moment, output, context);
        RenderPhases(result, output);
        if (Next(result) is { } next) output.Line($"next: {next}");
    }

    /// <summary>What a plan says before somebody confirms it, short enough to be read at night.</summary>
    public static void InShort(RestoreJson plan, Output output)
    {
        var words = new List<string>();
        foreach (var word in plan.Plan.Select(s => s.Id.Split('-', ' ')[0]))
        {
            if (words.Count == 0 || words[^1] != word) words.Add(word);
        }

        var seconds = plan.Plan.Sum(s => s.EstimateSeconds ?? 0);
        var about = seconds > 0 ? $", about {Amounts.Seconds(seconds)}" : "";
        output.Paragraph($"In this order: {string.Join(", ", words)}{about}. Each step: --plan", 2);
        RenderSecrets(plan, output);
    }

    /// <summary>What <c>restore forget</c> came to.</summary>
    public static void RenderForgotten(RestoreJson result, Output output, CommandContext context) =>
        output.Paragraph($"what restore {result.RestoreId} replaced is deleted; it cannot be undone any more");

    /// <summary>The steps of a plan.</summary>
    public static void Plan(RestoreJson plan, Output output)
    {
        output.Table([.. plan.Plan.Select(s => (string[])
        [
            s.Id,
            s.Effect,
            s.Target + (s.Bytes is { } bytes ? $", {Amounts.Bytes(bytes)}" : "")
                + (s.EstimateSeconds is { } seconds ? $", about {Amounts.Seconds(seconds)}" : ""),
        ])]);
    }

    private static void RenderPlan(RestoreJson plan, Output output, CommandContext context)
    {
        // The restore that is run later has an identifier of its own: undo without one takes it.
        foreach (var sentence in plan.Sentences)
        {
            output.Paragraph(sentence.Replace($"undo {plan.RestoreId}", "undo", StringComparison.Ordinal));
        }

        foreach (var moment in plan.Moments) RenderMoment(moment, output, context);
        if (plan.Plan.Count > 0) Plan(plan, output);
        RenderSecrets(plan, output);
        output.Line("nothing was changed");
        output.Line($"next: {Command(plan)} {plan.Point}{context.Again}");
    }

    private static string From(RestoreJson result, CommandContext context)
    {
        if (result.Point is null) return "what was live before the restore";
        return result.PointCreated is { } created
            ? $"point {result.Point} of {context.Calendar.Both(created)}"
            : $"what was live before restore {result.Point}";
    }

    // A plan of an undo brings back what a restore replaced, which no point has the time of.
    private static string Command(RestoreJson plan) => plan.PointCreated is null ? "reprise undo" : "reprise restore";

    // What was refused or failed says what to do next in its own error.
    private static string? Next(RestoreJson result) => result.Verdict switch
    {
        "restored" when result.Former.Count > 0 => $"reprise check, then reprise restore forget {result.RestoreId}",
        "restored" => "reprise check",
        "rolled-back" => "reprise check, and read why above",
        "written" when result.Tables.Count > 0 => "psql -v ON_ERROR_STOP=1 -1 -f FILE DATABASE, where the tables are not",
        "written" => "look at what was written",
        "beside" => "compare and copy what you need with psql, then drop the new table",
        "unchanged" => null,
        _ => "reprise status",
    };

    private static void Lost(RestoreJson result, Output output, CommandContext context)
    {
        if (result.Verdict is "rolled-back" or "unchanged") output.Line("lost: nothing");
        if (result.Verdict != "restored") return;
        var changes = Changes(result.Changes);
        var since = result.PointCreated is { } created
            ? $"in the last {Amounts.Time(context.Host.Clock.GetUtcNow() - created)}"
            : "since that restore";
        output.Paragraph($"lost: what was written {since}" + (changes.Length == 0 ? "" : $" ({changes})"), 2);
        if (result.MissingCount == 0) return;
        var named = string.Join(", ", result.Missing.Take(3).Select(m => m.Path ?? $"all of {m.Asset}"));
        var more = result.MissingCount > 3 ? $" and {result.MissingCount - 3:N0} more" : "";
        output.Paragraph($"{output.Paint("missing:", Tone.Warning)} {named}{more}: damaged, and left out", 2);
    }

    private static void RenderChecks(RestoreJson result, Output output)
    {
        var asked = result.Checks.Count(c => c.Outcome != "not-applicable");
        if (asked == 0) return;
        var passed = result.Checks.Count(c => c.Outcome == "pass");
        output.Line($"checks: {passed} of {asked} passed");
        // What passed is counted; what did not is what has to be read.
        output.Checks([.. result.Checks.Where(c => c.Outcome is not ("pass" or "not-applicable"))]);
    }

    private static void RenderUnsafe(RestoreJson result, Output output)
    {
        switch (result.Verdict)
        {
            case "restored" when result.MissingCount == 0 && result.Secrets.All(IsKnown) && result.Checks.All(HasPassed):
                output.Line("unsafe: nothing that was asked about");
                break;
            case "rolled-back" or "unchanged":
                // The secrets belong to what is live; those of a point that is not, say nothing.
                output.Line("unsafe: what you wanted to repair is as it was");
                break;
            default:
                RenderSecrets(result, output);
                var open = result.Checks.Where(c => !HasPassed(c)).Select(c => c.Name).ToList();
                var unproven = $"{output.Paint("unsafe:", Tone.Warning)} not proven: {string.Join(", ", open)}";
                if (open.Count > 0) output.Paragraph(unproven, 2);
                break;
        }
    }

    private static bool IsKnown(SecretJson secret) => secret.Outcome is "pass" or "not-applicable";

    private static bool HasPassed(CheckJson check) => check.Outcome is "pass" or "not-applicable";

    private static void RenderSecrets(RestoreJson result, Output output)
    {
        foreach (var secret in result.Secrets)
        {
            var text = secret.Outcome switch
            {
                "pass" or "not-applicable" => null,
                "fail" => $"secret {secret.Name} is not the one of the point: what it signed or sealed will be refused",
                _ => $"secret {secret.Name} could not be compared: it is not set here",
            };
            if (text is not null) output.Paragraph($"{output.Paint("unsafe:", Tone.Warning)} {text}", 2);
        }
    }

    private static void RenderFormer(RestoreJson result, Output output, CommandContext context)
    {
        var what = result.Verdict == "rolled-back" ? "restored" : "former";
        if (result.Former is [var only])
        {
            output.Paragraph($"kept: the {what} {only.Asset} in {only.Where}{Until(only.Until, context)}", 2);
        }
        else if (result.Former.Count > 1)
        {
            // Where each of them lies would take half a screen; what is to be done next must stay on it.
            var names = string.Join(", ", result.Former.Select(f => f.Asset).Distinct());
            var until = Until(result.Former.Min(f => f.Until), context);
            output.Paragraph($"kept: the {what} {names}{until}; reprise status says where", 2);
        }

        if (result is { Verdict: "restored", Former.Count: > 0 }) output.Line("back again with: reprise undo");
    }

    private static void RenderWritten(RestoreJson result, Output output)
    {
        foreach (var path in result.Written.Take(MostPaths)) output.Line("  " + path);
        var more = result.WrittenCount - MostPaths;
        if (more > 0) output.Line($"  and {Amounts.Count(more, "more file")}");
    }

    private static void RenderTables(RestoreJson result, Output output)
    {
        foreach (var table in result.Tables.Take(MostPaths))
        {
            var rows = table.Rows is { } count ? $", {Amounts.Count(count, "row")}" : "";
            output.Paragraph($"{table.Table} is {table.Target}{rows}", 2);
            if (table.LeftOut.Count > 0) output.Paragraph($"without: {string.Join(", ", table.LeftOut)}", 4);
        }

        var more = result.Tables.Count - MostPaths;
        if (more > 0) output.Line($"  and {Amounts.Count(more, "more table")}");
    }

    private static void RenderMoment(MomentJson moment, Output output, CommandContext context)
    {
        var last = moment.LastCommit is { } commit ? $", last commit {context.Calendar.Both(commit)}" : "";
        var transaction = moment.Transaction is { } number ? $" (transaction {number})" : "";
        output.Paragraph($"{moment.Asset} at {moment.Wish}: WAL up to {moment.Lsn} of timeline {moment.Timeline}{last}{transaction}", 2);
        if (moment.Replayed)
            output.Paragraph($"it reached that and is stopped, on timeline {moment.NewTimeline}; it does not archive until you say so and run reprise wal adopt", 2);
    }

    // What took no time that could be read is left out.
    private static void RenderPhases(RestoreJson result, Output output)
    {
        var noticed = result.Phases.Where(p => p.Seconds >= 0.05).ToList();
        if (noticed.Count == 0) return;
        output.Paragraph(
            "phases: " + string.Join(", ", noticed.Select(p => $"{p.Name} {Amounts.Seconds(p.Seconds)}")), 2);
    }

    private static string Until(DateTimeOffset? time, CommandContext context) =>
        time is { } until ? $" until {context.Calendar.Short(until)}" : "";

    private static string Name(ChangeJson change) =>
        change.Table == change.Asset || change.Table.Length == 0 ? change.Asset
        : change.Table.StartsWith(change.Asset + " ", StringComparison.Ordinal) ? change.Table
        : $"{change.Asset}.{change.Table}";

    private static string Number(long? count) => count is { } number ? Amounts.Count(number) : "none";
}
