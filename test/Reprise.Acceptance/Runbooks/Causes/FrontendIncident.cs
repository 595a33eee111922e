using System.Globalization;
using Reprise.Acceptance.Shop;

namespace Reprise.Acceptance.Runbooks.Causes;

/// <summary>
/// The page cannot be reached: the proxy leads to another port, refuses its configuration, has nothing behind it, or
/// shows a certificate that has expired. It speaks TLS in each of them.
/// </summary>
internal sealed class FrontendIncident(string cause) : Incident(cause)
{
    /// <summary>What can be injected.</summary>
    public static IReadOnlyList<string> Causes { get; } =
        ["proxy-leads-astray", "proxy-refuses-configuration", "upstream-down", "certificate-expired"];

    /// <inheritdoc />
    protected override IReadOnlyList<string> Way => Cause switch
    {
        "proxy-leads-astray" => ["cause=proxy-configuration"],
        "proxy-refuses-configuration" => ["cause=proxy"],
        "upstream-down" => ["cause=backend"],
        _ => ["cause=name-or-certificate"],
    };

    private string Tls => Shop.Application + "/tls";

    private string Page => $"https://127.0.0.1:{port}/api/health";

    private const int GoodForDays = 20;

    private int port;
    private CertificateAuthority? authority;

    private CertificateAuthority Authority => authority ?? throw new InvalidOperationException("not prepared");

    /// <inheritdoc />
    public override Task<RunView> FollowAsync() =>
        new FrontendOperator(Machine, tls => Authority.Issue(tls, GoodForDays), PageAnswersAsync)
            .FollowAsync("--input", $"url={Page}");

    /// <inheritdoc />
    protected override async Task<bool> IsBrokenAsync() => !await PageAnswersAsync();

    /// <inheritdoc />
    protected override async Task ConfigureAsync()
    {
        port = ShopHost.FreePort();
        Shop.SetVariable("SHOP_FRONTEND_PORT", port.ToString(CultureInfo.InvariantCulture));
        authority = new CertificateAuthority(Shop.Path("authority"));
        Shop.Variables["SSL_CERT_FILE"] = authority.Certificate;
        authority.Issue(Tls, GoodForDays);
        await Shop.RunAsync("run/frontend", "start");
        Assert.True(await PageAnswersAsync(), "the page did not answer before the incident");
    }

    /// <inheritdoc />
    protected override async Task BreakAsync()
    {
        var configuration = Shop.Application + "/frontend/nginx.conf";
        switch (Cause)
        {
            case "upstream-down":
                await Shop.RunAsync("run/backend", "stop");
                return;
            case "certificate-expired":
                Authority.Issue(Tls, days: -1);
                break;
            case "proxy-leads-astray":
                File.WriteAllText(configuration, File.ReadAllText(configuration).Replace(
                    "proxy_pass http://backend:8000/;", "proxy_pass http://127.0.0.1:9/;", StringComparison.Ordinal));
                await CopyReleaseAsync("2");
                break;
            default:
                File.WriteAllText(configuration, File.ReadAllText(configuration).Replace(
                    "proxy_set_header Host $host;", "proxy_set_headers Host $host;", StringComparison.Ordinal));
                await CopyReleaseAsync("2");
                break;
        }

        await Shop.RunAsync("run/frontend", "stop");
        await Shop.ProgramAsync("sh", "-c", "run/frontend start >/dev/null 2>&1; true");
    }

    /// <inheritdoc />
    protected override async Task CleanAsync()
    {
        authority?.Dispose();
        await Shop.RunAsync("run/frontend", "stop");
    }

    // As a browser asks that knows the authority.
    private async Task<bool> PageAnswersAsync()
    {
        var status = await Shop.ProgramAsync(
            "sh", "-c", "curl --silent --max-time 10 --noproxy '*' --cacert \"$1\" --output /dev/null --write-out '%{http_code}' \"$2\"; true",
            "sh", Authority.Certificate, Page);
        return status == "200";
    }
}
