using System.Security.Cryptography;
using System.Text;
using Microsoft.Data.Sqlite;
using Reprise.Recovery.Assets;
using Reprise.Storage.Disk;

namespace Reprise.Demo;

/// <summary>
/// A small application in a folder of its own: orders in SQLite, receipts as files, a configuration, a secret. It is real
/// enough to be lost, and small enough to be looked at.
/// </summary>
internal sealed class DemoShop(IDisk disk, DiskPath folder)
{
    /// <summary>How many orders there are before the disaster.</summary>
    public const int Orders = 5000;

    /// <summary>How many receipts.</summary>
    public const int Receipts = 40;

    /// <summary>What is hashed to say that all rows are the same: the output of <c>sqlite3 FILE QUERY</c>.</summary>
    public const string RowsQuery = "select id || '|' || customer || '|' || cents from orders order by id";

    /// <summary>The folder of the application.</summary>
    public DiskPath Folder => folder;

    /// <summary>The database.</summary>
    public DiskPath Database => folder / "data" / "shop.db";

    /// <summary>The folder of the receipts.</summary>
    public DiskPath ReceiptFolder => folder / "receipts";

    /// <summary>Makes data, receipts, secret and configuration.</summary>
    public void Open(string postgresAsset)
    {
        foreach (var name in new[] { "data", "receipts", "config" }) disk.MakeFolder(folder / name);
        Sql("pragma journal_mode = wal");
        Sql("create table orders(id integer primary key, customer text not null, cents integer not null)");
        Sql($"""
            with recursive n(i) as (select 1 union all select i + 1 from n where i < {Orders})
            insert into orders select i, 'customer ' || (i * 7919 % 613), i * 104729 % 100000 from n
            """);
        for (var i = 1; i <= Receipts; i++)
            Write(ReceiptFolder / $"{i:D4}.txt", $"receipt {i}\n" + new string((char)('a' + (i % 26)), 200 * i) + "\n");
        Write(folder / "config" / "shop.toml", "currency = \"EUR\"\n");
        SetSecret("as-it-was-when-the-point-was-taken");
        Write(folder / "reprise.yaml", Configuration(postgresAsset, Environment.ProcessPath ?? "true"));
    }

    /// <summary>Gives the token secret a value, as <c>.env</c> holds it.</summary>
    public void SetSecret(string value)
    {
        disk.DeleteFile(folder / ".env");
        Write(folder / ".env", $"TOKEN_SECRET={value}\n");
    }

    /// <summary>The disaster: half of the orders are overwritten, the receipts and the configuration are gone.</summary>
    public void Ruin()
    {
        Sql("delete from orders where id % 2 = 0");
        Sql("update orders set customer = 'undefined', cents = 0");
        Folders.DeleteTree(disk, ReceiptFolder);
        Folders.DeleteTree(disk, folder / "config");
    }

    /// <summary>Overwrites the database with something that is none, so that it cannot be captured.</summary>
    public void RuinSource()
    {
        foreach (var suffix in new[] { "", "-wal", "-shm" }) disk.DeleteFile(Database.WithSuffix(suffix));
        Write(Database, "this was a database until somebody redirected a log into it\n");
    }

    /// <summary>How many orders there are now.</summary>
    public long CountOrders() => Query("select count(*) from orders").Select(long.Parse).Single();

    /// <summary>SHA-256 over the lines of <see cref="RowsQuery"/>, each ended by a line feed.</summary>
    public string HashRows() => Hash(Query(RowsQuery));

    /// <summary>SHA-256 over name and content of every receipt, in order of their names.</summary>
    public string HashReceipts()
    {
        if (disk.Stat(ReceiptFolder) is null) return Hash([]);
        var names = disk.List(ReceiptFolder).Select(e => e.Name.ToString()).Order(StringComparer.Ordinal);
        return Hash(names.Select(name => Convert.ToHexStringLower(SHA256.HashData(Read(ReceiptFolder / name))) + "  " + name));
    }

    /// <summary>SHA-256 over lines, each ended by a line feed.</summary>
    public static string Hash(IEnumerable<string> lines) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line + "\n")))));

    /// <summary>Writes a new file.</summary>
    public void Write(DiskPath path, string text)
    {
        using var file = disk.CreateNew(path);
        file.Write(0, Encoding.UTF8.GetBytes(text));
    }

    private static string Configuration(string postgresAsset, string nothing) => $$"""
        # Written by the demo; `reprise init` writes one like it for an application of yours.
        application: corner-shop
        repository:
          location: ./recovery
          key: { file: ./corner-shop.key }
        objectives: { rpo: 1h, rto: 15m }
        assets:
          orders:   { sqlite: { path: data/shop.db } }
        {{postgresAsset}}
          runtime:  { files: { include: ["config/**", "receipts/**"] } }
          secrets:  { secrets: { references: [TOKEN_SECRET], from: .env } }
        # Nothing runs here to be stopped; yours would say [docker, compose, stop, backend].
        control: { stop: ["{{nothing}}", --version], start: ["{{nothing}}", --version] }
        checks:
          orders-all-there: { sqlite: { asset: orders, query: "select count(*) from orders", expect: "= {{Orders}}" } }
          receipts-there:   { file: { path: receipts/0001.txt } }

        """;

    private byte[] Read(DiskPath path)
    {
        using var file = disk.OpenRead(path);
        var bytes = new byte[file.Stat().SizeBytes];
        file.Read(0, bytes);
        return bytes;
    }

    private void Sql(string text)
    {
        using var connection = Connect(SqliteOpenMode.ReadWriteCreate);
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // The statements are the demo's own, above.
        command.CommandText = text;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }

    private List<string> Query(string text)
    {
        using var connection = Connect(SqliteOpenMode.ReadOnly);
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // The statements are the demo's own, above.
        command.CommandText = text;
#pragma warning restore CA2100
        using var reader = command.ExecuteReader();
        var rows = new List<string>();
        while (reader.Read()) rows.Add(reader.GetString(0));
        return rows;
    }

    private SqliteConnection Connect(SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder { DataSource = Database.ToString(), Mode = mode, Pooling = false }.ToString());
        connection.Open();
        return connection;
    }
}
