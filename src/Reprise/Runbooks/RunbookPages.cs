using System.Text;
using Reprise.Recovery.Runbooks;

namespace Reprise.Runbooks;

/// <summary>A runbook as a page for a person, with the values of the user's own configuration in it.</summary>
internal static class RunbookPages
{
    /// <summary>The whole text as Markdown, each command as it can be copied.</summary>
    public static string Markdown(RunbookPlan plan)
    {
        var runbook = plan.Runbook;
        var words = PageWords.In(runbook.Language);
        var page = new StringBuilder();
        var number = 0;
        var isFirst = true;
        foreach (var part in runbook.Parts)
        {
            if (part is RunbookPart.Prose prose)
            {
                page.Append(plan.Facts.Show(prose.Markdown)).Append("\n\n");
                if (isFirst) AppendHead(page, plan, words);
            }
            else if (part is RunbookPart.Step { Value: var step })
            {
                if (isFirst) AppendHead(page, plan, words);
                if (step.Type != StepType.Undo) number++;
                AppendStep(page, plan.Resolve(step), step.Type == StepType.Undo ? null : number, words);
            }

            isFirst = false;
        }

        return page.ToString().TrimEnd('\n') + "\n";
    }

    private static void AppendHead(StringBuilder page, RunbookPlan plan, PageWords words)
    {
        var runbook = plan.Runbook;
        page.Append($"**{words.Symptoms}**\n\n");
        foreach (var symptom in runbook.Symptoms) page.Append($"- {plan.Facts.Show(symptom)}\n");
        page.Append('\n');
        if (runbook.Activation is { } start) page.Append($"**{words.Activation}** {plan.Facts.Show(start)}\n\n");
        if (runbook.Deactivation is { } stop) page.Append($"**{words.Deactivation}** {plan.Facts.Show(stop)}\n\n");
        page.Append($"**{words.Escalation}** {plan.Facts.Show(runbook.Escalation)}\n\n");
        foreach (var input in runbook.Inputs)
        {
            page.Append($"- {words.Input} `{input.Name}`: {plan.Facts.Show(input.Ask)}");
            page.Append(input.Default is { } value ? $" ({words.Usually} {plan.Facts.Show(value)})\n" : "\n");
        }

        if (runbook.Inputs.Count > 0) page.Append('\n');
    }

    private static void AppendStep(StringBuilder page, ResolvedStep resolved, int? number, PageWords words)
    {
        var step = resolved.Step;
        var title = number is null ? words.TypeOf(step.Type) : $"{words.Step} {number}: {words.TypeOf(step.Type)}";
        page.Append($"### {title} `{step.Id}`\n\n{resolved.Why}\n\n");
        if (resolved.Text is { } text) page.Append($"> {text}\n\n");
        foreach (var option in resolved.Options)
        {
            page.Append($"- **{option.Key}**{(option.Key == step.Default ? $" ({words.Default})" : "")}: {option.Text}");
            page.Append(option.Next is { } next ? $" → {(next == RunbookStep.End ? words.End : $"`{next}`")}\n" : "\n");
        }

        if (resolved.Options.Count > 0) page.Append('\n');
        if (resolved.Command is { } command) page.Append($"```sh\n{command}\n```\n\n");
        else if (resolved.Action is not null) page.Append($"{words.ByPerson} ({string.Join(", ", resolved.Missing)})\n\n");
        if (step.Effect is EffectClass.Costly or EffectClass.Irreversible)
            page.Append($"**{words.EffectOf(step.Effect)}** {step.Irreversible}\n\n");
        if (resolved.See is { } see) page.Append($"{words.See} {see}\n\n");
        if (resolved.Otherwise is { } otherwise) page.Append($"{words.Otherwise} {otherwise}\n\n");
        if (step.Undo is { } undo) page.Append($"{words.Undo} `{undo}`\n\n");
        if (step.OnFail is { } other) page.Append($"{words.OnFail} {(other == RunbookStep.End ? words.End : $"`{other}`")}\n\n");
        if (step.Next is { } after && step.Type != StepType.Decide)
            page.Append($"{words.Next} {(after == RunbookStep.End ? words.End : $"`{after}`")}\n\n");
    }
}

/// <summary>The words between the author's own, in the languages that runbooks are shipped in.</summary>
internal sealed record PageWords
{
    private static readonly PageWords English = new();

    private static readonly PageWords French = new()
    {
        Symptoms = "Ce que l'on voit",
        Activation = "Quand commencer :",
        Deactivation = "Quand s'arrêter :",
        Escalation = "Qui appeler si cela n'aide pas :",
        Input = "À savoir avant de commencer,",
        Usually = "en général",
        Step = "Étape",
        Default = "en cas de doute",
        End = "fin",
        ByPerson = "À faire à la main : la configuration ne dit pas comment",
        See = "Vous devez voir :",
        Otherwise = "Sinon :",
        Undo = "Pour revenir en arrière : étape",
        OnFail = "Si cela ne réussit pas, aller à :",
        Next = "Ensuite, aller à :",
        Costly = "Coûte du temps ou de la disponibilité ; peut être défait.",
        Irreversible = "Ne peut pas être défait :",
        Types = ["regarder", "contrôler", "décider", "mettre à l'abri", "faire", "vérifier", "attendre", "à la main", "revenir en arrière"],
    };

    public string Symptoms { get; private init; } = "What you see";

    public string Activation { get; private init; } = "When to start:";

    public string Deactivation { get; private init; } = "When to stop:";

    public string Escalation { get; private init; } = "Who to call if it does not help:";

    public string Input { get; private init; } = "To know before you start,";

    public string Usually { get; private init; } = "usually";

    public string Step { get; private init; } = "Step";

    public string Default { get; private init; } = "when in doubt";

    public string End { get; private init; } = "the end";

    public string ByPerson { get; private init; } = "To be done by hand: the configuration does not say how";

    public string See { get; private init; } = "You should see:";

    public string Otherwise { get; private init; } = "If not:";

    public string Undo { get; private init; } = "To go back: step";

    public string OnFail { get; private init; } = "If it does not pass, go to:";

    public string Next { get; private init; } = "Then go to:";

    public string Costly { get; private init; } = "Costs time or availability; can be taken back.";

    public string Irreversible { get; private init; } = "Cannot be taken back:";

    private string[] Types { get; init; } =
        ["look", "check", "decide", "keep what is there", "do", "verify", "wait", "by hand", "go back"];

    public static PageWords In(string language) => language == "fr" ? French : English;

    public string TypeOf(StepType type) => Types[(int)type];

    public string EffectOf(EffectClass effect) => effect == EffectClass.Irreversible ? Irreversible : Costly;
}
