using System.Globalization;
using Reprise.Repository.Points;
using Reprise.Repository.Wal;

namespace Reprise.Recovery.Moments;

/// <summary>Which moment a person wants back.</summary>
public abstract record MomentWish
{
    private MomentWish()
    {
    }

    /// <summary>As a person says it.</summary>
    public abstract string Text { get; }

    /// <summary>Everything that was committed at a time or before.</summary>
    public sealed record Time(DateTimeOffset At) : MomentWish
    {
        /// <inheritdoc />
        public override string Text => At.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.FFFFFF'Z'", CultureInfo.InvariantCulture);
    }

    /// <summary>Everything that was written before a place in the WAL.</summary>
    public sealed record Place(Lsn At) : MomentWish
    {
        /// <inheritdoc />
        public override string Text => $"LSN {At}";
    }

    /// <summary>Up to the end of a transaction, and with it.</summary>
    public sealed record Transaction(uint Number) : MomentWish
    {
        /// <inheritdoc />
        public override string Text => string.Create(CultureInfo.InvariantCulture, $"transaction {Number}");
    }

    /// <summary>Up to what <c>pg_create_restore_point</c> made.</summary>
    public sealed record Named(string Name) : MomentWish
    {
        /// <inheritdoc />
        public override string Text => $"restore point '{Name}'";
    }

    /// <summary>As far as the WAL goes.</summary>
    public sealed record Latest : MomentWish
    {
        /// <inheritdoc />
        public override string Text => "the end of the WAL";
    }
}

/// <summary>A point as a recovery to a moment sees it: where its own log of changes ends.</summary>
/// <param name="Id">of the point.</param>
/// <param name="Moment">when it was taken.</param>
/// <param name="Identifier">of the cluster.</param>
/// <param name="Timeline">that it was on.</param>
/// <param name="Stop">where the backup ended: from there on it needs WAL.</param>
/// <param name="Owner">who took it: the same machine and data directory archive its WAL.</param>
internal sealed record BasePoint(PointId Id, DateTimeOffset Moment, ulong Identifier, uint Timeline, Lsn Stop, WalOwner Owner);
