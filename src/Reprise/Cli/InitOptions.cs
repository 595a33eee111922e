namespace Reprise.Cli;

/// <summary>What <c>init</c> was asked.</summary>
internal sealed record InitOptions
{
    /// <summary>The application's name, or null: the folder's.</summary>
    public string? Application { get; init; }

    /// <summary>Whether values of secrets are kept, encrypted; null: asked on a terminal, else not.</summary>
    public bool? SealSecrets { get; init; }
}
