using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;

namespace Reprise.Recovery.Postgres;

/// <summary>
/// A connection for reading very many rows: it speaks the protocol itself, because every client library hands rows over
/// one by one. Without TLS: it is only opened where a session of ours is not encrypted either. Used by one caller at a time.
/// </summary>
internal sealed class WireConnection : IDisposable
{
    private const int BlockBytes = 256 * 1024;

    private static readonly TimeSpan ConnectWithin = TimeSpan.FromSeconds(10);

    private readonly WireMessages messages;

    private WireConnection(WireMessages messages) => this.messages = messages;

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
        var socket = NewSocket(target);
        IDisposable opened = socket;
        try
        {
            await ConnectAsync(socket, target, cpu, within.Token);
            var spoken = new WireMessages(new PumpTransport(socket), $"database {database} on {target.Server}");
            opened = spoken;
            if (await spoken.LogInAsync(new WireLogIn(target.User, target.Password, entropy), Parameters(target, database), within.Token) is null)
                return new WireConnection(spoken);
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
            opened.Dispose();
            throw;
        }

        opened.Dispose();
        return null;
    }

    /// <summary>Runs one statement or several; the first column of the first row that comes, or null.</summary>
    /// <exception cref="SqlException">the server refused it.</exception>
    public async Task<string?> AskAsync(string sql, CancellationToken cancellationToken)
    {
        await messages.SendAsync('Q', WireMessages.Terminated(sql), cancellationToken);
        byte[]? answer = null;
        var isFirst = true;
        await messages.UntilReadyAsync(
            (type, body) =>
            {
                if (type != 'D' || !isFirst) return;
                isFirst = false;
                answer = messages.Row(body) is [var first, ..] ? first : null;
            },
            cancellationToken);
        return answer is null ? null : Encoding.UTF8.GetString(answer);
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
        await messages.SendAsync('Q', WireMessages.Terminated(statement), cancellationToken);
        var frames = new CopyFrames(new byte[BlockBytes]);
        var ended = false;
        while (!ended)
        {
            if (messages.Input.IsEmpty) await messages.MoreAsync(cancellationToken);
            messages.Input = messages.Input[frames.Take(messages.Input.Span)..];
            if (frames.IsFull || frames.Other is not null)
            {
                if (frames.Used > 0) await take(frames.Output, cancellationToken);
                frames.Clear();
            }

            if (frames.Other is not { } other) continue;
            var body = await messages.BodyAsync(other.Length, cancellationToken);
            if (other.Type == 'E') throw await messages.RefusedAsync(body, cancellationToken);
            ended = other.Type == 'c';
            frames.Resume();
        }

        var counted = "";
        await messages.UntilReadyAsync(
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
    public void Dispose() => messages.Dispose();

    private static Socket NewSocket(PostgresConnection target) => target.IsSocket
        ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
        : new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    // Not asynchronously, so that the socket stays one that a thread can wait for.
    private static Task ConnectAsync(Socket socket, PostgresConnection target, Cpu cpu, CancellationToken cancellationToken)
    {
        var connecting = target.IsSocket
            ? cpu.RunAsync(() => socket.Connect(new UnixDomainSocketEndPoint(target.SocketFile)), cancellationToken)
            : cpu.RunAsync(() => socket.Connect(target.Options.GetValueOrDefault("hostaddr", target.Host), target.Port), cancellationToken);
        return connecting.WaitAsync(cancellationToken);
    }

    private static (string Name, string Value)[] Parameters(PostgresConnection target, string database) =>
    [
        ("user", target.User),
        ("database", database),
        ("client_encoding", "UTF8"),
        ("application_name", target.Options.GetValueOrDefault("application_name", PostgresConnection.ApplicationName)),
    ];
}
