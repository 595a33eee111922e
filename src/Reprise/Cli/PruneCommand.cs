using System.CommandLine;
using Reprise.Json;

namespace Reprise.Cli;

/// <summary>What <c>prune</c> was asked.</summary>
/// <param name="Plan">show, and change nothing.</param>
/// <param name="GiveUp">the whole id of a point that is lost and shall no longer hold prunes, or null.</param>
/// <param name="AcceptShrunk">go on although a source has lost more than half of what it held.</param>
/// <param name="Yes">do not ask.</param>
/// <param name="Exclusive">nobody else writes to the repository now.</param>
internal sealed record PruneOptions(bool Plan, string? GiveUp, bool AcceptShrunk, bool Yes, bool Exclusive);

/// <summary><c>reprise prune</c></summary>
internal static class PruneCommand
{
    /// <summary>Adds the command when it can do something.</summary>
    public static void AddTo(CommandTree tree, Operations operations)
    {
        if (operations.Prune is not { } prune) return;
        var plan = CommandTree.Flag("--plan", "say of each point, and of WAL, why it stays or goes; change nothing");
        var giveUp = CommandTree.Value("--give-up", "POINT", "a point that is damaged or gone for good, and holds prunes");
        var shrunk = CommandTree.Flag("--accept-shrunk", "go on although a source lost more than half of what it held");
        var yes = CommandTree.Flag("--yes", "do not ask before a point is given up");
        var exclusive = CommandTree.Flag("--exclusive", "nothing else writes to the repository now; for stores that cannot create atomically");
        var command = new Command("prune", "applies retention: drops points, deletes what no point needs")
        {
            plan, giveUp, shrunk, yes, exclusive,
        };
        tree.Add(tree.Root, command, CommandTree.Call(
            Documents.Prune,
            prune,
            (parse, _) => new PruneOptions(
                parse.GetValue(plan), parse.GetValue(giveUp), parse.GetValue(shrunk), parse.GetValue(yes), parse.GetValue(exclusive)),
            Render), "reprise prune --plan");
    }

    private static void RenderWal(PruneJson result, Output output)
    {
        if (result.Wal.Count == 0) return;
        output.Table(
            [.. result.Wal.Select(w => (string[])
            [
                $"WAL {w.Lineage} timeline {w.Timeline}, {w.Start} to {w.End}",
                w.Stays ? "stays" : result.Plan || result.DeletedWalObjects == 0 ? "goes" : "went",
                Amounts.Bytes(w.StoredBytes),
                w.Why,
            ])],
            [.. result.Wal.Select(w => w.Stays ? Tone.Plain : Tone.Warning)],
            indent: 0);
        output.Line();
        if (!result.Plan && result.DeletedWalObjects > 0)
            output.Paragraph($"{Amounts.Count(result.DeletedWalObjects, "object")} of WAL deleted, {Amounts.Bytes(result.FreedWalBytes)} freed");
    }

    private static void Render(PruneJson result, Output output, CommandContext context)
    {
        if (result.Points.Count == 0) output.Line("there is no point yet");
        output.Table(
            [.. result.Points.Select(p => (string[])
            [
                p.Id,
                p.Stays ? "stays" : "goes",
                p.State + (p.Kind == "safety" ? " safety" : ""),
                string.Join(", ", p.Why),
            ])],
            [.. result.Points.Select(p => p.Stays ? Tone.Plain : Tone.Warning)],
            indent: 0);
        output.Line();
        RenderWal(result, output);
        var dropped = Amounts.Count(result.Dropped.Count, "point");
        if (result.Plan)
        {
            output.Paragraph($"{dropped} would go; the prune after that one would free {Amounts.Bytes(result.FreedNextBytes)}");
            output.Line("nothing was changed; next: reprise prune");
            return;
        }

        output.Paragraph($"{dropped} dropped, {Amounts.Count(result.DeletedPacks, "pack")} deleted, {Amounts.Bytes(result.FreedBytes)} freed");
        if (result.FreedNextBytes > 0)
            output.Paragraph($"the next prune frees {Amounts.Bytes(result.FreedNextBytes)}: restores that run now may still read that");
        if (result.Waiting.Count > 0)
            output.Paragraph($"{Amounts.Count(result.Waiting.Count, "backup")} at work; one that has not ended by the next prune is taken for dead");
        if (result.Expelled.Count > 0)
            output.Paragraph($"{Amounts.Count(result.Expelled.Count, "backup")} taken for dead: the previous prune had seen the same");
    }
}
