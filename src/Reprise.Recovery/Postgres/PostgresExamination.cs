using System.Security.Cryptography;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Processes;
using Reprise.Repository.Points;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres;

/// <summary>
/// Proves a recovered database as deep as a database can be proven against its point: the server, the structure, and the
/// content of every table against the bytes that the dump holds. For databases of our own only: it installs amcheck.
/// </summary>
internal sealed class PostgresExamination(PostgresServer server, PostgresHost host, RestoreItem item, PointReader point)
{
    private static readonly TimeSpan AmcheckLimit = TimeSpan.FromHours(2);

    private readonly List<CheckOutcome> outcomes = [];

    public async Task<IReadOnlyList<CheckOutcome>> RunAsync(
        IReadOnlyList<RestoreDatabase> databases,
        CheckLevel upTo,
        IProgressSink progress,
        CancellationToken cancellationToken)
    {
        await DigestAsync(cancellationToken);
        foreach (var database in databases)
        {
            await using var session = await server.OpenAsync(database.Live, SessionUse.Ours, cancellationToken);
            var facts = await session.AskAsync(CatalogSql.Server, CatalogJson.Default.CatalogServer, cancellationToken);
            await AskAsync(database, "engine", CheckLevel.Engine, () => Task.FromResult(Engine(facts)));
            if (upTo < CheckLevel.Structure) continue;
            progress.Begin($"examine the structure of {database.Live}", null);
            await AskAsync(
                database, "catalogue", CheckLevel.Structure, () => CatalogueAsync(session, cancellationToken));
            await AskAsync(database, "roles", CheckLevel.Structure, () => RolesAsync(session, database, cancellationToken));
            await AskAsync(
                database,
                "collation",
                CheckLevel.Structure,
                () => CollationAsync(session, facts, database, cancellationToken),
                required: false);
            await AskAsync(
                database, "amcheck", CheckLevel.Structure, () => AmcheckAsync(facts, database, cancellationToken));
            if (upTo < CheckLevel.Data) continue;
            progress.Begin($"compare the content of {database.Live}", database.Facts.DumpBytes);
            await AskAsync(
                database, "content", CheckLevel.Data, () => ContentAsync(database, progress, cancellationToken));
        }

        if (upTo >= CheckLevel.Structure)
        {
            var verify = new PostgresVerify(server, host, item, database => database.Live);
            outcomes.AddRange(
                (await verify.RunAsync(databases, progress, cancellationToken)).Where(o => o.Level <= upTo));
        }

        return outcomes;
    }

    // That every byte is as it was sealed does not say that it was sealed with this record.
    private async Task DigestAsync(CancellationToken cancellationToken)
    {
        var started = host.Clock.GetTimestamp();
        var actual = await PostgresRecord.DigestAsync(item.Record, point, cancellationToken);
        var isSame = actual == item.Record.Sha256;
        outcomes.Add(new CheckOutcome
        {
            Name = $"{item.Record.Name}-digest",
            Level = CheckLevel.Bytes,
            Outcome = isSame ? Outcome.Pass : Outcome.Fail,
            Expected = $"the dump is the one that the point describes, sha256 {item.Record.Sha256}",
            Actual = $"sha256 {actual}",
            Elapsed = host.Clock.GetElapsedTime(started),
            Asset = item.Record.Name,
            Reason = isSame ? null : "content-differs",
        });
    }

    private async Task AskAsync(
        RestoreDatabase database, string question, CheckLevel level, Func<Task<PostgresAnswer>> ask, bool required = true)
    {
        var started = host.Clock.GetTimestamp();
        PostgresAnswer answer;
        try
        {
            answer = await ask();
        }
        catch (SqlException e)
        {
            answer = new PostgresAnswer(Outcome.CouldNotVerify, null, e.Problem.Message, e.Code.Name);
        }

        outcomes.Add(answer.As(question, level, item, database, host.Clock.GetElapsedTime(started), required));
    }

    private PostgresAnswer Engine(CatalogServer facts)
    {
        var then = item.Record.Versions.GetValueOrDefault("server", "");
        var same = then.Split('.', ' ')[0] == facts.Version.Split('.', ' ')[0];
        return new PostgresAnswer(
            Outcome.Pass,
            $"PostgreSQL {then} or newer answers",
            $"PostgreSQL {facts.Version} answers" + (same ? "" : ", another major version than the point's"),
            null);
    }

    private static async Task<PostgresAnswer> CatalogueAsync(ISqlSession session, CancellationToken cancellationToken)
    {
        const string expected = "every index is valid";
        var invalid = await session.AskAsync(
            CatalogSql.InvalidIndexes,
            CatalogJson.Default.IReadOnlyListString,
            cancellationToken);
        return invalid.Count == 0
            ? new PostgresAnswer(Outcome.Pass, expected, "every one is", null)
            : new PostgresAnswer(Outcome.Fail, expected, $"{string.Join(", ", invalid.Take(5))} invalid", "index-invalid");
    }

    private async Task<PostgresAnswer> RolesAsync(
        ISqlSession session, RestoreDatabase database, CancellationToken cancellationToken)
    {
        var wanted = (await PostgresRecord.RolesAsync(item.Record, point, cancellationToken)).Select(role => role.Name)
            .Union(database.Facts.Owners, StringComparer.Ordinal)
            .Where(name => !name.StartsWith("pg_", StringComparison.Ordinal))
            .ToList();
        var there = (await session.AskAsync(
            CatalogSql.Roles, CatalogJson.Default.IReadOnlyListCatalogRole, cancellationToken)).Select(role => role.Name);
        var missing = wanted.Except(there, StringComparer.Ordinal).ToList();
        var expected = $"{wanted.Count} roles of the point";
        return missing.Count == 0
            ? new PostgresAnswer(Outcome.Pass, expected, $"{wanted.Count} roles", null)
            : new PostgresAnswer(Outcome.Fail, expected, $"missing: {string.Join(", ", missing)}", "role-missing");
    }

    private static async Task<PostgresAnswer> CollationAsync(
        ISqlSession session, CatalogServer facts, RestoreDatabase database, CancellationToken cancellationToken)
    {
        if (facts.Major < 15 || database.Facts.CollationVersion is not { } then)
            return new PostgresAnswer(Outcome.NotApplicable, null, "the collation has no version", null);
        var now = await session.ScalarAsync(
            "select pg_catalog.pg_database_collation_actual_version(oid) from pg_catalog.pg_database"
            + " where datname = pg_catalog.current_database()",
            cancellationToken);
        var expected = $"version {then} as at the source";
        return now == then
            ? new PostgresAnswer(Outcome.Pass, expected, $"version {now}", null)
            : new PostgresAnswer(Outcome.Fail, expected, $"version {now ?? "unknown"}", "collation-differs");
    }

    // The indexes were all built just now: what this finds is a fault of the machine, or of the types of an extension.
    private async Task<PostgresAnswer> AmcheckAsync(
        CatalogServer facts, RestoreDatabase database, CancellationToken cancellationToken)
    {
        const string expected = "pg_amcheck finds nothing";
        var programs = await server.ProgramsAsync(facts.Major, cancellationToken);
        if (programs.Clients.Folder is { } bin && host.Disk.Stat(new Storage.Disk.DiskPath(bin) / "pg_amcheck") is null)
            return new PostgresAnswer(Outcome.CouldNotVerify, expected, $"there is no pg_amcheck in {bin}", "amcheck-missing");
        using var limit = new CancellationTokenSource(AmcheckLimit, host.Clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        var result = await programs.RunAsync(
            "pg_amcheck",
            ["--install-missing", "--heapallindexed", "-w", "-d", database.Live.Replace("\\", "\\\\", StringComparison.Ordinal)],
            database.Live,
            null,
            null,
            both.Token);
        await using var session = await server.OpenAsync(database.Live, SessionUse.Ours, cancellationToken);
        if (database.Facts.Extensions.All(e => e.Name != "amcheck"))
            await session.ExecuteAsync("drop extension if exists amcheck", cancellationToken);
        return Judge(result);
    }

    /// <summary>What pg_amcheck came to.</summary>
    internal static PostgresAnswer Judge(ChildResult result)
    {
        const string expected = "pg_amcheck finds nothing";
        return result.Exit switch
        {
            0 => new PostgresAnswer(Outcome.Pass, expected, "it found nothing", null),
            2 => new PostgresAnswer(Outcome.Fail, expected, First(result), "amcheck-failed"),

            // Broken structures can end the server that looks at them, and the program with it: that is no missing extension.
            _ => new PostgresAnswer(
                Outcome.CouldNotVerify,
                expected,
                First(result),
                result.Errors.Contains("extension", StringComparison.Ordinal) ? "amcheck-missing" : "amcheck-broke-off"),
        };
    }

    private static string First(ChildResult result)
    {
        var text = result.Output.Trim().Length > 0 ? result.Output.Trim().ReplaceLineEndings(" ") : result.LastError;
        return text.Length <= 200 ? text : text[..200] + "…";
    }

    private async Task<PostgresAnswer> ContentAsync(
        RestoreDatabase database, IProgressSink progress, CancellationToken cancellationToken)
    {
        var head = await DumpLayout.ReadHeadAsync(
            point, PostgresRecord.Stream(item.Record, database.Facts.Prefix + PostgresRecord.HeadStream), null, cancellationToken);
        var entries = head.Data.ToDictionary(entry => entry.Id);
        var tables = (await PostgresRecord.TablesAsync(item.Record, database.Facts, point, cancellationToken))
            .Where(table => table.Block == DumpBlock.Rows && entries[table.Id].Schema is not null)
            .ToList();
        if (tables.Count == 0) return new PostgresAnswer(Outcome.NotApplicable, null, "the point holds no rows", null);
        var expected = $"the bytes of {tables.Count} tables as the dump holds them";
        var wrong = new List<string>();
        await using var session = await server.OpenForRowsAsync(database.Live, cancellationToken);
        await session.ExecuteAsync(DumpForm(database.Facts), cancellationToken);
        foreach (var table in tables)
        {
            var entry = entries[table.Id];
            var name = TableName.Key(entry.Schema ?? "", entry.Tag);
            try
            {
                if (!await IsSameAsync(session, entry, table.Content, progress, cancellationToken)) wrong.Add(name);
            }
            catch (SqlException e) when (e.State is SqlErrors.UndefinedTable or "42703" or "3F000")
            {
                wrong.Add($"{name} (absent)");
            }
        }

        return wrong.Count == 0
            ? new PostgresAnswer(Outcome.Pass, expected, $"{tables.Count} tables", null)
            : new PostgresAnswer(
                Outcome.Fail,
                expected,
                "other content: " + string.Join(", ", wrong.Take(5)) + (wrong.Count > 5 ? $" and {wrong.Count - 5} more" : ""),
                "content-differs");
    }

    // As pg_dump sets it, and where it leaves a setting alone, as the source had it.
    private static string DumpForm(CatalogDatabase facts) =>
        "set intervalstyle = 'postgres'; set extra_float_digits = 3; set synchronize_seqscans = off;"
        + (facts.TimeZone is { } zone ? $" set timezone = {Sql.Text(zone)};" : " reset timezone;")
        + (facts.ByteaOutput is { } form ? $" set bytea_output = {Sql.Text(form)};" : "")
        + (facts.Encoding is "UTF8" or "SQL_ASCII" ? "" : $" set client_encoding = {Sql.Text(facts.Encoding)};");

    private async Task<bool> IsSameAsync(
        NpgsqlSession session,
        DumpEntry entry,
        Content wanted,
        IProgressSink progress,
        CancellationToken cancellationToken)
    {
        const string from = " FROM stdin;";
        var copy = entry.Copy.TrimEnd();
        Invariant.Check(copy.EndsWith(from, StringComparison.Ordinal), "a block of rows has a statement that loads it");
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var length = 0L;
        await session.CopyOutAsync(
            copy[..^from.Length] + " TO STDOUT",
            block =>
            {
                hash.AppendData(block.Span);
                length += block.Length;
                progress.Advance(block.Length);
            },
            cancellationToken);
        // Behind the rows a dump has the mark of their end.
        hash.AppendData(DumpParser.RowsEnd);
        length += DumpParser.RowsEnd.Length;
        if (length != wanted.LengthBytes) return false;
        var expected = wanted.IsHashedByPart ? await HashAsync(wanted, cancellationToken) : wanted.Sha256;
        return hash.GetHashAndReset().AsSpan().SequenceEqual(expected.Bytes);
    }

    // The hash of a long content is one over the hashes of its parts, which nobody else has: its bytes are read once more.
    private async Task<Sha256Digest> HashAsync(Content content, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await foreach (var block in point.ReadAsync(content, cancellationToken)) hash.AppendData(block.Bytes.Span);
        return new Sha256Digest(hash.GetHashAndReset());
    }
}
