using System.Globalization;
using System.Text;
using Reprise.Repository.Wal;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres;

/// <summary>Who a server is, and how far it has come.</summary>
/// <param name="Identifier">of the cluster.</param>
/// <param name="Timeline">the one that it writes.</param>
/// <param name="Flushed">up to where it can send.</param>
internal sealed record ServerIdentity(ulong Identifier, uint Timeline, Lsn Flushed);

/// <summary>
/// A connection for physical replication, which speaks the protocol itself: no thread of its own, one reader and one writer,
/// and every failure is one error of ours that the caller gets. Npgsql's ends the process when it is cancelled while it
/// sends a status.
/// </summary>
internal sealed class ReplicationConnection : IDisposable
{
    private readonly WireSession session;
    private readonly TimeProvider clock;
    private readonly byte[] buffer = new byte[WireMessages.MaxMessageBytes];

    private ReplicationConnection(WireSession session, TimeProvider clock) => (this.session, this.clock) = (session, clock);

    /// <summary>The version of the server.</summary>
    public int Major => session.Major;

    private WireMessages Messages => session.Messages;

    /// <summary>Connects as <paramref name="name"/>, which is what <c>synchronous_standby_names</c> knows.</summary>
    /// <exception cref="RepriseException"><c>database-unavailable</c>, <c>password-refused</c>, <c>privilege-missing</c>, <c>connection-invalid</c>.</exception>
    public static async Task<ReplicationConnection> OpenAsync(
        PostgresConnection target, string name, PostgresHost host, CancellationToken cancellationToken)
    {
        var opened = await WireSession.OpenAsync(
            target, $"replication on {target.Server}", [("replication", "true"), ("application_name", name)], host, cancellationToken);
        return new ReplicationConnection(opened, host.Clock);
    }

    /// <summary>Who the server is.</summary>
    public async Task<ServerIdentity> IdentifyAsync(CancellationToken cancellationToken)
    {
        var row = await session.AskAsync("IDENTIFY_SYSTEM", cancellationToken) ?? [];
        return row.Count >= 3
            && ulong.TryParse(Text(row[0]), NumberStyles.None, CultureInfo.InvariantCulture, out var identifier)
            && uint.TryParse(Text(row[1]), NumberStyles.None, CultureInfo.InvariantCulture, out var timeline) && timeline > 0
            && Lsn.TryParse(Text(row[2]), out var flushed)
                ? new ServerIdentity(identifier, timeline, flushed)
                : throw Strange("IDENTIFY_SYSTEM");
    }

    /// <summary>A setting, as the server shows it.</summary>
    public async Task<string> ShowAsync(string setting, CancellationToken cancellationToken) =>
        await session.AskAsync($"SHOW {setting}", cancellationToken) is [{ } value, ..] ? Text(value) : throw Strange($"SHOW {setting}");

    /// <summary>The history file of a timeline, as it is.</summary>
    public async Task<byte[]> HistoryAsync(uint timeline, CancellationToken cancellationToken)
    {
        var command = string.Create(CultureInfo.InvariantCulture, $"TIMELINE_HISTORY {timeline}");
        return await session.AskAsync(command, cancellationToken) is [_, { } content] ? content : throw Strange(command);
    }

    /// <summary>
    /// A slot: whether it is there, and from where on the server keeps WAL for it. Null where it keeps none: it was never
    /// used, or it has been invalidated.
    /// </summary>
    public async Task<(bool IsThere, Lsn? Kept)> SlotAsync(string slot, CancellationToken cancellationToken)
    {
        var row = await session.AskAsync($"READ_REPLICATION_SLOT {Named(slot)}", cancellationToken);
        if (row is not { Count: >= 2 }) throw Strange("READ_REPLICATION_SLOT");
        return (row[0] is not null, row[1] is { } kept ? Lsn.TryParse(Text(kept), out var at) ? at : throw Strange("READ_REPLICATION_SLOT") : null);
    }

    /// <summary>Makes a physical slot that keeps WAL from now on.</summary>
    public Task CreateSlotAsync(string slot, CancellationToken cancellationToken) =>
        session.AskAsync($"CREATE_REPLICATION_SLOT {Named(slot)} PHYSICAL RESERVE_WAL", cancellationToken);

    /// <summary>Drops a slot.</summary>
    public Task DropSlotAsync(string slot, CancellationToken cancellationToken) =>
        session.AskAsync($"DROP_REPLICATION_SLOT {Named(slot)}", cancellationToken);

    /// <summary>Begins to stream; then come <see cref="NextAsync"/> and <see cref="ConfirmAsync"/>.</summary>
    /// <exception cref="SqlException">for WAL that is gone the server answers <c>58P01</c>.</exception>
    public async Task StartAsync(string slot, Lsn start, uint timeline, CancellationToken cancellationToken)
    {
        var command = string.Create(CultureInfo.InvariantCulture, $"START_REPLICATION SLOT {Named(slot)} PHYSICAL {start} TIMELINE {timeline}");
        await Messages.SendAsync('Q', WireMessages.Terminated(command), cancellationToken);
        while (true)
        {
            var (type, length) = await Messages.HeaderAsync(cancellationToken);
            var body = await Messages.BodyAsync(length, cancellationToken);
            if (type == 'W') return;
            if (type == 'E') throw await Messages.RefusedAsync(body, cancellationToken);
            if (type is not ('N' or 'S')) throw Strange(command);
        }
    }

    /// <summary>What comes next. Cancelled in the middle of a message, the connection is of no more use.</summary>
    public async Task<ReplicationMessage> NextAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var (type, length) = await Messages.HeaderAsync(cancellationToken);
            var body = await Messages.BodyAsync(length, buffer, cancellationToken);
            switch (type)
            {
                case 'd':
                    return ReplicationMessage.Read(body, out var wrong) ?? throw SqlErrors.Unreachable(Messages.Where, $"it sent {wrong}");
                case 'c':
                    return new ReplicationMessage.Ended();
                case 'E':
                    throw await Messages.RefusedAsync(body.ToArray(), cancellationToken);
                case 'C':
                    throw SqlErrors.Unreachable(Messages.Where, "it shuts down");
                case 'N' or 'S':
                    break;
                default:
                    throw SqlErrors.Unreachable(Messages.Where, $"it sent a message '{type}' into the stream");
            }
        }
    }

    /// <summary>Says what is durable. <paramref name="asks"/>: whether the server is to answer.</summary>
    public ValueTask ConfirmAsync(Lsn durable, bool asks, CancellationToken cancellationToken) =>
        Messages.SendAsync('d', ReplicationMessage.Status(durable, clock.GetUtcNow(), asks), cancellationToken);

    /// <summary>No answer came for too long: a cable that was pulled looks like a quiet server.</summary>
    public RepriseException Silent(TimeSpan since) =>
        SqlErrors.Unreachable(Messages.Where, string.Create(CultureInfo.InvariantCulture, $"it has been silent for {since.TotalSeconds:0} s"));

    /// <summary>Takes leave, so that the server need not find out.</summary>
    public async Task LeaveAsync(CancellationToken cancellationToken)
    {
        await Messages.SendAsync('c', default, cancellationToken);
        await Messages.SendAsync('X', default, cancellationToken);
    }

    /// <inheritdoc />
    public void Dispose() => session.Dispose();

    private static string Named(string slot)
    {
        Invariant.Check(slot.Length is > 0 and <= 63 && slot.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_'), $"'{slot}' is no name of a slot");
        return $"\"{slot}\"";
    }

    private static string Text(byte[]? column) => column is null ? "" : Encoding.UTF8.GetString(column);

    private RepriseException Strange(string to) => session.Strange(to);
}
