namespace Reprise.Acceptance.Runbooks.Causes;

/// <summary>Somebody at a bare machine with the repository and a key, who follows host-lost by what its steps print.</summary>
/// <param name="machine">what an operator can reach.</param>
/// <param name="repository">where the repository is.</param>
/// <param name="key">the key file, or the sheet that was typed in.</param>
internal sealed class HostOperator(Machine machine, string repository, string key) : Operator(machine)
{
    /// <summary>The options that name the repository.</summary>
    public static string[] Where(string repository, string key) => ["--repository", repository, "--key-file", key];

    /// <inheritdoc />
    protected override string Runbook => "host-lost";

    /// <inheritdoc />
    protected override IReadOnlyList<string> Options => Where(repository, key);

    private string Folder => Machine.Shop.Application;

    /// <summary>Follows the runbook into the folder where the shop shall live from now on.</summary>
    public Task<RunView> FollowAsync() => FollowAsync("--input", $"folder={Folder}");

    /// <inheritdoc />
    protected override (string Option, string Why) Decide(RunView run) => throw Lost(run);

    /// <inheritdoc />
    protected override async Task<string> DoAsync(RunView run)
    {
        switch (run.At)
        {
            case "old-host-is-off":
                return "it is gone";
            case "install-programs":
                await Machine.InstallAsync(Machine.FormerRelease);
                return "the release of the point is there, and a server with an empty database";
            case "set-secrets":
                return SetSecrets(run);
            case "let-users-in":
                Assert.Equal(200, await Machine.Shop.HealthAsync());
                return "the shop answers";
            case "schedule-backup":
                return "the timer is set up";
            default:
                throw Lost(run);
        }
    }

    // What recover did not bring back comes from the password store; the address of the database is another one here.
    private string SetSecrets(RunView run)
    {
        foreach (var (name, value) in Machine.PasswordStore)
        {
            if (Machine.Variable(name).Length == 0) Machine.Shop.SetVariable(name, value);
        }

        Machine.Shop.SetVariable("DATABASE_URL", Machine.Shop.DatabaseUrl);
        var file = Folder + "/reprise.yaml";
        var text = File.ReadAllText(file);
        Assert.Contains(repository, text, StringComparison.Ordinal);
        File.WriteAllText(file, text.Replace(Machine.FormerServer, Machine.Server, StringComparison.Ordinal));
        var place = Machine.Shop.Home + "/.config/reprise/shop.key";
        Directory.CreateDirectory(Path.GetDirectoryName(place)!); // a file in a folder
        File.Copy(key, place);
        return $"set what was missing: {string.Join(", ", run.Text("recover").Split('\n').Take(1))}";
    }
}
