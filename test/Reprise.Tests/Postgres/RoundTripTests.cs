using Reprise.Recovery.Assets;
using Reprise.Recovery.Postgres;
using Reprise.Tests.Fixtures;

namespace Reprise.Tests.Postgres;

/// <summary>What is captured comes back identical, judged by PostgreSQL's own dump of both.</summary>
[Collection(PostgresTests.Name)]
public sealed class RoundTripTests(PostgresRoom room) : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly PostgresBench bench = new();

    public void Dispose() => bench.Dispose();

    [Fact]
    public Task A_database_of_everything_comes_back_identical() => ComesBackAsync(room.Cluster, "odd one", s => s);

    [Fact]
    public Task It_does_so_when_every_table_is_loaded_from_the_point_itself() =>
        ComesBackAsync(room.Cluster, "all large", s => s with { LargeTableBytes = 0, RestoreJobs = 3 });

    [Fact]
    public Task It_does_so_through_a_prefix_with_psql_alone() =>
        ComesBackAsync(
            room.Cluster,
            "through psql",
            s => s with { Via = room.Cluster.Via, ConnectionText = "dbname='through psql'" });

    [Theory]
    [InlineData(17)]
    [InlineData(18)]
    public async Task It_does_so_on_newer_servers(int major)
    {
        using var cluster = PostgresCluster.Start(major);
        await ComesBackAsync(cluster, "odd one", s => s);
        await ComesBackAsync(cluster, "all large", s => s with { LargeTableBytes = 0 });
        await ComesBackAsync(
            cluster, "through psql", s => s with { Via = cluster.Via, ConnectionText = "dbname='through psql'" });
    }

    [Theory]
    [InlineData(17)]
    [InlineData(18)]
    public Task It_does_so_with_clients_newer_than_the_server(int clients)
    {
        var programs = PostgresCluster.Find(clients);
        Assert.SkipWhen(programs is null, $"PostgreSQL {clients} is not installed");
        return ComesBackAsync(room.Cluster, $"by {clients}", s => s with { ClientFolder = programs });
    }

    [Theory]
    [InlineData(15, "encoding 'LATIN1' lc_collate 'C' lc_ctype 'C'")]
    [InlineData(15, "encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C'")]
    [InlineData(15, "encoding 'UTF8' locale_provider icu icu_locale 'fr-x-icu'")]
    [InlineData(17, "encoding 'UTF8' locale_provider builtin builtin_locale 'C.UTF-8'")]
    [InlineData(17, "encoding 'UTF8' locale_provider icu icu_locale 'und' icu_rules '&a < b'")]
    [InlineData(18, "encoding 'UTF8' locale_provider builtin builtin_locale 'PG_UNICODE_FAST'")]
    public async Task Encodings_and_locales_come_back(int major, string locale)
    {
        using var own = major == 15 ? null : PostgresCluster.Start(major);
        var cluster = own ?? room.Cluster;
        cluster.Sql("postgres", "drop database if exists local with (force)");
        cluster.Sql("postgres", $"create database local template template0 {locale}");
        cluster.Sql("local", "create table \"été\" (\"à\" text); insert into \"été\" values ('garçon'), ('ü');");
        var before = cluster.Dump("local");
        var asset = bench.Asset(cluster, "local");
        var (record, point) = await bench.BackupAsync(asset);
        Assert.Equal(2, record.Rows.Values.Single());
        cluster.Sql("local", "delete from \"été\"");
        await bench.RestoreAsync(asset, record, point);
        Assert.Equal(before, cluster.Dump("local"));

        // Rows in another encoding than UTF-8 keep to the way through pg_restore.
        var large = bench.Asset(cluster, "local", s => s with { LargeTableBytes = 0 });
        cluster.Sql("local", "delete from \"été\"");
        await bench.RestoreAsync(large, record, point);
        Assert.Equal(before, cluster.Dump("local"));
    }

    [Fact]
    public async Task Every_database_of_a_server_comes_back_to_an_empty_one_with_its_roles()
    {
        using var source = PostgresCluster.Start(15);
        OddDatabase.Create(source, "odd one");
        source.Sql("postgres", "create database \"quiet\"; create table here(i int); insert into here values (7);");
        var asset = bench.Asset(
            source, "ignored", s => s with { AllDatabases = true, ConnectionText = source.Connection("postgres") });
        var (record, point) = await bench.BackupAsync(asset);
        Assert.Equal(1, record.Rows["postgres/public.here"]);
        Assert.Equal(3, record.Rows["odd one/shop.Orders"]);
        Assert.Equal("*", record.Identity["database"]);

        using var target = PostgresCluster.Start(15);
        var there = bench.Asset(
            target, "ignored", s => s with { AllDatabases = true, ConnectionText = target.Connection("postgres") });
        Assert.False((await there.InspectAsync(None)).HasData);
        await bench.RestoreAsync(there, record, point);
        foreach (var database in (string[])["odd one", "quiet", "postgres"])
        {
            Assert.Equal(source.Dump(database), target.Dump(database));
        }

        Assert.Contains(
            bench.Progress.Notes,
            note => note.Contains("shop owner was created without a password", StringComparison.Ordinal));
        const string roles = "select string_agg(rolname || rolcanlogin || rolconnlimit, ',' order by rolname)"
            + " from pg_roles where rolname !~ '^pg_'";
        Assert.Equal(source.Sql("postgres", roles), target.Sql("postgres", roles));
        Assert.Equal("t", target.Sql("postgres", "select pg_has_role('shop owner', 'reader', 'member')"));
    }

    [Fact]
    public async Task An_owner_who_may_create_databases_needs_no_superuser()
    {
        var cluster = room.Cluster;
        cluster.Sql("postgres", "create role plain login createdb; create database plain owner plain;");
        cluster.Sql("plain", """
            set role plain;
            create extension citext;
            create table notes (id serial primary key, note citext);
            insert into notes(note) select 'note ' || g from generate_series(1, 100) g;
            """);
        var before = cluster.Dump("plain");
        var asset = bench.Asset(
            cluster, "plain", s => s with { ConnectionText = cluster.Connection("plain", "plain") });
        var (record, point) = await bench.BackupAsync(asset);
        cluster.Sql("plain", "drop table notes");
        await bench.RestoreAsync(asset, record, point);
        Assert.Equal(before, cluster.Dump("plain"));
        Assert.Equal(
            "plain",
            cluster.Sql("postgres", "select pg_get_userbyid(datdba) from pg_database where datname = 'plain'"));
    }

    [Fact]
    public async Task A_database_that_was_dropped_is_created_and_undo_takes_it_away_again()
    {
        var cluster = room.Cluster;
        cluster.Sql("postgres", "create database dropped");
        cluster.Sql("dropped", "create table t(i int); insert into t select generate_series(1, 10);");
        var asset = bench.Asset(cluster, "dropped");
        var (record, point) = await bench.BackupAsync(asset);
        cluster.Sql("postgres", "drop database dropped");
        Assert.Equal(Presence.Absent, (await asset.InspectAsync(None)).Presence);

        var item = await bench.RestoreAsync(asset, record, point);
        Assert.Equal("10", cluster.Sql("dropped", "select count(*) from t"));
        Assert.False((await asset.InspectSlotAsync(item, Slot.Before(item.RestoreId), None)).Exists);

        var undo = PostgresBench.NewId();
        await asset.SwapAsync(item with { RestoreId = undo }, new Swap(null, Slot.Before(undo)), None);
        Assert.Equal(Presence.Absent, (await asset.InspectAsync(None)).Presence);
        Assert.True((await asset.InspectSlotAsync(item, Slot.Before(undo), None)).Exists);
        await asset.DiscardAsync(item, Slot.Before(undo), None);
    }

    private async Task ComesBackAsync(
        PostgresCluster cluster, string database, Func<PostgresSettings, PostgresSettings> change)
    {
        OddDatabase.Create(cluster, database);
        var before = cluster.Dump(database);
        var asset = bench.Asset(cluster, database, change);
        var (record, point) = await bench.BackupAsync(asset);

        Assert.Equal("alembic:3f2a9c", record.Migration);
        Assert.Equal(3, record.Rows["shop.Orders"]);
        Assert.Equal(3, record.Rows["shop.\"a.b \"\"c\"\"\""]);
        Assert.Equal(1, record.Rows["shop.parent"]);
        Assert.True(record.Versions.ContainsKey("extension/citext"));

        cluster.Sql(database, "delete from shop.\"Orders\"; drop table shop.parts cascade;");
        var changed = cluster.Dump(database);
        var item = await bench.RestoreAsync(asset, record, point);
        Assert.Equal(before, cluster.Dump(database));

        var former = await asset.InspectSlotAsync(item, Slot.Before(item.RestoreId), None);
        Assert.True(former.Exists);
        Assert.True(former.SizeBytes > 1_000_000, $"{former.SizeBytes} bytes");
        Assert.False((await asset.InspectSlotAsync(item, Slot.New(item.RestoreId), None)).Exists);

        var undo = PostgresBench.NewId();
        await asset.SwapAsync(item, new Swap(Slot.Before(item.RestoreId), Slot.Before(undo)), None);
        Assert.Equal(changed, cluster.Dump(database));
        await asset.SwapAsync(item, new Swap(Slot.Before(undo), Slot.Before(item.RestoreId)), None);
        Assert.Equal(before, cluster.Dump(database));

        await asset.DiscardAsync(item, Slot.Before(item.RestoreId), None);
        Assert.False((await asset.InspectSlotAsync(item, Slot.Before(item.RestoreId), None)).Exists);
        Assert.Equal(before, cluster.Dump(database));
        Assert.Empty(Directory.GetFiles(bench.Folder));
    }
}

/// <summary>A database with one of everything that dumps are known to stumble over.</summary>
internal static class OddDatabase
{
    private const string Objects = """"
        create extension citext;
        create extension pg_trgm;
        create schema shop authorization "shop owner";
        set role "shop owner";
        set search_path to shop, public;
        create domain email as public.citext check (value ~ '@');
        create type mood as enum ('sad', 'it''s ok', 'happy');
        create table "Orders" (
          id bigint generated always as identity primary key, "Buyer Name" text not null, mail email, m mood,
          price numeric(12, 2) not null, vat numeric generated always as (price * 0.2) stored,
          tags text[], doc jsonb);
        insert into "Orders" ("Buyer Name", mail, m, price, tags, doc) values
          (E'tab\there\nline\\back', 'A@b.c', 'sad', 1.10, array['x', null, 'a,b'], '{"k": "\u00e9 \" \\"}'),
          ('', null, 'it''s ok', 99999999.99, null, null),
          ('日本 🐘', 'x@y.z', null, 0, '{}', '[]');
        create table "a.b ""c""" (n int);
        insert into "a.b ""c""" values (1), (null), (3);
        create table parts (id int not null, at date not null) partition by range (at);
        create table parts_2025 partition of parts for values from ('2025-01-01') to ('2026-01-01');
        create table parts_rest partition of parts default;
        insert into parts select g, date '2025-06-01' + g from generate_series(1, 500) g;
        create table parent (p int);
        create table child (c int) inherits (parent);
        insert into parent values (1);
        insert into child values (2, 3), (4, 5);
        create table no_columns ();
        insert into no_columns default values;
        insert into no_columns default values;
        create unlogged table scratch (b bytea);
        insert into scratch select decode(repeat('00ff0a5c', 3000), 'hex') from generate_series(1, 40);
        create sequence backwards increment by -1 maxvalue -1;
        select nextval('backwards'), nextval('backwards');
        create sequence round maxvalue 3 cycle;
        select nextval('round'), nextval('round');
        create index on "Orders" using gin ("Buyer Name" public.gin_trgm_ops);
        create materialized view totals as select m, sum(price) from "Orders" group by m;
        create view cheap as select * from "Orders" where price < 10 with check option;
        create function twice(i int) returns int language plpgsql as $f$ begin return i * 2; -- "; select 1
        end $f$;
        create function touch() returns trigger language plpgsql as $f$ begin return new; end $f$;
        create trigger touched before update on "Orders" for each row execute function touch();
        create rule quiet as on delete to parent do instead nothing;
        alter table "Orders" enable row level security;
        create policy own on "Orders" for select to reader using (price > 0);
        grant select ("Buyer Name") on "Orders" to reader;
        grant usage on schema shop to reader;
        alter default privileges in schema shop grant select on tables to reader;
        comment on column "Orders"."Buyer Name" is E'who\npays';
        create table alembic_version (version_num varchar(32) primary key);
        insert into alembic_version values ('3f2a9c');
        reset role;
        select lo_from_bytea(0, decode(repeat('0a00ff', 30000), 'hex'));
        select lo_from_bytea(0, '');
        select lo_from_bytea(0, '\x0a');
        create publication pub for table shop."Orders";
        """";

    public static void Create(PostgresCluster cluster, string name)
    {
        var quoted = "\"" + name.Replace("\"", "\"\"", StringComparison.Ordinal) + "\"";
        cluster.Sql("postgres", $"""
            do $$ begin
              if not exists (select from pg_roles where rolname = 'shop owner') then
                create role "shop owner" login connection limit 5;
                create role reader nologin;
                grant reader to "shop owner";
              end if;
            end $$;
            create database {quoted} owner "shop owner" connection limit 17;
            comment on database {quoted} is 'it''s odd';
            alter database {quoted} set search_path to shop, "$user", public;
            alter database {quoted} set statement_timeout to '30s';
            alter role reader in database {quoted} set work_mem to '8MB';
            revoke connect on database {quoted} from public;
            grant connect on database {quoted} to reader with grant option;
            """);
        cluster.Sql(name, Objects);
    }
}
