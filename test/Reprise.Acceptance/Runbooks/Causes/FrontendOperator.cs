namespace Reprise.Acceptance.Runbooks.Causes;

/// <summary>Somebody who follows frontend-unreachable by what its steps print.</summary>
/// <param name="machine">what an operator can reach.</param>
/// <param name="renew">asks the authority for a certificate and puts it into a folder.</param>
/// <param name="pageAnswers">opens the page from another network.</param>
internal sealed class FrontendOperator(Machine machine, Action<string> renew, Func<Task<bool>> pageAnswers) : Operator(machine)
{
    private static readonly string[] OfCertificates = ["certificate", "NotTimeValid", "SSL"];

    /// <inheritdoc />
    protected override string Runbook => "frontend-unreachable";

    /// <inheritdoc />
    protected override (string Option, string Why) Decide(RunView run)
    {
        if (run.At != "cause") throw Lost(run);
        if (OfCertificates.FirstOrDefault(c => run.Says("look-page", c)) is { } sign)
            return ("name-or-certificate", $"it says {sign}");
        if (run.Says("look-page", "refused")) return ("proxy", "nothing listens where the page should be");
        if (!run.Says("look-page", "502") && !run.Says("look-page", "504")) throw Lost(run);
        return run.Outcome("look-backend") == "pass"
            ? ("proxy-configuration", "the backend is well, and the proxy does not reach it")
            : ("backend", "the backend does not answer either");
    }

    /// <inheritdoc />
    protected override async Task<string> DoAsync(RunView run)
    {
        switch (run.At)
        {
            case "start-proxy":
                if (await StartAsync()) return "started with run/frontend start";
                await Machine.DeployAsync(Machine.FormerRelease);
                Assert.True(await StartAsync(), "the proxy of the former release does not start either");
                return "it refused its configuration; the former one is back, and it runs";
            case "repair-proxy":
                await Machine.DeployAsync(Machine.FormerRelease);
                await Machine.Shop.RunAsync("run/frontend", "stop");
                Assert.True(await StartAsync(), "the proxy of the former release does not start");
                return "the configuration of the former release is back";
            case "repair-name":
                renew(Machine.Shop.Application + "/tls");
                await Machine.Shop.RunAsync("run/frontend", "stop");
                Assert.True(await StartAsync(), "the proxy does not start with the new certificate");
                return "renewed, and the proxy started again";
            case "look-from-outside":
                Assert.True(await pageAnswers(), "the page does not answer");
                return "it opens";
            default:
                throw Lost(run);
        }
    }

    private async Task<bool> StartAsync() => await Machine.Shop.ProgramAsync(
        "sh", "-c", "run/frontend start >/dev/null 2>&1 && echo runs || echo no") == "runs\n";
}
