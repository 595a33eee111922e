using System.Text;
using Reprise.Recovery.Postgres;
using Reprise.Recovery.Wal;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Streaming;

/// <summary>
/// A second session beside the stream: asks whether commits wait for us, and makes a server commit that has nothing to commit,
/// so that what can be restored is never older than the objective.
/// </summary>
internal sealed class StreamPulse : IDisposable
{
    // Its own commits must not wait for the stream: the stream waits for them.
    private const string Ours = "set synchronous_commit = local";
    private const string Beat = "select pg_logical_emit_message(true, 'reprise', 'heartbeat')";
    private const string IsStandby = "select pg_is_in_recovery()";
    private const string Unbounded = "select current_setting('max_slot_wal_keep_size') = '-1'";
    private const string AwaitsReplay = "select current_setting('synchronous_commit') = 'remote_apply'";
    private static readonly TimeSpan AskEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(20);

    private readonly WireSession session;
    private readonly WalStreamSettings settings;
    private readonly TimeProvider clock;
    private readonly WalStreamTally tally;
    private DateTimeOffset? newest;
    private long changed;
    private long? asked;
    private bool isStandby;
    private string slotState = "";
    private Problem? worry;

    private StreamPulse(WireSession session, WalStreamSettings settings, TimeProvider clock, WalStreamTally tally)
    {
        (this.session, this.settings, this.clock, this.tally) = (session, settings, clock, tally);
        changed = clock.GetTimestamp();
    }

    /// <summary>Whether commits of the server may wait until we say that they are durable.</summary>
    public bool IsAwaited { get; private set; }

    /// <summary>Whether the server would keep WAL for a slot until its disk is full.</summary>
    public bool IsUnbounded { get; private set; }

    /// <summary>Opens the session.</summary>
    public static async Task<StreamPulse> BeginAsync(
        PostgresConnection target, PostgresHost host, WalStreamSettings settings, WalStreamTally tally, CancellationToken cancellationToken)
    {
        var opened = await WireSession.OpenAsync(
            target, $"database {target.Database} on {target.Server}", [("database", target.Database), ("application_name", PostgresConnection.ApplicationName)], host, cancellationToken);
        var pulse = new StreamPulse(opened, settings, host.Clock, tally);
        try
        {
            await pulse.DoAsync(Sql.Setup, cancellationToken);
            if (await pulse.IsSoAsync(AwaitsReplay, cancellationToken))
            {
                throw new RepriseException(
                    WalErrors.StreamImpossible,
                    "synchronous_commit of the server is remote_apply: commits wait until a standby has replayed them, and a repository replays nothing",
                    "set synchronous_commit = on");
            }

            pulse.IsUnbounded = await pulse.IsSoAsync(Unbounded, cancellationToken);
            pulse.isStandby = await pulse.IsSoAsync(IsStandby, cancellationToken);
            await pulse.DoAsync(Ours, cancellationToken);
            return pulse;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>Looks, from time to time; commits when nothing else did. <paramref name="lastCommit"/>: the newest that came.</summary>
    public async Task BeatAsync(DateTimeOffset? lastCommit, CancellationToken cancellationToken)
    {
        if (lastCommit != newest) (newest, changed) = (lastCommit, clock.GetTimestamp());
        if (asked is not { } before || clock.GetElapsedTime(before) >= AskEvery) await AskAsync(cancellationToken);
        if (isStandby || settings.HeartbeatEvery is not { } every || clock.GetElapsedTime(changed) < every) return;
        changed = clock.GetTimestamp();
        await DoAsync(Beat, cancellationToken);
        tally.Heartbeats++;
    }

    /// <summary>Takes what there is to worry about: it is said once.</summary>
    public Problem? TakeWorry()
    {
        var said = worry;
        worry = null;
        return said;
    }

    /// <inheritdoc />
    public void Dispose() => session.Dispose();

    private async Task AskAsync(CancellationToken cancellationToken)
    {
        var answer = await DoAsync(Question, cancellationToken);
        asked = clock.GetTimestamp();
        if (answer?.Split('|') is not [var awaited, var state, var room]) return;
        IsAwaited = awaited == "true";
        if (state == slotState) return;
        slotState = state;
        if (state is "unreserved" or "lost")
        {
            worry = new Problem(
                WalErrors.SlotLost,
                Severity.Warning,
                state == "lost"
                    ? $"the server has given up the slot {settings.Slot}: more WAL than max_slot_wal_keep_size had to be kept for it"
                    : $"the server is about to give up the slot {settings.Slot}: {(room.Length == 0 ? "no" : room)} bytes are left of max_slot_wal_keep_size",
                "raise max_slot_wal_keep_size, or find out what keeps the stream from storing: reprise status");
        }
    }

    private string Question =>
        "select (current_setting('synchronous_standby_names') <> '')::text || '|' || coalesce(max(wal_status), 'none') || '|' || coalesce(max(safe_wal_size)::text, '')"
        + $" from pg_replication_slots where slot_name = {Sql.Text(settings.Slot)}";

    private async Task<bool> IsSoAsync(string question, CancellationToken cancellationToken) => await DoAsync(question, cancellationToken) == "t";

    // A server that is cut off would otherwise be waited for without an end.
    private async Task<string?> DoAsync(string sql, CancellationToken cancellationToken)
    {
        using var within = new CancellationTokenSource(AnswerWithin, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, within.Token);
        try
        {
            return await session.AskAsync(sql, both.Token) is [{ } first, ..] ? Encoding.UTF8.GetString(first) : null;
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw SqlErrors.Unreachable(session.Messages.Where, $"no answer within {AnswerWithin.TotalSeconds:0} s", e);
        }
    }
}
