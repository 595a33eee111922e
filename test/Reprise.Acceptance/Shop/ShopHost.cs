using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json;
using Reprise.Acceptance.Harness;
using Xunit.Sdk;

namespace Reprise.Acceptance.Shop;

/// <summary>
/// The shop of <c>examples/shop</c>, running outside containers in a folder of its own against a PostgreSQL server of its
/// own (or SQLite). Disposing stops everything that it started.
/// </summary>
public sealed class ShopHost : IAsyncDisposable
{
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(10) };

    private readonly TemporaryFolder folder = new();
    private readonly bool onPostgres;
    private string place = "";
    private readonly Dictionary<string, string> variables = new(StringComparer.Ordinal);

    private ShopHost(bool onPostgres)
    {
        this.onPostgres = onPostgres;
        File.SetUnixFileMode(folder.Root, (UnixFileMode)0b111_101_101);
        folder.Folder("home");
        Port = FreePort();
    }

    /// <summary>The folder of the application, which is also that of its <c>reprise.yaml</c>.</summary>
    public string Application => folder["shop" + place];

    /// <summary>The operator's home, where the key lies.</summary>
    public string Home => folder["home" + place];

    /// <summary>Where the backend listens.</summary>
    public int Port { get; }

    /// <summary>The address of the database.</summary>
    public string DatabaseUrl { get; set; } = "";

    /// <summary>Further variables for the program.</summary>
    public IDictionary<string, string> Variables => variables;

    /// <summary>Prepares, migrates and seeds a shop, and starts its backend.</summary>
    /// <param name="onPostgres">whether its orders live in PostgreSQL.</param>
    /// <param name="first">what happens before there is anything in its folder, or null.</param>
    public static async Task<ShopHost> StartAsync(bool onPostgres, Func<ShopHost, Task>? first = null)
    {
        var shop = new ShopHost(onPostgres);
        try
        {
            if (first is not null) await first(shop);
            await shop.PrepareAsync();
            return shop;
        }
        catch
        {
            await shop.DisposeAsync();
            throw;
        }
    }

    /// <summary>Only puts a shop into its folder: there is no database yet, and nothing runs.</summary>
    public static async Task<ShopHost> UnpackAsync()
    {
        var shop = new ShopHost(onPostgres: false);
        try
        {
            await shop.UnpackAsync("sqlite:///data/shop.db");
            return shop;
        }
        catch
        {
            await shop.DisposeAsync();
            throw;
        }
    }

    /// <summary>A port that nobody listens on.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>A path in the folder that holds everything of this shop.</summary>
    public string Path(string name) => folder[name];

    /// <summary>From now on the shop lives on another machine: another folder, another home, another state folder.</summary>
    public void MoveTo(string name) => place = "-" + name;

    /// <summary>Runs the published program in the application's folder.</summary>
    public Task<ProgramRun> RepriseAsync(params string[] arguments) => PublishedProgram.RunAsync(Surroundings(), arguments);

    /// <summary>What surrounds the program.</summary>
    public Surroundings Surroundings() => new()
    {
        Folder = Application,
        Home = Home,
        Variables = new Dictionary<string, string>(variables) { ["REPRISE_STATE"] = folder["state" + place] },
        Within = TimeSpan.FromSeconds(180),
    };

    /// <summary>Runs one of the shop's scripts in its folder.</summary>
    public Task<string> RunAsync(params string[] command) => ShellAsync(Application, [Application + "/" + command[0], .. command[1..]]);

    /// <summary>Runs a program of this machine in the shop's folder.</summary>
    public Task<string> ProgramAsync(params string[] command) => ShellAsync(Application, command);

    /// <summary>Runs SQL as the shop's user in a database of the server.</summary>
    public Task<string> PsqlAsync(string database, string sql) =>
        ClientAsync("psql", "-X", "-At", "-v", "ON_ERROR_STOP=1", "-d", Url(database), "-c", sql);

    /// <summary>The whole content of the shop's database as text that two equal databases share.</summary>
    public async Task<string> DumpAsync() => onPostgres
        ? await ClientAsync("pg_dump", "--restrict-key=x", "-d", Url("shop"))
        : await ShellAsync(folder.Root, ["sqlite3", Application + "/data/shop.db", ".dump"]);

    /// <summary>Every file under the named folders: path, mode, time and hash.</summary>
    public string Tree(params string[] names)
    {
        var lines = new List<string>();
        foreach (var name in names)
        {
            var root = System.IO.Path.Combine(Application, name);
            if (!Directory.Exists(root)) continue;
            foreach (var entry in new DirectoryInfo(root).EnumerateFileSystemInfos("*", SearchOption.AllDirectories).Append(new DirectoryInfo(root)))
            {
                var hash = entry is FileInfo file ? Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file.FullName))) : "folder";
                lines.Add($"{System.IO.Path.GetRelativePath(Application, entry.FullName)} {entry.UnixFileMode} {entry.LastWriteTimeUtc.Ticks} {hash}");
            }
        }

        lines.Sort(StringComparer.Ordinal);
        return string.Join('\n', lines);
    }

    /// <summary>Logs in and returns the token.</summary>
    public async Task<string> LoginAsync()
    {
        using var answer = await Http.PostAsJsonAsync(Address("/login"), new { user = "ada", password = "shop-demo" });
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("token").GetString()!; // the shop answers so
    }

    /// <summary>Whether a token is accepted.</summary>
    public async Task<bool> AcceptsAsync(string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Address("/me"));
        request.Headers.Authorization = new("Bearer", token);
        using var answer = await Http.SendAsync(request);
        return answer.IsSuccessStatusCode;
    }

    /// <summary>What the backend says the time is.</summary>
    public async Task<DateTimeOffset?> DateAsync()
    {
        using var answer = await Http.GetAsync(Address("/health"));
        return answer.Headers.Date;
    }

    /// <summary>The status of <c>/health</c>; 0 when nothing answers.</summary>
    public async Task<int> HealthAsync()
    {
        try
        {
            using var answer = await Http.GetAsync(Address("/health"));
            return (int)answer.StatusCode;
        }
        catch (HttpRequestException)
        {
            return 0;
        }
    }

    /// <summary>Replaces a line <c>NAME=…</c> of the shop's <c>.env</c>.</summary>
    public void SetVariable(string name, string value)
    {
        var file = Application + "/.env";
        var lines = File.Exists(file) ? File.ReadAllLines(file) : [];
        File.WriteAllLines(file, lines.Where(l => !l.StartsWith(name + "=", StringComparison.Ordinal)).Append($"{name}={value}"));
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (File.Exists(Application + "/run/backend")) await TryAsync(() => RunAsync("run/backend", "stop"));
        if (onPostgres) await TryAsync(() => ShellAsync(folder.Root, [House.Root + "/examples/shop/run/postgres", "stop", folder["pg"]]));
        folder.Dispose();
    }

    private async Task PrepareAsync()
    {
        DatabaseUrl = onPostgres
            ? (await ShellAsync(folder.Root, [House.Root + "/examples/shop/run/postgres", "start", folder["pg"]])).Trim()
            : "sqlite:///data/shop.db";
        await UnpackAsync(DatabaseUrl);
        await RunAsync("run/shop", "migrate");
        await RunAsync("run/shop", "seed", "--users", "5", "--orders", "300", "--uploads", "12");
        await RunAsync("run/backend", "start");
    }

    private Task UnpackAsync(string database) => ShellAsync(
        folder.Root,
        ["env", $"DATABASE_URL={database}", $"SHOP_PORT={Port}", House.Root + "/examples/shop/run/prepare", Application]);

    private static async Task TryAsync(Func<Task> stop)
    {
        try
        {
            await stop();
        }
        catch (XunitException)
        {
            // What could not be stopped is killed with the folder's processes by the next start; the test's own failure counts.
        }
    }

    /// <summary>A watch for the secrets of this shop, and for <paramref name="further"/> ones, in every command line.</summary>
    public SecretWatch WatchSecrets(params string[] further)
    {
        var token = File.ReadLines(Application + "/.env").Single(l => l.StartsWith("JWT_SECRET=", StringComparison.Ordinal));
        string[] ofDatabase = onPostgres ? [DatabaseUrl, Password] : [];
        return new SecretWatch([token["JWT_SECRET=".Length..], .. ofDatabase, .. further]);
    }

    private string Password => new Uri(DatabaseUrl.Replace("+psycopg2", "", StringComparison.Ordinal)).UserInfo.Split(':')[1];

    // Without the password, which every user of this machine could read in a command line.
    private string Url(string database)
    {
        var plain = DatabaseUrl.Replace("+psycopg2", "", StringComparison.Ordinal).Replace($":{Password}@", "@", StringComparison.Ordinal);
        return plain[..(plain.LastIndexOf('/') + 1)] + database;
    }

    private async Task<string> ClientAsync(params string[] command)
    {
        var surroundings = new Surroundings
        {
            Folder = folder.Root,
            Home = Home,
            Variables = new Dictionary<string, string> { ["PGPASSWORD"] = Password },
            Within = TimeSpan.FromSeconds(120),
        };
        using var running = RunningProgram.Start(surroundings, command);
        return (await running.EndAsync()).MustExit(0).Output;
    }

    private string Address(string path) => $"http://127.0.0.1:{Port}{path}";

    private async Task<string> ShellAsync(string where, IReadOnlyList<string> command)
    {
        using var running = RunningProgram.Start(
            new Surroundings { Folder = where, Home = Home, Variables = variables, Within = TimeSpan.FromSeconds(120) }, command);
        var run = await running.EndAsync();
        return run.Exit == 0 ? run.Output : throw new XunitException(run.ToString());
    }
}
