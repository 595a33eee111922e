using Reprise.Recovery.Assets;
using Reprise.Recovery.Postgres.InPlace;
using Reprise.Recovery.Postgres.Physical;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres;

/// <summary>
/// A PostgreSQL database, or all of a server, captured with <c>pg_dump</c> and brought back with <c>pg_restore</c>
/// beside the live one; or all of a server as files (<see cref="Physical.PhysicalCapture"/>). What its records hold is described at <see cref="PostgresRecord"/>.
/// </summary>
public sealed class PostgresAsset : IReplayable, IExaminable
{
    private readonly PostgresSettings settings;
    private readonly PostgresHost host;
    private readonly PostgresServer server;

    /// <summary>Resolves the connection; nothing is connected to yet.</summary>
    /// <exception cref="RepriseException"><c>connection-invalid</c>.</exception>
    public PostgresAsset(string name, PostgresSettings settings, PostgresHost host)
    {
        if (settings is { Method: PostgresMethod.Physical, Via: not null })
        {
            throw new RepriseException(
                RecoveryErrors.ConnectionInvalid,
                $"{name} asks for the method physical through via:, where the files of the server are not to be seen",
                "leave via: out and connect to the server itself (a published port), which then reads its files; or use method: logical, or auto");
        }

        Name = name;
        this.settings = settings;
        this.host = host;
        server = new PostgresServer(settings, host);
    }

    /// <inheritdoc />
    public string Name { get; }

    /// <inheritdoc />
    public string Kind => AssetKinds.Postgres;

    /// <summary>The connection with every default resolved; its text never holds the password.</summary>
    public PostgresConnection Connection => server.Connection;

    /// <inheritdoc />
    public Task<IReadOnlyList<Problem>> DiagnoseAsync(CancellationToken cancellationToken) =>
        new PostgresPreflight(Name, server, settings, host).DiagnoseAsync(cancellationToken);

    /// <inheritdoc />
    public Task<AssetRecord> CaptureAsync(CaptureContext context, CancellationToken cancellationToken) =>
        settings.Method == PostgresMethod.Physical
            ? new PhysicalCapture(Name, server, settings, host, context).RunAsync(cancellationToken)
            : new PostgresCapture(Name, server, settings, context).RunAsync(cancellationToken);

    /// <inheritdoc />
    public Task<TargetState> InspectAsync(CancellationToken cancellationToken) =>
        new PostgresTarget(server, settings).InspectAsync(cancellationToken);

    /// <inheritdoc />
    public Task<TargetState> InspectAsync(RestoreItem item, CancellationToken cancellationToken) =>
        IsInPlace(item) ? InPlace(item).InspectAsync(cancellationToken) : InspectAsync(cancellationToken);

    /// <summary>
    /// Asks the live database one question of the user's, read-only: the first column of the first row as text, or null
    /// when there is none. For checks.
    /// </summary>
    public async Task<string?> AskAsync(string query, CancellationToken cancellationToken)
    {
        await using var session = await server.OpenAsync(
            server.Connection.Database, SessionUse.Check, cancellationToken);
        return await session.ScalarAsync(query, cancellationToken);
    }

    /// <summary>The migration that the live database is at, as <c>alembic:3f2a…</c>, or null.</summary>
    public async Task<string?> AskMigrationAsync(CancellationToken cancellationToken)
    {
        await using var session = await server.OpenAsync(
            server.Connection.Database, SessionUse.Ours, cancellationToken);
        var tables = await session.AskAsync(
            CatalogSql.Tables, CatalogJson.Default.IReadOnlyListCatalogTable, cancellationToken);
        return await MigrationHead.AskAsync(
            session, [.. tables.Select(table => (table.Schema, table.Name))], cancellationToken);
    }

    /// <inheritdoc />
    public Task<IReadOnlyList<Problem>> PreflightAsync(RestoreItem item, CancellationToken cancellationToken)
    {
        if (IsInPlace(item)) return InPlace(item).PreflightAsync(cancellationToken);
        var databases = Databases(item);
        return new PostgresPreflight(Name, server, settings, host)
            .ForRestoreAsync(item, databases, Maintenance(databases), cancellationToken);
    }

    /// <inheritdoc />
    public Task StageAsync(
        RestoreItem item, PointReader point, IProgressSink progress, CancellationToken cancellationToken)
    {
        if (IsThere(item)) return Task.CompletedTask;
        if (IsInPlace(item)) return InPlace(item).StageAsync(point, progress, cancellationToken);
        var databases = Databases(item);
        return new PostgresStage(server, settings, host, item, progress)
            .RunAsync(databases, Maintenance(databases), point, cancellationToken);
    }

    /// <inheritdoc />
    public Task<IReadOnlyList<CheckOutcome>> VerifyStagedAsync(
        RestoreItem item, IProgressSink progress, CancellationToken cancellationToken) =>
        IsThere(item) ? Task.FromResult<IReadOnlyList<CheckOutcome>>([])
            : IsInPlace(item) ? InPlace(item).VerifyStagedAsync(progress, cancellationToken)
            : new PostgresVerify(server, host, item).RunAsync(Databases(item), progress, cancellationToken);

    /// <inheritdoc />
    public Task<IReadOnlyList<CheckOutcome>> ExamineAsync(
        RestoreItem item,
        PointReader point,
        CheckLevel upTo,
        IProgressSink progress,
        CancellationToken cancellationToken) =>
        IsThere(item)
            ? new PhysicalExamination(server, host, item).RunAsync(upTo, progress, cancellationToken)
            : new PostgresExamination(server, host, item, point).RunAsync(
                Databases(item), upTo, progress, cancellationToken);

    /// <inheritdoc />
    public Task SwapAsync(RestoreItem item, Swap swap, CancellationToken cancellationToken)
    {
        if (IsThere(item)) return Task.CompletedTask;
        if (IsInPlace(item)) return InPlace(item).SwapAsync(swap, cancellationToken);
        var databases = Databases(item);
        return new PostgresSwap(server, host, item).RunAsync(
            databases, Maintenance(databases), swap, cancellationToken);
    }

    /// <inheritdoc />
    public async Task<IReadOnlyDictionary<string, string>?> BecameAsync(RestoreItem item, CancellationToken cancellationToken) =>
        IsInPlace(item) ? (await InPlace(item).InspectAsync(cancellationToken)).Identity : null;

    /// <inheritdoc />
    public async Task<SlotState> InspectSlotAsync(RestoreItem item, Slot slot, CancellationToken cancellationToken)
    {
        if (IsInPlace(item)) return await InPlace(item).InspectSlotAsync(slot, cancellationToken);
        var databases = Databases(item);
        var names = databases.Select(database => SlotNames.Of(database.Live, slot)).ToList();
        await using var session = await server.OpenAsync(Maintenance(databases), SessionUse.Ours, cancellationToken);
        var states = await session.AskAsync(
            CatalogSql.States(names), CatalogJson.Default.IReadOnlyListDatabaseState, cancellationToken);
        long? size = states.Count > 0 && states.All(state => state.SizeBytes is not null)
            ? states.Sum(state => state.SizeBytes)
            : null;
        return new SlotState(states.Count > 0, server.Where(string.Join(", ", names)), size);
    }

    /// <inheritdoc />
    public async Task DiscardAsync(RestoreItem item, Slot slot, CancellationToken cancellationToken)
    {
        if (IsInPlace(item))
        {
            await InPlace(item).DiscardAsync(slot, cancellationToken);
            return;
        }

        var databases = Databases(item);
        if (slot.Kind == SlotKind.New) host.Disk.DeleteFile(PostgresStage.DumpPath(settings, host, item));
        await using var session = await server.OpenAsync(Maintenance(databases), SessionUse.Ours, cancellationToken);
        foreach (var database in databases)
        {
            var name = SlotNames.Of(database.Live, slot);
            Invariant.Check(name != database.Live, "a slot is never the live database");
            for (var looks = 0; looks < 200 && await session.ScalarAsync(DatabaseSql.EndCreation(name), cancellationToken) is not "0"; looks++)
                await Task.Delay(TimeSpan.FromMilliseconds(50), host.Clock, cancellationToken);
            await session.ExecuteAsync($"drop database if exists {Sql.Name(name)} with (force)", cancellationToken);
        }
    }

    /// <inheritdoc />
    public async Task<WrittenPaths> MaterialiseAsync(
        AssetRecord record,
        PointReader point,
        string folder,
        Survey survey,
        IProgressSink progress,
        CancellationToken cancellationToken)
    {
        if (record.Method == PostgresRecord.PhysicalMethod)
        {
            return await new PhysicalRestore(host, settings, record, point, progress)
                .RunAsync(new DiskPath(folder), cancellationToken);
        }

        var written = new WrittenPaths();
        foreach (var database in PostgresRecord.Databases(record))
        {
            var name = database.Prefix.Length == 0
                ? $"{record.Name}.dump"
                : $"{record.Name}.{PostgresStage.SafeName(database.Name)}.{database.Prefix.TrimEnd('/')}.dump";
            progress.Begin($"write {name}", database.DumpBytes);
            var head = PostgresRecord.Stream(record, database.Prefix + PostgresRecord.HeadStream);
            var tables = await PostgresRecord.TablesAsync(record, database, point, cancellationToken);
            await DumpFile.WriteAsync(
                host, new DiskPath(folder) / name, point, head, tables, DumpLayout.NowhereElse, progress, cancellationToken);
            written.Add(name);
        }

        if (!record.Streams.TryGetValue(PostgresRecord.GlobalsStream, out var globals)) return written;
        var bytes = await PostgresRecord.ReadAsync(point, globals, cancellationToken);
        using var file = host.Disk.CreateNew(new DiskPath(folder) / $"{record.Name}.globals.sql");
        file.Write(0, bytes.Span);
        written.Add($"{record.Name}.globals.sql");
        return written;
    }

    /// <inheritdoc />
    public Task<WrittenMoment> MaterialiseAsync(
        AssetRecord record,
        PointReader point,
        string folder,
        AssetMoment moment,
        IProgressSink progress,
        CancellationToken cancellationToken) =>
        new MomentRestore(host, settings, record, point, progress).RunAsync(new DiskPath(folder), moment, cancellationToken);

    /// <summary>Brings single tables of it back.</summary>
    public Tables.TableRestore Tables(IProgressSink progress) => new(host, settings, server, progress);

    /// <inheritdoc />
    public IAsyncEnumerable<DamagedPart> SurveyAsync(
        AssetRecord record,
        PointReader point,
        string scratchFolder,
        IProgressSink progress,
        CancellationToken cancellationToken) => Survey.AllOrNothingAsync(
            record.Name, point, PostgresRecord.ContentsAsync(record, point, cancellationToken), progress, cancellationToken);

    // One database goes to where the configuration points, whatever it was called; all go back under their own names.
    private IReadOnlyList<RestoreDatabase> Databases(RestoreItem item)
    {
        Invariant.Check(item.Record.Method != PostgresRecord.PhysicalMethod, "the files of a server are no list of databases");
        var databases = PostgresRecord.Databases(item.Record);
        return databases is [{ Prefix.Length: 0 } only]
            ? [new RestoreDatabase(only, server.Connection.Database)]
            : [.. databases.Select(database => new RestoreDatabase(database, database.Name))];
    }

    // Nothing has to be brought into a server that was made of the files of the point.
    private bool IsThere(RestoreItem item) => settings.IsRecovered && item.Record.Method == PostgresRecord.PhysicalMethod;

    private bool IsInPlace(RestoreItem item) => !settings.IsRecovered && item.Record.Method == PostgresRecord.PhysicalMethod;

    private InPlaceRestore InPlace(RestoreItem item) => new(host, server, settings, item);

    // A database cannot be renamed from within itself.
    private string Maintenance(IReadOnlyList<RestoreDatabase> databases) =>
        databases.Any(database => database.Live == settings.Maintenance) ? "template1" : settings.Maintenance;
}
