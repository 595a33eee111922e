using Reprise.Recovery.Postgres;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Wal;

/// <summary>
/// A second session beside the stream: asks whether commits wait for us, and makes a server commit that has nothing to commit,
/// so that what can be restored is never older than the objective.
/// </summary>
internal sealed class StreamPulse : IAsyncDisposable
{
    // Its own commits must not wait for the stream: the stream waits for them.
    private const string Ours = "set synchronous_commit = local";
    private const string Beat = "select pg_logical_emit_message(true, 'reprise', 'heartbeat')";
    private const string Waiting = "select current_setting('synchronous_standby_names') <> ''";
    private const string Unbounded = "select current_setting('max_slot_wal_keep_size') = '-1'";
    private const string AwaitsReplay = "select current_setting('synchronous_commit') = 'remote_apply'";
    private static readonly TimeSpan AskEvery = TimeSpan.FromSeconds(5);

    private readonly ISqlSession session;
    private readonly WalStreamSettings settings;
    private readonly TimeProvider clock;
    private readonly WalStreamTally tally;
    private DateTimeOffset? newest;
    private long changed;
    private long asked;

    private StreamPulse(ISqlSession session, WalStreamSettings settings, TimeProvider clock, WalStreamTally tally)
    {
        (this.session, this.settings, this.clock, this.tally) = (session, settings, clock, tally);
        changed = asked = clock.GetTimestamp();
    }

    /// <summary>Whether commits of the server may wait until we say that they are durable.</summary>
    public bool IsAwaited { get; private set; }

    /// <summary>Whether the server would keep WAL for a slot until its disk is full.</summary>
    public bool IsUnbounded { get; private set; }

    /// <summary>Opens the session.</summary>
    public static async Task<StreamPulse> BeginAsync(
        PostgresServer server, WalStreamSettings settings, TimeProvider clock, WalStreamTally tally, CancellationToken cancellationToken)
    {
        var opened = await server.OpenAsync(server.Connection.Database, SessionUse.Ours, cancellationToken);
        var pulse = new StreamPulse(opened, settings, clock, tally);
        try
        {
            if (await opened.ScalarAsync(AwaitsReplay, cancellationToken) == "t")
            {
                throw new RepriseException(
                    WalErrors.StreamImpossible,
                    "synchronous_commit of the server is remote_apply: commits wait until a standby has replayed them, and a repository replays nothing",
                    "set synchronous_commit = on");
            }

            pulse.IsUnbounded = await opened.ScalarAsync(Unbounded, cancellationToken) == "t";
            await opened.ExecuteAsync(Ours, cancellationToken);
            await pulse.AskAsync(cancellationToken);
            return pulse;
        }
        catch
        {
            await opened.DisposeAsync();
            throw;
        }
    }

    /// <summary>Looks, from time to time; commits when nothing else did. <paramref name="lastCommit"/>: the newest that came.</summary>
    public async Task BeatAsync(DateTimeOffset? lastCommit, CancellationToken cancellationToken)
    {
        if (lastCommit != newest) (newest, changed) = (lastCommit, clock.GetTimestamp());
        if (clock.GetElapsedTime(asked) >= AskEvery) await AskAsync(cancellationToken);
        if (settings.HeartbeatEvery is not { } every || clock.GetElapsedTime(changed) < every) return;
        changed = clock.GetTimestamp();
        await session.ExecuteAsync(Beat, cancellationToken);
        tally.Heartbeats++;
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => session.DisposeAsync();

    private async Task AskAsync(CancellationToken cancellationToken)
    {
        IsAwaited = await session.ScalarAsync(Waiting, cancellationToken) == "t";
        asked = clock.GetTimestamp();
    }
}
