using System.Text.Json;
using Reprise.Recovery.Postgres;
using Reprise.Repository.Points;
using Reprise.Storage.Errors;
using Reprise.Tests.Fixtures;

namespace Reprise.Tests.Drills;

/// <summary>
/// Points of PostgreSQL whose dump is not what the point says, each beside a twin that differs in that alone. The bytes
/// are those of real dumps of real databases, taken and sealed by the code that takes every point. Where one capture
/// would refuse to make such a point, two captures make it: one tells what there was, the other what was dumped, as when
/// a pooler leads pg_dump to another server. The twin of all of these is the same, and drilled once: a copy to which
/// nothing happened.
/// </summary>
public sealed class BrokenDatabaseTests(ShopServer server) : IClassFixture<ShopServer>, IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly DrillBench bench = new();

    private PostgresAsset Shop => bench.Database(server.Shop);

    public void Dispose() => bench.Dispose();

    [Fact]
    public async Task A_dump_whose_end_is_missing()
    {
        Twins.AssertPasses(await bench.DrillAsync(Cut(1)), "orders-restore");
        Twins.AssertFails(await bench.DrillAsync(Cut(0.5)), "dump-invalid", "orders-restore");
    }

    [Fact]
    public async Task A_dump_of_another_database()
    {
        Twins.AssertPasses(await server.Twin(() => bench.DrillAsync(DumpOf(server.Copy()))), "orders-rows");
        Twins.AssertFails(
            await bench.DrillAsync(DumpOf(server.Other("create table elsewhere(id int); insert into elsewhere values (1)"))),
            "another-database",
            "orders-rows");
    }

    [Fact]
    public async Task An_empty_database()
    {
        Twins.AssertPasses(await server.Twin(() => bench.DrillAsync(DumpOf(server.Copy()))), "orders-rows");
        Twins.AssertFails(await bench.DrillAsync(DumpOf(server.Other())), "database-empty", "orders-rows");
    }

    [Fact]
    public async Task One_table_too_few()
    {
        Twins.AssertPasses(await server.Twin(() => bench.DrillAsync(DumpOf(server.Copy()))), "orders-rows");
        Twins.AssertFails(await bench.DrillAsync(DumpOf(server.Copy("drop table gone"))), "table-missing", "orders-rows");
    }

    [Fact]
    public async Task Some_rows_too_few()
    {
        Twins.AssertPasses(await server.Twin(() => bench.DrillAsync(DumpOf(server.Copy()))), "orders-rows");
        Twins.AssertFails(
            await bench.DrillAsync(DumpOf(server.Copy("delete from orders where id = 7"))), "rows-differ", "orders-rows");
    }

    [Fact]
    public async Task A_sequence_that_is_behind()
    {
        Twins.AssertPasses(await server.Twin(() => bench.DrillAsync(DumpOf(server.Copy()))), "orders-sequences");
        Twins.AssertFails(
            await bench.DrillAsync(DumpOf(server.Copy("select setval('orders_id_seq', 3)"))), "sequence-behind", "orders-sequences");
    }

    [Fact]
    public async Task An_extension_that_was_not_dumped()
    {
        Twins.AssertPasses(await server.Twin(() => bench.DrillAsync(DumpOf(server.Copy()))), "orders-extensions");
        Twins.AssertFails(
            await bench.DrillAsync(DumpOf(server.Copy("drop extension pg_trgm"))), "extension-missing", "orders-extensions");
    }

    // Its files were there when it was installed, and are not where it is recovered.
    [Fact]
    public async Task An_extension_that_this_machine_does_not_have()
    {
        Twins.AssertPasses(await bench.DrillAsync(bench.Database(server.Copy())), "orders-restore");
        var renamed = server.Copy(
            "set allow_system_table_mods = on; update pg_extension set extname = 'nowhere' where extname = 'pg_trgm'");
        Twins.AssertFails(await bench.DrillAsync(bench.Database(renamed)), "extension-missing", "orders-restore");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_role_that_owns_a_table_and_is_not_in_the_point(bool broken)
    {
        var asset = new HookedDatabase(Shop)
        {
            Captured = async (made, context) =>
            {
                if (broken) server.Cluster.Sql("postgres", "alter role keeper rename to somebody");
                try
                {
                    var later = await Shop.CaptureAsync(context, None);
                    return made with { Streams = With(made, PostgresRecord.RolesStream, later.Streams[PostgresRecord.RolesStream]) };
                }
                finally
                {
                    if (broken) server.Cluster.Sql("postgres", "alter role somebody rename to keeper");
                }
            },
        };
        var record = await bench.DrillAsync(asset);
        if (broken) Twins.AssertFails(record, "role-missing", "orders-restore");
        else Twins.AssertPasses(record, "orders-roles");
    }

    [Fact]
    public async Task Rows_that_were_altered_after_the_manifest_and_kept_their_number()
    {
        Twins.AssertPasses(await bench.DrillAsync(TablesOf(server.Copy())), "orders-digest");
        Twins.AssertFails(
            await bench.DrillAsync(TablesOf(server.Copy("update orders set note = 'altered' where id = 7"))),
            "content-differs",
            "orders-digest");
    }

    // Not a broken backup: the point is sound, and what came back of it is not. Only the sandbox can be broken for that.
    [Fact]
    public async Task Rows_that_came_back_otherwise_than_the_dump_has_them()
    {
        bench.Changed = (asset, places) => asset.Name != "orders" ? asset : new HookedDatabase(asset)
        {
            Swapped = () => PostgresCluster.Run(
                Path.Combine(server.Cluster.Programs, "psql"),
                ["-X", "-h", places.Servers["orders"].Socket, "-U", PostgresThrowaway.Superuser, "-d", "shop",
                    "-c", "update orders set note = 'altered' where id = 7"]),
        };
        Twins.AssertFails(await bench.DrillAsync(Shop), "content-differs", "orders-content");
    }

    // What the server says is the shop's, what is dumped comes from elsewhere.
    private HookedDatabase DumpOf(string connection) => new(bench.Database(connection))
    {
        Captured = async (made, context) =>
        {
            var said = await Shop.CaptureAsync(context, None);
            var (there, dumped) = (PostgresRecord.Databases(said)[0], PostgresRecord.Databases(made)[0]);
            var facts = new SortedDictionary<string, string>(made.Facts.ToDictionary(), StringComparer.Ordinal)
            {
                [PostgresRecord.DatabasesFact] = JsonSerializer.Serialize(
                    [there with { Name = dumped.Name, DumpBytes = dumped.DumpBytes }],
                    CatalogJson.Default.IReadOnlyListCatalogDatabase),
            };
            return made with { Rows = said.Rows, Facts = facts };
        },
    };

    // The manifest is of the shop, the rows of its tables were read again later.
    private HookedDatabase TablesOf(string connection) => new(Shop)
    {
        Captured = async (made, context) =>
        {
            var later = await bench.Database(connection).CaptureAsync(context, None);
            return made with { Streams = With(made, PostgresRecord.TablesStream, later.Streams[PostgresRecord.TablesStream]) };
        },
    };

    // A capture refuses a dump that breaks off (and this asks it to): what had been written until then is sealed all the same.
    private HookedDatabase Cut(double share) => new(Shop)
    {
        Captured = async (made, context) =>
        {
            var dump = Dump();
            var gate = new Gate();
            var sink = new CaptureSink(context, gate, null);
            using var parser = new DumpParser(sink);
            await parser.TakeAsync(dump.AsMemory(0, (int)(dump.Length * share)), None);
            var refused = Record.Exception(parser.Finish);
            if (share < 1) Assert.Equal("dump-invalid", Assert.IsType<RepriseException>(refused).Code.Name);
            else Assert.Null(refused);
            var list = context.Writer.Begin(Cutting.ContentDefined);
            await list.WriteAsync(DumpTables.Encode(sink.Tables), None);
            var written = made with { Streams = With(made, PostgresRecord.HeadStream, sink.Toc) };
            return written with
            {
                Streams = With(written, PostgresRecord.TablesStream, await list.CompleteAsync(None)),
                Sha256 = PostgresRecord.Digest(PostgresRecord.DigestLines("shop", sink.Toc, sink.Tables)),
            };
        },
    };

    private byte[] Dump()
    {
        var file = Path.Combine(Directory.CreateDirectory(bench.Folder).FullName, "shop.dump");
        var (exit, output) = PostgresCluster.Run(
            Path.Combine(server.Cluster.Programs, "pg_dump"), ["-Fc", "-Z0", "-d", server.Shop, "-f", file]);
        Assert.True(exit == 0, output);
        return File.ReadAllBytes(file);
    }

    private static SortedDictionary<string, Content> With(AssetRecord record, string stream, Content content) =>
        new(record.Streams.ToDictionary(), StringComparer.Ordinal) { [stream] = content };
}
