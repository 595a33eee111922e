using System.CommandLine;
using Reprise.Json;

namespace Reprise.Cli;

/// <summary>A command about one point.</summary>
/// <param name="Point">as it was typed.</param>
internal sealed record PointOptions(string Point);

/// <summary><c>reprise points</c>, <c>reprise points show POINT</c></summary>
internal static class PointsCommand
{
    /// <summary>Adds the commands that can do something.</summary>
    public static void AddTo(CommandTree tree, Operations operations)
    {
        if (operations.Points is not { } points) return;
        var command = new Command("points", "points, recovery window, gaps");
        var list = CommandTree.Call(Documents.Points, points, (_, _) => new NoOptions(), Render);
        tree.Add(tree.Root, command, list, "reprise points");
        if (operations.PointsShow is not { } show) return;
        var point = CommandTree.Needed("POINT", "an id, its beginning, latest, latest~N or proven");
        tree.Add(command, new Command("show", "one point in full") { point }, CommandTree.Call(
            Documents.PointsShow,
            show,
            (parse, _) => new PointOptions(parse.GetRequiredValue(point)!), // The parser demands it.
            RenderOne), "reprise points show latest");
    }

    private static void Render(PointsJson result, Output output, CommandContext context)
    {
        if (result.Points.Count == 0)
        {
            output.Line("there is no point yet");
            output.Line("next: reprise backup");
            return;
        }

        output.Table(
            [.. result.Points.Select(p => (string[])
            [
                p.Id,
                p.State + (p.Kind == "safety" ? " safety" : ""),
                context.Calendar.Short(p.Created),
                $"{Amounts.Bytes(p.SourceBytes)}, {Amounts.Bytes(p.StoredBytes)} stored",
            ])],
            indent: 0);
        output.Line();
        foreach (var window in result.Window)
        {
            var single = window.From == window.To;
            if (window.Asset is { } asset)
            {
                output.Paragraph(
                    $"restorable: {asset} at any moment from {context.Calendar.Short(window.From)} to {context.Calendar.Short(window.To)}, "
                    + $"{window.ToLsn} of timeline {window.Timeline}",
                    2);
                continue;
            }

            output.Paragraph(single
                ? $"restorable: {context.Calendar.Short(window.From)}"
                : $"restorable: from {context.Calendar.Short(window.From)} to {context.Calendar.Short(window.To)}", 2);
        }

        foreach (var gap in result.Gaps)
        {
            output.Paragraph(
                $"gap: {context.Calendar.Short(gap.From)} to {context.Calendar.Short(gap.To)}{(gap.Asset is null ? "" : $", {gap.Asset}")}: {gap.Cause}", 2);
        }
    }

    private static void RenderOne(PointsShowJson result, Output output, CommandContext context)
    {
        var point = result.Point;
        output.Line($"point {point.Id}");
        var rows = new List<string[]>
        {
            new[] { "taken", context.Calendar.Both(point.Created) },
            new[] { "state", $"{point.State}, {point.Kind}" },
            new[] { "size", $"{Amounts.Bytes(point.SourceBytes)} read, {Amounts.Bytes(point.StoredBytes)} stored" },
            new[] { "skew", Amounts.Seconds(point.SkewSeconds) },
        };
        if (point.Signature is { } signature) rows.Add(["signature", signature]);
        if (point.Release is { } release)
        {
            if (release.Commit is { } commit)
            {
                rows.Add(["release", commit + (release.Dirty == true ? ", with changes that are not committed" : "")]);
            }

            rows.AddRange(release.Images.Select(image => (string[])["image", image]));
        }

        // Whoever builds a new machine has to know which servers and programs the data is from.
        rows.AddRange(point.Assets.Where(a => a.Versions.Count > 0).Select(
            a => (string[])["versions", $"{a.Name}: {string.Join(", ", a.Versions.Select(v => $"{v.Key} {v.Value}"))}"]));
        output.Table(rows);
        output.Line();
        PointText.Assets(point, output);
        if (result.Recorded.Count == 0) return;
        output.Line();
        output.Line("missing or odd when it was taken:");
        output.Table(
            [.. result.Recorded.Select(r => (string[])[r.Code, r.Message + (r.Where is null ? "" : $" ({r.Where})")])]);
    }
}
