using Reprise.Json;

namespace Reprise.Setup;

/// <summary>What <c>init</c> found in and around the folder of an application.</summary>
internal sealed record Surroundings
{
    /// <summary>Databases, in the order in which they are captured.</summary>
    public required IReadOnlyList<FoundDatabase> Databases { get; init; }

    /// <summary>Patterns of files that belong to the application, from its folder.</summary>
    public required IReadOnlyList<string> Files { get; init; }

    /// <summary>Names that look like secrets.</summary>
    public required IReadOnlyList<string> Secrets { get; init; }

    /// <summary>Whether the secrets stand in <c>.env</c>; otherwise in the environment.</summary>
    public required bool HasEnvironmentFile { get; init; }

    /// <summary>The compose file, when the application runs in it.</summary>
    public ComposeFile? Compose { get; init; }

    /// <summary>The services that are stopped and started, or none.</summary>
    public IReadOnlyList<string> Services { get; init; } = [];

    /// <summary>
    /// The command that prints Alembic's head, or null: not found; empty: only the point is compared.
    /// </summary>
    public IReadOnlyList<string>? AlembicHeads { get; init; }

    /// <summary>The address that says whether the application is healthy, or null.</summary>
    public string? HealthUrl { get; init; }

    /// <summary>Named volumes that hold files which are not protected, as <c>volume (service)</c>.</summary>
    public IReadOnlyList<string> VolumesNotProtected { get; init; } = [];

    /// <summary>What was found, for people.</summary>
    public required IReadOnlyList<FoundJson> Found { get; init; }
}

/// <summary>A database.</summary>
/// <param name="Name">what it is called in the configuration.</param>
internal abstract record FoundDatabase(string Name)
{
    /// <summary>A PostgreSQL.</summary>
    /// <param name="Name">what it is called in the configuration.</param>
    /// <param name="Connection">as it is written into the configuration; variables stay variables.</param>
    /// <param name="Service">the compose service in which its programs run, or null.</param>
    public sealed record Postgres(string Name, string Connection, string? Service) : FoundDatabase(Name);

    /// <summary>A SQLite file.</summary>
    /// <param name="Name">what it is called in the configuration.</param>
    /// <param name="Path">from the folder.</param>
    public sealed record Sqlite(string Name, string Path) : FoundDatabase(Name);
}
