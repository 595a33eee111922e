using Reprise.Recovery.Assets;
using Reprise.Recovery.Checks;
using Reprise.Recovery.Processes;
using Reprise.Repository.Points;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Drills;

/// <summary>The application itself, on recovered data, inside.</summary>
internal sealed class DrillBackend(
    DrillApplication application, DrillHost host, DrillStart start, Separation separation, DrillNotes notes) : IAsyncDisposable
{
    private const string StartName = "application-start";

    private readonly CancellationTokenSource ending = new();
    private Task<ChildResult>? running;

    /// <summary>Starts it and waits until it is ready; false when it did not become so.</summary>
    public async Task<bool> StartAsync(DrillTarget target, PointManifest manifest, CancellationToken cancellationToken)
    {
        host.Progress.Begin("start the application", null);
        var variables = start.Environment.ToDictionary(
            v => v.Key, string? (v) => DrillWords.Filled(v.Value, target.Words), StringComparer.Ordinal);
        running = host.Children.RunAsync(
            separation.Enter(start.Run with { Environment = variables }), ending.Token);
        var began = host.Clock.GetTimestamp();
        var answer = await ReadyAsync(target, manifest, cancellationToken);
        var dead = running.IsCompleted;
        var said = dead ? await SaidAsync() : answer?.Actual ?? "it runs";
        var isReady = !dead && answer is null or { Outcome: Outcome.Pass };
        notes.Add(
        [
            new CheckOutcome
            {
                Name = StartName,
                Level = CheckLevel.Application,
                Outcome = isReady ? Outcome.Pass : Outcome.Fail,
                Expected = $"'{start.Run}' becomes ready",
                Actual = said,
                Elapsed = host.Clock.GetElapsedTime(began),
                Reason = isReady ? null : "application-not-started",
            },
        ], discriminates: true);
        return isReady;
    }

    /// <summary>Ends it.</summary>
    public async ValueTask DisposeAsync()
    {
        ending.Cancel();
        try
        {
            if (running is not null) await running;
        }
        catch (OperationCanceledException)
        {
            // It was ended by us.
        }
        catch (RepriseException)
        {
            // It never started, which its check says.
        }

        ending.Dispose();
    }

    private async Task<CheckOutcome?> ReadyAsync(
        DrillTarget target, PointManifest manifest, CancellationToken cancellationToken)
    {
        var ready = start.Ready ?? application.Checks.FirstOrDefault(c => c is CheckDefinition.Http or CheckDefinition.Tcp);
        if (ready is null) return null;
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var asking = target.Questions.AskAsync(ready, CheckSubject.Of(manifest), Patience.UntilWithin, giveUp.Token);

        // Nobody waits half a minute for the answer of a program that has ended.
        if (running is not null && await Task.WhenAny(asking, running) == running) giveUp.Cancel();
        try
        {
            return await asking;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    private async Task<string> SaidAsync()
    {
        try
        {
            var result = await (running ?? throw new InvariantException("it was started"));
            return $"it ended with exit {result.Exit}: {result.LastError}";
        }
        catch (RepriseException e)
        {
            return e.Problem.Message;
        }
    }
}
