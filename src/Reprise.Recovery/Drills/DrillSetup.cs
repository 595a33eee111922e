using Reprise.Recovery.Assets;
using Reprise.Recovery.Checks;
using Reprise.Recovery.Evidence;
using Reprise.Recovery.Postgres;
using Reprise.Recovery.Processes;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Drills;

/// <summary>What drills of one application stand on.</summary>
public sealed record DrillApplication
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>What was promised.</summary>
    public required DrillObjectives Objectives { get; init; }

    /// <summary>The configured checks, in their order.</summary>
    public required IReadOnlyList<CheckDefinition> Checks { get; init; }

    /// <summary>How it is started on recovered data, or null: it is not.</summary>
    public DrillStart? Start { get; init; }

    /// <summary>Compares the secrets in force with those of a point.</summary>
    public required Func<PointManifest, IReadOnlyList<SecretOutcome>> CompareSecrets { get; init; }

    /// <summary>Makes assets and questions that know the sandbox instead of production.</summary>
    public required Func<DrillPlaces, DrillTarget> Target { get; init; }

    /// <summary>To which moment behind the point a server is taken on, given the fault; null: to the point's own.</summary>
    public Func<PointManifest, AssetRecord, DateTimeOffset?, CancellationToken, Task<RehearsedMoment?>>? Beyond { get; init; }

    /// <summary>Why an asset of the point is not recovered, or null: it is.</summary>
    public required Func<AssetRecord, string?> WhyNot { get; init; }

    /// <summary>What of production must not be reached or changed from the sandbox.</summary>
    public required IReadOnlyList<ProductionPlace> Production { get; init; }

    /// <summary>The runbook that is rehearsed on what was recovered, or null: the application is started on it.</summary>
    public DrillRehearsal? Rehearsal { get; init; }

    /// <summary>What is proven when this point is, see <see cref="DrillRecord.Fingerprint"/>.</summary>
    public required Func<PointManifest, IReadOnlyDictionary<string, string>> Fingerprint { get; init; }
}

/// <summary>How the application is started in the sandbox.</summary>
/// <param name="Run">the program, in the foreground.</param>
/// <param name="Environment">its variables; <c>{orders.url}</c> and <c>{runtime.path}</c> stand for recovered ones.</param>
/// <param name="Ready">says when it has started, or null: as soon as the application checks pass.</param>
public sealed record DrillStart(
    ChildCommand Run, IReadOnlyList<KeyValuePair<string, string>> Environment, CheckDefinition? Ready);

/// <summary>What drills reach the world through.</summary>
public sealed record DrillHost
{
    /// <summary>The file system.</summary>
    public required IDisk Disk { get; init; }

    /// <summary>Starts what runs in the sandbox.</summary>
    public required ChildProcesses Children { get; init; }

    /// <summary>Time.</summary>
    public required TimeProvider Clock { get; init; }

    /// <summary>For the server in the sandbox.</summary>
    public required PostgresHost Postgres { get; init; }

    /// <summary>How far a long step is.</summary>
    public required IProgressSink Progress { get; init; }

    /// <summary>Where the sandbox is made.</summary>
    public required DiskPath TemporaryFolder { get; init; }

    /// <summary>Absolute path of our own program, which opens the door into the sandbox.</summary>
    public required string ProgramPath { get; init; }

    /// <summary>Who drills.</summary>
    public required string Executor { get; init; }

    /// <summary>Whether we are root.</summary>
    public required bool IsRoot { get; init; }

    /// <summary>The version of this program, and the hash of its file.</summary>
    public required (string Version, string? Sha256) Tool { get; init; }

    /// <summary>What there is to know of this machine.</summary>
    public required IReadOnlyDictionary<string, string> Environment { get; init; }
}

/// <summary>What a drill is asked to do.</summary>
public sealed record DrillRequest
{
    /// <summary>The point; the caller disposes it.</summary>
    public required PointReader Point { get; init; }

    /// <summary>Where it comes from.</summary>
    public required DrillInput Input { get; init; }

    /// <summary>How deep to ask, 1 to 5.</summary>
    public required int Level { get; init; }

    /// <summary>When the drill began.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>When the disaster is said to have happened, or null: when the drill began.</summary>
    public DateTimeOffset? FaultAt { get; init; }

    /// <summary>Whether the sandbox stays to be looked at.</summary>
    public bool Keep { get; init; }

    /// <summary>Proves every byte that the point needs.</summary>
    public required Func<CancellationToken, Task<BytesProof>> ProveBytes { get; init; }
}

/// <param name="Objects">how many objects were read.</param>
/// <param name="Bytes">how many bytes.</param>
/// <param name="Problems">what is damaged.</param>
public sealed record BytesProof(long Objects, long Bytes, IReadOnlyList<Problem> Problems);

/// <summary>Something of production.</summary>
/// <param name="Kind">what is done about it.</param>
/// <param name="Path">an absolute path, or <c>HOST:PORT</c>.</param>
/// <param name="Name">as a person says it.</param>
public sealed record ProductionPlace(ProductionKind Kind, string Path, string Name);

/// <summary>Kinds of places of production.</summary>
public enum ProductionKind
{
    /// <summary>A port, which does not exist in a network namespace of its own.</summary>
    Port,

    /// <summary>A Unix socket: an empty file lies over it in the sandbox.</summary>
    Socket,

    /// <summary>A file that nobody may open: an empty file lies over it in the sandbox.</summary>
    HiddenFile,

    /// <summary>A folder that can only be read in the sandbox.</summary>
    Folder,
}

/// <summary>Where the parts of one target lie.</summary>
public sealed record DrillPlaces
{
    /// <summary>A folder for files and SQLite databases, each asset in one of its own name.</summary>
    public required DiskPath Folder { get; init; }

    /// <summary>The servers, by asset.</summary>
    public required IReadOnlyDictionary<string, PostgresThrowaway> Servers { get; init; }

    /// <summary>Whether nothing is recovered into it: checks that pass there prove nothing.</summary>
    public bool IsEmpty { get; init; }

    /// <summary>
    /// One folder in which everything lies as it does in that of the configuration, or null: each asset has its own.
    /// </summary>
    public DiskPath? Together { get; init; }

    /// <summary>Puts a program into the sandbox.</summary>
    public required Func<ChildCommand, ChildCommand> Enter { get; init; }

    /// <summary>What stands before a program that runs as the server does, for whoever is inside already.</summary>
    public IReadOnlyList<string> AsServer { get; init; } = [];

    /// <summary>Connects from inside of the sandbox, or null: there is no inside.</summary>
    public Func<string, int, CancellationToken, Task<Stream>>? Dial { get; init; }

    /// <summary>Where one asset lies.</summary>
    public DiskPath Of(string asset) => Folder / asset;
}

/// <summary>One place into which data is recovered, with what can ask it.</summary>
/// <param name="Assets">the assets, in their order.</param>
/// <param name="Questions">asks checks there.</param>
/// <param name="Words">what <c>{asset.url}</c> and <c>{asset.path}</c> stand for, without the braces.</param>
/// <param name="Rebind">a check as it has to be asked there, or null: it cannot be.</param>
public sealed record DrillTarget(
    IReadOnlyList<IRestorable> Assets,
    ICheckRunner Questions,
    IReadOnlyDictionary<string, string> Words,
    Func<CheckDefinition, IReadOnlyDictionary<string, string>, CheckDefinition?> Rebind);

/// <summary>What stands for what was recovered.</summary>
public static class DrillWords
{
    /// <summary>A text in which <c>{asset.url}</c> and <c>{asset.path}</c> are filled in.</summary>
    public static string Filled(string text, IReadOnlyDictionary<string, string> words) =>
        words.Aggregate(text, (filled, word) => filled.Replace("{" + word.Key + "}", word.Value, StringComparison.Ordinal));
}

/// <summary>What came out of a drill.</summary>
/// <param name="Record">everything.</param>
/// <param name="Problems">what decides the exit code.</param>
/// <param name="KeptAt">the sandbox, when it was kept.</param>
public sealed record DrillReport(DrillRecord Record, IReadOnlyList<Problem> Problems, string? KeptAt);
