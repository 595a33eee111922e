using Reprise.Recovery.Assets;
using Reprise.Recovery.Checks;
using Reprise.Recovery.Processes;
using Reprise.Recovery.State;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Restoring;

/// <summary>What restores of one application stand on, the same for every one of them.</summary>
public sealed record RestoreApplication
{
    /// <summary>Its name, which a person types to confirm.</summary>
    public required string Name { get; init; }

    /// <summary>Every asset of the configuration, in its order.</summary>
    public required IReadOnlyList<IAsset> Assets { get; init; }

    /// <summary>How it is stopped and started, or null: Reprise does neither.</summary>
    public ApplicationControl? Control { get; init; }

    /// <summary>The configured checks, in their order.</summary>
    public required IReadOnlyList<CheckDefinition> Checks { get; init; }

    /// <summary>How long former data is kept.</summary>
    public required TimeSpan KeepFormer { get; init; }

    /// <summary>Compares the secrets with the point of a manifest; answers nothing when there are none.</summary>
    public required Func<PointManifest, CancellationToken, Task<IReadOnlyList<SecretOutcome>>> CompareSecrets
    {
        get;
        init;
    }

    /// <summary>
    /// Takes a point of kind safety of the given assets and reads it back. Throws when no point could be committed; an
    /// asset that could not be captured is named in the result instead.
    /// </summary>
    public required Func<IReadOnlyList<IAsset>, CancellationToken, Task<SafetyResult>> CaptureSafety { get; init; }

    /// <summary>
    /// Identities that targets of this application were known under, by asset: those of its recent points. The identity
    /// in the point that is restored is always known.
    /// </summary>
    public IReadOnlyDictionary<string, IReadOnlyList<IReadOnlyDictionary<string, string>>> KnownIdentities
    {
        get;
        init;
    }
        = new SortedDictionary<string, IReadOnlyList<IReadOnlyDictionary<string, string>>>();
}

/// <summary>What a restore reaches the world through.</summary>
/// <param name="Disk">the file system.</param>
/// <param name="State">the memory of this host.</param>
/// <param name="Clock">time.</param>
/// <param name="Zone">the zone in which people here read the clock.</param>
/// <param name="Checks">asks checks.</param>
/// <param name="Dialogue">the person, or the lack of one.</param>
/// <param name="Progress">how far a long step is.</param>
public sealed record RestoreHost(
    IDisk Disk,
    StateFolder State,
    TimeProvider Clock,
    TimeZoneInfo Zone,
    ICheckRunner Checks,
    IRestoreDialogue Dialogue,
    IProgressSink Progress)
{
    /// <summary>A folder for what is needed only meanwhile.</summary>
    public required DiskPath Scratch { get; init; }
}

/// <summary>How the application is stopped and started.</summary>
/// <param name="StopText">the command, for people.</param>
/// <param name="Stop">stops it, and returns when it has stopped; exit 0 also when it was not running.</param>
/// <param name="StartText">the command, for people.</param>
/// <param name="Start">starts it.</param>
public sealed record ApplicationControl(
    string StopText,
    Func<CancellationToken, Task<ChildResult>> Stop,
    string StartText,
    Func<CancellationToken, Task<ChildResult>> Start)
{
    /// <summary>Through child processes.</summary>
    public static ApplicationControl Of(ChildProcesses children, ChildCommand stop, ChildCommand start) => new(
        stop.ToString(),
        cancellationToken => children.RunAsync(stop, cancellationToken),
        start.ToString(),
        cancellationToken => children.RunAsync(start, cancellationToken));

    /// <summary>Stops it; null when that worked, else why it did not.</summary>
    internal Task<string?> TryStopAsync(CancellationToken cancellationToken) =>
        TryAsync(StopText, Stop, cancellationToken);

    /// <summary>Starts it; null when that worked, else why it did not.</summary>
    internal Task<string?> TryStartAsync(CancellationToken cancellationToken) =>
        TryAsync(StartText, Start, cancellationToken);

    private static async Task<string?> TryAsync(
        string text, Func<CancellationToken, Task<ChildResult>> run, CancellationToken cancellationToken)
    {
        try
        {
            var result = await run(cancellationToken);
            return result.Exit == 0 ? null : $"'{text}' ended with {result.Exit}: {result.LastError}";
        }
        catch (RepriseException e)
        {
            // A program that is not there is a stop or a start that failed; the caller decides what follows from that.
            return $"'{text}': {e.Message}";
        }
    }
}

/// <summary>The safety point.</summary>
/// <param name="Point">it, or null when nothing of it could be captured.</param>
/// <param name="Records">what was captured completely, and read back.</param>
/// <param name="Failed">why an asset could not be captured, by asset.</param>
public sealed record SafetyResult(
    PointId? Point, IReadOnlyList<AssetRecord> Records, IReadOnlyDictionary<string, Problem> Failed);

/// <summary>What a restore is asked to do.</summary>
public sealed record RestoreRequest
{
    /// <summary>The point; the caller disposes it.</summary>
    public required PointReader Point { get; init; }

    /// <summary>Only these assets; empty: all that the point and the configuration have.</summary>
    public IReadOnlyList<string> OnlyAssets { get; init; } = [];

    /// <summary>Whether sealed values of secrets are written back.</summary>
    public bool RestoreSecrets { get; init; }

    /// <summary>Whether damaged parts are restored as far as they go: the result is exit 7 then.</summary>
    public bool Salvage { get; init; }

    /// <summary>Moments behind that of the point, by asset; those without one come back as the point has them.</summary>
    public IReadOnlyDictionary<string, AssetMoment> Moments { get; init; } = new SortedDictionary<string, AssetMoment>();

    /// <summary>Choices that are remembered when the operation is continued.</summary>
    public RestoreChoices Choices { get; init; } = new();
}

/// <summary>What a person chose on the command line, for a restore or an undo.</summary>
public sealed record RestoreChoices
{
    /// <summary>Checks that are not asked, with the reason (<c>--skip-check NAME=REASON</c>).</summary>
    public IReadOnlyDictionary<string, string> SkipChecks { get; init; } = new SortedDictionary<string, string>();

    /// <summary>Accept codes that a plan printed (<c>--accept-target</c>).</summary>
    public IReadOnlyList<string> AcceptTargets { get; init; } = [];

    /// <summary>Assets for which no safety point is demanded (<c>--without-safety</c>).</summary>
    public IReadOnlyList<string> WithoutSafety { get; init; } = [];
}
