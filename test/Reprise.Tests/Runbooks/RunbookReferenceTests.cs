using System.Text;
using Reprise.Recovery.Runbooks;
using Reprise.Runbooks;
using Reprise.Tests.House;
using Reprise.Wiring;

namespace Reprise.Tests.Runbooks;

/// <summary>Every key, operation and name that a runbook may use is documented, in docs/reference/runbooks.md.</summary>
public class RunbookReferenceTests
{
    [Fact]
    [Trait("kind", "reference")]
    public void The_reference_of_runbooks_is_what_the_program_understands()
    {
        var page = new StringBuilder("""
            # Runbooks

            A runbook is a file `NAME.runbook.md`: YAML between two lines `---`, then Markdown. A fence whose first word is one
            of the types below is a step, its second word the step's name: ` ```act start-database `. Other fences (`sh`,
            `text`, `yaml`, …) are prose. Files in `runbooks/` beside `reprise.yaml` are found by themselves; one with the name
            and language of a built-in runbook replaces it. Unknown keys and types are errors with line and column;
            `reprise runbook check` also tells what no single step shows. This page is generated from the code.

            The front matter takes `runbook` (its name), `version`, `title`, `language`, `incident` (a list), `symptoms` (a
            list), `words` (a list), `activation`, `deactivation`, `escalation` (a role), `inputs`
            (`NAME: { ask: …, default: …, kind: point }`: a point is looked up once, when the run begins) and `rehearsal`.

            ## Steps

            | type | does | keys |
            |---|---|---|

            """);
        foreach (var type in Enum.GetValues<StepType>())
        {
            page.Append($"| `{type.ToString().ToLowerInvariant()}` | {Does(type)} | ");
            page.Append(string.Join(", ", StepReader.Keys(type).Select(k => $"`{k}`"))).Append(" |\n");
        }

        page.Append("""

            - `why` is one sentence, and always needed. `see` says what should be seen, `otherwise` what to do if it is not.
            - `run: [program, argument]` starts a program without a shell, in the folder of the configuration; `builtin: NAME`
              and `with: { … }` call an operation of Reprise. `within:` ends a program, and lets a question be asked again until then.
            - `next:` and `on-fail:` name a step further down, or `end`. Steps never lead back. Without `on-fail` a failure asks a
              person, or stops the run.
            - An `act` says its `effect` (`read`, `reversible`, `costly`, `irreversible`) and either `undo: STEP` or
              `irreversible: reason`. On every way to the end it is followed by a `verify`. One that is irreversible says `on:` what,
              needs a `capture` before it, and asks for the characters that identify its target.
            - `idempotent: true` lets a step that was interrupted run again without asking. A `capture` is idempotent unless it says no.
            - A step whose command needs a name that the configuration does not give is done by a person.

            ## Operations

            | builtin | takes | changes something |
            |---|---|---|

            """);
        foreach (var builtin in Builtins.All)
        {
            var takes = builtin.Takes.Select(t => builtin.Needs.Contains(t) ? $"`{t}` (needed)" : $"`{t}`");
            page.Append($"| `{builtin.Name}` | {string.Join(", ", takes)} | {(builtin.ChangesSomething ? "yes" : "")} |\n");
        }

        AddRehearsal(page);
        AddNames(page);
        ReferenceFile.MustBe("docs/reference/runbooks.md", page.ToString());
    }

    private static void AddNames(StringBuilder page)
    {
        page.Append("\n## Names\n\n`{name}` in prose and commands; never a secret.\n\n| name | stands for |\n|---|---|\n");
        foreach (var (name, meaning) in RunbookFacts.Known) page.Append($"| `{{{name}}}` | {meaning} |\n");
        page.Append("| `{input.NAME}` | an input of the runbook |\n");
        page.Append("| `{step.STEP.NAME}` | what an earlier step found out: `point`, `restore`, `moment`, `differing`, `folder` |\n");
    }

    private static void AddRehearsal(StringBuilder page)
    {
        page.Append("""

            ## Rehearsal

            `rehearsal:` says how `reprise drill --runbook NAME` rehearses it: `{ incident: …, decide: { STEP: OPTION },
            inputs: { NAME: VALUE }, by-hand: [STEP], needs: sealed-secrets }`, or a list of these, of which the first that fits
            the application is taken (`drill --scenario INCIDENT` takes another), or `{ none: why }`. At the manual steps
            `by-hand` the sandbox does what the person would do; every other manual step is only said to be done. Both, and all
            decisions, are recorded as simulated.

            | incident | in the sandbox |
            |---|---|

            """);
        foreach (var (_, word, meaning) in RehearsalWords.All) page.Append($"| `{word}` | {meaning} |\n");
    }

    private static string Does(StepType type) => type switch
    {
        StepType.Observe => "looks; a bad answer stops nothing",
        StepType.Check => "a condition of what follows",
        StepType.Decide => "a choice that a person makes and explains",
        StepType.Capture => "keeps what is there",
        StepType.Act => "changes something",
        StepType.Verify => "proves that an act did what it should",
        StepType.Wait => "waits until something is so, or for a time",
        StepType.Manual => "asks a person to do something",
        _ => "takes one act back; carried out only then",
    };
}
