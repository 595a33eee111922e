namespace Reprise.Acceptance.BadInput;

/// <summary>
/// A restore of a PostgreSQL database that is killed at random moments: the orders are the old ones or the new ones,
/// both ways out work, and no staged database is left on the server.
/// </summary>
public sealed class KilledPostgresTests
{
    private const int Attempts = 5;

    // REPRISE_SEED repeats a run that failed; every failure names it.
    private static readonly int Seed = int.TryParse(Environment.GetEnvironmentVariable("REPRISE_SEED"), out var seed)
        ? seed
        : Random.Shared.Next(1_000_000);

    [Fact]
    public async Task Killed_at_any_moment_the_orders_are_the_old_or_the_new_ones()
    {
        var random = new Random(Seed);
        await using var server = await PostgresServer.StartAsync(15);
        var database = await server.MakeDatabaseAsync(3_000);
        using var application = await PostgresInputTests.PrepareAsync(server, database);
        var point = Assert.Single(await application.PointsAsync());
        var wanted = await server.OrdersAsync(database);
        var longest = (await application.RepriseAsync("restore", point, "--yes")).MustExit(0).Elapsed;
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            await server.AddOrdersAsync(database, 10);
            var old = await server.OrdersAsync(database);
            using (var running = application.Start("restore", point, "--yes"))
            {
                await running.KillAtRandomAsync(longest, random.Next());
                await running.EndAsync();
            }

            var status = (await application.RepriseAsync("status", "--json")).Result("status");
            var interrupted = status.GetProperty("interrupted").GetArrayLength() > 0;
            var goesOn = attempt % 2 == 0;
            TestContext.Current.TestOutputHelper?.WriteLine(
                $"seed {Seed}: interrupted {interrupted}, goes on {goesOn}");
            string[] wayOut = goesOn ? ["restore", "--continue", "--yes", "--json"] : ["undo", "--yes", "--json"];
            if (interrupted) (await application.RepriseAsync(wayOut)).MustExit(0).Json(wayOut[0]);
            var orders = await server.OrdersAsync(database);
            var right = interrupted ? (goesOn ? orders == wanted : orders == old) : orders == wanted || orders == old;
            Assert.True(right, $"seed {Seed}, attempt {attempt}: {orders}, not {old} or {wanted}");
            Assert.DoesNotContain("__new_", await server.DatabasesAsync(), StringComparison.Ordinal);
        }

        (await application.RepriseAsync("restore", point, "--yes", "--json")).MustExit(0).Json("restore");
        Assert.Equal(wanted, await server.OrdersAsync(database));
    }
}
