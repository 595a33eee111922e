using Reprise.Recovery.Assets;
using Reprise.Tests.Fixtures;

namespace Reprise.Tests.Drills;

/// <summary>A server that was captured as files is started from them in a sandbox, and asked.</summary>
public sealed class PhysicalDrillTests : IDisposable
{
    private readonly DrillBench bench = new();
    private readonly PostgresCluster cluster = PostgresCluster.Start(15);

    public PhysicalDrillTests()
    {
        cluster.Sql("postgres", "create database shop");
        cluster.Sql("shop", "create table orders as select i id, md5(i::text) note from generate_series(1, 5000) i; create index by_note on orders(note); checkpoint");
    }

    public void Dispose()
    {
        cluster.Dispose();
        bench.Dispose();
    }

    [Fact]
    public async Task It_comes_back_as_itself_and_production_does_not_notice()
    {
        var roles = cluster.Sql("postgres", "select string_agg(rolname, ',' order by rolname) from pg_roles");
        var drill = await bench.DrillAsync(bench.Cluster(cluster.Connection("shop"), cluster.Data));
        foreach (var name in new[] { "orders-files", "orders-restore", "orders-digest", "orders-engine", "orders-catalogue", "orders-amcheck" })
            Twins.AssertPasses(drill, name);
        Assert.Contains("recovered", drill.Checks.Single(c => c.Check.Name == "orders-engine").Check.Actual, StringComparison.Ordinal);
        Assert.Equal(roles, cluster.Sql("postgres", "select string_agg(rolname, ',' order by rolname) from pg_roles"));
        Assert.Equal("postgres,shop", cluster.Databases());
        Assert.Equal("0", cluster.Sql("postgres", "select count(*) from pg_replication_slots"));
    }

    [Fact]
    public async Task An_index_that_is_damaged_at_the_source_fails_though_every_byte_is_as_it_was_read()
    {
        // Without checksums nobody notices it before it is asked.
        var path = Path.Combine(cluster.Data, cluster.Sql("shop", "select pg_relation_filepath('by_note')"));
        using (var file = File.Open(path, FileMode.Open, FileAccess.ReadWrite))
        {
            file.Position = 8192 + 8000;
            var letter = file.ReadByte();
            file.Position = 8192 + 8000;
            file.WriteByte((byte)(letter ^ 4));
        }

        var drill = await bench.DrillAsync(bench.Cluster(cluster.Connection("shop"), cluster.Data));
        Twins.AssertFails(drill, "amcheck-failed", "orders-amcheck");
        Assert.Equal(Outcome.Pass, drill.Checks.Single(c => c.Check.Name == "orders-files").Check.Outcome);
    }

    [Fact]
    public async Task Files_that_do_not_start_fail_the_drill()
    {
        File.AppendAllText(Path.Combine(cluster.Data, "postgresql.conf"), "\nthis_is_no_setting_of_postgresql = 1\n");
        var drill = await bench.DrillAsync(bench.Cluster(cluster.Connection("shop"), cluster.Data));
        Twins.AssertFails(drill, "child-failed", "orders-restore");
    }
}
