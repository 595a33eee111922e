namespace Reprise.Reports;

/// <summary>
/// Sentences that the program records in every drill, in French. What is not here is shown as it was signed, in English,
/// and marked as such for those who have it read aloud.
/// </summary>
internal static class RecordedSentences
{
    private static readonly Dictionary<string, string> French = new(StringComparer.Ordinal)
    {
        ["nobody was alarmed, asked or called: an unattended drill measures the technique only"] =
            "personne n'a été alerté, consulté ni appelé : un exercice sans personne ne mesure que la technique",
        ["everything ran in namespaces of its own for network, processes, mounts and shared memory"] =
            "tout a tourné dans ses propres espaces de noms : réseau, processus, montages et mémoire partagée",
        ["no namespaces can be made here: the sandbox shares the network of this machine"] =
            "aucun espace de noms n'est possible ici : le bac à sable partage le réseau de la machine",
        ["people, a host and the key were at hand"] = "les personnes, une machine et la clé étaient là",
        ["a point of dumps and copies has nothing to replay"] = "un point fait d'exports et de copies n'a rien à rejouer",
        ["a point of dumps and copies has nothing to replay; what files of a server replay counts as restore"] =
            "un point fait d'exports et de copies n'a rien à rejouer ; ce que les fichiers d'un serveur rejouent compte comme restauration",
        ["drill.start does not say how the application is started, or it was not asked for"] =
            "drill.start ne dit pas comment l'application démarre, ou ce n'était pas demandé",
        ["a drill never touches production"] = "un exercice ne touche jamais à la production",
        ["it was not reached"] = "n'a pas été atteint",
        ["alarming and deciding"] = "alerter et décider",
        ["a new host"] = "une nouvelle machine",
        ["bringing the recovered data into production"] = "mettre en production les données restaurées",
        ["that people notice, decide and are there: only technical recovery time (T7 - T3) was measured"] =
            "que des personnes remarquent, décident et soient là : seul le temps technique (T7 - T3) a été mesuré",
        ["that another machine can do it: this one had the programs, the key and the repository"] =
            "qu'une autre machine le pourrait : celle-ci avait les programmes, la clé et le dépôt",
        ["that the application runs on recovered data: drill.start does not say how it is started"] =
            "que l'application fonctionne sur les données restaurées : drill.start ne dit pas comment elle démarre",
        ["only bytes were asked: there was no sandbox"] = "seuls les octets étaient demandés : il n'y avait pas de bac à sable",
        ["there was no sandbox"] = "il n'y avait pas de bac à sable",
        ["no process had its folder or an open file in it when it was deleted"] =
            "aucun processus n'y avait son dossier ou un fichier ouvert quand il a été effacé",
    };

    /// <summary>A sentence in the language of the report where it is known, and the language that it is in.</summary>
    public static (string Text, string Language) In(Language language, string sentence) =>
        language == Language.French && French.TryGetValue(sentence, out var french) ? (french, "fr") : (sentence, "en");
}
