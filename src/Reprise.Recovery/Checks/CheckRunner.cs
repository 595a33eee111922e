using Reprise.Recovery.Assets;
using Reprise.Recovery.Processes;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;

namespace Reprise.Recovery.Checks;

/// <summary>What checks are asked with.</summary>
public sealed record CheckTools
{
    /// <summary>Time.</summary>
    public required TimeProvider Clock { get; init; }

    /// <summary>Where files are.</summary>
    public required IDisk Disk { get; init; }

    /// <summary>Where hashing and SQLite run.</summary>
    public required Cpu Cpu { get; init; }

    /// <summary>Starts programs.</summary>
    public required ChildProcesses Children { get; init; }

    /// <summary>Every asset, for what they say of themselves.</summary>
    public required IReadOnlyList<IAsset> Assets { get; init; }

    /// <summary>Who answers questions, by asset.</summary>
    public required IReadOnlyDictionary<string, ISqlQuestions> Sql { get; init; }

    /// <summary>Where the files of an asset lie, by asset: what a <c>set</c> check looks below.</summary>
    public IReadOnlyDictionary<string, string> Folders { get; init; } = new SortedDictionary<string, string>();

    /// <summary>Connects to a host and port from where the application runs, or null: from here.</summary>
    public Func<string, int, CancellationToken, Task<Stream>>? Dial { get; init; }

    /// <summary>Puts a program to where the application runs, or null: it runs here.</summary>
    public Func<ChildCommand, ChildCommand>? Enter { get; init; }

    /// <summary>Takes secrets out of a text before it is shown.</summary>
    public required Func<string, string> Redact { get; init; }

    internal ChildCommand Entered(ChildCommand command) => Enter is { } enter ? enter(command) : command;
}

/// <summary>Asks configured checks. Disposing closes what is left of its connections.</summary>
public sealed class CheckRunner : ICheckRunner, IDisposable
{
    /// <summary>The pause between two attempts.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <summary>No single attempt takes longer.</summary>
    public static readonly TimeSpan AttemptLimit = TimeSpan.FromSeconds(10);

    /// <summary>No question to a database, and no <c>head</c>, takes longer.</summary>
    public static readonly TimeSpan QuestionLimit = TimeSpan.FromSeconds(60);

    private readonly CheckTools tools;
    private readonly NetworkAsker network;
    private readonly DataAsker data;

    /// <summary>Prepares; connects to nothing yet.</summary>
    public CheckRunner(CheckTools tools)
    {
        this.tools = tools;
        network = new NetworkAsker(tools.Clock, tools.Dial);
        data = new DataAsker(tools);
    }

    /// <inheritdoc />
    public async Task<CheckOutcome> AskAsync(
        CheckDefinition check, CheckSubject subject, Patience patience, CancellationToken cancellationToken)
    {
        var started = tools.Clock.GetTimestamp();
        var within = patience == Patience.UntilWithin ? Within(check) : TimeSpan.Zero;
        while (true)
        {
            var elapsed = tools.Clock.GetElapsedTime(started);
            var answer = await AttemptAsync(check, subject, within - elapsed, cancellationToken);
            elapsed = tools.Clock.GetElapsedTime(started);
            if (answer.Outcome == Outcome.Pass || elapsed + Pause >= within) return Report(check, answer, elapsed);
            await Task.Delay(Pause, tools.Clock, cancellationToken);
        }
    }

    /// <inheritdoc />
    public void Dispose() => network.Dispose();

    private static TimeSpan Within(CheckDefinition check) => check switch
    {
        CheckDefinition.Http http => http.Within,
        CheckDefinition.Tcp tcp => tcp.Within,
        CheckDefinition.Command command => command.Within,
        _ => TimeSpan.Zero,
    };

    private CheckOutcome Report(CheckDefinition check, CheckAnswer answer, TimeSpan elapsed) => new()
    {
        Name = check.Name,
        Level = check.Level,
        Outcome = answer.Outcome,
        Expected = answer.Expected is { } expected ? tools.Redact(expected) : null,
        Actual = answer.Actual is { } actual ? tools.Redact(actual) : null,
        Elapsed = elapsed,
        Required = check.Required,
        Asset = check.OfAsset,
        Reason = answer.Reason,
    };

    private async Task<CheckAnswer> AttemptAsync(
        CheckDefinition check, CheckSubject subject, TimeSpan left, CancellationToken cancellationToken)
    {
        var limit = left > TimeSpan.Zero && left < AttemptLimit ? left : AttemptLimit;
        try
        {
            return check switch
            {
                CheckDefinition.Http http => await network.AskAsync(http, limit, cancellationToken),
                CheckDefinition.Tcp tcp => await network.AskAsync(tcp, limit, cancellationToken),
                CheckDefinition.Sql sql => await data.AskAsync(sql.Asset, sql.Query, sql.Expect, cancellationToken),
                CheckDefinition.Sqlite lite =>
                    await data.AskAsync(lite.Asset, lite.Query, lite.Expect, cancellationToken),
                CheckDefinition.Rows rows => await data.AskAsync(rows, subject, cancellationToken),
                CheckDefinition.Migration migration => await data.AskAsync(migration, subject, cancellationToken),
                CheckDefinition.File file => await data.AskAsync(file, cancellationToken),
                CheckDefinition.Set set => await new SetAsker(tools, data).AskAsync(set, cancellationToken),
                CheckDefinition.Command command => await RunAsync(command, left, cancellationToken),
                _ => throw new InvariantException($"a check of an unknown kind: {check.Name}"),
            };
        }
        catch (RepriseException e)
        {
            return CheckAnswer.CouldNotVerify("an answer", e.Problem);
        }
    }

    private async Task<CheckAnswer> RunAsync(
        CheckDefinition.Command check, TimeSpan left, CancellationToken cancellationToken)
    {
        // A program that is asked once gets its whole time: cut short it would be red for a reason of ours.
        var limit = left > TimeSpan.Zero ? left : check.Within;
        var result = await tools.Children.RunAsync(tools.Entered(check.Run with { Within = limit }), cancellationToken);
        return result.Exit switch
        {
            0 => CheckAnswer.Pass("exit 0", "exit 0"),
            -1 => CheckAnswer.Fail(
                "exit 0", $"{check.Run.Program} did not end within {limit.TotalSeconds:0.#} s", "too-slow"),
            var exit => CheckAnswer.Fail("exit 0", $"exit {exit}: {result.LastError}", "another-answer"),
        };
    }
}
