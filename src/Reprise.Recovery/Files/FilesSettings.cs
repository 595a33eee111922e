namespace Reprise.Recovery.Files;

/// <summary>Which files of which folder an asset is.</summary>
public sealed record FilesSettings
{
    /// <summary>The folder that all patterns start at; absolute.</summary>
    public required string Root { get; init; }

    /// <summary>
    /// What belongs to the asset, as patterns relative to <see cref="Root"/>: <c>*</c> and <c>?</c> within a name,
    /// <c>[a-z]</c> and <c>[!a-z]</c>, <c>**</c> for any number of folders, a backslash before a character that is
    /// meant as itself. A pattern that matches a folder means everything below it. At most
    /// <see cref="PathPatterns.MaxPatterns"/> patterns of at most <see cref="PathPatterns.MaxSegments"/> segments.
    /// </summary>
    public required IReadOnlyList<string> Include { get; init; }

    /// <summary>What does not, in the same form; stronger than <see cref="Include"/>.</summary>
    public IReadOnlyList<string> Exclude { get; init; } = [];

    /// <summary>
    /// Absolute paths that never belong to it: databases and their sidecars, data directories, repository, key, state
    /// folder. Each means itself and everything below; one that ends with <c>*</c> means every path that starts so.
    /// </summary>
    public IReadOnlyList<string> ExcludedByRule { get; init; } = [];
}
