namespace Reprise.Repository.Format;

/// <summary>Folders of objects that are readable without a key.</summary>
public static class ClearFolders
{
    /// <summary>What brings a person back who has nothing but the repository: runbooks, and a reader with its document.</summary>
    public const string Kit = "kit";

    /// <summary>What drills saw, signed.</summary>
    public const string Evidence = "evidence";
}
