using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Reprise.Storage.Conformance;
using Reprise.Storage.Runtime;
using Reprise.Storage.S3;

namespace Reprise.Tests.Storage.S3;

/// <summary>
/// An S3 server that none of us wrote: s3rver from npm, which test/tools/install brings. docs/decisions/0025-s3.md says
/// what was found out with it.
/// </summary>
public sealed class S3rverTests : IAsyncLifetime
{
    private const string Version = "3.7.1";
    private readonly ScratchFolder folder = new();
    private readonly int port = FreePort();
    private Process? server;

    private static string Program => Path.Combine(
        Environment.GetEnvironmentVariable("REPRISE_S3RVER") ?? "/var/cache/reprise/s3rver",
        Version,
        "node_modules/s3rver/bin/s3rver.js");

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(File.Exists(Program), "s3rver is not installed: run test/tools/install");
        var start = new ProcessStartInfo(
            "node", [Program, "-d", folder.Text, "-p", port.ToString(CultureInfo.InvariantCulture), "-a", "127.0.0.1", "-s", "--configure-bucket", "backups"])
        {
            RedirectStandardError = true,
        };
        start.Environment["NODE_NO_WARNINGS"] = "1";
        server = Process.Start(start) ?? throw new InvalidOperationException("node was not started");
        for (var watch = Stopwatch.StartNew(); ; await Task.Delay(50, TestContext.Current.CancellationToken))
        {
            using var probe = new TcpClient();
            try
            {
                await probe.ConnectAsync(IPAddress.Loopback, port, TestContext.Current.CancellationToken);
                return;
            }
            catch (SocketException) when (watch.Elapsed < TimeSpan.FromSeconds(20) && !server.HasExited)
            {
                // It is not listening yet.
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (server is not null)
        {
            if (!server.HasExited) server.Kill();
            await server.WaitForExitAsync();
            server.Dispose();
        }

        folder.Dispose();
    }

    [Fact]
    public async Task It_does_not_know_conditions_and_is_found_out()
    {
        using var store = Open("");
        Assert.False(await CreationProbe.IsRefusedAsync(store, Entropy.System, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task It_understands_us_and_what_it_does_not_keep_is_named()
    {
        // It writes objects in place, and lists them in an order of its own; the last check needs a listing.
        string[] known = ["create-new-one-winner", "replace-is-atomic", "list-order", "clean-up"];
        using var store = Open("&conditional-writes=no");
        var results = await new StoreConformance(store, Entropy.System).RunAsync(TestContext.Current.CancellationToken);
        Assert.All(results.Where(r => !known.Contains(r.Name)), r => Assert.True(r.Passed, $"{r.Name}: {r.Detail}"));
        Assert.Contains(results, r => r is { Name: "list-order", Passed: false } && r.Detail.Contains("order", StringComparison.Ordinal));
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private S3Store Open(string more)
    {
        var text = $"s3://backups/shop?endpoint=http://127.0.0.1:{port}&region=us-east-1{more}";
        var address = S3Address.Parse(text, out var wrong, out _) ?? throw new InvalidOperationException(wrong);
        var login = new S3Login(name => name is "AWS_ACCESS_KEY_ID" or "AWS_SECRET_ACCESS_KEY" ? "S3RVER" : null, "/nonexistent");
        return S3Store.Open(address, login, new S3Limits(), TimeProvider.System);
    }
}
