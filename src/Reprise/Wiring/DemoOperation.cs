using System.Text.Json;
using Reprise.Cli;
using Reprise.Demo;
using Reprise.Json;
using Reprise.Recovery.Assets;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary><c>demo</c>: the story on an application of its own, every step one of our own commands.</summary>
internal static class DemoOperation
{
    /// <summary>Plays it in a temporary folder and removes that again, unless it is to be kept.</summary>
    public static async Task<CommandReport<DemoJson>> RunAsync(DemoOptions options, CommandContext context)
    {
        var machine = Machine.Of(context.Host);
        var folder = new DiskPath(machine.TemporaryFolder) / ("reprise-demo-" + Convert.ToHexStringLower(machine.Entropy.Bytes(4)));
        machine.Disk.MakeFolder(folder);
        try
        {
            var story = new DemoStory(
                machine.Disk,
                machine.Children,
                machine.Clock,
                (where, arguments, cancellationToken) => RunAsync(context.Host, where, arguments, cancellationToken),
                line => context.Prose.Paragraph(line));
            var result = await story.PlayAsync(
                folder, Sabotaged(options), Environment.IsPrivilegedProcess, options.Keep, context.Cancellation);
            return new CommandReport<DemoJson>(Json(result, options), [.. Problems(result)]);
        }
        finally
        {
            if (!options.Keep) Folders.DeleteTree(machine.Disk, folder);
        }
    }

    private static Sabotage Sabotaged(DemoOptions options) => options.Sabotage switch
    {
        null => Sabotage.None,
        "pack" => Sabotage.Pack,
        "dump" => Sabotage.Dump,
        "secret" => Sabotage.Secret,
        _ => throw new InvariantException($"sabotage {options.Sabotage}"),
    };

    // The command runs in this process with a terminal of text and a state of its own, exactly as it is parsed for a user.
    private static async Task<CommandEnd> RunAsync(
        Host host, DiskPath folder, string[] arguments, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var inner = host with
        {
            Terminal = new Terminal { Out = output, Error = errors, In = TextReader.Null },
            WorkingFolder = folder.ToString(),
            Environment = new Dictionary<string, string>(host.Environment, StringComparer.Ordinal)
            {
                ["REPRISE_STATE"] = folder + "/state",
                ["HOME"] = folder + "/home",
                ["REPRISE_CONFIG"] = "",
                ["BACKUP_METADATA_HMAC_KEY"] = "",
            },
            ListensToSignals = false,
        };
        var exit = await new CommandLine(inner, Composition.Operations(inner)).RunAsync([.. arguments, "--json"]);
        using var document = JsonDocument.Parse(output.ToString());
        return new CommandEnd(exit, document.RootElement.Clone());
    }

    private static DemoJson Json(DemoResult result, DemoOptions options) => new()
    {
        Folder = result.Folder,
        Kept = options.Keep,
        Sabotage = options.Sabotage,
        Phases = [.. result.Phases.Select(p => new PhaseJson { Name = p.Name, Seconds = Math.Round(p.Elapsed.TotalSeconds, 3) })],
        Hashes = [.. result.Hashes.Select(h => new RowHashJson
        {
            Asset = h.Asset, Recompute = h.Recompute, Before = h.Before, After = h.After,
        })],
        Lost = result.Lost,
        Point = result.Point,
        Checks = [],
        StopCommand = options.Keep ? result.StopCommand : null,
    };

    // What the inner command named is what the demo ends with: its exit code is that of the story.
    private static IEnumerable<Problem> Problems(DemoResult result)
    {
        var exit = result.Exit;
        foreach (var line in result.Problems)
        {
            yield return new Problem(
                new ErrorCode("demo-" + line.Split(':')[0], exit, "what the demo provoked"),
                exit == 0 ? Severity.Warning : Severity.Error,
                line[(line.IndexOf(": ", StringComparison.Ordinal) + 2)..],
                exit == 0 ? "nothing: the demo provoked it" : "nothing: the demo provoked it, and production was left as it was");
        }

        if (exit != 0 && result.Problems.Count == 0)
            throw new InvariantException($"a command of the demo ended with {exit} and named no problem");
    }
}
