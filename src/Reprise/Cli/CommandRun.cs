using System.CommandLine;
using Reprise.Json;
using Reprise.Storage.Errors;

namespace Reprise.Cli;

/// <summary>
/// Runs one command: signals, progress, the result as text or as one JSON document, problems, and the exit code. What
/// the command does comes from outside.
/// </summary>
internal sealed class CommandRun(Host host, GlobalOptions options)
{
    private readonly DateTimeOffset started = host.Clock.GetUtcNow();
    private readonly long startedTicks = host.Clock.GetTimestamp();

    /// <summary>What the program stands on.</summary>
    public Host Host => host;

    /// <summary>Runs <paramref name="call"/> and prints what it came to; returns the exit code.</summary>
    public async Task<int> ExecuteAsync<T>(
        Document<T> document,
        ParseResult parse,
        Func<CommandContext, Task<CommandReport<T>>> call,
        Action<T, Output, CommandContext> render)
        where T : class
    {
        _ = parse;
        using var progress = new ProgressLine(host.Terminal, host.Clock, options.Quiet);
        var interruption = new Interruption(
            line =>
            {
                progress.Clear();
                if (host.Terminal.IsAsking) host.Terminal.Error.WriteLine();
                host.Terminal.Error.WriteLine(line);
            },
            () => progress.Current);
        host.Listening.Add(interruption);
        if (host.ListensToSignals) interruption.Listen();
        var context = new CommandContext(host, options, interruption.Token)
        {
            Progress = progress,
            Prose = new Output(
                host.Terminal.Error, host.Terminal.Width, Colours(host.Terminal.ErrorIsTerminal), options.Quiet),
            Calendar = new Calendar(host.Clock.LocalTimeZone, Calendar.LanguageOf(host.Environment)),
        };
        var report = await CallAsync(context, call);
        interruption.End();
        progress.Dispose();
        return Finish(document, context, report, render);
    }

    /// <summary>Prints an error that came before any command was understood; returns the exit code.</summary>
    public int Refuse(Problem problem)
    {
        if (options.Json)
        {
            var document = Documents.Error;
            host.Terminal.Out.Write(
                document.Write(Wrap(document, new CommandReport<NothingJson>(null, [problem]), null)));
        }

        ProblemLines.Write(Errors(), [problem]);
        return ExitDecision.Of([problem]);
    }

    private static async Task<CommandReport<T>> CallAsync<T>(
        CommandContext context, Func<CommandContext, Task<CommandReport<T>>> call)
        where T : class
    {
        try
        {
            return await call(context);
        }
        catch (RepriseException e)
        {
            return new CommandReport<T>(null, [e.Problem]);
        }
        catch (OperationCanceledException) when (context.Cancellation.IsCancellationRequested)
        {
            return new CommandReport<T>(null, [Interrupted(context)]);
        }
#pragma warning disable CA1031 // The edge of the program: whatever else arrives is our bug, and is told as one.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return new CommandReport<T>(null, [Bug(e)]);
        }
    }

    private static Problem Interrupted(CommandContext context) => context.GoOnWith is { } goOn
        ? new(CliErrors.Interrupted, Severity.Error, "interrupted; every step that was answered is kept", goOn)
        : new(
            CliErrors.Interrupted,
            Severity.Error,
            "interrupted; what was half-done was put back",
            "run the command again when you are ready; reprise status says whether anything is left");

    private static Problem Bug(Exception e) => new(
        CliErrors.Bug,
        Severity.Error,
        $"this is a bug of reprise, not of yours: {e.GetType().Name}: {e.Message}\n{e.StackTrace}",
        "report it with the lines above; reprise status says whether anything is left half-done");

    private int Finish<T>(
        Document<T> document, CommandContext context, CommandReport<T> report, Action<T, Output, CommandContext> render)
        where T : class
    {
        if (options.Json)
        {
            host.Terminal.Out.Write(document.Write(Wrap(document, report, context.Application)));
        }
        else if (report.Result is not null)
        {
            var terminal = host.Terminal;
            render(
                report.Result,
                new Output(terminal.Out, terminal.Width, Colours(terminal.OutIsTerminal), options.Quiet),
                context);
        }

        ProblemLines.Write(Errors(), options.Quiet || options.Json ? ErrorsOf(report.Problems) : report.Problems);
        return ExitDecision.Of(report);
    }

    private static List<Problem> ErrorsOf(IEnumerable<Problem> problems) =>
        [.. problems.Where(p => p.Severity == Severity.Error)];

    /// <summary>The document of a report as a hook gets it.</summary>
    public static Envelope<T> Wrap<T>(
        Document<T> document, CommandReport<T> report, CommandContext context, DateTimeOffset started)
        where T : class =>
        Wrap(document, report, context.Application, context.Host.Version, started, TimeSpan.Zero);

    private Envelope<T> Wrap<T>(Document<T> document, CommandReport<T> report, string? application)
        where T : class =>
        Wrap(document, report, application, host.Version, started, host.Clock.GetElapsedTime(startedTicks));

    private static Envelope<T> Wrap<T>(
        Document<T> document,
        CommandReport<T> report,
        string? application,
        string version,
        DateTimeOffset started,
        TimeSpan elapsed)
        where T : class
    {
        var exit = ExitDecision.Of(report);
        return new Envelope<T>
        {
            Schema = document.Schema,
            Reprise = version,
            Application = application,
            Started = started,
            Seconds = Math.Round(elapsed.TotalSeconds, 3),
            Outcome = Words.OfExit(exit),
            Exit = exit,
            Problems = [.. report.Problems.Select(ProblemJson.From)],
            Result = report.Result,
        };
    }

    // Errors are said with --quiet too.
    private Output Errors() =>
        new(host.Terminal.Error, host.Terminal.Width, Colours(host.Terminal.ErrorIsTerminal), quiet: false);

    private bool Colours(bool isTerminal) =>
        isTerminal
        && !options.NoColour
        && !(host.Environment.TryGetValue("NO_COLOR", out var none) && none.Length > 0)
        && !(host.Environment.TryGetValue("TERM", out var term) && term == "dumb");
}
