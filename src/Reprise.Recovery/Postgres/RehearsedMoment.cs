using Reprise.Recovery.Assets;
using Reprise.Recovery.Moments;
using Reprise.Repository.Wal;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres;

/// <summary>A moment to which a drill takes a server on, and what it asks on the way.</summary>
public sealed record RehearsedMoment
{
    /// <summary>Where it ends.</summary>
    public required AssetMoment Moment { get; init; }

    /// <summary>Whether that is a time, so that nothing older is lost; else it is as far as the WAL goes.</summary>
    public required bool IsTime { get; init; }

    /// <summary>What does not come back.</summary>
    public required IReadOnlyList<Problem> Notes { get; init; }

    /// <summary>Where the WAL lies.</summary>
    public required WalArchive Archive { get; init; }

    /// <summary>Where commits on both sides are asked for; null: nothing is committed near the end.</summary>
    internal MomentBoundary? Boundary { get; init; }
}

/// <summary>What a drill saw of a moment.</summary>
/// <param name="Reached">where the recovery ended.</param>
/// <param name="IsTime">whether a time was reached, so that nothing older is lost.</param>
/// <param name="Outcome">whether the commits on both sides are where they must be.</param>
/// <param name="Expected">what was asked.</param>
/// <param name="Actual">what was answered.</param>
/// <param name="Elapsed">how long fetching and replaying took.</param>
public sealed record MomentSeen(ReachedMoment Reached, bool IsTime, Outcome Outcome, string Expected, string Actual, TimeSpan Elapsed);
