using System.Text.Json;
using Reprise.Repository.Format;
using Reprise.Repository.Points;

namespace Reprise.Recovery.Postgres;

/// <summary>
/// What a record of this kind holds. Streams: <c>toc</c> (header and table of contents of the dump as pg_dump wrote
/// them), <c>tables</c> (see <see cref="DumpTables"/>: the rows of each table, each a content of its own),
/// <c>roles</c> (JSON) and <c>globals</c> (SQL of pg_dumpall, without passwords; absent when it was not permitted). When
/// all databases are captured, <c>toc</c> and <c>tables</c> have the number of the database before them: <c>0/toc</c>.
/// Facts: <c>databases</c> (JSON), <c>observed</c> (our clock at the snapshot). Identity: <c>system</c> (or
/// <c>server</c> where that may not be asked) and <c>database</c>. Versions: <c>server</c>, <c>client</c>,
/// <c>archive</c>, <c>extension/NAME</c>. Rows: <c>schema.table</c>, or <c>database/schema.table</c> for all.
/// </summary>
public static class PostgresRecord
{
    internal const string DatabasesFact = "databases";
    internal const string HeadStream = "toc";
    internal const string TablesStream = "tables";
    internal const string RolesStream = "roles";
    internal const string GlobalsStream = "globals";

    private const int MaxListBytes = 256 * 1024 * 1024;

    /// <summary>
    /// Every content of a record, also those that only its lists name, with what it is (<c>toc</c>,
    /// <c>tables</c>, <c>data/217</c>): for whoever proves bytes or says what damage touches.
    /// </summary>
    public static async Task<IReadOnlyList<(string Name, Content Content)>> ContentsAsync(
        AssetRecord record, PointReader point, CancellationToken cancellationToken)
    {
        var contents = record.Streams.Select(stream => (stream.Key, stream.Value)).ToList();
        foreach (var database in Databases(record))
        {
            foreach (var table in await TablesAsync(record, database, point, cancellationToken))
            {
                contents.Add(($"{database.Prefix}data/{table.Id}", table.Content));
            }
        }

        return contents;
    }

    internal static IReadOnlyList<CatalogDatabase> Databases(AssetRecord record) =>
        record.Facts.TryGetValue(DatabasesFact, out var text)
        && JsonSerializer.Deserialize(text, CatalogJson.Default.IReadOnlyListCatalogDatabase) is { Count: > 0 } databases
            ? databases
            : throw ByteReader.Broken($"the record of {record.Name} names no database");

    internal static Content Stream(AssetRecord record, string name) => record.Streams.TryGetValue(name, out var content)
        ? content
        : throw ByteReader.Broken($"the record of {record.Name} has no stream {name}");

    internal static async Task<IReadOnlyList<DumpTable>> TablesAsync(
        AssetRecord record, CatalogDatabase database, PointReader point, CancellationToken cancellationToken) =>
        DumpTables.Decode((await ReadAsync(
            point, Stream(record, database.Prefix + TablesStream), cancellationToken)).Span);

    internal static async Task<IReadOnlyList<CatalogRole>> RolesAsync(
        AssetRecord record, PointReader point, CancellationToken cancellationToken) =>
        JsonSerializer.Deserialize(
            (await ReadAsync(point, Stream(record, RolesStream), cancellationToken)).Span,
            CatalogJson.Default.IReadOnlyListCatalogRole) ?? [];

    /// <summary>A small content whole.</summary>
    internal static async Task<ReadOnlyMemory<byte>> ReadAsync(
        PointReader point, Content content, CancellationToken cancellationToken)
    {
        if (content.LengthBytes > MaxListBytes) throw ByteReader.Broken($"a list of {content.LengthBytes} bytes is too long");
        var bytes = new byte[content.LengthBytes];
        await foreach (var block in point.ReadAsync(content, cancellationToken))
        {
            block.Bytes.CopyTo(bytes.AsMemory((int)block.OffsetBytes));
        }

        return bytes;
    }
}

/// <summary>Who a server is.</summary>
internal static class PostgresIdentity
{
    public static async Task<SortedDictionary<string, string>> AskAsync(
        ISqlSession session, PostgresServer server, bool all, CancellationToken cancellationToken)
    {
        var identity = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["database"] = all ? "*" : session.Database,
        };
        if (await session.ScalarAsync(CatalogSql.SystemIdentifier, cancellationToken) is { } system) identity["system"] = system;
        else identity["server"] = server.Connection.Server;
        return identity;
    }
}
