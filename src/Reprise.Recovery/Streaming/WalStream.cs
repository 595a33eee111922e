using Reprise.Recovery.Postgres;
using Reprise.Recovery.Wal;
using Reprise.Repository;
using Reprise.Repository.Wal;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Streaming;

/// <summary>
/// Streams a server's WAL into a repository, for as long as it is let. Connections break and servers restart: it connects
/// again, with pauses that grow. What says that two servers are mixed up, or that a person has to act, ends it.
/// </summary>
public sealed class WalStream
{
    /// <summary>What a server says of WAL that it has removed.</summary>
    private const string Removed = "58P01";

    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan SayAgainAfter = TimeSpan.FromMinutes(10);

    private readonly Func<CancellationToken, Task<WalArchive>> open;
    private readonly PostgresConnection target;
    private readonly PostgresHost host;
    private readonly WalStreamSettings settings;
    private readonly WalOwner owner;
    private readonly Action<Problem> say;
    private string lastSaid = "";
    private long lastSaidAt;

    /// <param name="open">the WAL of the repository with the keys that are in force; asked at every connection.</param>
    /// <param name="postgres">the server.</param>
    /// <param name="host">what its room stands on.</param>
    /// <param name="settings">how.</param>
    /// <param name="machine">this machine, see <see cref="Assets.Machine"/>.</param>
    /// <param name="say">hears of what passes: a broken connection, a gap.</param>
    public WalStream(
        Func<CancellationToken, Task<WalArchive>> open,
        PostgresSettings postgres,
        PostgresHost host,
        WalStreamSettings settings,
        string machine,
        Action<Problem> say)
    {
        (this.open, this.host, this.settings, this.say) = (open, host, settings, say);
        owner = new WalOwner(machine, $"slot {settings.Slot}");
        target = new PostgresServer(postgres, host).Connection;
        if (postgres.Via is not null)
        {
            throw new RepriseException(
                WalErrors.StreamImpossible,
                "a stream needs a connection of its own, and this asset is reached through 'via'",
                "publish the port of the server on this host, or use archive_command in the container");
        }
    }

    /// <summary>Streams until <paramref name="cancellationToken"/> is cancelled, which is its usual end.</summary>
    public async Task<WalStreamTally> RunAsync(CancellationToken cancellationToken)
    {
        var tally = new WalStreamTally();
        var pause = FirstPause;
        while (!cancellationToken.IsCancellationRequested)
        {
            var before = (tally.Confirmed, tally.Timeline);
            try
            {
                await ConnectAsync(tally, cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                break;
            }
            catch (RepriseException e) when (IsPassing(e.Code))
            {
                SayOnce(e.Problem with { Severity = Severity.Warning, Hint = "it goes on when this is over; until then the server keeps its WAL for the slot" });
            }

            if ((tally.Confirmed, tally.Timeline) != before) pause = FirstPause;
            try
            {
                await Task.Delay(Jittered(pause), host.Clock, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                break;
            }

            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }

        return tally;
    }

    // Several streams that lost the same server do not come back to it at the same moment.
    private TimeSpan Jittered(TimeSpan pause)
    {
        Span<byte> random = stackalloc byte[1];
        host.Entropy.Fill(random);
        return pause * (0.5 + (random[0] / 512.0));
    }

    // One line for one outage, however long it lasts; and one from time to time, so that the end of a log shows it too.
    private void SayOnce(Problem problem)
    {
        var now = host.Clock.GetTimestamp();
        if (problem.Message == lastSaid && host.Clock.GetElapsedTime(lastSaidAt, now) < SayAgainAfter) return;
        (lastSaid, lastSaidAt) = (problem.Message, now);
        say(problem);
    }

    // What the server has removed cannot be asked for: then less is compared, and if even the next segment is gone, it is a gap.
    private async Task ConnectAsync(WalStreamTally tally, CancellationToken cancellationToken)
    {
        for (var segmentsBack = 1; ; segmentsBack--)
        {
            try
            {
                using var session = new StreamSession(await open(cancellationToken), target, host, settings, owner, tally);
                var slot = await session.OpenAsync(cancellationToken);
                if (tally.Connections == 1 && session.IsUnbounded) say(Unbounded(settings.Slot));
                var (start, known) = await session.PlanAsync(slot.Earliest, segmentsBack, cancellationToken);
                if (slot.Loss is { } loss && known is not null) say(Lost(loss));
                if (known is { } end && end < start) say(Gap(end, start, tally.Timeline));
                lastSaid = "";
                await session.ReceiveAsync(start, known >= start ? known : null, say, cancellationToken);
                return;
            }
            catch (SqlException e) when (e.State == Removed && segmentsBack >= 0)
            {
                // The next round asks for a later one.
            }
        }
    }

    private static Problem Lost(string loss) => new(
        WalErrors.SlotLost, Severity.Warning, $"{loss}; it was made anew", "look at what the server kept meanwhile: a gap is named below if there is one");

    private static Problem Gap(Lsn end, Lsn start, uint timeline) => new(
        RepositoryErrors.WalGap,
        Severity.Error,
        $"WAL of timeline {timeline} from {end} to {start} was removed from the server before it was in the repository",
        "take a point now: reprise backup. Let the server keep more: max_slot_wal_keep_size");

    private static Problem Unbounded(string slot) => new(
        WalErrors.KeepUnbounded,
        Severity.Warning,
        $"the server keeps WAL for the slot {slot} without a bound: while nothing streams, its disk fills up",
        "set max_slot_wal_keep_size on the server to what its disk can spare");

    private static bool IsPassing(ErrorCode code) =>
        code == RecoveryErrors.DatabaseUnavailable || code == StorageErrors.StoreUnavailable
        || code == StorageErrors.MediumFailed || code == StorageErrors.DiskFull;
}
