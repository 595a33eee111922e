namespace Reprise.Repository.Format;

/// <summary>Folders of objects that are readable without a key.</summary>
public static class ClearFolders
{
    /// <summary>What brings a person back who has nothing but the repository: runbooks, and a reader with its document.</summary>
    public const string Kit = "kit";

    /// <summary>What a reader in the kit consists of, in the order in which they are hashed.</summary>
    public static IReadOnlyList<string> ReaderFiles { get; } = ["format.md", "reprise_reader.py"];

    /// <summary>What drills saw, signed.</summary>
    public const string Evidence = "evidence";
}
