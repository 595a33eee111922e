using System.Net.Sockets;
using Npgsql;
using Reprise.Recovery.Postgres;
using Reprise.Repository;
using Reprise.Repository.Wal;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Wal;

/// <summary>
/// Streams a server's WAL into a repository, for as long as it is let. Connections break and servers restart: it connects
/// again, with pauses that grow. What says that two servers are mixed up, or that a person has to act, ends it.
/// </summary>
public sealed class WalStream
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    private readonly Func<CancellationToken, Task<WalArchive>> open;
    private readonly PostgresServer server;
    private readonly WalStreamSettings settings;
    private readonly WalOwner owner;
    private readonly TimeProvider clock;
    private readonly Action<Problem> say;

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
        (this.open, this.settings, this.say) = (open, settings, say);
        server = new PostgresServer(postgres, host);
        owner = new WalOwner(machine, $"slot {settings.Slot}");
        clock = host.Clock;
        if (server.IsVia)
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
            var before = tally.Confirmed;
            try
            {
                await ConnectAsync(tally, cancellationToken);
                pause = FirstPause;
                continue;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                break;
            }
            catch (RepriseException e) when (IsPassing(e.Code))
            {
                say(e.Problem with { Severity = Severity.Warning, Hint = "it goes on when this is over; until then the server keeps its WAL for the slot" });
            }

            if (tally.Confirmed != before) pause = FirstPause;
            try
            {
                await Task.Delay(pause, clock, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                break;
            }

            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }

        return tally;
    }

    // What the server has removed cannot be asked for: then less is compared, and if even the next segment is gone, it is a gap.
    private async Task ConnectAsync(WalStreamTally tally, CancellationToken cancellationToken)
    {
        for (var segmentsBack = 1; ; segmentsBack--)
        {
            try
            {
                await using var session = new StreamSession(await open(cancellationToken), server, settings, owner, clock, tally);
                var earliest = await session.OpenAsync(cancellationToken);
                if (tally.Connections == 1 && session.IsUnbounded) say(Unbounded(settings.Slot));
                var (start, known) = await session.PlanAsync(earliest, segmentsBack, cancellationToken);
                if (known is { } end && end < start) say(Gap(end, start, tally.Timeline));
                await session.ReceiveAsync(start, known > start ? known : null, cancellationToken);
                return;
            }
            catch (PostgresException e) when (e.SqlState == StreamSession.Removed && segmentsBack >= 0)
            {
                // The next round asks for a later one.
            }
            catch (PostgresException e)
            {
                throw SqlErrors.From(e.SqlState, e.MessageText, server.Where(server.Connection.Database), e);
            }
            catch (Exception e) when (e is NpgsqlException or SocketException or IOException or TimeoutException)
            {
                throw SqlErrors.Unreachable(server.Where(server.Connection.Database), (e.InnerException ?? e).Message, e);
            }
        }
    }

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
