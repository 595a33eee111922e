using Xunit.Sdk;

namespace Reprise.Acceptance.Runbooks.Causes;

/// <summary>
/// Somebody who follows a runbook and knows nothing but what it prints, its text, and the machine. Rules like those that
/// a person reads out of the text decide; the cause that the test injected is not known here.
/// </summary>
/// <param name="machine">what an operator can reach.</param>
internal abstract class Operator(Machine machine)
{
    // A runbook of ours has fewer steps that wait for somebody.
    private const int MostAnswers = 25;

    /// <summary>What an operator can reach.</summary>
    protected Machine Machine { get; } = machine;

    /// <summary>The runbook that is followed.</summary>
    protected abstract string Runbook { get; }

    /// <summary>Follows the runbook until it is done.</summary>
    /// <param name="arguments">inputs of the runbook.</param>
    public async Task<RunView> FollowAsync(params string[] arguments)
    {
        var types = await TypesAsync();
        var run = await AskAsync("run", [Runbook, "--red-first", .. arguments]);
        for (var answers = 0; run.State != "done"; answers++)
        {
            if (answers == MostAnswers) throw new XunitException($"still at {run.At}:\n{run.Json}");
            run = await AskAsync("resume", await AnswerAsync(run, types));
        }

        return run;
    }

    /// <summary>Further options that every call needs.</summary>
    protected virtual IReadOnlyList<string> Options => [];

    /// <summary>The option of a decision, and why: read from what was printed.</summary>
    protected abstract (string Option, string Why) Decide(RunView run);

    /// <summary>Does what the text of a manual step says, and tells what was done.</summary>
    protected abstract Task<string> DoAsync(RunView run);

    /// <summary>A decision that these rules do not know.</summary>
    protected static XunitException Lost(RunView run) => new($"nothing that was printed says what to do at {run.At}:\n{run.Json}");

    private async Task<string[]> AnswerAsync(RunView run, IReadOnlyDictionary<string, string> types)
    {
        // What would be overwritten is named by its identity; whoever has looked at it types it.
        var words = run.Next.Split(' ');
        var confirm = Array.IndexOf(words, "--confirm");
        if (run.State == "waiting" && confirm >= 0)
            return ["--confirm", words[confirm + 1].Replace("TARGET", run.Target, StringComparison.Ordinal)];
        if (run.State == "waiting" && types[run.At] == "decide")
        {
            var (option, why) = Machine.Instructed.TryGetValue(run.At, out var instructed)
                ? (instructed, "so it was decided")
                : Decide(run);
            return ["--decide", $"{run.At}={option}:{why}"];
        }

        if (run.State == "waiting" && types[run.At] == "manual") return ["--decide", $"{run.At}=done:{await DoAsync(run)}"];
        throw new XunitException($"{run.State} at {run.At}:\n{run.Json}");
    }

    private async Task<RunView> AskAsync(string verb, IReadOnlyList<string> arguments) =>
        new(await Machine.FollowAsync(verb, [.. arguments, .. Options, "--yes", "--json"]));

    private async Task<IReadOnlyDictionary<string, string>> TypesAsync()
    {
        var shown = (await Machine.RepriseAsync(["runbook", "show", Runbook, .. Options, "--json"])).MustExit(0);
        return shown.Result("runbook-show").GetProperty("steps").EnumerateArray()
            .ToDictionary(s => s.GetProperty("id").GetString() ?? "", s => s.GetProperty("type").GetString() ?? "");
    }
}
