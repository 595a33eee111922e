using Reprise.Acceptance.Harness;
using Reprise.Acceptance.Shop;

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

    /// <summary>The folder that the runbooks call that of the server's data, and what lies beside it.</summary>
    public string Server => shop.Path("pg");

    /// <summary>Runs the published program.</summary>
    public Task<ProgramRun> RepriseAsync(params string[] arguments) => shop.RepriseAsync(arguments);

    /// <summary>A variable of the shop's .env; empty when it is not set.</summary>
    public string Variable(string name) => File.ReadLines(shop.Application + "/.env")
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

    /// <summary>The release before the newest.</summary>
    public string FormerRelease => Path.GetFileName(
        Directory.GetDirectories(releases).Order(StringComparer.Ordinal).Reverse().Take(2).Last());

    /// <summary>Runs a program in a folder.</summary>
    public static async Task<string> RunAsync(string folder, string input, params string[] command)
    {
        using var running = RunningProgram.Start(new Surroundings { Folder = folder, Input = input }, command);
        return (await running.EndAsync()).MustExit(0).Output;
    }

    /// <summary>The port of the server.</summary>
    public string Port => Variable("DATABASE_URL").Split(':')[^1].Split('/')[0];
}
