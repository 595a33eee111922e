using Reprise.Recovery.Postgres.Physical;
using Reprise.Repository.Points;
using Reprise.Repository.Wal;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Tests.Hostile;

namespace Reprise.Tests.Postgres;

/// <summary>Which files of a data directory are kept, and what a record says of a cluster.</summary>
public class ClusterRulesTests
{
    [Theory]
    [InlineData("base/5/16384", 16384u, "", 0u)]
    [InlineData("base/5/16384.12", 16384u, "", 12u)]
    [InlineData("base/5/16384_fsm.1", 16384u, "fsm", 1u)]
    [InlineData("global/1262", 1262u, "", 0u)]
    [InlineData("pg_tblspc/16400/PG_15_202209061/5/2601_vm", 2601u, "vm", 0u)]
    public void Files_of_relations_are_known_by_their_names(string path, uint node, string fork, uint segment) =>
        Assert.Equal(new RelationFile(node, fork, segment), ClusterRules.Relation(new DiskPath(path)));

    [Theory]
    [InlineData("global/pg_filenode.map")]
    [InlineData("base/5/PG_VERSION")]
    [InlineData("pg_xact/0000")]
    [InlineData("base/5/t3_16384")]
    [InlineData("16384")]
    [InlineData("base/5/99999999999")]
    public void Others_are_not(string path) => Assert.Null(ClusterRules.Relation(new DiskPath(path)));

    [Fact]
    public void Unlogged_and_temporary_relations_are_left_out_but_for_the_fork_that_makes_them_anew() => Assert.Equal(
        ["1", "1_fsm", "2_init", "PG_VERSION", "20"],
        ClusterRules.Kept(["1", "1_fsm", "2", "2.1", "2_fsm", "2_init", "t4_77", "t4_77_vm", "t4_77.1", "PG_VERSION", "20"]));

    [Theory]
    [InlineData("postmaster.pid", true)]
    [InlineData("pgsql_tmp1234.0", true)]
    [InlineData("pg_internal.init.77", true)]
    [InlineData("backup_label", true)]
    [InlineData("postgresql.auto.conf", false)]
    [InlineData("PG_VERSION", false)]
    public void What_belongs_to_the_running_server_is_left_out(string name, bool leftOut) =>
        Assert.Equal(leftOut, ClusterRules.IsLeftOut(name));

    [Fact]
    public void Places_in_the_wal_are_read_and_written_as_postgresql_does_it()
    {
        Assert.Equal(0x16B374D848UL, Lsn.Parse("16/B374D848").Value);
        Assert.Equal("16/B374D848", new Lsn(0x16B374D848UL).ToString());
        Assert.Equal("0000000100000016000000B3", new Lsn(0x16B374D848UL).SegmentName(1, 16 * 1024 * 1024));
        Assert.Equal("0000000A000000160000002C", new Lsn(0x16B374D848UL).SegmentName(10, 64 * 1024 * 1024));
        foreach (var text in new[] { "", "/", "16", "16/", "x/1", "1/-1", "1/123456789" }) Assert.Throws<RepriseException>(() => Lsn.Parse(text));
    }

    [Fact]
    public void Facts_that_somebody_altered_are_facts_or_refused()
    {
        var facts = new ClusterFacts
        {
            System = "7412345678901234567", StartLsn = "0/2000028", StopLsn = "0/2000138", Timeline = 1, Catalog = "202209061", BlockBytes = 8192,
            WalSegmentBytes = 16 * 1024 * 1024, Checksums = true, DataFolder = "/var/lib/postgresql", Superuser = "postgres", Tablespaces = [new(16400, "s", "/srv/s")],
        };
        Assert.Equal(facts.Format(), ClusterFacts.Of(Record(facts.Format())).Format());
        Fuzzing.Run(2000, [facts.Format()], text => ClusterFacts.Of(Record(text)), 1024 * 1024);
        Fuzzing.Run(500, ["0/2000028"], text => Lsn.Parse(text), 1024 * 1024);
    }

    private static AssetRecord Record(string text) => new()
    {
        Name = "orders", Kind = "postgres", Method = "physical", Moment = DateTimeOffset.UnixEpoch, State = "complete", SourceBytes = 0, StoredBytes = 0,
        Sha256 = default, Facts = new SortedDictionary<string, string> { [ClusterFacts.Fact] = text },
    };
}
