namespace Reprise.Recovery.Assets;

/// <summary>Where a migration tool keeps what it has applied.</summary>
/// <param name="Tool">
/// as configuration and records name it: <c>alembic</c>, <c>flyway</c>, <c>efcore</c>, <c>django</c>.
/// </param>
/// <param name="Table">its table, exactly as the tool spells it.</param>
/// <param name="Query">
/// One text column: the heads, in a fixed order. Plain enough for PostgreSQL (with the table in the search path) and
/// SQLite.
/// </param>
public sealed record MigrationTable(string Tool, string Table, string Query);

/// <summary>
/// The migration tools that are recognised by their table, in the order in which they are looked for.
/// </summary>
public static class MigrationTables
{
    /// <summary>More heads than this are not kept: a Django project with more applications is cut there.</summary>
    public const int MaxHeads = 200;

    /// <summary>All of them.</summary>
    public static IReadOnlyList<MigrationTable> All { get; } =
    [
        new("alembic", "alembic_version", "select version_num from alembic_version order by version_num"),
        new(
            "flyway",
            "flyway_schema_history",
            "select version from flyway_schema_history where success = true and version is not null "
            + "order by installed_rank desc limit 1"),
        new(
            "efcore",
            "__EFMigrationsHistory",
            """select "MigrationId" from "__EFMigrationsHistory" order by "MigrationId" desc limit 1"""),
        new(
            "django",
            "django_migrations",
            "select m.app || '.' || m.name from django_migrations m "
            + "where m.id = (select max(x.id) from django_migrations x where x.app = m.app) order by m.app"),
    ];

    /// <summary><c>alembic:3f2a</c>, several heads joined by commas; null when the table has none.</summary>
    public static string? Describe(MigrationTable table, IReadOnlyCollection<string> heads) =>
        heads.Count == 0 ? null : table.Tool + ":" + string.Join(',', heads);
}
