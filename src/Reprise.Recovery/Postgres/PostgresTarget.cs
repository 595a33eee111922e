using Reprise.Recovery.Assets;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres;

/// <summary>Looks at what a restore would replace, read-only.</summary>
internal sealed class PostgresTarget(PostgresServer server, PostgresSettings settings)
{
    private const int TablesInBatch = 100;

    private readonly SortedDictionary<string, long> rows = new(StringComparer.Ordinal);
    private readonly List<string> users = [];
    private SortedDictionary<string, string> identity = new(StringComparer.Ordinal);
    private bool hasData;
    private bool estimates;
    private bool found;
    private string? migration;
    private long sizeBytes;

    public async Task<TargetState> InspectAsync(CancellationToken cancellationToken)
    {
        var where = settings.AllDatabases
            ? $"every database {server.Where("").Replace("database  ", "", StringComparison.Ordinal)}"
            : server.Where(server.Connection.Database);
        try
        {
            foreach (var name in await NamesAsync(cancellationToken)) await LookAsync(name, cancellationToken);
        }
        catch (RepriseException e) when (e.Code != RecoveryErrors.ConnectionInvalid)
        {
            return new TargetState
            {
                Presence = Presence.Unreadable,
                HasData = true,
                Where = where,
                Unreadable = e.Problem,
            };
        }

        return new TargetState
        {
            Presence = found ? Presence.Readable : Presence.Absent,
            HasData = hasData,
            Identity = identity,
            Rows = rows,
            RowsAreEstimates = estimates,
            Migration = migration,
            SizeBytes = found ? sizeBytes : null,
            Users = users,
            Where = where,
        };
    }

    private async Task<IReadOnlyList<string>> NamesAsync(CancellationToken cancellationToken)
    {
        if (!settings.AllDatabases) return [server.Connection.Database];
        await using var session = await server.OpenAsync(settings.Maintenance, SessionUse.Ours, cancellationToken);
        return await session.AskAsync(CatalogSql.Databases, CatalogJson.Default.IReadOnlyListString, cancellationToken);
    }

    private async Task LookAsync(string name, CancellationToken cancellationToken)
    {
        ISqlSession session;
        try
        {
            session = await server.OpenAsync(name, SessionUse.Ours, cancellationToken);
        }
        catch (SqlException e) when (e.State == SqlErrors.UndefinedDatabase)
        {
            return;
        }

        await using (session)
        {
            found = true;
            identity = await PostgresIdentity.AskAsync(session, server, settings.AllDatabases, cancellationToken);
            users.AddRange(await session.AskAsync(
                CatalogSql.Sessions(name), CatalogJson.Default.IReadOnlyListString, cancellationToken));
            var size = await session.ScalarAsync(
                "select pg_catalog.pg_database_size(pg_catalog.current_database())::text", cancellationToken);
            sizeBytes += long.Parse(size ?? "0", System.Globalization.CultureInfo.InvariantCulture);
            var tables = await session.AskAsync(
                CatalogSql.Tables, CatalogJson.Default.IReadOnlyListCatalogTable, cancellationToken);
            migration ??= await MigrationHead.AskAsync(
                session, [.. tables.Select(table => (table.Schema, table.Name))], cancellationToken);
            await CountAsync(session, name, [.. tables.Where(table => !table.OfExtension)], cancellationToken);
        }
    }

    // Real counts within a bound; beyond it what the planner believes, and said so.
    private async Task CountAsync(
        ISqlSession session, string database, IReadOnlyList<CatalogTable> tables, CancellationToken cancellationToken)
    {
        var milliseconds = (long)settings.InspectWithin.TotalMilliseconds;
        await session.ExecuteAsync($"set statement_timeout = {milliseconds}", cancellationToken);
        foreach (var batch in tables.Chunk(TablesInBatch))
        {
            IReadOnlyList<long> counts;
            try
            {
                counts = estimates
                    ? await EstimateAsync(session, batch, cancellationToken)
                    : await session.AskAsync(
                        CatalogSql.Counts(batch.Select(table => (table.Schema, table.Name))),
                        CatalogJson.Default.IReadOnlyListInt64,
                        cancellationToken);
            }
            catch (SqlException e) when (e.State is SqlErrors.QueryCanceled or SqlErrors.InsufficientPrivilege)
            {
                // Whatever we may not read must be taken for somebody's data.
                estimates = true;
                hasData |= e.State == SqlErrors.InsufficientPrivilege;
                counts = await EstimateAsync(session, batch, cancellationToken);
            }

            for (var i = 0; i < batch.Length; i++)
            {
                var key = TableName.Key(batch[i].Schema, batch[i].Name);
                rows[settings.AllDatabases ? $"{TableName.Part(database)}/{key}" : key] = counts[i];
                // An application that has only run its migrations has a schema, but nothing that anybody could miss.
                hasData |= counts[i] != 0 && !MigrationHead.IsTable(batch[i].Name);
            }
        }
    }

    private static Task<IReadOnlyList<long>> EstimateAsync(
        ISqlSession session, CatalogTable[] batch, CancellationToken cancellationToken) =>
        session.AskAsync(
            "select pg_catalog.json_agg(greatest(c.reltuples, -1)::bigint order by o.n)::text"
            + $" from pg_catalog.unnest(array[{string.Join(',', batch.Select(table => table.Oid))}]::oid[])"
            + " with ordinality o(oid, n) join pg_catalog.pg_class c on c.oid = o.oid",
            CatalogJson.Default.IReadOnlyListInt64,
            cancellationToken);
}
