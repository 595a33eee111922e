namespace Reprise.Recovery.Postgres;

/// <summary>The migration that a database is at, as the tools themselves keep it in a table.</summary>
internal static class MigrationHead
{
    private static readonly (string Tool, string Table, string Query)[] Tools =
    [
        ("alembic", "alembic_version", "select pg_catalog.string_agg(version_num, ',' order by version_num) from {0}"),
        ("flyway", "flyway_schema_history", "select version from {0} where success and version is not null order by installed_rank desc limit 1"),
        ("efcore", "__EFMigrationsHistory", "select pg_catalog.max(\"MigrationId\") from {0}"),
        ("django", "django_migrations", "select app || '.' || name from {0} order by id desc limit 1"),
    ];

    /// <summary>Whether a table belongs to a migration tool and not to the application's data.</summary>
    public static bool IsTable(string name) => Tools.Any(tool => tool.Table == name);

    /// <summary>As <c>alembic:3f2a…</c>; null when no tool keeps a table here, or it is empty.</summary>
    public static async Task<string?> AskAsync(
        ISqlSession session, IEnumerable<(string Schema, string Name)> tables, CancellationToken cancellationToken)
    {
        foreach (var (schema, name) in tables)
        {
            if (Tools.FirstOrDefault(tool => tool.Table == name) is not { Tool: { } tool, Query: var query }) continue;
            var sql = string.Format(System.Globalization.CultureInfo.InvariantCulture, query, Sql.Name(schema, name));
            if (await session.ScalarAsync(sql, cancellationToken) is { Length: > 0 } head) return $"{tool}:{head}";
        }

        return null;
    }
}
