using Reprise.Recovery.Evidence;
using Reprise.Tests.Fixtures;

namespace Reprise.Tests.Drills;

/// <summary>One server with a shop for all tests of a class; whoever damages something damages a copy.</summary>
public sealed class ShopServer : IDisposable
{
    private readonly Lazy<PostgresCluster> cluster = new(StartShop);
    private int copies;
    private Task<DrillRecord>? twin;

    public PostgresCluster Cluster => cluster.Value;

    /// <summary>How to connect to the shop.</summary>
    public string Shop => Cluster.Connection("shop");

    /// <summary>How to connect to a copy of the shop to which <paramref name="damage"/> happened.</summary>
    public string Copy(string damage = "") => Make("template shop", damage);

    /// <summary>How to connect to a database that has nothing of the shop.</summary>
    public string Other(string content = "") => Make("", content);

    /// <summary>What a drill said that several tests compare with, made by the first of them.</summary>
    internal Task<DrillRecord> Twin(Func<Task<DrillRecord>> drill) => twin ??= drill();

    public void Dispose()
    {
        if (cluster.IsValueCreated) cluster.Value.Dispose();
    }

    private string Make(string like, string sql)
    {
        var name = $"copy_{++copies}";
        Cluster.Sql("postgres", $"create database {name} {like}");
        if (sql.Length > 0) Cluster.Sql(name, sql);
        return Cluster.Connection(name);
    }

    private static PostgresCluster StartShop()
    {
        var started = PostgresCluster.Start(15);
        started.Sql("postgres", "create role keeper login");
        started.Sql("postgres", "create database shop");
        started.Sql(
            "shop",
            """
            create extension pg_trgm;
            create table orders(id serial primary key, note text not null, at timestamptz default now(), raw bytea);
            insert into orders(note, raw) select md5(i::text), decode(md5(i::text), 'hex') from generate_series(1, 500) i;
            create table gone(id int); insert into gone values (1), (2);
            alter table orders owner to keeper;
            """);
        return started;
    }
}
