using Reprise.Recovery.Assets;

namespace Reprise.Recovery.Postgres;

/// <summary>The migration that a database is at, as the tools of <see cref="MigrationTables"/> keep it.</summary>
internal static class MigrationHead
{
    /// <summary>Whether a table belongs to a migration tool and not to the application's data.</summary>
    public static bool IsTable(string name) => MigrationTables.All.Any(table => table.Table == name);

    /// <summary>As <c>alembic:3f2a…</c>; null when no tool keeps a table here, or none that we may read.</summary>
    public static async Task<string?> AskAsync(
        ISqlSession session,
        IReadOnlyCollection<(string Schema, string Name)> tables,
        CancellationToken cancellationToken)
    {
        foreach (var known in MigrationTables.All)
        {
            foreach (var (schema, name) in tables.Where(table => table.Name == known.Table))
            {
                if (await AskAsync(session, known, schema, name, cancellationToken) is { } head) return head;
            }
        }

        return null;
    }

    private static async Task<string?> AskAsync(
        ISqlSession session, MigrationTable known, string schema, string name, CancellationToken cancellationToken)
    {
        var readable = await session.ScalarAsync(
            $"select (pg_catalog.has_schema_privilege({Sql.Text(schema)}, 'usage')"
            + $" and pg_catalog.has_table_privilege({Sql.Text(Sql.Name(schema, name))}, 'select'))::text",
            cancellationToken);
        if (readable != "true") return null;

        // The questions are written for SQLite too and name the table alone.
        await session.ExecuteAsync($"set search_path to {Sql.Name(schema)}", cancellationToken);
        var heads = await session.AskAsync(
            "select coalesce(pg_catalog.json_agg(q.head::text order by q.number), '[]'::json)::text"
            + $" from (select head, pg_catalog.row_number() over () as number from ({known.Query}) h(head)"
            + $" limit {MigrationTables.MaxHeads}) q",
            CatalogJson.Default.IReadOnlyListString,
            cancellationToken);
        await session.ExecuteAsync("set search_path = ''", cancellationToken);
        return MigrationTables.Describe(known, heads);
    }
}
