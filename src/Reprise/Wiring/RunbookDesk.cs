using Reprise.Cli;
using Reprise.Configuration;
using Reprise.Recovery.Evidence;
using Reprise.Recovery.Runbooks;
using Reprise.Runbooks;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary>Everything that the commands about runbooks share: the runbooks, the facts, the journals, the secrets.</summary>
internal sealed class RunbookDesk
{
    private readonly Lazy<IReadOnlyList<DrillRecord>> rehearsals;

    private RunbookDesk(CommandContext context, Machine machine, ApplicationConfiguration? configuration)
    {
        Context = context;
        Machine = machine;
        Configuration = configuration;
        Library = RunbookLibrary.Open(machine.Disk, configuration?.Folder);
        Facts = RunbookFacts.Of(context, machine, configuration);
        Secrets = new RunSecrets(machine, configuration);
        rehearsals = new Lazy<IReadOnlyList<DrillRecord>>(Rehearsals);
        Commands = new RunbookCommands(context.Host.ProgramPath, configuration, RepositoryWords(context))
        {
            IsNamed = context.Options.ConfigurationFile is not null,
        };
        context.Named = Commands.Again.Length > 0 ? Commands.Again : null;
    }

    /// <summary>The running command.</summary>
    public CommandContext Context { get; }

    /// <summary>This machine.</summary>
    public Machine Machine { get; }

    /// <summary>The configuration, or null: there is none here, and none was named.</summary>
    public ApplicationConfiguration? Configuration { get; }

    /// <summary>The runbooks.</summary>
    public RunbookLibrary Library { get; }

    /// <summary>What is known of the application.</summary>
    public Placeholders Facts { get; }

    /// <summary>What must not be seen.</summary>
    public RunSecrets Secrets { get; }

    /// <summary>What a person would type.</summary>
    public RunbookCommands Commands { get; }

    /// <summary>Where the journals are: in the state folder, outside of what is recovered.</summary>
    public DiskPath Journals => Machine.State(
        Configuration?.Application ?? "no-configuration",
        Configuration?.File ?? Named(Context) ?? Context.Host.WorkingFolder).Path / "runbooks";

    /// <summary>
    /// Opens it. Without a configuration the runbooks can still be read, and followed on a bare host; one that is there
    /// and wrong is an error.
    /// </summary>
    public static RunbookDesk Open(CommandContext context)
    {
        var machine = Machine.Of(context.Host);
        return new RunbookDesk(context, machine, ConfigurationOf(context));
    }

    /// <summary>The plan of a runbook here.</summary>
    public RunbookPlan Plan(Runbook runbook) => new(runbook, Facts, Commands.LineOf);

    /// <summary>The plan for paper: inputs with a usual value have it.</summary>
    public RunbookPlan PlanForPaper(Runbook runbook) => new(
        runbook,
        Facts.With(runbook.Inputs.Where(i => i.Default is not null).Select(
            i => KeyValuePair.Create("input." + i.Name, Facts.Show(i.Default ?? "")))),
        Commands.LineOf);

    /// <summary>
    /// When this runbook was last proven on this host, or null: by a rehearsal that passed, or by a run in earnest that
    /// went to its end and whose verifications were each red before.
    /// </summary>
    public DateTimeOffset? LastProven(Runbook runbook)
    {
        var texts = RunbookProofs.TextsOf(Library, runbook.Id);
        var rehearsed = RunbookProofs.LastPassed(texts, rehearsals.Value)?.Moments.GetValueOrDefault("T7");
        var proven = rehearsed == default(DateTimeOffset) ? null : rehearsed;
        foreach (var id in RunJournal.List(Machine.Disk, Journals))
        {
            var (events, _) = RunJournal.Read(Machine.Disk, Journals, id);
            if (events.Count > 0 && texts.Any(t => events[0].Reason?.EndsWith(t, StringComparison.Ordinal) == true)
                && ProvenBy(events) is { } time && !(proven > time)) proven = time;
        }

        return proven;
    }

    private static DateTimeOffset? ProvenBy(IReadOnlyList<RunEvent> events)
    {
        if (events is not [{ Outcome: RunbookHost.RedFirst }, .., { Event: RunEventKind.Ended, Outcome: "done" } end]) return null;
        var red = events.Where(e => e.Event == RunEventKind.AskedBefore && e.Outcome != "pass").Select(e => e.Step).ToHashSet();
        var green = events.Where(e => e is { Event: RunEventKind.StepEnded, Type: StepType.Verify, Outcome: "pass" }).Select(e => e.Step).ToList();
        return green.Count > 0 && green.All(red.Contains) ? end.Utc : null;
    }

    // The copy of this host: at night nobody waits for a repository to list runbooks. What is spoilt proves nothing.
    private IReadOnlyList<DrillRecord> Rehearsals() => Configuration is null
        ? []
        : new EvidenceHistory(EvidenceOperations.Log(Machine, Context, null).VerifyClient()).Drills;

    private static ApplicationConfiguration? ConfigurationOf(CommandContext context)
    {
        if (context.Options is { Repository: not null, ConfigurationFile: null }) return null;
        try
        {
            return context.Configuration;
        }
        catch (RepriseException e) when (
            e.Code == ConfigurationErrors.Missing && context.Options.ConfigurationFile is null)
        {
            return null;
        }
    }

    // As it is found from everywhere.
    private static string? Named(CommandContext context) =>
        context.Options.Repository is null ? null : context.Access.Repository.Location.ToString();

    private static string[] RepositoryWords(CommandContext context) =>
    [
        .. Named(context) is { } repository ? ["--repository", repository] : Array.Empty<string>(),
        .. context.Options.KeyFile is { } key ? ["--key-file", context.FullPath(key)] : Array.Empty<string>(),
    ];
}
