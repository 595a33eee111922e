using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres;

/// <summary>
/// Counts rows on the server in the snapshot of a dump, beside the dump. It begins when the dump's head has come: by
/// then pg_dump holds its locks, so that it can never wait for a lock behind somebody who waits for us. Each batch is a
/// transaction of its own, since a lock on each of ten thousand tables at once does not fit into the server's table.
/// What the server has counted already while it sent the rows (<paramref name="isCounted"/>) is not counted again.
/// </summary>
internal sealed class RowCounts(
    PostgresServer server, string database, CatalogSnapshot snapshot, Func<uint, bool> isCounted)
{
    private const int TablesInBatch = 100;

    /// <summary>Rows by the table's OID. A table that somebody is altering now is left out.</summary>
    public async Task<IReadOnlyDictionary<long, long>> RunAsync(
        Task<DumpHead> head, CancellationToken cancellationToken)
    {
        var dumped = (await head.WaitAsync(cancellationToken)).Data.Select(entry => (long)entry.Oid).ToHashSet();
        await using var session = await server.OpenAsync(database, SessionUse.Ours, cancellationToken);
        await session.ExecuteAsync("set lock_timeout = '5s'", cancellationToken);
        var counts = new Dictionary<long, long>();
        var wanted = snapshot.Tables.Where(
            table => dumped.Contains(table.Oid) && !table.OfExtension && !isCounted((uint)table.Oid));
        foreach (var batch in wanted.Chunk(TablesInBatch))
        {
            if (await TryAsync(session, batch, counts, cancellationToken)) continue;
            foreach (var table in batch) await TryAsync(session, [table], counts, cancellationToken);
        }

        return counts;
    }

    private async Task<bool> TryAsync(
        ISqlSession session, CatalogTable[] batch, Dictionary<long, long> counts, CancellationToken cancellationToken)
    {
        await session.ExecuteAsync(CatalogSql.BeginSnapshot, cancellationToken);
        try
        {
            await session.ExecuteAsync($"set transaction snapshot {Sql.Text(snapshot.Snapshot)}", cancellationToken);
            var answer = await session.AskAsync(
                CatalogSql.Counts(batch.Select(table => (table.Schema, table.Name))),
                CatalogJson.Default.IReadOnlyListInt64,
                cancellationToken);
            Invariant.Check(answer.Count == batch.Length, "every table of a batch is counted");
            for (var i = 0; i < batch.Length; i++) counts[batch[i].Oid] = answer[i];
            await session.ExecuteAsync("commit", cancellationToken);
            return true;
        }
        catch (SqlException e) when (e.State is SqlErrors.LockNotAvailable or SqlErrors.UndefinedTable)
        {
            await session.ExecuteAsync("rollback", cancellationToken);
            return false;
        }
    }
}
