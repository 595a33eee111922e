using System.Globalization;
using Reprise.Recovery.Assets;
using Reprise.Storage.Errors;

namespace Reprise.Reports;

/// <summary>
/// Every word of a report, in both languages side by side, and numbers as they are written there. What a drill recorded
/// is in the words of the program, which are English.
/// </summary>
internal sealed class ReportWords(Language language)
{
    private const char NarrowSpace = '\u202f';

    public bool IsFrench => language == Language.French;

    public string Code => Say("en", "fr");

    // Title and verdict.
    public string Drill => Say("Recovery drill", "Exercice de restauration");

    public string DrillNumber => Say("Drill", "Exercice");

    public string FromPoint => Say("from recovery point", "depuis le point de restauration");

    public string NoPoint => Say("no recovery point could be opened", "aucun point de restauration n'a pu être ouvert");

    public string By => Say("run by", "mené par");

    // Figures.
    public string RecoveryTime => Say("Technical recovery time", "Temps technique de restauration");

    public string DataLoss => Say("Data that would be lost", "Données qui seraient perdues");

    public string Depth => Say("Depth of proof", "Profondeur de la preuve");

    public string NotReached => Say("not reached", "non atteint");

    public string NotKnown => Say("not known", "inconnu");

    public string NoObjective => Say("no objective was set", "aucun objectif n'est fixé");

    public string Within(TimeSpan objective) => Say(
        $"within the objective of {Time(objective)}", $"dans l'objectif de {Time(objective)}");

    public string Over(TimeSpan objective, TimeSpan by) => Say(
        $"{Time(by)} over the objective of {Time(objective)}", $"{Time(by)} de trop pour un objectif de {Time(objective)}");

    public string ObjectiveIs(TimeSpan objective) => Say($"objective: {Time(objective)}", $"objectif : {Time(objective)}");

    public string OnlyTechnical => Say(
        "From the start of recovery (T3) to the last required check (T7). Noticing, deciding and reaching people come on top.",
        "Du début de la restauration (T3) au dernier contrôle exigé (T7). Il faut y ajouter le temps de remarquer, de décider et de joindre les personnes.");

    public string LevelOf(int level, int wanted) => Say($"level {level} of {wanted} asked", $"niveau {level} sur {wanted} demandé");

    // Headings.
    public string Findings => Say("What to do next", "Ce qu'il faut faire");

    public string NoFindings => Say("Nothing was found that needs attention.", "Rien n'a été trouvé qui demande attention.");

    public string Next => Say("Next:", "Ensuite :");

    public string Actions => Say("Open actions", "Actions en cours");

    public string NoActions => Say("No corrective action is open.", "Aucune action corrective n'est en cours.");

    public string Owner => Say("Owner", "Responsable");

    public string Due => Say("Due", "Échéance");

    public string Overdue => Say("overdue", "en retard");

    public string Phases => Say("Phases", "Phases");

    public string PhasesNote => Say(
        "Solid bars were measured, hatched ones simulated; a dashed line was left out of this drill.",
        "Une barre pleine a été mesurée, une barre hachurée simulée ; un trait tireté est resté hors de l'exercice.");

    public string Losses => Say("Data loss by asset", "Perte de données par élément");

    public string LossNote(TimeSpan skew) => Say(
        $"From the moment of each copy to the assumed disaster (T0). The copies are {Time(skew)} apart.",
        $"Du moment de chaque copie au sinistre supposé (T0). Les copies ont {Time(skew)} d'écart.");

    public string Checks => Say("Checks", "Contrôles");

    public string NoChecks => Say("Nothing could be asked.", "Rien n'a pu être demandé.");

    public string CheckCount(int passed, int all) => Say($"{passed} of {all} passed", $"{passed} sur {all} réussis");

    public string Expected => Say("expected", "attendu");

    public string Answered => Say("answered", "obtenu");

    public string GreenOnEmpty => Say(
        "also passes on an empty target: it proves nothing", "réussit aussi sur une cible vide : ne prouve rien");

    public string RedOnEmpty => Say("would fail on an empty target", "échouerait sur une cible vide");

    public string Changes => Say("What changed since the previous drill", "Ce qui a changé depuis l'exercice précédent");

    public string NoPrevious => Say("This is the first drill of this application.", "C'est le premier exercice de cette application.");

    public string NoChanges => Say("Nothing that was proven has changed.", "Rien de ce qui a été prouvé n'a changé.");

    public string Before => Say("before", "avant");

    public string Now => Say("now", "maintenant");

    public string None => Say("none", "aucun");

    public string Verdict => Say("Verdict", "Verdict");

    public string New => Say("new", "nouveau");

    public string Gone => Say("gone", "disparu");

    public string Scope => Say("What was recovered, and what was left out", "Ce qui a été restauré, et ce qui a été laissé de côté");

    public string Recovered => Say("Recovered", "Restauré");

    public string LeftOut => Say("Left out", "Laissé de côté");

    public string NotExercised => Say("Not exercised", "Non exercé");

    public string Hypothesis => Say("Asked", "Question posée");

    public string Fault => Say("Fault that was made", "Panne provoquée");

    public string Runbook => Say("Runbook", "Procédure");

    public string NotProven => Say("What this drill does not prove", "Ce que cet exercice ne prouve pas");

    public string RootCouldLie => Say(
        "That it took place. Whoever is root on the host that drilled holds the key that signs, and could have made a false "
        + "report. The signature proves that nothing was changed afterwards by somebody without this key, no more.",
        "Qu'il a eu lieu. Quiconque est root sur la machine de l'exercice détient la clé qui signe et aurait pu fabriquer un "
        + "faux rapport. La signature prouve que rien n'a été modifié ensuite par quelqu'un qui n'a pas cette clé, rien de plus.");

    public string NotTheFuture => Say(
        "That a later point can be recovered: any change of what was proven makes this proof stale.",
        "Qu'un point ultérieur peut être restauré : tout changement de ce qui a été prouvé périme cette preuve.");

    public string How => Say("How it was kept apart from production", "Comment il est resté à l'écart de la production");

    public string Apart => Say("Separation", "Séparation");

    public string CleanUp => Say("Clean-up", "Nettoyage");

    public string Environment => Say("Host", "Machine");

    public string Tool => Say("Program", "Programme");

    public string Integrity => Say("Integrity", "Intégrité");

    public string NotSigned => Say(
        "No signed evidence belongs to this page: it proves nothing by itself.",
        "Aucune preuve signée n'accompagne cette page : elle ne prouve rien par elle-même.");

    public string PageIsNoProof => Say(
        "This page is only a rendering. What counts is the signed evidence that it was made from; it is verified with "
        + "reprise evidence verify, or with openssl alone, in the folder of the evidence:",
        "Cette page n'est qu'une mise en forme. Ce qui compte est la preuve signée dont elle est tirée ; elle se vérifie avec "
        + "reprise evidence verify, ou avec openssl seul, dans le dossier des preuves :");

    public string CompareKey => Say(
        "Compare the key with the one that you got by another way: the identifier is the SHA-256 of its DER.",
        "Comparez la clé avec celle reçue par un autre chemin : l'identifiant est le SHA-256 de son DER.");

    public string Evidence => Say("Evidence", "Preuve");

    public string EvidenceHash => Say("SHA-256 of the evidence", "SHA-256 de la preuve");

    public string PreviousHash => Say("SHA-256 of the evidence before it", "SHA-256 de la preuve précédente");

    public string Key => Say("Signed with key", "Signée avec la clé");

    public string Point => Say("Recovery point", "Point de restauration");

    public string PointHash => Say("SHA-256 of the point", "SHA-256 du point");

    public string Repository => Say("Repository", "Dépôt");

    public string Recorded => Say(
        "Texts recorded by the program are shown as they were signed.",
        "Les textes enregistrés par le programme ont été signés en anglais ; ceux qui reviennent toujours sont traduits ici.");

    /// <summary>Writes a recorded sentence as an element that says which language it is in.</summary>
    public void WriteRecorded(HtmlText page, string element, string sentence, string style = "quote")
    {
        var (text, lang) = RecordedSentences.In(language, sentence);
        page.Element(element, text, ("class", style), ("lang", lang));
    }

    /// <summary>The verdict in one sentence; the application is named.</summary>
    public string Sentence(Outcome verdict, string application, bool isLate) => verdict switch
    {
        Outcome.Pass => Say(
            $"{application} came back: it was recovered away from production, and every required check passed.",
            $"{application} est revenu : restauré à l'écart de la production, tous les contrôles exigés ont réussi."),
        Outcome.Fail when isLate => Say(
            $"{application} did not come back as promised.", $"{application} n'est pas revenu comme promis."),
        Outcome.Fail => Say(
            $"{application} did not come back as it should.", $"{application} n'est pas revenu comme il le devait."),
        _ => Say(
            $"It is not known whether {application} would come back: this drill could not verify it.",
            $"On ne sait pas si {application} reviendrait : cet exercice n'a pas pu le vérifier."),
    };

    public string Of(Outcome outcome) => outcome switch
    {
        Outcome.Pass => Say("passed", "réussi"),
        Outcome.Fail => Say("failed", "échoué"),
        Outcome.CouldNotVerify => Say("could not verify", "invérifiable"),
        Outcome.NotRun => Say("not run", "non lancé"),
        Outcome.NotApplicable => Say("not applicable", "sans objet"),
        _ => throw new InvariantException($"outcome {outcome}"),
    };

    public string LevelName(int level) => level switch
    {
        0 => Say("exists", "existe"),
        1 => Say("bytes", "octets"),
        2 => Say("engine", "moteur"),
        3 => Say("structure", "structure"),
        4 => Say("data", "données"),
        5 => Say("application", "application"),
        _ => level.ToString(CultureInfo.InvariantCulture),
    };

    public string LevelMeaning(int level) => level switch
    {
        1 => Say("every byte is as it was written", "chaque octet est tel qu'il a été écrit"),
        2 => Say("the engine starts on it", "le moteur démarre dessus"),
        3 => Say("structure and catalogue hold", "structure et catalogue tiennent"),
        4 => Say("rows and content are there", "lignes et contenu sont là"),
        5 => Say("the application works on all of it", "l'application fonctionne sur l'ensemble"),
        _ => Say("it is there", "il est là"),
    };

    public string PhaseName(string name) => name switch
    {
        "detect" => Say("Notice", "Remarquer"),
        "decide" => Say("Decide", "Décider"),
        "mobilise" => Say("Gather", "Mobiliser"),
        "restore" => Say("Restore", "Restaurer"),
        "replay" => Say("Replay", "Rejouer"),
        "start" => Say("Start", "Démarrer"),
        "verify" => Say("Verify", "Vérifier"),
        "cut-over" => Say("Cut over", "Basculer"),
        _ => name,
    };

    public string PhaseKind(string kind) => kind switch
    {
        "measured" => Say("measured", "mesuré"),
        "simulated" => Say("simulated", "simulé"),
        "excluded" => Say("left out", "hors exercice"),
        _ => kind,
    };

    public string SeverityName(string severity) => severity switch
    {
        "error" => Say("error", "erreur"),
        "warning" => Say("warning", "avertissement"),
        "note" => Say("note", "remarque"),
        _ => severity,
    };

    /// <summary>The name of a fact, with a colon as the language sets it.</summary>
    public string Colon(string name) => Say(name + ":", name + "\u00a0:");

    /// <summary><c>0.4 s</c>, <c>3 min 5 s</c>; in French <c>0,4 s</c> and days as <c>j</c>.</summary>
    public string Time(TimeSpan time)
    {
        var text = Amounts.Time(time);
        return IsFrench ? text.Replace('.', ',').Replace(" d", " j", StringComparison.Ordinal) : text;
    }

    public string Number(long number) => IsFrench
        ? Amounts.Count(number).Replace(',', NarrowSpace)
        : Amounts.Count(number);

    private string Say(string english, string french) => IsFrench ? french : english;
}
