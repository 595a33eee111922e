using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Reprise.Repository.Format;
using Reprise.Repository.Points;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres;

/// <summary>
/// What a record of this kind holds. Streams: <c>toc</c> (header and table of contents of the dump as pg_dump wrote
/// them), <c>tables</c> (see <see cref="DumpTables"/>: the rows of each table, each a content of its own),
/// <c>roles</c> (JSON) and <c>globals</c> (SQL of pg_dumpall, without passwords; absent when it was not permitted).
/// When all databases are captured, <c>toc</c> and <c>tables</c> have the number of the database before them:
/// <c>0/toc</c>. Facts: <c>databases</c> (JSON), <c>observed</c> (our clock at the snapshot). Identity: <c>system</c>
/// (or <c>server</c> where that may not be asked) and <c>database</c>. Versions: <c>server</c>, <c>client</c>,
/// <c>archive</c>, <c>extension/NAME</c>. Rows: <c>schema.table</c>, or <c>database/schema.table</c> for all, with
/// double quotes around a part that holds a dot, a slash or a quote.
/// </summary>
public static class PostgresRecord
{
    /// <summary>The method of a record that holds the files of a server, see <see cref="Physical.ClusterFacts"/>.</summary>
    internal const string PhysicalMethod = "physical";

    /// <summary>The major version of the server that a record is of; null when the record does not say.</summary>
    internal static int? MajorOf(AssetRecord record) => int.TryParse(
        record.Versions.GetValueOrDefault("server", "").Split('.', ' ')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var major)
        ? major
        : null;

    internal const string DatabasesFact = "databases";

    /// <summary>How many tables were read beside the dump.</summary>
    internal const string CopiedTablesFact = "copiedTables";
    internal const string HeadStream = "toc";
    internal const string TablesStream = "tables";
    internal const string RolesStream = "roles";
    internal const string GlobalsStream = "globals";

    private const int MaxListBytes = 256 * 1024 * 1024;

    /// <summary>
    /// Every content of a record, also those that only its lists name, as a person would say it (<c>table
    /// public.orders</c>, <c>table of contents</c>): for whoever proves bytes or says what damage touches.
    /// </summary>
    public static async IAsyncEnumerable<(string Path, Content Content)> ContentsAsync(
        AssetRecord record, PointReader point, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var (name, content) in record.Streams) yield return (name, content);
        if (record.Method == PhysicalMethod) yield break;
        foreach (var database in Databases(record))
        {
            var tables = await TablesAsync(record, database, point, cancellationToken);
            var names = await NamesAsync(record, database, point, cancellationToken);
            foreach (var table in tables)
            {
                yield return (database.Prefix + names.GetValueOrDefault(table.Id, $"data {table.Id}"), table.Content);
            }
        }
    }

    internal static IReadOnlyList<CatalogDatabase> Databases(AssetRecord record)
    {
        var list = record.Facts.TryGetValue(DatabasesFact, out var text)
            ? Read(record, () => JsonSerializer.Deserialize(text, CatalogJson.Default.IReadOnlyListCatalogDatabase))
            : null;
        if (list is not { Count: > 0 } || list.Any(d => d?.Name is null))
            throw ByteReader.Broken($"the record of {record.Name} names no database");

        // Generated readers leave null what is absent, whatever its type and its initial value say.
        return [.. list.Select(d => d with
        {
            Settings = d.Settings ?? [],
            Extensions = d.Extensions ?? [],
            Sequences = d.Sequences ?? new SortedDictionary<string, long>(),
            Owners = d.Owners ?? [],
            Prefix = d.Prefix ?? "",
        })];
    }

    private static T? Read<T>(AssetRecord record, Func<T?> read)
        where T : class
    {
        try
        {
            return read();
        }
        catch (JsonException e)
        {
            throw ByteReader.Broken($"the record of {record.Name} is not as it must be: {e.Message}");
        }
    }

    internal static Content Stream(AssetRecord record, string name) => record.Streams.TryGetValue(name, out var content)
        ? content
        : throw ByteReader.Broken($"the record of {record.Name} has no stream {name}");

    internal static async Task<IReadOnlyList<DumpTable>> TablesAsync(
        AssetRecord record, CatalogDatabase database, PointReader point, CancellationToken cancellationToken) =>
        DumpTables.Decode((await ReadAsync(
            point, Stream(record, database.Prefix + TablesStream), cancellationToken)).Span);

    internal static async Task<IReadOnlyList<CatalogRole>> RolesAsync(
        AssetRecord record, PointReader point, CancellationToken cancellationToken)
    {
        var bytes = await ReadAsync(point, Stream(record, RolesStream), cancellationToken);
        var roles = Read(record, () => JsonSerializer.Deserialize(bytes.Span, CatalogJson.Default.IReadOnlyListCatalogRole)) ?? [];
        return roles.All(r => r?.Name is not null) ? roles : throw ByteReader.Broken($"the record of {record.Name} has a role without a name");
    }

    // Names stand in the table of contents; where that is damaged itself, numbers have to do.
    private static async Task<Dictionary<int, string>> NamesAsync(
        AssetRecord record, CatalogDatabase database, PointReader point, CancellationToken cancellationToken)
    {
        var parser = new DumpHeadParser();
        var head = Stream(record, database.Prefix + HeadStream);
        try
        {
            await foreach (var block in point.ReadAsync(head, cancellationToken))
            {
                parser.Take(block.Bytes.Span);
            }
        }
        catch (RepriseException e) when (e.Code.Exit == ExitCodes.Damaged)
        {
            return [];
        }

        return parser.Head?.Data.ToDictionary(
            entry => entry.Id,
            entry => entry.Schema is null ? $"large objects {entry.Tag}" : $"table {entry.Schema}.{entry.Tag}") ?? [];
    }

    /// <summary>What one database adds to the hash of a record.</summary>
    internal static IEnumerable<string> DigestLines(string database, Content head, IEnumerable<DumpTable> tables) =>
        tables.Select(table => $"{table.Id} {table.Content.Sha256}").Prepend($"{database} {head.Sha256}");

    /// <summary>The hash of a record that holds the files of a server.</summary>
    internal static Sha256Digest PhysicalDigest(IReadOnlyDictionary<string, Content> streams) =>
        Digest(streams.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => $"{s.Key} {s.Value.Sha256}"));

    /// <summary>One hash that stands for the whole asset: over the hashes of all its bytes, wherever they lie.</summary>
    internal static Sha256Digest Digest(IEnumerable<string> lines) =>
        new(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', lines))));

    /// <summary>That hash over what a point really holds; the record says what it was to be.</summary>
    internal static async Task<Sha256Digest> DigestAsync(
        AssetRecord record, PointReader point, CancellationToken cancellationToken)
    {
        if (record.Method == PhysicalMethod) return PhysicalDigest(record.Streams);
        var lines = new List<string>();
        foreach (var database in Databases(record))
        {
            var tables = await TablesAsync(record, database, point, cancellationToken);
            lines.AddRange(DigestLines(database.Name, Stream(record, database.Prefix + HeadStream), tables));
        }

        return Digest(lines);
    }

    /// <summary>A small content whole.</summary>
    internal static async Task<ReadOnlyMemory<byte>> ReadAsync(
        PointReader point, Content content, CancellationToken cancellationToken)
    {
        if (content.LengthBytes > MaxListBytes)
        {
            throw ByteReader.Broken($"a list of {content.LengthBytes} bytes is too long");
        }
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
        if (await session.ScalarAsync(CatalogSql.SystemIdentifier, cancellationToken) is { } system)
        {
            identity["system"] = system;
        }
        else identity["server"] = server.Connection.Server;
        return identity;
    }
}
