using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres;

/// <summary>
/// Messages of PostgreSQL's protocol, version 3.0 (its documentation, "Frontend/Backend Protocol"), over any transport.
/// What comes is not believed: every length is judged before anything is read or allocated for it.
/// </summary>
internal sealed class WireMessages(WireTransport transport, string where) : IDisposable
{
    public const int MaxMessageBytes = 1 << 20;

    private const int HeaderBytes = 5;

    // How much of what follows an error, or comes uninvited, is thrown away before the other side is taken for broken.
    private const int MaxSkipped = 10_000;

    private readonly byte[] header = new byte[HeaderBytes];

    /// <summary>What came and was not taken yet.</summary>
    public ReadOnlyMemory<byte> Input { get; set; }

    /// <summary>Where it leads, for messages.</summary>
    public string Where => where;

    /// <summary>What the server said of itself at the start.</summary>
    public Dictionary<string, string> Parameters { get; } = new(StringComparer.Ordinal);

    public static byte[] Terminated(string text) => [.. Encoding.UTF8.GetBytes(text), 0];

    /// <summary>Sends a message; one without a type begins a connection.</summary>
    public ValueTask SendAsync(char? type, ReadOnlyMemory<byte> body, CancellationToken cancellationToken) =>
        SendAllAsync(Framed(type ?? '\0', body.Span).AsMemory(type is null ? 1 : 0), cancellationToken);

    /// <summary>One message, to be sent with others.</summary>
    public static byte[] Framed(char type, ReadOnlySpan<byte> body)
    {
        var bytes = new byte[HeaderBytes + body.Length];
        bytes[0] = (byte)type;
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(1), body.Length + 4);
        body.CopyTo(bytes.AsSpan(HeaderBytes));
        return bytes;
    }

    /// <summary>Sends messages at once.</summary>
    public async ValueTask SendAllAsync(ReadOnlyMemory<byte> framed, CancellationToken cancellationToken)
    {
        try
        {
            await transport.SendAsync(framed, cancellationToken);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            throw SqlErrors.Unreachable(where, e.Message, e);
        }
    }

    /// <summary>Says who we are. Null: we are in, and the server waits for a statement; else what stands against it.</summary>
    public async Task<RepriseException?> LogInAsync(
        WireLogIn logIn, IEnumerable<(string Name, string Value)> parameters, CancellationToken cancellationToken)
    {
        const int version3 = 3 << 16;
        var body = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(body, version3);
        foreach (var (name, value) in parameters) body = [.. body, .. Terminated(name), .. Terminated(value)];
        await SendAsync(null, (byte[])[.. body, 0], cancellationToken);
        for (var skipped = 0; skipped < MaxSkipped; skipped++)
        {
            var (type, length) = await HeaderAsync(cancellationToken);
            var message = await BodyAsync(length, cancellationToken);
            if (type is 'N' or 'S' or 'v') continue;
            if (type == 'E') return ErrorOf(message).Error;
            if (type != 'R') return SqlErrors.Unreachable(where, $"it answers the login with a message '{type}'");
            if (logIn.Answer(message) is not { } answer) return SqlErrors.From("28000", logIn.Refusal, where);
            if (answer.Length > 0) await SendAsync('p', answer, cancellationToken);
            if (!logIn.IsIn) continue;
            await UntilReadyAsync(HearParameter, cancellationToken);
            return null;
        }

        return SqlErrors.Unreachable(where, "it talks and does not let us in");
    }

    /// <summary>Waits for bytes.</summary>
    /// <exception cref="RepriseException"><c>database-unavailable</c>.</exception>
    public async ValueTask MoreAsync(CancellationToken cancellationToken)
    {
        try
        {
            Input = await transport.NextAsync(cancellationToken);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            throw SqlErrors.Unreachable(where, e.Message, e);
        }

        if (Input.IsEmpty) throw SqlErrors.Unreachable(where, "it closed the connection");
    }

    /// <summary>Type and length of the next message.</summary>
    public async ValueTask<(char Type, int Length)> HeaderAsync(CancellationToken cancellationToken)
    {
        await FillAsync(header, cancellationToken);
        return CopyFrames.Header(header);
    }

    /// <summary>The rest of a message.</summary>
    public async ValueTask<byte[]> BodyAsync(int length, CancellationToken cancellationToken)
    {
        Judge(length);
        var body = new byte[length];
        await FillAsync(body, cancellationToken);
        return body;
    }

    /// <summary>The rest of a message, into <paramref name="buffer"/>, which has room for the longest.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> BodyAsync(int length, byte[] buffer, CancellationToken cancellationToken)
    {
        Judge(length);
        await FillAsync(buffer.AsMemory(0, length), cancellationToken);
        return buffer.AsMemory(0, length);
    }

    /// <summary>Takes messages until the server waits for a statement.</summary>
    /// <exception cref="SqlException">the server refused it.</exception>
    public async Task UntilReadyAsync(Action<char, byte[]> hear, CancellationToken cancellationToken)
    {
        while (true)
        {
            var (type, length) = await HeaderAsync(cancellationToken);
            var body = await BodyAsync(length, cancellationToken);
            if (type == 'Z') return;
            if (type == 'E') throw await RefusedAsync(body, cancellationToken);
            hear(type, body);
        }
    }

    /// <summary>
    /// The error in a message. What follows is thrown away up to the point where the server takes a new statement, if it
    /// still does.
    /// </summary>
    public async Task<SqlException> RefusedAsync(byte[] body, CancellationToken cancellationToken)
    {
        var (error, goesOn) = ErrorOf(body);
        for (var skipped = 0; goesOn && skipped < MaxSkipped; skipped++)
        {
            var (type, length) = await HeaderAsync(cancellationToken);
            await BodyAsync(length, cancellationToken);
            if (type == 'Z') return error;
        }

        return error;
    }

    /// <summary>The columns of a row as text; null where a column is null.</summary>
    /// <exception cref="RepriseException"><c>database-unavailable</c>: it is none.</exception>
    public IReadOnlyList<byte[]?> Row(ReadOnlySpan<byte> row)
    {
        const int mostColumns = 100;
        var count = row.Length < 2 ? -1 : BinaryPrimitives.ReadInt16BigEndian(row);
        if (count is < 0 or > mostColumns) throw SqlErrors.Unreachable(where, $"it sent a row of {count} columns in {row.Length} bytes");
        row = row[2..];
        var columns = new List<byte[]?>(count);
        for (var i = 0; i < count; i++)
        {
            var length = row.Length < 4 ? int.MinValue : BinaryPrimitives.ReadInt32BigEndian(row);
            if (length < -1 || length > row.Length - 4) throw SqlErrors.Unreachable(where, "it sent a row that is cut");
            columns.Add(length < 0 ? null : row.Slice(4, length).ToArray());
            row = row[(4 + Math.Max(length, 0))..];
        }

        return columns;
    }

    /// <inheritdoc />
    public void Dispose() => transport.Dispose();

    private void Judge(int length)
    {
        if (length is < 0 or > MaxMessageBytes)
            throw SqlErrors.Unreachable(where, string.Create(CultureInfo.InvariantCulture, $"it announces a message of {length} bytes"));
    }

    private async ValueTask FillAsync(Memory<byte> bytes, CancellationToken cancellationToken)
    {
        while (!bytes.IsEmpty)
        {
            if (Input.IsEmpty) await MoreAsync(cancellationToken);
            var count = Math.Min(bytes.Length, Input.Length);
            Input[..count].CopyTo(bytes);
            Input = Input[count..];
            bytes = bytes[count..];
        }
    }

    private void HearParameter(char type, byte[] body)
    {
        if (type == 'S' && Encoding.UTF8.GetString(body).Split('\0') is [var name, var value, ..] && Parameters.Count < 100) Parameters[name] = value;
    }

    private (SqlException Error, bool GoesOn) ErrorOf(byte[] body)
    {
        var fields = new Dictionary<char, string>();
        foreach (var field in Encoding.UTF8.GetString(body).Split('\0', StringSplitOptions.RemoveEmptyEntries))
            fields.TryAdd(field[0], field[1..]);
        var error = SqlErrors.From(fields.GetValueOrDefault('C', "XX000"), fields.GetValueOrDefault('M', "an error without a text"), where);
        return (error, fields.GetValueOrDefault('V', "ERROR") == "ERROR");
    }
}
