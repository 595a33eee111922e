#pragma warning disable RS0030 // One of the two rooms that send requests.
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Reprise.Recovery.Checks;

/// <summary>
/// Asks over the network, once, on a connection of its own: a connection kept open could lead to the instance that was
/// there before. Redirects are an answer, not a way; proxies of the environment are not asked.
/// </summary>
internal sealed class NetworkAsker : IDisposable
{
    /// <summary>What is read of an answer.</summary>
    public const int MaxBodyBytes = 1024 * 1024;

    private const int MaxHeaderKilobytes = 64;

    private readonly TimeProvider clock;
    private readonly Func<string, int, CancellationToken, Task<Stream>>? dial;
    private readonly HttpClient client;

    public NetworkAsker(TimeProvider clock, Func<string, int, CancellationToken, Task<Stream>>? dial)
    {
        this.clock = clock;
        this.dial = dial;
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            PooledConnectionLifetime = TimeSpan.Zero,
            AutomaticDecompression = System.Net.DecompressionMethods.All,
            MaxResponseHeadersLength = MaxHeaderKilobytes,
            ActivityHeadersPropagator = null,
        };
        if (dial is not null)
        {
            handler.ConnectCallback = async (context, cancellationToken) =>
                await dial(context.DnsEndPoint.Host, context.DnsEndPoint.Port, cancellationToken);
        }

        client = new HttpClient(handler, disposeHandler: true) { Timeout = Timeout.InfiniteTimeSpan };
        client.DefaultRequestHeaders.UserAgent.ParseAdd("reprise-check");
    }

    public async Task<CheckAnswer> AskAsync(
        CheckDefinition.Http check, TimeSpan limit, CancellationToken cancellationToken)
    {
        var expected = Expected(check);
        using var late = new CancellationTokenSource(limit, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, late.Token);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, check.Url);
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token);
            if (check.ClockWithin is { } tolerance) return JudgeClock(response.Headers.Date, tolerance);
            var status = (int)response.StatusCode;
            if (check.Status is { } wanted ? status != wanted : status is < 200 or > 299)
            {
                var where = response.Headers.Location is { } location ? $" to {Shown(check.Url, location)}" : "";
                return CheckAnswer.Fail(expected, $"{status}{where}", "another-status");
            }

            if (check.Contains is null && check.Json.Count == 0) return CheckAnswer.Pass(expected, $"{status}");
            return JudgeBody(check, expected, status, await ReadAsync(response, both.Token));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return CheckAnswer.Fail(expected, $"no answer within {limit.TotalSeconds:0.#} s", "no-answer");
        }
        catch (HttpRequestException e)
        {
            return e.HttpRequestError == HttpRequestError.NameResolutionError
                ? CheckAnswer.CouldNotVerify(expected, $"{check.Url.Host} cannot be resolved", "name-unknown")
                : CheckAnswer.Fail(expected, Innermost(e), "no-answer");
        }
        catch (IOException e)
        {
            return CheckAnswer.Fail(expected, Innermost(e), "no-answer");
        }
    }

    public async Task<CheckAnswer> AskAsync(
        CheckDefinition.Tcp check, TimeSpan limit, CancellationToken cancellationToken)
    {
        var expected = $"{check.Host}:{check.Port} accepts a connection";
        using var late = new CancellationTokenSource(limit, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, late.Token);
        try
        {
            await using var open = await DialAsync(check.Host, check.Port, both.Token);
            return CheckAnswer.Pass(expected, "it does");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return CheckAnswer.Fail(expected, $"no answer within {limit.TotalSeconds:0.#} s", "no-answer");
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode is SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain
                ? CheckAnswer.CouldNotVerify(expected, $"{check.Host} cannot be resolved", "name-unknown")
                : CheckAnswer.Fail(expected, e.Message, "no-answer");
        }
    }

    public void Dispose() => client.Dispose();

    private async Task<Stream> DialAsync(string host, int port, CancellationToken cancellationToken)
    {
        if (dial is not null) return await dial(host, port, cancellationToken);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(host, port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static string Expected(CheckDefinition.Http check)
    {
        var text = new StringBuilder(check.Status is { } status ? $"{status}" : "200 to 299");
        if (check.Contains is { } contains) text.Append($", '{contains}' in the body");
        foreach (var (pointer, expectation) in check.Json) text.Append($", {pointer} {expectation}");
        return text.ToString();
    }

    private static CheckAnswer JudgeBody(CheckDefinition.Http check, string expected, int status, string body)
    {
        if (check.Contains is { } contains && !body.Contains(contains, StringComparison.Ordinal))
        {
            return CheckAnswer.Fail(
                expected, $"{status}, but '{contains}' is not in its {body.Length:N0} characters", "another-answer");
        }

        if (check.Json.Count == 0) return CheckAnswer.Pass(expected, $"{status}");
        if (JsonPointers.Read(body, check.Json.Keys) is not { } values)
        {
            return CheckAnswer.Fail(expected, $"{status}, but the body is not JSON", "another-answer");
        }

        var actual = string.Join(", ", values.Select(v => $"{v.Pointer} {v.Value ?? "is not there"}"));
        var good = values.All(v => check.Json[v.Pointer].Accepts(v.Value));
        return good
            ? CheckAnswer.Pass(expected, $"{status}, {actual}")
            : CheckAnswer.Fail(expected, $"{status}, {actual}", "another-answer");
    }

    private CheckAnswer JudgeClock(DateTimeOffset? theirs, TimeSpan tolerance)
    {
        var expected = $"its clock is within {tolerance.TotalSeconds:0} s of ours";
        if (theirs is not { } date) return CheckAnswer.CouldNotVerify(expected, "its answer has no Date", "no-date");
        var ours = clock.GetUtcNow();
        var off = date - ours;
        var actual = $"its clock says {date.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC, this host's {ours.UtcDateTime:yyyy-MM-dd HH:mm:ss}";
        return off.Duration() <= tolerance
            ? CheckAnswer.Pass(expected, actual)
            : CheckAnswer.Fail(expected, $"{actual}: {Apart(off)}", "another-time");
    }

    private static string Apart(TimeSpan off) =>
        $"{off.Duration().ToString("c", CultureInfo.InvariantCulture)[..^8]} {(off > TimeSpan.Zero ? "ahead" : "behind")}";

    private static async Task<string> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        var bytes = new byte[MaxBodyBytes];
        var got = await stream.ReadAtLeastAsync(bytes, MaxBodyBytes, throwOnEndOfStream: false, cancellationToken);
        return Encoding.UTF8.GetString(bytes, 0, got);
    }

    // A redirect often carries a token in its query.
    private static string Shown(Uri asked, Uri location) => new Uri(asked, location).GetComponents(
        UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped);

    private static string Innermost(Exception exception)
    {
        while (exception.InnerException is { } inner) exception = inner;
        return exception.Message;
    }
}
