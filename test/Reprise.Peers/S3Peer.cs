using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Reprise.Peers;

/// <summary>What the peer does with a request instead of answering it.</summary>
public enum PeerFault
{
    /// <summary>Answers.</summary>
    None,

    /// <summary>500 before any effect.</summary>
    InternalError,

    /// <summary>503 SlowDown before any effect.</summary>
    SlowDown,

    /// <summary>409 ConditionalRequestConflict before any effect.</summary>
    Conflict,

    /// <summary>501 NotImplemented before any effect.</summary>
    NotImplemented,

    /// <summary>507 before any effect.</summary>
    Full,

    /// <summary>Closes the connection before any effect.</summary>
    DropBefore,

    /// <summary>Does what was asked, and closes the connection instead of answering.</summary>
    DropAfter,

    /// <summary>Announces the whole body, sends half of it, and closes.</summary>
    TruncatedBody,

    /// <summary>Never answers.</summary>
    Silence,
}

/// <summary>
/// A small S3 server, made for tests: it keeps one bucket in memory, refuses every request whose signature (version 4,
/// over the content too) is not right, counts requests, and fails as it is told. It knows nothing of our code.
/// </summary>
public sealed class S3Peer : IAsyncDisposable
{
    public const string Bucket = "backups";
    public const string KeyId = "AKPEERPEERPEERPEER00";
    public const string Secret = "peer/secret+which/nobody/may/print/0000000";
    public const string Region = "eu-test-1";

    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource ending = new();
    private readonly List<Task> connections = [];
    private readonly Lock gate = new();
    private readonly PeerActions actions;
    private readonly Task accepting;
    private int requests;

    public S3Peer()
    {
        actions = new PeerActions(this);
        listener.Start();
        accepting = AcceptAsync();
    }

    /// <summary>What is kept, for whoever looks at it from the other side.</summary>
    public PeerBucket Content { get; } = new();

    /// <summary>Every object of the bucket.</summary>
    public SortedDictionary<string, byte[]> Objects => Content.Objects;

    /// <summary>What becomes of the request of this number (from 1); nothing is injected unless it is set.</summary>
    public Func<int, PeerRequest, PeerFault> Fault { get; set; } = (_, _) => PeerFault.None;

    /// <summary>Called after a request took effect and before it is answered.</summary>
    public Action<int> Applied { get; set; } = _ => { };

    /// <summary>Whether conditions are ignored, as servers do that do not know them.</summary>
    public bool IgnoresConditions { get; set; }

    /// <summary>Whether x-amz-checksum-sha256 is refused.</summary>
    public bool RefusesChecksums { get; set; }

    /// <summary>Objects in a page of a listing.</summary>
    public int PageObjects { get; set; } = 1000;

    /// <summary>Lists the other way round.</summary>
    public bool ListsBackwards { get; set; }

    public int Requests => Volatile.Read(ref requests);

    /// <summary>Method and path of every request, in order.</summary>
    public List<string> Seen { get; } = [];

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    public string Location(string prefix = "shop", string more = "") =>
        $"s3://{Bucket}/{prefix}?endpoint=http://127.0.0.1:{Port}&region={Region}{more}";

    public static IReadOnlyDictionary<string, string> Login { get; } = new Dictionary<string, string>
    {
        ["AWS_ACCESS_KEY_ID"] = KeyId,
        ["AWS_SECRET_ACCESS_KEY"] = Secret,
        ["AWS_EC2_METADATA_DISABLED"] = "true",
    };

    public async ValueTask DisposeAsync()
    {
        if (accepting.IsCompleted) return;
        ending.Cancel();
        listener.Stop();
        await accepting;
        Task[] open;
        lock (gate) open = [.. connections];
        await Task.WhenAll(open);
        ending.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await listener.AcceptTcpClientAsync(ending.Token);
                lock (gate) connections.Add(ServeAsync(client));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException && ending.IsCancellationRequested)
        {
            // The test has ended.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        await Task.Yield();
        using var owned = client;
        client.NoDelay = true;
        try
        {
            await using var stream = new BufferedStream(client.GetStream(), 64 * 1024);
            while (await PeerRequest.ReadAsync(stream, ending.Token) is { } request)
            {
                var number = Interlocked.Increment(ref requests);
                lock (gate) Seen.Add($"{request.Method} {request.Path} {request.Headers.GetValueOrDefault("amz-sdk-request", "")}");
                if (!await AnswerAsync(stream, number, request)) return;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The client or the test has ended; what that means, the test judges on the client's side.
        }
    }

    private async Task<bool> AnswerAsync(Stream stream, int number, PeerRequest request)
    {
        var fault = Fault(number, request);
        if (fault == PeerFault.DropBefore) return false;
        if (fault == PeerFault.Silence) await Task.Delay(Timeout.Infinite, ending.Token);
        var answer = fault switch
        {
            PeerFault.InternalError => Reply.Error(500, "InternalError"),
            PeerFault.SlowDown => Reply.Error(503, "SlowDown"),
            PeerFault.Conflict => Reply.Error(409, "ConditionalRequestConflict"),
            PeerFault.NotImplemented => Reply.Error(501, "NotImplemented"),
            PeerFault.Full => Reply.Error(507, "InsufficientStorage"),
            _ => Judge(request) ?? actions.Do(request),
        };
        Applied(number);
        if (fault == PeerFault.DropAfter) return false;
        var hasBody = request.Method != "HEAD";
        var head = $"HTTP/1.1 {answer.Status} X\r\nx-amz-request-id: R{number}\r\n{answer.Headers}"
            + (answer.Status == 204 ? "\r\n" : $"Content-Length: {answer.LengthBytes ?? answer.Body.Length}\r\n\r\n");
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head), ending.Token);
        var sent = fault == PeerFault.TruncatedBody ? answer.Body.Length / 2 : answer.Body.Length;
        if (hasBody) await stream.WriteAsync(answer.Body.AsMemory(0, sent), ending.Token);
        await stream.FlushAsync(ending.Token);
        return fault != PeerFault.TruncatedBody;
    }

    /// <summary>The refusal of a request that is not signed as it must be, or null.</summary>
    private static Reply? Judge(PeerRequest request)
    {
        var wrong = request.FaultOfSignature(KeyId, Secret, Region);
        return wrong is null ? null : Reply.Error(403, wrong, $"<StringToSign>{Secret}</StringToSign>");
    }
}
