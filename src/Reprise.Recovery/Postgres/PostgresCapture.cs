using System.Globalization;
using System.Text.Json;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Processes;
using Reprise.Repository.Points;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres;

/// <summary>
/// A logical capture. Our own session opens a snapshot and holds it; <c>pg_dump</c> imports it, the row counts import
/// it, and the facts about the database were asked in it: everything in the point is of one instant.
/// </summary>
internal sealed class PostgresCapture(
    string asset, PostgresServer server, PostgresSettings settings, CaptureContext context)
{
    private const string LockWait = "--lock-wait-timeout=10min";
    private const int MaxStreams = 4;

    private static int Streams => Math.Clamp(Environment.ProcessorCount, 1, MaxStreams);

    private readonly SortedDictionary<string, Content> streams = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, long> rows = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, string> versions = new(StringComparer.Ordinal);
    private readonly List<CatalogDatabase> databases = [];
    private readonly List<string> hashes = [];
    private long sourceBytes;
    private int copiedTables;

    public async Task<AssetRecord> RunAsync(CancellationToken cancellationToken)
    {
        await context.Writer.FlushAsync(cancellationToken);
        var storedBefore = context.Writer.StoredBytes;
        var names = await NamesAsync(cancellationToken);
        DateTimeOffset? moment = null;
        var observed = context.Clock.GetUtcNow();
        for (var i = 0; i < names.Count; i++)
        {
            var prefix = names.Count == 1 && !settings.AllDatabases
                ? ""
                : string.Create(CultureInfo.InvariantCulture, $"{i}/");
            var taken = await CaptureAsync(names[i], prefix, cancellationToken);
            moment ??= taken;
        }

        var identity = await CaptureRolesAsync(cancellationToken);
        await context.Writer.FlushAsync(cancellationToken);
        return new AssetRecord
        {
            Name = asset,
            Kind = AssetKinds.Postgres,
            Method = "logical",
            Moment = moment ?? observed,
            State = AssetStates.Complete,
            SourceBytes = sourceBytes,
            StoredBytes = context.Writer.StoredBytes - storedBefore,
            Sha256 = PostgresRecord.Digest(hashes),
            Versions = versions,
            Rows = rows,
            Migration = databases.Select(database => database.Migration).FirstOrDefault(
                migration => migration is not null),
            Identity = identity,
            Facts = new SortedDictionary<string, string>(StringComparer.Ordinal)
            {
                [PostgresRecord.DatabasesFact] = JsonSerializer.Serialize(
                    databases, CatalogJson.Default.IReadOnlyListCatalogDatabase),
                [PostgresRecord.CopiedTablesFact] = copiedTables.ToString(CultureInfo.InvariantCulture),
                ["observed"] = observed.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture),
            },
            Streams = streams,
        };
    }

    private async Task<IReadOnlyList<string>> NamesAsync(CancellationToken cancellationToken)
    {
        if (!settings.AllDatabases) return [server.Connection.Database];
        await using var session = await server.OpenAsync(settings.Maintenance, SessionUse.Ours, cancellationToken);
        var names = await session.AskAsync(
            CatalogSql.Databases, CatalogJson.Default.IReadOnlyListString, cancellationToken);
        var kept = new List<string>();
        foreach (var name in names)
        {
            // The maintenance database is made by initdb: it counts when somebody put something into it.
            if (name != settings.Maintenance || await HasTablesAsync(name, cancellationToken)) kept.Add(name);
        }

        return kept.Count > 0
            ? kept
            : throw new RepriseException(
                RecoveryErrors.AssetEmpty,
                "the server holds no database of a user",
                "check the connection, or name a database");
    }

    private async Task<bool> HasTablesAsync(string database, CancellationToken cancellationToken)
    {
        await using var session = await server.OpenAsync(database, SessionUse.Ours, cancellationToken);
        var tables = await session.AskAsync(
            CatalogSql.Tables, CatalogJson.Default.IReadOnlyListCatalogTable, cancellationToken);
        return tables.Any(table => !table.OfExtension);
    }

    private async Task<DateTimeOffset> CaptureAsync(string name, string prefix, CancellationToken cancellationToken)
    {
        try
        {
            return await CaptureAsync(name, prefix, copies: true, cancellationToken);
        }
        catch (TablesInMotionException)
        {
            // What was written of the first attempt lies in packs that no point names.
            return await CaptureAsync(name, prefix, copies: false, cancellationToken);
        }
    }

    private async Task<DateTimeOffset> CaptureAsync(
        string name, string prefix, bool copies, CancellationToken cancellationToken)
    {
        await using var session = await server.OpenAsync(name, SessionUse.Ours, cancellationToken);
        var facts = await session.AskAsync(CatalogSql.Server, CatalogJson.Default.CatalogServer, cancellationToken);
        var programs = await server.ProgramsAsync(facts.Major, cancellationToken);
        var large = copies
            ? await CopiedTables.LookAsync(server, facts, name, settings.LargeTableBytes, cancellationToken)
            : null;
        await session.ExecuteAsync(CatalogSql.BeginSnapshot, cancellationToken);
        var snapshot = await session.AskAsync(
            CatalogSql.Snapshot(facts), CatalogJson.Default.CatalogSnapshot, cancellationToken);
        var migration = await MigrationHead.AskAsync(
            session, [.. snapshot.Tables.Select(table => (table.Schema, table.Name))], cancellationToken);
        context.Progress.Begin($"dump {name}", snapshot.Database.SizeBytes);

        using var copied = large is null
            ? null
            : await CopiedTables.OpenAsync(server, name, snapshot.Snapshot, large, Streams, settings.PieceBytes, cancellationToken);
        var gate = new Gate();
        var sink = new CaptureSink(context, gate, copied);
        using var parser = new DumpParser(sink);
        IReadOnlyDictionary<long, long> counted = new Dictionary<long, long>();
        IReadOnlyList<DumpTable> copiedRows = [];
        List<Func<CancellationToken, Task>> works =
            [token => DumpAsync(programs, name, [$"--snapshot={snapshot.Snapshot}", .. copied?.Arguments ?? []], parser, token)];
        if (copied is not null) works.Add(CopyAsync);
        if (settings.CountRows) works.Add(CountAsync);
        await Together.RunAsync(works, cancellationToken);
        sink.Add(copiedRows);
        copiedTables += copiedRows.Count;
        Compare(snapshot, sink, counted);
        await KeepAsync(snapshot, sink, prefix, migration, facts, programs, cancellationToken);
        return snapshot.Now;

        async Task CountAsync(CancellationToken token) =>
            counted = await new RowCounts(server, name, snapshot, oid => copied?.Reads(oid) == true).RunAsync(
                sink.Head, token);

        async Task CopyAsync(CancellationToken token)
        {
            await sink.Head.WaitAsync(token);
            copiedRows = await copied.RunAsync(gate, context.Progress, token);
        }
    }

    private async Task DumpAsync(
        PostgresPrograms programs,
        string name,
        IEnumerable<string> more,
        DumpParser parser,
        CancellationToken cancellationToken)
    {
        var result = await programs.RunAsync(
            "pg_dump",
            ["-Fc", "-Z0", "-w", LockWait, .. more],
            name,
            null,
            parser.TakeAsync,
            cancellationToken);
        var warnings = PostgresPrograms.Judge("pg_dump", result);
        parser.Finish();
        foreach (var warning in warnings)
        {
            context.Problems.Add(new Problem(
                RecoveryErrors.DumpWarning,
                warning.Contains("circular foreign-key", StringComparison.Ordinal) ? Severity.Note : Severity.Warning,
                warning,
                "read what pg_dump says, and drill this point") { Asset = asset, Where = name });
        }
    }

    private void Compare(CatalogSnapshot snapshot, CaptureSink sink, IReadOnlyDictionary<long, long> counted)
    {
        var names = snapshot.Tables.ToDictionary(table => table.Oid);
        foreach (var (entry, dumped) in sink.Rows)
        {
            if (!names.TryGetValue(entry.Oid, out var table) || table.OfExtension) continue;
            var key = TableName.Key(table.Schema, table.Name);
            if (counted.TryGetValue(table.Oid, out var expected) && dumped >= 0 && expected != dumped)
            {
                throw new RepriseException(
                    RecoveryErrors.DumpInvalid,
                    $"the dump holds {dumped} rows of {key}, the server counts {expected} in the same snapshot",
                    "a TRUNCATE or an ALTER TABLE during the dump does this: run the command again");
            }

            var known = dumped >= 0 ? dumped : expected;
            if (dumped >= 0 || counted.ContainsKey(table.Oid))
            {
                rows[settings.AllDatabases ? $"{TableName.Part(snapshot.Database.Name)}/{key}" : key] = known;
            }
        }
    }

    private async Task KeepAsync(
        CatalogSnapshot snapshot,
        CaptureSink sink,
        string prefix,
        string? migration,
        CatalogServer facts,
        PostgresPrograms programs,
        CancellationToken cancellationToken)
    {
        var head = await sink.Head;
        var tables = sink.Tables;
        streams[prefix + PostgresRecord.HeadStream] = sink.Toc;
        streams[prefix + PostgresRecord.TablesStream] = await StoreAsync(DumpTables.Encode(tables), cancellationToken);
        hashes.AddRange(PostgresRecord.DigestLines(snapshot.Database.Name, sink.Toc, tables));
        sourceBytes += head.LengthBytes + tables.Sum(table => table.Content.LengthBytes);
        versions["server"] = facts.Version;
        versions["client"] = programs.Clients.Version;
        versions["archive"] = string.Create(CultureInfo.InvariantCulture, $"1.{head.Version}");
        foreach (var extension in snapshot.Database.Extensions)
        {
            versions[$"extension/{extension.Name}"] = extension.Version;
        }
        databases.Add(snapshot.Database with
        {
            Prefix = prefix,
            Migration = migration,
            Owners = [.. head.Owners],
            DumpBytes = head.LengthBytes + tables.Sum(
                table => DumpLayout.BlockBytes(table.Block, table.Content.LengthBytes)),
        });
    }

    // Roles belong to the server: asked for themselves, and kept once more as pg_dumpall writes them, for people.
    private async Task<SortedDictionary<string, string>> CaptureRolesAsync(CancellationToken cancellationToken)
    {
        await using var session = await server.OpenAsync(databases[0].Name, SessionUse.Ours, cancellationToken);
        var facts = await session.AskAsync(CatalogSql.Server, CatalogJson.Default.CatalogServer, cancellationToken);
        var roles = await session.AskAsync(
            CatalogSql.Roles, CatalogJson.Default.IReadOnlyListCatalogRole, cancellationToken);
        streams[PostgresRecord.RolesStream] = await StoreAsync(
            JsonSerializer.SerializeToUtf8Bytes(roles, CatalogJson.Default.IReadOnlyListCatalogRole),
            cancellationToken);
        await CaptureGlobalsAsync(await server.ProgramsAsync(facts.Major, cancellationToken), cancellationToken);
        return await PostgresIdentity.AskAsync(session, server, settings.AllDatabases, cancellationToken);
    }

    private async Task CaptureGlobalsAsync(PostgresPrograms programs, CancellationToken cancellationToken)
    {
        var globals = new List<byte>();
        ChildResult result;
        string[] arguments = ["--globals-only", "--no-role-passwords", "-w"];
        if (programs.Clients.KnowsRestrictKey) arguments = [.. arguments, "--restrict-key=reprise"];
        try
        {
            result = await programs.RunAsync(
                "pg_dumpall",
                arguments,
                databases[0].Name,
                null,
                (block, _) =>
                {
                    globals.AddRange(block.Span);
                    return ValueTask.CompletedTask;
                },
                cancellationToken);
            PostgresPrograms.Judge("pg_dumpall", result);
        }
        catch (RepriseException e) when (e.Code == RecoveryErrors.ChildFailed)
        {
            context.Problems.Add(new Problem(
                RecoveryErrors.DumpWarning,
                Severity.Warning,
                $"roles and tablespaces could not be dumped as SQL: {e.Message}",
                "missing roles are still created on a restore; grant the user the right to read pg_roles for the rest")
            {
                Asset = asset,
            });
            return;
        }

        streams[PostgresRecord.GlobalsStream] = await StoreAsync(globals.ToArray(), cancellationToken);
    }

    private async Task<Content> StoreAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        var writer = context.Writer.Begin(Cutting.ContentDefined);
        await writer.WriteAsync(bytes, cancellationToken);
        return await writer.CompleteAsync(cancellationToken);
    }
}
