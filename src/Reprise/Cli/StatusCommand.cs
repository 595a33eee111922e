using System.CommandLine;
using Reprise.Json;

namespace Reprise.Cli;

/// <summary><c>reprise status</c>, and <c>reprise</c> alone, which says it in five lines.</summary>
internal static class StatusCommand
{
    /// <summary>Adds the command when it can do something.</summary>
    public static void AddTo(CommandTree tree, Operations operations)
    {
        if (operations.Status is not { } status) return;
        var command = new Command("status", "window, exposure, last proof, former data, interrupted operations");
        var full = CommandTree.Call(Documents.Status, status, (_, _) => new NoOptions(), Render);
        tree.Add(tree.Root, command, full, "reprise status");
        tree.SetRoot(CommandTree.Call(Documents.Status, status, (_, _) => new NoOptions(), RenderShort));
    }

    private static void RenderShort(StatusJson status, Output output, CommandContext context)
    {
        output.Paragraph(Verdict(status, output, context));
        output.Table([Newest(status, context), Exposure(status), Proof(status, context), Key(status)]);
        output.Line($"next: {status.Next}");
    }

    private static void Render(StatusJson status, Output output, CommandContext context)
    {
        output.Paragraph(Verdict(status, output, context));
        var rows = new List<string[]> { Newest(status, context), Exposure(status) };
        if (status.Window is { } window)
        {
            rows.Add(
            [
                "window",
                $"{context.Calendar.Short(window.From)} to {context.Calendar.Short(window.To)}, "
                + Amounts.Count(status.Points, "point"),
            ]);
        }

        rows.AddRange(status.Windows.Select(w => (string[])["replay", Window(w, context)]));
        rows.AddRange(status.Gaps.Select(g => (string[])["gap", $"{context.Calendar.Short(g.From)} to {context.Calendar.Short(g.To)}: {g.Cause}"]));
        rows.AddRange(status.Archiving.Select(f => (string[])["shipping", Flow(f, output)]));
        rows.AddRange(status.Wal.Select(w => (string[])["WAL", Wal(w, context)]));
        rows.Add(Proof(status, context));
        rows.AddRange(status.Stale.Select(s => (string[])["", status.LastProof is null ? s : $"no longer worth anything: {s}"]));
        if (status.Rto is { } rto) rows.Add(Rto(rto));
        rows.Add(Key(status));
        rows.Add(
        [
            "schedule",
            status.Scheduled switch
            {
                true => "something starts reprise backup by itself",
                false => "nothing starts reprise backup by itself; reprise init prints how",
                null => "cannot be told here",
            },
        ]);
        output.Table(rows);
        foreach (var operation in status.Interrupted)
        {
            var what = $"{operation.Operation} {operation.Id} at {operation.Phase}";
            output.Paragraph($"interrupted: {what}; finish it with {operation.Next}", 2);
        }

        foreach (var former in status.Former)
        {
            var until = former.Until is { } time ? $" until {context.Calendar.Short(time)}" : "";
            var size = former.SizeBytes is { } bytes ? $", {Amounts.Bytes(bytes)}" : "";
            output.Paragraph($"former data: {former.Asset} in {former.Where}{size}{until}", 2);
        }

        foreach (var runbook in status.Runbooks) output.Paragraph($"runbook {runbook.Id}: {Proof(runbook, context)}", 2);
        foreach (var action in status.Actions)
        {
            var late = action.Overdue ? output.Paint("overdue", Tone.Warning) + ", was due" : "due";
            output.Paragraph($"action: {action.Action} ({action.Owner}, {late} {action.Due}; {action.Gap}; note {action.Note})", 2);
        }

        output.Line($"next: {status.Next}");
    }

    private static string Verdict(StatusJson status, Output output, CommandContext context)
    {
        var (text, tone) = status switch
        {
            { Interrupted.Count: > 0 } => ("an operation was interrupted and is not finished", Tone.Bad),
            { LastPoint: null } => ("nothing can be restored: there is no complete point", Tone.Bad),
            _ when status.Archiving.Any(f => f.State == "stopped") => ("the WAL of a server does not come any more: what it writes now would be lost", Tone.Bad),
            { Rpo: { ObjectiveSeconds: { } promised, ExposureSeconds: { } lost } } when lost > promised =>
                ("more would be lost than was promised", Tone.Bad),
            { LastProof: null } => ("a point is there, but none was ever proven", Tone.Warning),
            { Stale.Count: > 0 } => ("what was proven is no longer what is there", Tone.Warning),
            { KeyElsewhere: false } => ("the only key is on this host", Tone.Warning),
            _ => ("ready to come back", Tone.Good),
        };
        return $"{output.Paint(context.Application ?? "this repository", Tone.Strong)}: {output.Paint(text, tone)}";
    }

    private static string[] Newest(StatusJson status, CommandContext context) => status.LastPoint is { } point
        ?
        [
            "newest",
            $"{point.Id}, {Age(context, point.Created)} old, {Amounts.Count(point.Assets, "asset")}, "
            + Amounts.Bytes(point.SourceBytes),
        ]
        : ["newest", "none"];

    private static string[] Exposure(StatusJson status)
    {
        var lost = status.Rpo.ExposureSeconds is { } seconds ? $"the last {Amounts.Seconds(seconds)}" : "everything";
        var promised = status.Rpo.ObjectiveSeconds is { } most ? $"; at most {Amounts.Seconds(most)} was promised" : "";
        return ["at risk", lost + promised];
    }

    private static string Window(WindowJson window, CommandContext context) =>
        $"{window.Asset}: any moment from {context.Calendar.Short(window.From)} to {context.Calendar.Short(window.To)}, {window.ToLsn} of timeline {window.Timeline}";

    private static string Flow(WalFlowJson flow, Output output)
    {
        var by = flow.By switch { "stream" => "by stream", "archive-command" => "by archive_command", _ => "by nothing" };
        return flow.Asset + ": " + flow.State switch
        {
            "flowing" => $"{by}, {(flow.BehindBytes is { } behind ? $"{Amounts.Bytes(behind)} behind the server" : "not compared with the server")}",
            "stopped" => output.Paint($"stopped, {by}", Tone.Bad),
            _ => "the server does not answer; " + flow.WaitingSegments switch
            {
                null => "its files cannot be looked at",
                0 => "nothing finished waits in pg_wal",
                { } waiting => output.Paint($"{Amounts.Count(waiting, "segment")} in its pg_wal are not in the repository", Tone.Bad),
            },
        };
    }

    // No window is claimed here: WAL is replayed onto a physical point only.
    private static string Wal(WalStateJson wal, CommandContext context)
    {
        if (wal.To is null) return $"timeline {wal.Timeline}: claimed, and nothing came yet";
        var commit = wal.LastCommit is { } last ? $", last commit {Age(context, last)} ago" : "";
        var gaps = wal.Gaps.Count == 0 ? "without a gap" : $"with {Amounts.Count(wal.Gaps.Count, "gap")}";
        return $"timeline {wal.Timeline}: {wal.From} to {wal.To} {gaps}{commit}, {Amounts.Bytes(wal.StoredBytes)}";
    }

    private static string[] Proof(StatusJson status, CommandContext context) => status.LastProof is { } proof
        ? ["proven", $"{proof.Point} by {proof.By}, {Age(context, proof.At)} ago, {Level(proof.Level)}"]
        : ["proven", "never"];

    private static string Proof(RunbookProofJson runbook, CommandContext context) => runbook switch
    {
        { ProvenAt: null, NotRehearsed: { } why } => $"not rehearsed: {why}",
        { ProvenAt: null } => string.Join("; ", runbook.Stale),
        { Stale.Count: 0, ProvenAt: { } at } => $"proven {Age(context, at)} ago after {runbook.Incident}",
        { ProvenAt: { } at } => $"proven {Age(context, at)} ago, no longer worth anything: {string.Join("; ", runbook.Stale)}",
    };

    private static string[] Rto(RtoJson rto)
    {
        var measured = rto.MeasuredSeconds is { } seconds
            ? $"back in {Amounts.Seconds(seconds)} last time"
            : "never measured";
        var promised = rto.ObjectiveSeconds is { } most ? $"; {Amounts.Seconds(most)} was promised" : "";
        return ["time", measured + promised];
    }

    private static string[] Key(StatusJson status) =>
    [
        "key",
        status.KeyElsewhere
            ? "the recovery sheet lies elsewhere"
            : "the only key is on this host; print the sheet, then: reprise key sheet --confirm",
    ];

    private static string Age(CommandContext context, DateTimeOffset time) =>
        Amounts.Time(context.Host.Clock.GetUtcNow() - time);

    private static string Level(int level) => level switch
    {
        1 => "bytes",
        2 => "engine",
        3 => "structure",
        4 => "data",
        5 => "whole application",
        _ => $"level {level}",
    };
}
