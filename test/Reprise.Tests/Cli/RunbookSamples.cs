using Reprise.Json;

namespace Reprise.Tests.Cli;

/// <summary>One result of each kind that <c>runbook</c> has.</summary>
internal static class RunbookSamples
{
    public static RunbookListJson List() => new() { Runbooks = [Item()] };

    public static RunbookShowJson Show() => new()
    {
        Runbook = Item(),
        Markdown = "# The database does not answer\n\n```sh\ncd /srv/shop && docker compose up -d db\n```\n",
        Steps =
        [
            new RunbookStepJson
            {
                Id = "start-database",
                Type = "act",
                Why = "Starting a server that is down harms nothing.",
                Command = "cd /srv/shop && docker compose up -d db",
                Effect = "reversible",
                On = "orders",
                Missing = [],
            },
        ],
    };

    public static RunbookCheckJson Check() => new()
    {
        Runbooks =
        [
            new RunbookCheckedJson
            {
                Id = "database-unavailable", Language = "en", Source = "built in", Findings = [], ByPerson = ["look-log"],
            },
        ],
    };

    public static RunbookRunJson Run(string state = "done") => new()
    {
        Run = Samples.Id,
        Runbook = "database-unavailable",
        Title = "The database does not answer",
        Version = 1,
        Sha256 = new string('a', 64),
        Binding = "production",
        State = state,
        Since = null,
        Began = Samples.Created,
        Last = Samples.Now,
        RtoSeconds = 91.5,
        RpoSeconds = null,
        Point = null,
        Phases = [new RunbookPhaseJson("detect", "measured", 3.2), new RunbookPhaseJson("restore", "excluded", null)],
        Steps = [new RunbookRanJson("look", "observe", "fail", 0.4, "reprise check", "FAIL backend-healthy")],
        Decisions = [new RunbookDecisionJson(Samples.Now, "cause", "stopped", "the server does not run", "ada", null)],
        Deviations = [],
        NotDiscriminating = [],
        RedBefore = [],
        Timeline = [new RunbookMomentJson(Samples.Created, "the run began")],
        At = state == "done" ? null : "cause",
        Journal = "/home/ada/.local/state/reprise/shop-1a2b3c4d/runbooks/" + Samples.Id + ".jsonl",
        Head = new string('b', 64),
        Next = "reprise runbook report",
    };

    private static RunbookItemJson Item() => new()
    {
        Id = "database-unavailable",
        Title = "The database does not answer",
        Incident = "database-unavailable",
        Incidents = ["database-unavailable"],
        LastProven = Samples.Now,
        Symptoms = ["The application answers with errors 500."],
        Language = "en",
        Version = 1,
        Sha256 = new string('a', 64),
        Source = "runbooks/database-unavailable.runbook.md",
    };
}
