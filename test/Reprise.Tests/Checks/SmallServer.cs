using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Reprise.Tests.Checks;

/// <summary>Answers every request with the next of some prepared answers, the last one for ever.</summary>
public sealed class SmallServer : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource ending = new();
    private readonly string[] answers;
    private readonly Task serving;

    public SmallServer(params string[] answers)
    {
        this.answers = answers;
        listener.Start();
        serving = ServeAsync();
    }

    public int Requests { get; private set; }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    public Uri Url => new($"http://127.0.0.1:{Port}/health?token=hidden");

    public static string Answer(int status, string body, string headers = "") =>
        $"HTTP/1.1 {status} X\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n{headers}\r\n{body}";

    public async ValueTask DisposeAsync()
    {
        ending.Cancel();
        listener.Stop();
        await serving;
        ending.Dispose();
    }

    private async Task ServeAsync()
    {
        try
        {
            while (!ending.IsCancellationRequested)
            {
                using var client = await listener.AcceptTcpClientAsync(ending.Token);
                var stream = client.GetStream();
                var buffer = new byte[4096];
                if (await stream.ReadAsync(buffer, ending.Token) == 0) continue;
                var answer = answers[Math.Min(Requests++, answers.Length - 1)];
                if (answer == "silence") await Task.Delay(Timeout.Infinite, ending.Token);
                await stream.WriteAsync(Encoding.UTF8.GetBytes(answer), ending.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or IOException or InvalidOperationException)
        {
            Assert.True(ending.IsCancellationRequested || e is IOException, $"{e}");
        }
    }
}
