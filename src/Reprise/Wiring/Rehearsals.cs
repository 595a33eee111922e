using Reprise.Cli;
using Reprise.Configuration;
using Reprise.Recovery.Checks;
using Reprise.Recovery.Drills;
using Reprise.Recovery.Postgres;
using Reprise.Recovery.Runbooks;
using Reprise.Rehearsing;
using Reprise.Runbooks;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary>Makes the rehearsal of a runbook for a drill.</summary>
internal sealed class Rehearsals(Machine machine, CommandContext context, Protection protection)
{
    private ApplicationConfiguration Configuration => protection.Configuration;

    /// <summary>The application with its rehearsal; <c>rehearsal-impossible</c> when there can be none.</summary>
    /// <param name="application">as drills see it.</param>
    /// <param name="options">which runbook, and which of its ways.</param>
    public DrillApplication With(DrillApplication application, DrillOptions options)
    {
        var language = options.Language == Language.French ? "fr" : "en";
        var desk = RunbookDesk.Open(context);
        var runbook = desk.Library.Find(options.Runbook ?? "", language);
        RunbookRuns.Refuse(desk, runbook);
        var variant = Choose(runbook, options.Scenario);
        if (application.Start is not { } start)
        {
            throw RehearsalErrors.Because(
                "drill.start does not say how the application is started in a sandbox", "add drill: { start: { run: […] } }");
        }

        var ready = start.Ready ?? application.Checks.FirstOrDefault(c => c is CheckDefinition.Http or CheckDefinition.Tcp);
        return application with
        {
            Rehearsal = new DrillRehearsal
            {
                Runbook = runbook.Id,
                Version = runbook.Version,
                Sha256 = runbook.Sha256,
                Incident = RehearsalWords.Of(variant.Incident),
                Run = (place, cancellationToken) => RunAsync(runbook, variant, ready, place, cancellationToken),
            },
            Fingerprint = manifest =>
            {
                var all = new SortedDictionary<string, string>(application.Fingerprint(manifest).ToDictionary(), StringComparer.Ordinal)
                {
                    ["runbook/" + runbook.Id] = runbook.Sha256,
                };
                return all;
            },
        };
    }

    private RehearsalVariant Choose(Runbook runbook, string? scenario)
    {
        if (runbook.Rehearsal is not { } rehearsal)
        {
            throw RehearsalErrors.Because(
                $"runbook {runbook.Id} does not say how it is rehearsed", "add rehearsal: { incident: … } to its front matter");
        }

        if (rehearsal.WhyNot is { } why)
            throw RehearsalErrors.Because($"runbook {runbook.Id} is not rehearsed: {why}", "rehearse another one");
        if (scenario is not null && rehearsal.Variants.All(v => RehearsalWords.Of(v.Incident) != scenario))
        {
            throw RehearsalErrors.Because(
                $"runbook {runbook.Id} is not rehearsed after {scenario}",
                $"it is after {string.Join(", ", rehearsal.Variants.Select(v => RehearsalWords.Of(v.Incident)).Distinct())}");
        }

        var reasons = new List<string>();
        foreach (var variant in rehearsal.Variants.Where(v => scenario is null || RehearsalWords.Of(v.Incident) == scenario))
        {
            if (SandboxIncident.WhyNot(Configuration, variant) is not { } reason) return variant;
            reasons.Add($"{RehearsalWords.Of(variant.Incident)}: {reason}");
        }

        throw RehearsalErrors.Because(
            $"runbook {runbook.Id} cannot be rehearsed on {Configuration.Application}: {string.Join("; ", reasons)}",
            "rehearse another one, or one of your own");
    }

    private async Task<RehearsalSeen> RunAsync(
        Runbook runbook, RehearsalVariant variant, CheckDefinition? ready, RehearsalPlace place, CancellationToken cancellationToken)
    {
        var layout = new SandboxLayout
        {
            Sandbox = place.Sandbox,
            Application = place.Places.Together ?? throw new InvariantException("a rehearsal needs one folder"),
            Program = context.Host.ProgramPath,
            Databases = protection.Assets.OfType<PostgresAsset>().ToDictionary(
                a => a.Name, a => a.Connection.Database, StringComparer.Ordinal),
        };
        var application = new SandboxApplication(
            new RehearsalHost(machine.Disk, machine.Children, context.Host.Environment), Configuration, place.Places, layout);
        var isOwn = RunbookLibrary.BuiltIn().All(r => r.Sha256 != runbook.Sha256);
        application.Prepare(place.Target.Words, isOwn ? (runbook.Id + RunbookLibrary.Ending, runbook.Text) : null);
        await new RepositoryMaker(machine).MakeAsync(
            Configuration.Application,
            new RepositoryConfiguration
            {
                Location = new RepositoryLocation.Folder(layout.Repository.ToString()), KeyFile = layout.Key.ToString(),
            },
            (layout.Sandbox / "sheet.txt").ToString(),
            cancellationToken);
        return await new RehearsalRun(application, place, runbook, variant, ready).RunAsync(
            Inputs(variant, layout.Configuration), context.Progress, cancellationToken);
    }

    private SortedDictionary<string, string> Inputs(RehearsalVariant variant, DiskPath configuration)
    {
        var inside = context.For(configuration.ToString());
        var facts = RunbookFacts.Of(inside, machine, inside.Configuration);
        var inputs = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, text) in variant.Inputs)
        {
            var missing = new HashSet<string>();
            inputs[name] = facts.Put(text, missing);
            if (missing.Count > 0)
            {
                throw RehearsalErrors.Because(
                    $"input {name} of the rehearsal needs {string.Join(", ", missing)}, which the configuration does not give",
                    "write another value");
            }
        }

        return inputs;
    }
}
