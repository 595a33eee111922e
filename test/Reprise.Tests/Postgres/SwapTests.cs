using Npgsql;
using Reprise.Recovery;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Postgres;
using Reprise.Repository.Points;
using Reprise.Storage.Errors;
using Reprise.Tests.Fixtures;

namespace Reprise.Tests.Postgres;

/// <summary>An exchange of databases happens whole or not at all, and may be asked for again at any time.</summary>
[Collection(PostgresTests.Name)]
public sealed class SwapTests : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly PostgresBench bench = new();
    private readonly PostgresCluster cluster;

    public SwapTests(PostgresRoom room)
    {
        cluster = room.Cluster;
        cluster.Sql("postgres", "drop database if exists swapped with (force); create database swapped;");
        cluster.Sql("swapped", "create table t(v text); insert into t values ('old');");
    }

    private PostgresAsset Asset => bench.Asset(cluster, "swapped");

    public void Dispose()
    {
        foreach (var name in cluster.Databases().Split(','))
        {
            if (!name.StartsWith("swapped", StringComparison.Ordinal)) continue;
            cluster.Sql("postgres", $"drop database \"{name}\" with (force)");
        }

        bench.Dispose();
    }

    [Fact]
    public async Task Sessions_are_ended_and_cannot_come_back_into_what_is_set_aside()
    {
        var (item, swap) = await StagedAsync();
        await using var source = NpgsqlDataSource.Create(
            $"Host={cluster.Socket};Port={cluster.Port};Username=postgres;Database=swapped;Maximum Pool Size=8");
        using var stop = new CancellationTokenSource();
        var busy = Enumerable.Range(0, 6).Select(_ => HammerAsync(source, stop.Token)).ToList();
        await Task.Delay(300);
        Assert.NotEmpty((await Asset.InspectAsync(None)).Users);
        var warned = await Asset.PreflightAsync(item, None);
        Assert.Contains(warned, p => p.Code == RecoveryErrors.TargetInUse && p.Severity == Severity.Warning);

        await Asset.SwapAsync(item, swap, None);
        Assert.Equal("new", cluster.Sql("swapped", "select v from t where v in ('old', 'new')"));
        await Task.Delay(300);
        stop.Cancel();
        var written = (await Task.WhenAll(busy)).Sum();

        // Every acknowledged insert is in one of the two: none went into a database that nobody looks at.
        var before = SlotNames.Of("swapped", swap.Outgoing);
        Assert.Equal("f", cluster.Sql("postgres", $"select datallowconn from pg_database where datname = '{before}'"));
        cluster.Sql("postgres", $"alter database \"{before}\" with allow_connections true");
        var live = int.Parse(
            cluster.Sql("swapped", "select count(*) from t where v = 'hammer'"),
            System.Globalization.CultureInfo.InvariantCulture);
        var former = int.Parse(
            cluster.Sql(before, "select count(*) from t where v = 'hammer'"),
            System.Globalization.CultureInfo.InvariantCulture);
        Assert.True(live > 0, "the application went on in the restored database");
        Assert.True(former > 0, "it had written into the former one");
        Assert.InRange(written, 1, live + former);
    }

    [Fact]
    public async Task It_may_be_cut_off_at_any_moment_and_asked_for_again()
    {
        var (item, swap) = await StagedAsync();
        for (var delay = 0; delay < 60; delay += 4)
        {
            using var cut = new CancellationTokenSource(TimeSpan.FromMilliseconds(delay));
            try
            {
                await Asset.SwapAsync(item, swap, cut.Token);
            }
            catch (OperationCanceledException)
            {
                // Cut off: whatever it had reached is looked at below.
            }

            var names = cluster.Databases().Split(',')
                .Where(name => name.StartsWith("swapped", StringComparison.Ordinal)).ToList();
            Assert.Equal(2, names.Count);
            var value = cluster.Sql("swapped", "select v from t");
            Assert.Equal(value == "new", names.Any(name => name.Contains("__before_", StringComparison.Ordinal)));
            if (value == "new") await Asset.SwapAsync(item, new Swap(swap.Outgoing, swap.Incoming!), None);
        }

        await Asset.SwapAsync(item, swap, None);
        await Asset.SwapAsync(item, swap, None);
        Assert.Equal("new", cluster.Sql("swapped", "select v from t"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    public async Task A_server_that_fails_at_any_statement_leaves_one_of_the_two(int statement)
    {
        var (item, swap) = await StagedAsync();
        var clients = new FakeClients(cluster, bench.Folder);
        var count = Path.Combine(bench.Folder, "count");

        // psql as a child whose n-th rename, alter, grant or commit never reaches the server: its input ends there.
        clients.Set("psql", $$"""
            n=0
            while IFS= read -r line; do
              case $line in "alter database"*|commit*|grant*)
                n=$((n + 1))
                if [ $n = {{statement}} ]; then echo hit >>{{count}}; exit 0; fi ;;
              esac
              printf '%s\n' "$line"
            done | setsid REAL "$@"
            """);
        var through = bench.Asset(cluster, "swapped", s => s with
        {
            ConnectionText = "dbname=swapped",
            Via = ["env", $"PGHOST={cluster.Socket}", "PGUSER=postgres", $"PATH={clients.Folder}:/usr/bin:/bin"],
        });
        var failed = await Record.ExceptionAsync(() => through.SwapAsync(item, swap, None));
        var hit = File.Exists(count);
        Assert.Equal(hit, failed is RepriseException);
        var value = cluster.Sql("swapped", "select v from t");
        Assert.Equal(hit ? "old" : "new", value);
        await Asset.SwapAsync(item, swap, None);
        Assert.Equal("new", cluster.Sql("swapped", "select v from t"));
        await Asset.SwapAsync(item, new Swap(swap.Outgoing, Slot.Before(PostgresBench.NewId())), None);
        Assert.Equal("old", cluster.Sql("swapped", "select v from t"));
    }

    [Fact]
    public async Task Who_cannot_be_ended_is_named_and_nothing_is_changed()
    {
        cluster.Sql(
            "postgres",
            "drop role if exists mender; create role mender login createdb; alter database swapped owner to mender;");
        cluster.Sql("swapped", "alter table t owner to mender");
        var asset = bench.Asset(
            cluster, "swapped", s => s with { ConnectionText = cluster.Connection("swapped", "mender") });
        var (record, point) = await bench.BackupAsync(asset);
        var item = new RestoreItem(PostgresBench.NewId(), record);
        await asset.StageAsync(item, point, bench.Progress, None);
        var swap = new Swap(Slot.New(item.RestoreId), Slot.Before(item.RestoreId));
        await using (var other = new NpgsqlConnection(
            $"Host={cluster.Socket};Port={cluster.Port};Username=postgres;Database=swapped;Pooling=false;"
            + "Application Name=stubborn"))
        {
            await other.OpenAsync();
            Assert.Contains(
                await asset.PreflightAsync(item, None), p =>
                    p.Code == RecoveryErrors.TargetInUse && p.Severity == Severity.Error);
            var e = await Assert.ThrowsAsync<RepriseException>(() => asset.SwapAsync(item, swap, None));
            Assert.Equal((RecoveryErrors.TargetInUse, ExitCodes.Refused), (e.Code, e.Code.Exit));
            Assert.Contains("stubborn", e.Message, StringComparison.Ordinal);
            Assert.True((await asset.InspectSlotAsync(item, Slot.New(item.RestoreId), None)).Exists);
        }

        await asset.SwapAsync(item, swap, None);
        Assert.False((await asset.InspectSlotAsync(item, Slot.New(item.RestoreId), None)).Exists);
    }

    [Fact]
    public async Task A_database_made_anew_meanwhile_is_not_overwritten()
    {
        var (item, swap) = await StagedAsync();
        var before = SlotNames.Of("swapped", swap.Outgoing);
        cluster.Sql("postgres", $"create database \"{before}\"");
        var e = await Assert.ThrowsAsync<RepriseException>(() => Asset.SwapAsync(item, swap, None));
        Assert.Equal(RecoveryErrors.TargetInUse, e.Code);
        Assert.Contains("both exist", e.Message, StringComparison.Ordinal);
        Assert.Equal("old", cluster.Sql("swapped", "select v from t"));
    }

    private static async Task<int> HammerAsync(NpgsqlDataSource source, CancellationToken stop)
    {
        var written = 0;
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await using var command = source.CreateCommand("insert into t values ('hammer')");
                await command.ExecuteNonQueryAsync(None);
                written++;
            }
            catch (NpgsqlException)
            {
                // Ended by the swap, or turned away during it: an application would try again, and so does this.
                await Task.Delay(5, None);
            }
        }

        return written;
    }

    // A staged database that says 'new' beside the live one that says 'old'.
    private async Task<(RestoreItem Item, Swap Swap)> StagedAsync()
    {
        var (record, point) = await bench.BackupAsync(Asset);
        var item = new RestoreItem(PostgresBench.NewId(), record);
        await Asset.StageAsync(item, point, bench.Progress, None);
        cluster.Sql(SlotNames.Of("swapped", Slot.New(item.RestoreId)), "update t set v = 'new'");
        return (item, new Swap(Slot.New(item.RestoreId), Slot.Before(item.RestoreId)));
    }
}

/// <summary>The step that a swap takes from each state that it may find.</summary>
public sealed class SwapPlanTests
{
    [Theory]
    [InlineData("live,new", "live>before,new>live")]
    [InlineData("new", "new>live")]
    [InlineData("new,before", "new>live")]
    [InlineData("live,before", "")]
    [InlineData("live", "")]
    [InlineData("live,new,before", "target-in-use")]
    [InlineData("before", "database-missing")]
    [InlineData("", "database-missing")]
    public void Every_state_has_its_next_step(string present, string expected) =>
        Assert.Equal(expected, Planned(present, new Swap(Slot.New(Id), Slot.Before(Id))));

    [Theory]
    [InlineData("live", "live>before")]
    [InlineData("live,before", "target-in-use")]
    [InlineData("before", "")]
    [InlineData("", "")]
    public void So_has_every_state_when_nothing_comes_in(string present, string expected) =>
        Assert.Equal(expected, Planned(present, new Swap(null, Slot.Before(Id))));

    [Fact]
    public void Names_fit_and_stay_apart()
    {
        var slot = Slot.Before(Id);
        Assert.Equal($"shop__before_{Id}", SlotNames.Of("shop", slot));
        var one = SlotNames.Of(new string('é', 30) + "1", slot);
        var other = SlotNames.Of(new string('é', 30) + "2", slot);
        Assert.NotEqual(one, other);
        Assert.All(
            (string[])[one, other], name => Assert.True(System.Text.Encoding.UTF8.GetByteCount(name) <= 63, name));
        Assert.DoesNotContain('\uFFFD', one);
    }

    private static PointId Id => PointId.TryParse("20261122T031502Z-7f3a", out var id) ? id : default;

    private static string Planned(string present, Swap swap)
    {
        var names = new Dictionary<string, string>
        {
            ["live"] = "shop",
            ["new"] = SlotNames.Of("shop", Slot.New(Id)),
            ["before"] = SlotNames.Of("shop", Slot.Before(Id)),
        };
        var states = present.Split(',', StringSplitOptions.RemoveEmptyEntries)
            .ToDictionary(name => names[name], name => new DatabaseState(names[name], 1, "o", true, true, 0));
        var facts = new CatalogDatabase
        {
            Name = "x",
            Owner = "o",
            Encoding = "UTF8",
            Collate = "C",
            Ctype = "C",
            Provider = "c",
        };
        try
        {
            var step = PostgresSwap.Plan(new RestoreDatabase(facts, "shop"), swap, states);
            return string.Join(',', step.Renames.Select(rename => $"{Short(rename.From)}>{Short(rename.To)}"));
        }
        catch (RepriseException e)
        {
            return e.Code.Name;
        }

        string Short(string name) => names.Single(pair => pair.Value == name).Key;
    }
}
