using Reprise.Acceptance.Harness;

namespace Reprise.Acceptance.Runbooks.Causes;

/// <summary>
/// The host is lost: nothing of it is left but the repository, which lies elsewhere, and the key. Either the machine was
/// deleted, the key file is in somebody's safe and the points keep the secrets; or its disk died, there is only the
/// printed sheet, and the secrets are in the password store. The new machine has another home, another state folder,
/// another folder for the shop, and another server at another port.
/// </summary>
internal sealed class HostIncident(string cause) : Incident(cause)
{
    /// <summary>What can be injected.</summary>
    public static IReadOnlyList<string> Causes { get; } = ["machine-deleted", "disk-died"];

    /// <inheritdoc />
    protected override bool SealedValues => Cause == "machine-deleted";

    /// <inheritdoc />
    protected override IReadOnlyList<string> FurtherSecrets => [Machine.Password];

    /// <inheritdoc />
    protected override IReadOnlyList<string> Way => ["install-programs=done", "set-secrets=done"];

    /// <inheritdoc />
    public override IReadOnlyList<string> ReportOptions => HostOperator.Where(Repository, Key);

    private string Repository => Shop.Path("elsewhere/repository");

    private string Key => Shop.Path("safe/key");

    /// <inheritdoc />
    public override Task<RunView> FollowAsync() => new HostOperator(Machine, Repository, Key).FollowAsync();

    /// <inheritdoc />
    protected override Task ConfigureAsync()
    {
        var file = Shop.Application + "/reprise.yaml";
        Directory.CreateDirectory(Shop.Path("elsewhere"));
        File.WriteAllText(file, File.ReadAllText(file).Replace(
            "location: ./recovery ", $"location: {Repository} ", StringComparison.Ordinal));
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    protected override async Task BreakAsync()
    {
        Directory.CreateDirectory(Shop.Path("safe"));
        if (Cause == "machine-deleted") File.Copy(Shop.Home + "/.config/reprise/shop.key", Key);
        else (await Shop.RepriseAsync("key", "sheet", "--to", Key)).MustExit(0);

        await Shop.RunAsync("run/backend", "stop");
        await Shop.RunAsync("run/postgres", "stop", Machine.Server);
        foreach (var lost in new[] { Shop.Application, Shop.Home, Machine.Server, Shop.Path("state") })
            Directory.Delete(lost, recursive: true);
        Shop.MoveTo("new");
        Directory.CreateDirectory(Shop.Home);
    }

    /// <inheritdoc />
    protected override async Task CleanAsync()
    {
        // The shop's folder is moved aside when everything was taken back.
        await Machine.RunAsync(House.Root, "", House.Root + "/examples/shop/run/postgres", "stop", Machine.Server);
    }
}
