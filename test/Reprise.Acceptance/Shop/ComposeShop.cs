using Reprise.Acceptance.Harness;
using Xunit.Sdk;

namespace Reprise.Acceptance.Shop;

/// <summary>
/// The shop whose database is the service <c>db</c> of its compose file and publishes no port. The backend runs outside
/// and reaches the container's own address, which is another one after each start. Disposing removes everything.
/// </summary>
public sealed class ComposeShop : IAsyncDisposable
{
    private const string Password = "of-the-container";

    private readonly Containers containers;
    private readonly ShopHost shop;
    private readonly string project;

    private ComposeShop(Containers containers, ShopHost shop)
    {
        this.containers = containers;
        this.shop = shop;
        project = $"shop{shop.Port}";
    }

    /// <summary>The shop itself: its folder, its scripts, its logins.</summary>
    public ShopHost Shop => shop;

    /// <summary>Starts the service, seeds a shop in it, and starts the backend.</summary>
    public static async Task<ComposeShop> StartAsync()
    {
        var host = await Containers.StartAsync();
        ComposeShop? started = null;
        try
        {
            started = new ComposeShop(host, await ShopHost.UnpackAsync());
            started.Configure();
            await started.UpAsync();
            await started.SeedAsync("--users", "5", "--orders", "300", "--uploads", "12");
            await started.shop.RunAsync("run/backend", "start");
            return started;
        }
        catch
        {
            await (started?.DisposeAsync() ?? host.DisposeAsync());
            throw;
        }
    }

    /// <summary>Makes the tables and fills them.</summary>
    public async Task SeedAsync(params string[] amounts)
    {
        await shop.RunAsync("run/shop", "migrate");
        await shop.RunAsync(["run/shop", "seed", .. amounts]);
    }

    /// <summary>Runs <c>init</c> as the operator does, who knows nothing of the container's address.</summary>
    public Task<ProgramRun> InitAsync()
    {
        var around = Surroundings();
        var variables = around.Variables.Where(v => v.Key != "DATABASE_URL").ToDictionary();
        return PublishedProgram.RunAsync(around with { Variables = variables }, "init", "--json");
    }

    /// <summary>Runs the published program in the shop's folder.</summary>
    public Task<ProgramRun> RepriseAsync(params string[] arguments) =>
        PublishedProgram.RunAsync(Surroundings(), arguments);

    /// <summary>Starts the service, on a new server when there is no volume, and waits until it answers.</summary>
    public async Task UpAsync()
    {
        await ComposeAsync("up", "-d", "db");
        var address = (await containers.RunAsync(
            "podman", "inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", $"{project}_db_1"))
            .Trim();
        var wait = $"for i in $(seq 300); do pg_isready -q -h {address} && exit; sleep 0.2; done; exit 1";
        try
        {
            await containers.RunAsync("sh", "-c", wait);
        }
        catch (XunitException e)
        {
            throw new XunitException($"the service did not start:\n{await ComposeAsync("logs", "db")}", e);
        }

        shop.Variables["DATABASE_URL"] = $"postgresql+psycopg2://shop:{Password}@{address}:5432/shop";
    }

    /// <summary>Loses the server: container, network and volume.</summary>
    public async Task DownAsync()
    {
        await shop.RunAsync("run/backend", "stop");
        await ComposeAsync("down", "-v");
        Assert.Empty((await containers.RunAsync("podman", "volume", "ls", "-q", "--filter", $"name={project}")).Trim());
    }

    /// <summary>The whole content of the database, as the server's own program writes it.</summary>
    public Task<string> DumpAsync() =>
        ComposeAsync("exec", "-T", "db", "pg_dump", "--restrict-key=x", "-U", "shop", "-d", "shop");

    /// <summary>Runs SQL as the shop's user.</summary>
    public async Task<string> PsqlAsync(string sql) =>
        (await ComposeAsync("exec", "-T", "db", "psql", "-X", "-At", "-U", "shop", "-d", "shop", "-c", sql)).Trim();

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        try
        {
            await TryAsync(() => shop.RunAsync("run/backend", "stop"));
            await TryAsync(() => ComposeAsync("down", "-v", "--timeout", "2"));

            // What docker-compose could not remove, by the names that it gives.
            await RemoveAsync("rm", "--force", "--ignore", "-t", "0", $"{project}_db_1");
            await RemoveAsync("volume", "rm", "--force", $"{project}_db-data");
            await RemoveAsync("network", "rm", "--force", $"{project}_default");

            // The plug-in that gives addresses keeps a folder for each network that there ever was.
            var addresses = $"/var/lib/cni/networks/{project}_default";
            if (Directory.Exists(addresses)) Directory.Delete(addresses, recursive: true);
        }
        finally
        {
            await shop.DisposeAsync();
            await containers.DisposeAsync();
        }
    }

    // Every question to the server starts a docker-compose, which takes its time when the machine is busy.
    private Surroundings Surroundings() => shop.Surroundings() with { Within = TimeSpan.FromMinutes(8) };

    // The operator's part of README.md: passwords in .env, and no address there, since only services know it.
    private void Configure()
    {
        File.Delete(shop.Application + "/reprise.yaml");
        var file = shop.Application + "/.env";
        var kept = File.ReadAllLines(file).Where(l => !l.StartsWith("DATABASE_URL=", StringComparison.Ordinal));
        File.WriteAllLines(
            file,
            [
                .. kept,
                $"COMPOSE_PROJECT_NAME={project}",
                $"SHOP_DB_IMAGE={containers.PostgresImage}",
                "POSTGRES_USER=shop",
                $"POSTGRES_PASSWORD={Password}",
                "POSTGRES_DB=shop",
            ]);
        foreach (var (name, value) in containers.Variables) shop.Variables[name] = value;
    }

    private Task<string> ComposeAsync(params string[] arguments) => shop.ProgramAsync(["docker-compose", .. arguments]);

    private Task RemoveAsync(params string[] arguments) =>
        TryAsync(() => containers.RunAsync(["podman", .. arguments]));

    private static async Task TryAsync(Func<Task> clean)
    {
        try
        {
            await clean();
        }
        catch (Exception e) when (e is XunitException or TimeoutException)
        {
            // Most of it is gone already when the test went well; when it did not, its own failure counts.
        }
    }
}
