using Reprise.Storage.Disk;

namespace Reprise.Rehearsing;

/// <summary>Where everything of a rehearsal lies, and how its programs are called.</summary>
internal sealed record SandboxLayout
{
    /// <summary>Of the sandbox.</summary>
    public required DiskPath Sandbox { get; init; }

    /// <summary>What stands for the folder of the configuration.</summary>
    public required DiskPath Application { get; init; }

    /// <summary>Of this program, absolute.</summary>
    public required string Program { get; init; }

    /// <summary>The names of the databases, by asset.</summary>
    public required IReadOnlyDictionary<string, string> Databases { get; init; }

    /// <summary>The configuration.</summary>
    public DiskPath Configuration => Application / "reprise.yaml";

    /// <summary>A repository of the sandbox's own.</summary>
    public DiskPath Repository => Sandbox / "repository";

    /// <summary>Its key.</summary>
    public DiskPath Key => Sandbox / "keys" / "rehearsal.key";

    /// <summary>What the host of the sandbox remembers.</summary>
    public DiskPath State => Sandbox / "state";

    /// <summary>For temporary files.</summary>
    public DiskPath Temporary => Sandbox / "tmp";

    /// <summary>The script that starts and stops the application.</summary>
    public DiskPath Control => Sandbox / "control.sh";

    /// <summary>What the application's programs are given.</summary>
    public DiskPath Surroundings => Sandbox / "surroundings.json";

    /// <summary>What the application printed.</summary>
    public DiskPath Log => Sandbox / "application.log";

    /// <summary>Stops the application.</summary>
    public IReadOnlyList<string> Stop => ["sh", Control.ToString(), "stop"];

    /// <summary>Starts it, when it does not run.</summary>
    public IReadOnlyList<string> Start => ["sh", Control.ToString(), "start"];

    /// <summary>A program of the application, in its folder and with what was recovered.</summary>
    public IReadOnlyList<string> Inside(string folder, IReadOnlyList<string> command) =>
        [Program, SandboxProgram.Command, Surroundings.ToString(), folder, .. command];
}
