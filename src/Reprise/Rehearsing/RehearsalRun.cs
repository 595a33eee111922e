using System.Text.Json;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Checks;
using Reprise.Recovery.Drills;
using Reprise.Recovery.Evidence;
using Reprise.Recovery.Runbooks;

namespace Reprise.Rehearsing;

/// <summary>
/// Rehearses a runbook: the application runs in the sandbox and is well, a point of it is taken there, it is broken, the
/// program itself follows the runbook there, and what it says of itself is judged.
/// </summary>
/// <param name="application">the application in the sandbox.</param>
/// <param name="place">where it is.</param>
/// <param name="runbook">what is rehearsed.</param>
/// <param name="variant">what is broken, and what is answered.</param>
/// <param name="ready">says when the application has started, or null.</param>
internal sealed class RehearsalRun(
    SandboxApplication application,
    RehearsalPlace place,
    Runbook runbook,
    RehearsalVariant variant,
    CheckDefinition? ready)
{
    // Each round answers one question more, and a runbook has at most as many as it has steps.
    private const int MaxRounds = 100;

    private readonly SandboxIncident incident = new(application, variant.Incident);
    private readonly RehearsalAnswers answers = new(runbook, variant);
    private readonly List<DrillCheck> checks = [];

    private string[] Configuration => ["--config", application.Layout.Configuration.ToString()];

    /// <summary>Rehearses.</summary>
    /// <param name="inputs">values of inputs, names in braces already filled in.</param>
    /// <param name="progress">what is being done.</param>
    /// <param name="cancellationToken">ends it.</param>
    public async Task<RehearsalSeen> RunAsync(
        IReadOnlyDictionary<string, string> inputs, IProgressSink progress, CancellationToken cancellationToken)
    {
        progress.Begin("start the application in the sandbox", null);
        if (!await IsWellAsync(cancellationToken)) return new RehearsalSeen { ApplicationRan = false, Checks = checks };
        progress.Begin("take a point in the sandbox", null);
        var taken = await application.RepriseAsync(["backup", .. Configuration], cancellationToken);
        if (!Ask("rehearsal-point", "a point of the application is taken in the sandbox", taken))
            return new RehearsalSeen { ApplicationRan = true, Checks = checks };
        progress.Begin($"break it: {RehearsalWords.Of(variant.Incident)}", null);
        var made = await incident.MakeAsync(cancellationToken);
        Add(RehearsalVerdict.Of("rehearsal-incident", "the application is broken", Outcome.Pass, made, null));
        progress.Begin($"follow runbook {runbook.Id}", null);
        var (run, refused) = await FollowAsync(inputs, cancellationToken);
        if (run is null)
        {
            Add(RehearsalVerdict.Of(
                "runbook-done", $"runbook {runbook.Id} goes to its end", Outcome.Fail, refused ?? "it did not begin", RehearsalVerdict.NotDone));
            return new RehearsalSeen { ApplicationRan = true, Checks = checks };
        }

        checks.AddRange(RehearsalVerdict.ChecksOf(runbook.Id, run));
        var isDone = run.State == "done";
        if (isDone)
        {
            var after = await application.RepriseAsync(["check", .. Configuration], cancellationToken);
            Ask("rehearsal-well-after", "every check is green after the runbook", after);
        }

        return new RehearsalSeen
        {
            ApplicationRan = true,
            Checks = checks,
            Began = run.Began,
            Ended = isDone ? run.Last : null,
            Phases = RehearsalVerdict.PhasesOf(run),
            Simulated = [.. answers.Simulated(run)],
        };
    }

    // What is red before it was broken would prove nothing when it is red afterwards.
    private async Task<bool> IsWellAsync(CancellationToken cancellationToken)
    {
        const string name = "rehearsal-well-before";
        const string expected = "every check is green before the incident";
        if (await application.StartAsync(cancellationToken) is { } why)
        {
            Add(RehearsalVerdict.Of(name, expected, Outcome.Fail, why, "application-not-started"));
            return false;
        }

        if (ready is not null)
        {
            var answer = await place.Target.Questions.AskAsync(
                ready, CheckSubject.Of(place.Manifest), Patience.UntilWithin, cancellationToken);
            if (answer.Outcome != Outcome.Pass)
            {
                Add(RehearsalVerdict.Of(name, expected, Outcome.Fail, answer.Actual ?? "no answer", "application-not-started"));
                return false;
            }
        }

        return Ask(name, expected, await application.RepriseAsync(["check", .. Configuration], cancellationToken));
    }

    private async Task<(SeenRun? Run, string? Refused)> FollowAsync(
        IReadOnlyDictionary<string, string> inputs, CancellationToken cancellationToken)
    {
        // Whoever has lost the host names the repository: there is no configuration yet.
        string[] where = variant.Incident == RehearsalIncident.EverythingLost
            ? ["--repository", application.Layout.Repository.ToString(), "--key-file", application.Layout.Key.ToString()]
            : Configuration;
        var document = await application.RepriseAsync(
            [
                "runbook", "run", runbook.Id, "--red-first", "--language", runbook.Language,
                .. inputs.SelectMany(i => new[] { "--input", $"{i.Key}={i.Value}" }), .. answers.Options, .. where,
            ],
            cancellationToken);
        var run = SeenRun.Of(document);
        for (var round = 0; round < MaxRounds && run is not null && answers.Need(run) is { } need; round++)
        {
            if (need.ByHand is not null) await incident.RepairAsync(cancellationToken);
            answers.Give(need);
            document = await application.RepriseAsync(
                ["runbook", "resume", run.Run, .. answers.Options, .. where], cancellationToken);
            run = SeenRun.Of(document) ?? run with { State = "stopped", Why = SeenRun.WhyOf(document) };
        }

        return (run, SeenRun.WhyOf(document));
    }

    private bool Ask(string name, string expected, JsonElement document)
    {
        var exit = document.TryGetProperty("exit", out var value) ? value.GetInt32() : 1;
        Add(RehearsalVerdict.Of(
            name,
            expected,
            exit == 0 ? Outcome.Pass : Outcome.Fail,
            exit == 0 ? "as expected" : SeenRun.WhyOf(document) ?? $"exit {exit}",
            exit == 0 ? null : "rehearsal-not-well"));
        return exit == 0;
    }

    private void Add(CheckOutcome check) => checks.Add(new DrillCheck(check, null));
}
