using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>
/// Asks a server prepared statements one behind the other without waiting for the answers, so that the way there and back
/// is paid once, not for each. An answer that takes longer than the patience is <c>database-unavailable</c>. Questions come from one caller at a time; answers come in their order.
/// </summary>
internal sealed class ServerQuestions(WireSession session, TimeProvider clock, TimeSpan patience)
{
    private readonly byte[] buffer = new byte[WireMessages.MaxMessageBytes];
    private Task sent = Task.CompletedTask;
    private Task answered = Task.CompletedTask;

    private WireMessages Messages => session.Messages;

    /// <summary>Asks; the task ends when the answer was taken.</summary>
    /// <param name="statement">its name.</param>
    /// <param name="arguments">as text; none is null.</param>
    /// <param name="isBinary">whether the columns come as bytes instead of text.</param>
    /// <param name="row">takes the columns of each row, which are valid until it returns.</param>
    /// <param name="cancellationToken">ends all of them.</param>
    /// <exception cref="SqlException">the server refused it.</exception>
    public Task AskAsync(
        string statement, IReadOnlyList<byte[]> arguments, bool isBinary, RowTaker row, CancellationToken cancellationToken)
    {
        // Each of them begins when the one before has ended.
        sent = SendAsync(sent, Request(statement, arguments, isBinary), cancellationToken);
        answered = AnswerAsync(sent, answered, row, cancellationToken);
        return answered;
    }

    private async Task SendAsync(Task before, byte[] request, CancellationToken cancellationToken)
    {
        await before;
        await Messages.SendAllAsync(request, cancellationToken);
    }

    private async Task AnswerAsync(Task asked, Task before, RowTaker row, CancellationToken cancellationToken)
    {
        await EndedAsync(before);
        await asked;

        // A cable that was pulled looks like a server that is still reading.
        using var within = new CancellationTokenSource(patience, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, within.Token);
        try
        {
            await TakeAsync(row, both.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw SqlErrors.Unreachable(
                Messages.Where, string.Create(CultureInfo.InvariantCulture, $"it has been silent for {patience.TotalSeconds:0} s"), e);
        }
    }

    private async Task TakeAsync(RowTaker row, CancellationToken cancellationToken)
    {
        while (true)
        {
            var (type, length) = await Messages.HeaderAsync(cancellationToken);
            var body = await Messages.BodyAsync(length, buffer, cancellationToken);
            switch (type)
            {
                case 'Z':
                    return;
                case 'E':
                    throw await Messages.RefusedAsync(body.ToArray(), cancellationToken);
                case 'D':
                    row(new RowReader(body, Messages.Where));
                    break;
                default:
                    // That it was bound and carried out, notices, settings.
                    break;
            }
        }
    }

    // A question that was refused was answered too, and whoever asked it was told; after anything else nothing can be read.
    private static async Task EndedAsync(Task before)
    {
        try
        {
            await before;
        }
        catch (SqlException)
        {
            return;
        }
    }

    // Bind, execute, and the end of what belongs together (the protocol's "Extended Query").
    private static byte[] Request(string statement, IReadOnlyList<byte[]> arguments, bool isBinary)
    {
        List<byte> bind = [0, .. Encoding.ASCII.GetBytes(statement), 0, 0, 0, .. Short((short)arguments.Count)];
        foreach (var argument in arguments) bind.AddRange([.. Long(argument.Length), .. argument]);
        bind.AddRange([.. Short(1), .. Short((short)(isBinary ? 1 : 0))]);
        return
        [
            .. WireMessages.Framed('B', bind.ToArray()),
            .. WireMessages.Framed('E', [0, .. Long(0)]),
            .. WireMessages.Framed('S', []),
        ];
    }

    private static byte[] Short(short value)
    {
        var bytes = new byte[sizeof(short)];
        BinaryPrimitives.WriteInt16BigEndian(bytes, value);
        return bytes;
    }

    private static byte[] Long(int value)
    {
        var bytes = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }
}

/// <summary>Takes a row.</summary>
internal delegate void RowTaker(RowReader row);

/// <summary>The columns of a row, one after the other. What came is not believed: a row that is cut is <c>database-unavailable</c>.</summary>
internal struct RowReader
{
    private readonly string where;
    private ReadOnlyMemory<byte> rest;
    private int left;

    public RowReader(ReadOnlyMemory<byte> row, string where)
    {
        this.where = where;
        left = row.Length < sizeof(short) ? throw Cut() : BinaryPrimitives.ReadInt16BigEndian(row.Span);
        rest = row[sizeof(short)..];
    }

    /// <summary>The next column, valid as long as the row; null where it is null.</summary>
    public ReadOnlyMemory<byte>? Next()
    {
        if (left-- <= 0 || rest.Length < sizeof(int)) throw Cut();
        var length = BinaryPrimitives.ReadInt32BigEndian(rest.Span);
        rest = rest[sizeof(int)..];
        if (length < 0) return null;
        if (length > rest.Length) throw Cut();
        var column = rest[..length];
        rest = rest[length..];
        return column;
    }

    private readonly RepriseException Cut() => SqlErrors.Unreachable(where, "it sent a row that is cut");
}
