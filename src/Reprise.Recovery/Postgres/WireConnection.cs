using System.Buffers.Binary;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Reprise.Recovery.Processes;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;

namespace Reprise.Recovery.Postgres;

/// <summary>
/// A connection for reading very many rows: it speaks the protocol itself (PostgreSQL's documentation, "Frontend/Backend
/// Protocol", version 3.0), because every client library hands rows over one by one. Without TLS: it is only opened
/// where a session of ours is not encrypted either. Used by one caller at a time.
/// </summary>
internal sealed class WireConnection : IDisposable
{
    private const int HeaderBytes = 5;
    private const int MaxMessageBytes = 1 << 20;
    private const int BlockBytes = 256 * 1024;

    private static readonly TimeSpan ConnectWithin = TimeSpan.FromSeconds(10);

    private readonly Socket socket;
    private readonly string where;
    private readonly byte[] header = new byte[HeaderBytes];
    private OutputPump? pump;
    private ReadOnlyMemory<byte> input;

    private WireConnection(Socket socket, string where)
    {
        this.socket = socket;
        this.where = where;
    }

    /// <summary>
    /// Connects, or answers null when the server asks for something that is not spoken here, or does not let us in:
    /// whoever needs rows then gets them in the usual way, which says what is wrong.
    /// </summary>
    public static async Task<WireConnection?> TryOpenAsync(
        PostgresConnection target, string database, Entropy entropy, Cpu cpu, CancellationToken cancellationToken)
    {
        if (target.Host.StartsWith('@') || target.Options.ContainsKey("options")) return null;
        using var within = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        within.CancelAfter(ConnectWithin);
        var connection = new WireConnection(NewSocket(target), $"database {database} on {target.Server}");
        try
        {
            await connection.ConnectAsync(target, cpu, within.Token);
            if (await connection.LogInAsync(target, database, entropy, within.Token)) return connection;
        }
        catch (Exception e) when (e is SocketException or IOException or RepriseException)
        {
            // As if it had not been tried.
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // It takes too long.
        }
        catch
        {
            connection.Dispose();
            throw;
        }

        connection.Dispose();
        return null;
    }

    /// <summary>Runs one statement or several; the first column of the first row that comes, or null.</summary>
    /// <exception cref="SqlException">the server refused it.</exception>
    public async Task<string?> AskAsync(string sql, CancellationToken cancellationToken)
    {
        Send('Q', Terminated(sql));
        string? answer = null;
        await UntilReadyAsync(
            (type, body) =>
            {
                if (type == 'D' && answer is null) answer = FirstColumn(body);
            },
            cancellationToken);
        return answer;
    }

    /// <summary>
    /// Runs a <c>COPY … TO STDOUT</c> and hands its bytes over in blocks that are valid until
    /// <paramref name="take"/> ends. Returns the number of rows, which is also the one that the server counted.
    /// </summary>
    public async Task<long> CopyOutAsync(
        string statement,
        Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> take,
        CancellationToken cancellationToken)
    {
        Send('Q', Terminated(statement));
        var frames = new CopyFrames(new byte[BlockBytes]);
        var ended = false;
        while (!ended)
        {
            if (input.IsEmpty) await MoreAsync(cancellationToken);
            input = input[frames.Take(input.Span)..];
            if (frames.IsFull || frames.Other is not null)
            {
                if (frames.Used > 0) await take(frames.Output, cancellationToken);
                frames.Clear();
            }

            if (frames.Other is not { } other) continue;
            var body = await BodyAsync(other.Length, cancellationToken);
            if (other.Type == 'E') throw await RefusedAsync(body, cancellationToken);
            ended = other.Type == 'c';
            frames.Resume();
        }

        var counted = "";
        await UntilReadyAsync(
            (type, body) =>
            {
                if (type == 'C') counted = Encoding.ASCII.GetString(body).TrimEnd('\0');
            },
            cancellationToken);
        if (counted != $"COPY {frames.Rows.ToString(CultureInfo.InvariantCulture)}")
            throw DumpHeadParser.Invalid($"{frames.Rows} rows came, and the server says '{counted}'");
        return frames.Rows;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        // The reading thread waits in a call that this ends.
        socket.Dispose();
        pump?.Stop();
    }

    private static Socket NewSocket(PostgresConnection target) => target.IsSocket
        ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
        : new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    // A socket that was used asynchronously once is read through the runtime's polling thread for ever, also by a thread
    // that could wait in the call itself: with rows coming every few microseconds that costs a tenth of everything.
    private async Task ConnectAsync(PostgresConnection target, Cpu cpu, CancellationToken cancellationToken)
    {
        var port = target.Port.ToString(CultureInfo.InvariantCulture);
        var connecting = target.IsSocket
            ? cpu.RunAsync(
                () => socket.Connect(new UnixDomainSocketEndPoint($"{target.Host.TrimEnd('/')}/.s.PGSQL.{port}")),
                cancellationToken)
            : cpu.RunAsync(
                () => socket.Connect(target.Options.GetValueOrDefault("hostaddr", target.Host), target.Port),
                cancellationToken);
        await connecting.WaitAsync(cancellationToken);
        pump = OutputPump.Start(new NetworkStream(socket, ownsSocket: false), TimeSpan.Zero);
    }

    private async Task<bool> LogInAsync(
        PostgresConnection target, string database, Entropy entropy, CancellationToken cancellationToken)
    {
        const int version3 = 3 << 16;
        var body = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(body, version3);
        body = [.. body, .. Terminated("user"), .. Terminated(target.User), .. Terminated("database"),
            .. Terminated(database), .. Terminated("client_encoding"), .. Terminated("UTF8"),
            .. Terminated("application_name"),
            .. Terminated(target.Options.GetValueOrDefault("application_name", PostgresConnection.ApplicationName)), 0];
        Send(null, body);
        var logIn = new WireLogIn(target.User, target.Password, entropy);
        while (true)
        {
            var (type, length) = await HeaderAsync(cancellationToken);
            var message = await BodyAsync(length, cancellationToken);
            if (type is 'N' or 'S' or 'v') continue;
            if (type != 'R' || logIn.Answer(message) is not { } answer) return false;
            if (answer.Length > 0) Send('p', answer);
            if (!logIn.IsIn) continue;
            await UntilReadyAsync((_, _) => { }, cancellationToken);
            return true;
        }
    }

    private static byte[] Terminated(string text) => [.. Encoding.UTF8.GetBytes(text), 0];

    private void Send(char? type, ReadOnlySpan<byte> body)
    {
        var bytes = new byte[HeaderBytes + body.Length];
        bytes[0] = (byte)(type ?? '\0');
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(1), body.Length + 4);
        body.CopyTo(bytes.AsSpan(HeaderBytes));
        var left = bytes.AsSpan(type is null ? 1 : 0);
        try
        {
            while (!left.IsEmpty) left = left[socket.Send(left)..];
        }
        catch (SocketException e)
        {
            throw SqlErrors.Unreachable(where, e.Message, e);
        }
    }

    private async ValueTask MoreAsync(CancellationToken cancellationToken)
    {
        try
        {
            input = await Pump.NextAsync(cancellationToken);
        }
        catch (IOException e)
        {
            throw SqlErrors.Unreachable(where, e.Message, e);
        }

        if (input.IsEmpty) throw SqlErrors.Unreachable(where, "it closed the connection");
    }

    private OutputPump Pump => pump ?? throw new InvariantException("a connection is read after it was made");

    private async ValueTask FillAsync(Memory<byte> bytes, CancellationToken cancellationToken)
    {
        while (!bytes.IsEmpty)
        {
            if (input.IsEmpty) await MoreAsync(cancellationToken);
            var count = Math.Min(bytes.Length, input.Length);
            input[..count].CopyTo(bytes);
            input = input[count..];
            bytes = bytes[count..];
        }
    }

    private async ValueTask<(char Type, int Length)> HeaderAsync(CancellationToken cancellationToken)
    {
        await FillAsync(header, cancellationToken);
        return CopyFrames.Header(header);
    }

    private async ValueTask<byte[]> BodyAsync(int length, CancellationToken cancellationToken)
    {
        if (length is < 0 or > MaxMessageBytes)
            throw SqlErrors.Unreachable(where, $"it announces a message of {length} bytes");
        var body = new byte[length];
        await FillAsync(body, cancellationToken);
        return body;
    }

    private async Task UntilReadyAsync(Action<char, byte[]> hear, CancellationToken cancellationToken)
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

    // What follows an error is thrown away up to the point where the server takes a new statement, if it still does.
    private async Task<SqlException> RefusedAsync(byte[] body, CancellationToken cancellationToken)
    {
        var fields = new Dictionary<char, string>();
        foreach (var field in Encoding.UTF8.GetString(body).Split('\0', StringSplitOptions.RemoveEmptyEntries))
            fields.TryAdd(field[0], field[1..]);
        var state = fields.GetValueOrDefault('C', "XX000");
        var error = SqlErrors.From(state, fields.GetValueOrDefault('M', "an error without a text"), where);
        if (fields.GetValueOrDefault('V', "ERROR") != "ERROR") return error;
        while (true)
        {
            var (type, length) = await HeaderAsync(cancellationToken);
            await BodyAsync(length, cancellationToken);
            if (type == 'Z') return error;
        }
    }

    private static string? FirstColumn(ReadOnlySpan<byte> row)
    {
        if (row.Length < 6 || BinaryPrimitives.ReadInt16BigEndian(row) < 1) return null;
        var length = BinaryPrimitives.ReadInt32BigEndian(row[2..]);
        return length < 0 || length > row.Length - 6 ? null : Encoding.UTF8.GetString(row.Slice(6, length));
    }
}
