using System.Text.Json;
using Reprise.Acceptance.Harness;
using Reprise.Acceptance.Shop;
using Xunit.Sdk;

namespace Reprise.Acceptance.Runbooks.Causes;

/// <summary>
/// What an operator can reach: the shop's machine as root, the folder of its releases, the password store, and colleagues.
/// It is the same whatever broke.
/// </summary>
/// <param name="shop">the shop.</param>
/// <param name="releases">the folder in which each release of the shop's program lies, the newest last.</param>
internal sealed class Machine(ShopHost shop, string releases)
{
    /// <summary>The shop.</summary>
    public ShopHost Shop => shop;

    /// <summary>What the password store says of the shop: the lines of its .env as they should be.</summary>
    public required IReadOnlyDictionary<string, string> PasswordStore { get; init; }

    /// <summary>The folder of the server: its data, and what lies beside it.</summary>
    public string Server { get; private set; } = shop.Path("pg");

    /// <summary>That of the machine before.</summary>
    public string FormerServer { get; } = shop.Path("pg");

    /// <summary>The clock of the backend's machine: what it adds to the time, in seconds.</summary>
    public string Clock => shop.Path("clock/offset");

    /// <summary>What surrounds the program: where the shop was there may be no folder any more.</summary>
    public Surroundings Surroundings => Directory.Exists(shop.Application)
        ? shop.Surroundings()
        : shop.Surroundings() with { Folder = shop.Home };

    /// <summary>Decisions that somebody else has taken, by step; the operator follows them.</summary>
    public IReadOnlyDictionary<string, string> Instructed { get; set; } = new Dictionary<string, string>();

    /// <summary>What follows a runbook in place of the program alone, or null.</summary>
    public Func<string, IReadOnlyList<string>, Task<JsonElement>>? Follower { get; set; }

    /// <summary>Runs the published program.</summary>
    public Task<ProgramRun> RepriseAsync(params string[] arguments) => PublishedProgram.RunAsync(Surroundings, arguments);

    /// <summary>Goes on with a runbook: <paramref name="verb"/> is <c>run</c> or <c>resume</c>.</summary>
    public async Task<JsonElement> FollowAsync(string verb, IReadOnlyList<string> arguments)
    {
        if (Follower is { } follower) return await follower(verb, arguments);
        var said = await RepriseAsync(["runbook", verb, .. arguments]);
        if (said.Exit is not (0 or 3)) throw new XunitException(said.ToString());
        return said.Result($"runbook-{verb}");
    }

    /// <summary>A variable of the shop's .env; empty when it is not set.</summary>
    public string Variable(string name) => (File.Exists(EnvironmentFile) ? File.ReadAllLines(EnvironmentFile) : [])
        .LastOrDefault(l => l.StartsWith(name + "=", StringComparison.Ordinal))?[(name.Length + 1)..] ?? "";

    /// <summary>The role's password as .env has it.</summary>
    public string Password => new Uri(Variable("DATABASE_URL").Replace("+psycopg2", "", StringComparison.Ordinal))
        .UserInfo.Split(':')[1];

    /// <summary>Runs SQL as the superuser of the server; it is read from standard input, where nobody else sees it.</summary>
    public Task<string> SuperuserAsync(string sql) => RunAsync(
        Server,
        sql,
        "psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", Server, "-p", Port, "-U", "postgres", "-d", "postgres");

    /// <summary>Deploys a release: its program takes the place of the one that is there.</summary>
    public async Task DeployAsync(string release)
    {
        foreach (var part in (string[])["backend", "frontend"])
        {
            var there = $"{shop.Application}/{part}";
            if (Directory.Exists(there)) Directory.Delete(there, recursive: true);
            await RunAsync(shop.Application, "", "cp", "-a", $"{releases}/{release}/{part}", there);
        }
    }

    /// <summary>Puts a release onto a machine that has none, and starts a server of its own with an empty database.</summary>
    public async Task InstallAsync(string release)
    {
        await DeployAsync(release);
        await RunAsync(shop.Application, "", "cp", "-a", $"{releases}/{release}/run", shop.Application);
        Directory.CreateDirectory(shop.Application + "/var");
        Server = shop.Path("pg2");
        shop.DatabaseUrl = (await shop.RunAsync("run/postgres", "start", Server)).Trim();
    }

    /// <summary>The release before the newest; the only one when there is no other.</summary>
    public string FormerRelease => Path.GetFileName(
        Directory.GetDirectories(releases).Order(StringComparer.Ordinal).Reverse().Take(2).Last());

    private string EnvironmentFile => shop.Application + "/.env";

    /// <summary>Runs a program in a folder.</summary>
    public static async Task<string> RunAsync(string folder, string input, params string[] command)
    {
        using var running = RunningProgram.Start(new Surroundings { Folder = folder, Input = input }, command);
        return (await running.EndAsync()).MustExit(0).Output;
    }

    /// <summary>The port of the server.</summary>
    public string Port => Variable("DATABASE_URL").Split(':')[^1].Split('/')[0];
}
