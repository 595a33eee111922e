using Reprise.Recovery.Runbooks;

namespace Reprise.Cli;

/// <summary>
/// What stands around the text of a runbook while it is followed: whoever reads its steps in French is asked in French.
/// The answers themselves are words of the command line, and the same in every language.
/// </summary>
internal sealed record RunbookPhrases
{
    /// <summary>Before what should be seen.</summary>
    public required string See { get; init; }

    /// <summary>Before what is done when it is not seen.</summary>
    public required string Otherwise { get; init; }

    /// <summary>Before an answer is typed.</summary>
    public required string Answer { get; init; }

    /// <summary>Between that and what is typed: the French put a blank before it.</summary>
    public required string Colon { get; init; }

    /// <summary>Asks what came of something that a person did.</summary>
    public required string Outcome { get; init; }

    /// <summary>Asks for a reason.</summary>
    public required string Reason { get; init; }

    /// <summary>Nothing was typed where words are needed.</summary>
    public required string WordsNeeded { get; init; }

    /// <summary>Before the answers that there are.</summary>
    public required string OneOf { get; init; }

    /// <summary>Asks for the characters of a target.</summary>
    public required string Target { get; init; }

    /// <summary>The meaning of an answer that every runbook has, by its English words.</summary>
    public required IReadOnlyDictionary<string, string> Options { get; init; }

    /// <summary>Those of a language.</summary>
    public static RunbookPhrases Of(string language) => language == "fr" ? French : English;

    /// <summary>What an answer means.</summary>
    public string Meaning(StepOption option) => Options.GetValueOrDefault(option.Text, option.Text);

    private static RunbookPhrases English => new()
    {
        See = "you should see: ",
        Otherwise = "if not: ",
        Answer = "Your answer",
        Colon = ": ",
        Outcome = "What came of it, in a few words: ",
        Reason = "Why, in a few words: ",
        WordsNeeded = "A few words are needed: they are recorded for whoever looks back.",
        OneOf = "Type one of: ",
        Target = "Type the characters of the target to go on: ",
        Options = new Dictionary<string, string>(),
    };

    private static RunbookPhrases French => new()
    {
        See = "vous devez voir : ",
        Otherwise = "sinon : ",
        Answer = "Votre réponse",
        Colon = " : ",
        Outcome = "Ce qui en est sorti, en quelques mots : ",
        Reason = "Pourquoi, en quelques mots : ",
        WordsNeeded = "Quelques mots sont nécessaires : ils sont notés pour qui relira.",
        OneOf = "Tapez l'un de ces mots : ",
        Target = "Tapez les caractères de la cible pour continuer : ",
        Options = new Dictionary<string, string>
        {
            ["do it"] = "le faire",
            ["leave it out, with a reason"] = "l'omettre, en disant pourquoi",
            ["stop here; resume goes on later"] = "s'arrêter ici ; resume reprendra plus tard",
            ["it is done, and what came of it"] = "c'est fait, et ce qui en est sorti",
            ["it is done: I have looked"] = "c'est fait : j'ai regardé",
            ["do it again"] = "le refaire",
            ["it is done: ask its proof"] = "c'est fait : demander sa preuve",
            ["leave it as it is, with a reason"] = "le laisser tel quel, en disant pourquoi",
            ["it took effect: take it back"] = "cela a eu un effet : l'annuler",
            ["it did not"] = "cela n'a rien fait",
            ["try it again"] = "réessayer",
            ["go on in spite of it, with a reason"] = "continuer malgré cela, en disant pourquoi",
            ["take back what was done"] = "annuler ce qui a été fait",
        },
    };
}
