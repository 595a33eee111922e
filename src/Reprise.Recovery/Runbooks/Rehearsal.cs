namespace Reprise.Recovery.Runbooks;

/// <summary>How a runbook is rehearsed in the sandbox of a drill, as its front matter declares it.</summary>
/// <param name="WhyNot">why it cannot be, or null: it can.</param>
/// <param name="Variants">the ways, the one that is tried first in front; empty when there is none.</param>
public sealed record Rehearsal(string? WhyNot, IReadOnlyList<RehearsalVariant> Variants);

/// <summary>One way: what is broken, and what a person would answer.</summary>
public sealed record RehearsalVariant
{
    /// <summary>What is broken.</summary>
    public required RehearsalIncident Incident { get; init; }

    /// <summary>Whether it can only be rehearsed where points keep the values of secrets.</summary>
    public bool NeedsSealedSecrets { get; init; }

    /// <summary>The options that are chosen, by the step that asks.</summary>
    public required IReadOnlyDictionary<string, string> Decide { get; init; }

    /// <summary>Values of inputs; names in braces stand for facts of the sandbox.</summary>
    public required IReadOnlyDictionary<string, string> Inputs { get; init; }

    /// <summary>The manual steps at which the sandbox really does what the person would do.</summary>
    public required IReadOnlyList<string> ByHand { get; init; }
}

/// <summary>What can be broken in a sandbox: a closed list, because each has to be made and taken back by us.</summary>
public enum RehearsalIncident
{
    /// <summary>The server of the first database is stopped.</summary>
    DatabaseStopped,

    /// <summary>The first database is gone; its server runs.</summary>
    DatabaseDropped,

    /// <summary>Every row of every table of the first database is deleted.</summary>
    RowsDeleted,

    /// <summary>The application is stopped.</summary>
    ApplicationStopped,

    /// <summary>The application is stopped, and every protected file is gone.</summary>
    FilesDeleted,

    /// <summary>A secret has another value, and the application was started with it.</summary>
    SecretChanged,

    /// <summary>Application, server, data, files and configuration are gone; repository and key are left.</summary>
    EverythingLost,
}

/// <summary>The words of incidents.</summary>
public static class RehearsalWords
{
    /// <summary>Every incident with its word and its meaning.</summary>
    public static IReadOnlyList<(RehearsalIncident Incident, string Word, string Meaning)> All { get; } =
    [
        (RehearsalIncident.DatabaseStopped, "database-stopped", "the server of the first database is stopped"),
        (RehearsalIncident.DatabaseDropped, "database-dropped", "the first database is gone; its server runs"),
        (RehearsalIncident.RowsDeleted, "rows-deleted", "every row of every table of the first database is deleted"),
        (RehearsalIncident.ApplicationStopped, "application-stopped", "the application is stopped"),
        (RehearsalIncident.FilesDeleted, "files-deleted", "the application is stopped, and every protected file is gone"),
        (RehearsalIncident.SecretChanged, "secret-changed", "a secret has another value, and the application runs with it"),
        (RehearsalIncident.EverythingLost, "everything-lost", "repository and key are left, and nothing else"),
    ];

    /// <summary>The word.</summary>
    public static string Of(RehearsalIncident incident) => All.First(i => i.Incident == incident).Word;

    /// <summary>The incident of this word, or null.</summary>
    public static RehearsalIncident? Find(string word)
    {
        foreach (var (incident, name, _) in All)
        {
            if (name == word) return incident;
        }

        return null;
    }
}
