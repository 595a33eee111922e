using System.CommandLine;
using Reprise.Json;

namespace Reprise.Cli;

/// <summary>What <c>stream</c> was asked.</summary>
/// <param name="Asset">whose WAL, or null: the only PostgreSQL of the configuration.</param>
internal sealed record StreamOptions(string? Asset);

/// <summary><c>reprise stream</c></summary>
internal static class StreamCommand
{
    /// <summary>Adds the command when it can do something.</summary>
    public static void AddTo(CommandTree tree, Operations operations)
    {
        if (operations.Stream is not { } stream) return;
        var asset = CommandTree.Optional("ASSET", "whose WAL (the only PostgreSQL of the configuration)");
        tree.Add(
            tree.Root,
            new Command("stream", "streams the WAL of a PostgreSQL into the repository until it is stopped; it connects again by itself") { asset },
            CommandTree.Call(Documents.Stream, stream, (parse, _) => new StreamOptions(parse.GetValue(asset)), Render),
            "reprise stream orders");
    }

    private static void Render(StreamJson result, Output output, CommandContext context) => output.Paragraph(
        result.Confirmed is null
            ? $"stopped; no WAL of {result.Asset} was confirmed"
            : $"stopped; WAL of {result.Asset} is in the repository up to {result.Confirmed} of timeline {result.Timeline}");
}
