using Reprise.Recovery.Assets;
using Reprise.Repository.Points;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres;

/// <summary>
/// Loads the rows of large tables from the point straight into the server, several tables at once. What pg_restore
/// could seek in would have to be laid out as a file first, which takes time and the room of the uncompressed rows.
/// Each table is emptied and filled in one transaction, so that its rows can come in frozen: nothing has to be written
/// a second time when they are first read, neither by the building of indexes nor by a vacuum (PostgreSQL's
/// documentation of COPY, option FREEZE).
/// </summary>
internal sealed class LargeTables(PostgresServer server, string database, IProgressSink progress)
{
    /// <summary>What is smaller is quicker laid out for pg_restore than worth a session.</summary>
    public const long LeastBytes = 32L * 1024 * 1024;

    private const string CopyEnd = " FROM stdin;";

    private readonly Lock telling = new();

    /// <summary>The tables that are loaded this way, the largest first.</summary>
    public static IReadOnlyList<LargeTable> Among(
        DumpHead head, IReadOnlyList<DumpTable> tables, string encoding, long leastBytes)
    {
        // Sessions of ours speak UTF-8; the rows of a dump are in the encoding of its database.
        if (encoding != "UTF8") return [];
        var entries = head.Data.ToDictionary(entry => entry.Id);
        return [.. tables
            .Where(table => table.Block == DumpBlock.Rows && table.Content.LengthBytes >= leastBytes)
            .Where(table => entries.TryGetValue(table.Id, out var entry) && entry.Schema is not null
                && entry.Copy.TrimEnd().EndsWith(CopyEnd, StringComparison.Ordinal))
            .OrderByDescending(table => table.Content.LengthBytes)
            .Select(table => new LargeTable(entries[table.Id], table.Content))];
    }

    /// <summary>Loads <paramref name="tables"/>, at most <paramref name="streams"/> at once.</summary>
    public async Task LoadAsync(
        PointReader point, IReadOnlyList<LargeTable> tables, int streams, CancellationToken cancellationToken)
    {
        var queue = new Queue<LargeTable>(tables);
        await Together.RunAsync(
            Enumerable.Repeat((CancellationToken token) => LoadAllAsync(point, queue, token), streams),
            cancellationToken);
    }

    private async Task LoadAllAsync(PointReader point, Queue<LargeTable> queue, CancellationToken cancellationToken)
    {
        if (Next(queue) is not { } first) return;
        using var reader = point.Another();
        await using var session = await server.OpenForRowsAsync(database, cancellationToken);
        await session.ExecuteAsync("set xmloption = content", cancellationToken);
        for (var table = first; table is not null; table = Next(queue))
            await LoadAsync(reader, session, table, cancellationToken);
    }

    private async Task LoadAsync(
        PointReader reader, NpgsqlSession session, LargeTable table, CancellationToken cancellationToken)
    {
        var name = Sql.Name(table.Entry.Schema ?? "", table.Entry.Tag);
        await session.ExecuteAsync($"begin; truncate table only {name}", cancellationToken);
        await session.CopyInAsync(
            table.Entry.Copy.TrimEnd()[..^1] + " WITH (FREEZE)",
            async (rows, token) =>
            {
                await foreach (var block in reader.ReadAsync(table.Rows, token))
                {
                    Invariant.Check(block.HoleBytes == 0, "a dump is stored without holes");
                    await rows.WriteAsync(block.Bytes, token);
                    lock (telling) progress.Advance(block.Bytes.Length);
                }
            },
            cancellationToken);
        await session.ExecuteAsync("commit", cancellationToken);
    }

    private static LargeTable? Next(Queue<LargeTable> queue)
    {
        lock (queue) return queue.TryDequeue(out var table) ? table : null;
    }
}

/// <summary>A table whose rows are loaded by us.</summary>
/// <param name="Entry">as the dump names it.</param>
/// <param name="Rows">its rows in COPY's text form.</param>
internal sealed record LargeTable(DumpEntry Entry, Content Rows);
