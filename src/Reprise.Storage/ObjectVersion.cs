namespace Reprise.Storage;

/// <summary>
/// One version of an object, where a medium keeps former ones. Deleting a name then only covers them with a deletion.
/// </summary>
/// <param name="Name">of the object.</param>
/// <param name="Id">as the medium calls the version; empty where there is only one.</param>
/// <param name="SizeBytes">0 for a deletion.</param>
/// <param name="Modified">by the clock of the medium.</param>
public sealed record ObjectVersion(ObjectName Name, string Id, long SizeBytes, DateTimeOffset Modified)
{
    /// <summary>Whether this is what the name shows now.</summary>
    public required bool IsCurrent { get; init; }

    /// <summary>Whether it is a deletion, which covers what is older.</summary>
    public bool IsDeletion { get; init; }
}
