using System.Globalization;
using Reprise.Recovery.Assets;

namespace Reprise.Recovery.Postgres;

/// <summary>Proves a database against the record of the point: a staged one, or one of the name that is given.</summary>
internal sealed class PostgresVerify(
    PostgresServer server, PostgresHost host, RestoreItem item, Func<RestoreDatabase, string>? nameOf = null)
{
    private const int TablesInBatch = 100;

    private readonly List<CheckOutcome> outcomes = [];

    public async Task<IReadOnlyList<CheckOutcome>> RunAsync(
        IReadOnlyList<RestoreDatabase> databases, IProgressSink progress, CancellationToken cancellationToken)
    {
        foreach (var database in databases)
        {
            progress.Begin($"verify {database.Live}", null);
            await using var session = await server.OpenAsync(
                nameOf?.Invoke(database) ?? database.Staged(item), SessionUse.Ours, cancellationToken);
            var tables = await session.AskAsync(
                CatalogSql.Tables, CatalogJson.Default.IReadOnlyListCatalogTable, cancellationToken);
            await AskAsync(
                database, "rows", CheckLevel.Data, () => RowsAsync(session, database, tables, cancellationToken));
            await AskAsync(
                database,
                "migration",
                CheckLevel.Data,
                () => MigrationAsync(session, database, tables, cancellationToken));
            await AskAsync(
                database, "sequences", CheckLevel.Data, () => SequencesAsync(session, database, cancellationToken));
            await AskAsync(
                database,
                "extensions",
                CheckLevel.Structure,
                () => ExtensionsAsync(session, database, cancellationToken));
            await AskAsync(
                database,
                "large-objects",
                CheckLevel.Data,
                () => LargeObjectsAsync(session, database, cancellationToken));
        }

        return outcomes;
    }

    private async Task AskAsync(RestoreDatabase database, string question, CheckLevel level, Func<Task<PostgresAnswer>> ask)
    {
        var started = host.Clock.GetTimestamp();
        var answer = await ask();
        outcomes.Add(answer.As(question, level, item, database, host.Clock.GetElapsedTime(started)));
    }

    private async Task<PostgresAnswer> RowsAsync(
        ISqlSession session,
        RestoreDatabase database,
        IReadOnlyList<CatalogTable> tables,
        CancellationToken cancellationToken)
    {
        var wanted = database.RowsOf(item).ToList();
        if (wanted.Count == 0) return new PostgresAnswer(Outcome.NotApplicable, "0 tables", "0 tables");
        var there = tables.Select(table => TableName.Key(table.Schema, table.Name)).ToHashSet(StringComparer.Ordinal);
        var missing = wanted.Where(table => !there.Contains(table.Key));
        var wrong = missing.Select(table => $"{table.Key} is missing").ToList();
        var total = 0L;
        foreach (var batch in wanted.Where(table => there.Contains(table.Key)).Chunk(TablesInBatch))
        {
            var counts = await session.AskAsync(
                CatalogSql.Counts(batch.Select(table => TableName.Parse(table.Key))),
                CatalogJson.Default.IReadOnlyListInt64,
                cancellationToken);
            total += counts.Sum();
            wrong.AddRange(batch.Zip(counts)
                .Where(pair => pair.First.Rows != pair.Second)
                .Select(pair => Invariant($"{pair.First.Key} has {pair.Second} rows instead of {pair.First.Rows}")));
        }

        var expected = Invariant($"{wanted.Sum(table => table.Rows)} rows in {wanted.Count} tables");
        return wrong.Count == 0
            ? new PostgresAnswer(Outcome.Pass, expected, Invariant($"{total} rows in {wanted.Count} tables"))
            : new PostgresAnswer(Outcome.Fail, expected, Listed(wrong), WhyRows(wanted.Count, there, missing.Count()));
    }

    // Whoever has to find out what went wrong with a dump begins elsewhere for each of these.
    private static string WhyRows(int wanted, HashSet<string> there, int missing) => missing switch
    {
        0 => "rows-differ",
        _ when missing < wanted => "table-missing",
        _ when there.Count == 0 => "database-empty",
        _ => "another-database",
    };

    private static async Task<PostgresAnswer> MigrationAsync(
        ISqlSession session,
        RestoreDatabase database,
        IReadOnlyList<CatalogTable> tables,
        CancellationToken cancellationToken)
    {
        if (database.Facts.Migration is not { } expected) return new PostgresAnswer(Outcome.NotApplicable, null, null);
        var actual = await MigrationHead.AskAsync(
            session, [.. tables.Select(table => (table.Schema, table.Name))], cancellationToken);
        return new PostgresAnswer(actual == expected ? Outcome.Pass : Outcome.Fail, expected, actual ?? "none", "migration-differs");
    }

    // A dump reads sequences outside its snapshot: they may be further on than at the snapshot, never behind.
    private static async Task<PostgresAnswer> SequencesAsync(
        ISqlSession session, RestoreDatabase database, CancellationToken cancellationToken)
    {
        var wanted = database.Facts.Sequences;
        if (wanted.Count == 0) return new PostgresAnswer(Outcome.NotApplicable, null, null);
        var actual = await session.AskAsync(
            """
            select coalesce(pg_catalog.json_object_agg(pg_catalog.format('%I.%I', schemaname, sequencename),
                case when increment_by < 0 then -1 else 1 end * last_value), pg_catalog.json_build_object())::text
            from pg_catalog.pg_sequences where last_value is not null and not cycle
            """,
            CatalogJson.Default.IReadOnlyDictionaryStringInt64,
            cancellationToken);
        var cycling = await session.AskAsync(
            "select coalesce(pg_catalog.json_agg("
            + "pg_catalog.format('%I.%I', schemaname, sequencename)), '[]'::json)::text"
            + " from pg_catalog.pg_sequences where cycle or increment_by < 0",
            CatalogJson.Default.IReadOnlyListString,
            cancellationToken);
        var wrong = new List<string>();
        foreach (var (name, value) in wanted)
        {
            if (cycling.Contains(name) && !actual.ContainsKey(name)) continue;
            var least = cycling.Contains(name) ? -value : value;
            if (!actual.TryGetValue(name, out var now)) wrong.Add($"{name} is missing");
            else if (now < least) wrong.Add(Invariant($"{name} is at {Math.Abs(now)}, it was at {value}"));
        }

        var expected = Invariant($"{wanted.Count} sequences not behind their values at the point");
        return wrong.Count == 0
            ? new PostgresAnswer(Outcome.Pass, expected, Invariant($"{wanted.Count} sequences"))
            : new PostgresAnswer(Outcome.Fail, expected, Listed(wrong), "sequence-behind");
    }

    private static async Task<PostgresAnswer> ExtensionsAsync(
        ISqlSession session, RestoreDatabase database, CancellationToken cancellationToken)
    {
        var wanted = database.Facts.Extensions;
        if (wanted.Count == 0) return new PostgresAnswer(Outcome.NotApplicable, null, null);
        var actual = await session.AskAsync(
            "select coalesce(pg_catalog.json_agg("
            + "pg_catalog.json_build_object('name', extname, 'version', extversion)), '[]'::json)::text"
            + " from pg_catalog.pg_extension",
            CatalogJson.Default.IReadOnlyListCatalogExtension,
            cancellationToken);
        var missing = wanted.Where(extension => actual.All(there => there.Name != extension.Name)).ToList();
        var expected = string.Join(", ", wanted.Select(extension => $"{extension.Name} {extension.Version}"));
        return missing.Count == 0
            ? new PostgresAnswer(Outcome.Pass, expected, string.Join(", ", actual.Where(
                there => wanted.Any(extension => extension.Name == there.Name))
                .Select(extension => $"{extension.Name} {extension.Version}")))
            : new PostgresAnswer(
                Outcome.Fail,
                expected,
                $"missing: {string.Join(", ", missing.Select(extension => extension.Name))}",
                "extension-missing");
    }

    private static async Task<PostgresAnswer> LargeObjectsAsync(
        ISqlSession session, RestoreDatabase database, CancellationToken cancellationToken)
    {
        var expected = database.Facts.LargeObjects.ToString(CultureInfo.InvariantCulture);
        if (expected == "0") return new PostgresAnswer(Outcome.NotApplicable, null, null);
        var actual = await session.ScalarAsync(
            "select pg_catalog.count(*)::text from pg_catalog.pg_largeobject_metadata", cancellationToken);
        return new PostgresAnswer(
            actual == expected ? Outcome.Pass : Outcome.Fail, expected, actual, "large-objects-differ");
    }

    private static string Listed(List<string> wrong) => wrong.Count <= 5
        ? string.Join("; ", wrong)
        : string.Join("; ", wrong.Take(5)) + Invariant($"; and {wrong.Count - 5} more");

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
