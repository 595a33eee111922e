using System.Globalization;
using System.Text;
using Reprise.Recovery.Assets;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres.Tables;

/// <summary>
/// Brings single tables back: as files of SQL, or as new tables beside the live ones, all of them in one transaction of
/// <c>psql</c>'s, so that whoever is killed leaves nothing.
/// </summary>
public sealed class TableRestore
{
    private const int PrivateFile = 0x180;
    private const int PrivateFolder = 0x1C0;
    private const string Part = ".part";

    private readonly PostgresHost host;
    private readonly PostgresSettings settings;
    private readonly PostgresServer live;
    private readonly IProgressSink progress;

    internal TableRestore(PostgresHost host, PostgresSettings settings, PostgresServer live, IProgressSink progress) =>
        (this.host, this.settings, this.live, this.progress) = (host, settings, live, progress);

    /// <summary>What would be done; nothing is made. Of the files of a server only their names are known before it runs.</summary>
    /// <exception cref="RepriseException">As <see cref="RunAsync"/>, as far as it can be known.</exception>
    public async Task<TablePlan> PlanAsync(TableWish wish, CancellationToken cancellationToken)
    {
        RequireEmpty(wish);
        if (!IsPhysical(wish))
        {
            await using var dumped = new DumpedTables(wish);
            return (await PlanAsync(wish, await MeasuredAsync(dumped, cancellationToken), cancellationToken)).Plan;
        }

        var tables = wish.Tables.Select(t => new PlannedTable(
            wish.Database, t.ToString(), wish.Folder is { } folder ? (folder / FileName(t.Schema, t.Name)).ToString() : t + Stamp(), null, null));
        return new TablePlan([.. tables], wish.Folder?.ToString() ?? live.Where(wish.Database ?? "with that table"), null, new SortedDictionary<string, string>());
    }

    /// <summary>Brings them back.</summary>
    /// <param name="wish">which ones.</param>
    /// <param name="confirm">is given the plan, with everything known, and throws when it is not to be.</param>
    /// <param name="cancellationToken">ends it; nothing is left then.</param>
    /// <exception cref="RepriseException">
    /// <c>table-unknown</c>, <c>table-ambiguous</c>, <c>table-not-restorable</c>, <c>target-not-empty</c>, <c>schema-missing</c>, <c>child-failed</c>, and
    /// what reading a point and starting a server may end with. Nothing was changed then.
    /// </exception>
    public async Task<TableResult> RunAsync(TableWish wish, Func<TablePlan, CancellationToken, Task> confirm, CancellationToken cancellationToken)
    {
        RequireEmpty(wish);
        var scratch = new TableScratch(host, wish.Scratch);
        await scratch.MakeAsync(cancellationToken);
        try
        {
            await using var source = IsPhysical(wish)
                ? await ServerTables.OpenAsync(host, settings, wish, progress, cancellationToken)
                : (TableSource)new DumpedTables(wish);
            var made = await PlanAsync(wish, await MeasuredAsync(source, cancellationToken), cancellationToken);
            await confirm(made.Plan, cancellationToken);
            var written = wish.Folder is { } folder
                ? await WriteAsync(wish, folder, source, made, cancellationToken)
                : await LoadAsync(source, made, cancellationToken);
            return new TableResult(made.Plan, written, source.Reached);
        }
        finally
        {
            await scratch.ClearAsync(CancellationToken.None);
        }
    }

    private static bool IsPhysical(TableWish wish) => wish.Record.Method == PostgresRecord.PhysicalMethod;

    private async Task<IReadOnlyList<FoundTable>> MeasuredAsync(TableSource source, CancellationToken cancellationToken)
    {
        progress.Begin("look for the tables", null);
        var measured = new List<FoundTable>();
        foreach (var table in await source.FindAsync(cancellationToken)) measured.Add(await source.MeasureAsync(table, cancellationToken));
        return measured;
    }

    private async Task<Made> PlanAsync(TableWish wish, IReadOnlyList<FoundTable> tables, CancellationToken cancellationToken)
    {
        if (wish.Folder is { } folder)
        {
            var files = Distinct([.. tables.Select(t => FileName(t.Schema, t.Name))]);
            var toFiles = tables.Select((t, i) => new PlannedTable(t.Database, t.Typed, (folder / files[i]).ToString(), t.Rows, t.Bytes));
            return new Made(new TablePlan([.. toFiles], folder.ToString(), null, new SortedDictionary<string, string>()), tables, files, "");
        }

        var database = LiveName(wish, tables[0].Database);
        await using var session = await live.OpenAsync(database, SessionUse.Ours, cancellationToken);
        var suffix = await SuffixAsync(session, tables, cancellationToken);
        var names = Distinct([.. tables.Select(t => TableScript.Suffixed(t.Name, suffix, Encoding.UTF8))]);
        var planned = tables.Select((t, i) => new PlannedTable(database, t.Typed, NamedTable.Of(t.Schema, names[i]), t.Rows, t.Bytes));
        var identity = await PostgresIdentity.AskAsync(session, live, false, cancellationToken);
        identity.Remove("database");
        var owner = await session.ScalarAsync("select current_user::text", cancellationToken);
        return new Made(new TablePlan([.. planned], live.Where(database), owner, identity), tables, names, suffix);
    }

    // One database of a dump goes to where the configuration points; of several each has its own name.
    private string LiveName(TableWish wish, string database) =>
        !IsPhysical(wish) && PostgresRecord.Databases(wish.Record) is [{ Prefix.Length: 0 }] ? live.Connection.Database : database;

    private string Stamp() => host.Clock.GetUtcNow().ToString("'_restored_'yyyyMMdd'_'HHmm", CultureInfo.InvariantCulture);

    // One for all of them, so that they are seen to belong together.
    private async Task<string> SuffixAsync(ISqlSession session, IReadOnlyList<FoundTable> tables, CancellationToken cancellationToken)
    {
        const int most = 1000;
        var stamp = Stamp();
        for (var number = 1; number <= most; number++)
        {
            var suffix = number == 1 ? stamp : string.Create(CultureInfo.InvariantCulture, $"{stamp}_{number}");
            var isFree = true;
            foreach (var table in tables)
            {
                var held = await session.ScalarAsync(CatalogSql.Holds(table.Schema, TableScript.Suffixed(table.Name, suffix, Encoding.UTF8)), cancellationToken)
                    ?? throw new RepriseException(
                        RecoveryErrors.SchemaMissing,
                        $"{live.Where(session.Database)} has no schema {NamedTable.Shown(Sql.Name(table.Schema))} for the new table",
                        $"create it, or write the table to a file with --to FOLDER");
                isFree &= held is not ("true" or "t");
            }

            if (isFree) return suffix;
        }

        throw new RepriseException(RecoveryErrors.TargetNotEmpty, $"{most} tables of this minute are there already", "drop those that nobody needs");
    }

    private static string FileName(string? schema, string name) => PostgresStage.SafeName(schema is null ? name : $"{schema}.{name}").TrimStart('.') + ".sql";

    private static List<string> Distinct(IReadOnlyList<string> names)
    {
        var taken = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var made = new List<string>();
        foreach (var name in names)
        {
            var one = name;
            for (var number = 2; !taken.Add(one); number++) one = string.Create(CultureInfo.InvariantCulture, $"{number}_{name}");
            made.Add(one);
        }

        return made;
    }

    private void RequireEmpty(TableWish wish)
    {
        if (wish.Folder is not { } folder || host.Disk.Stat(folder) is not { } status) return;
        if (status.Type == FileType.Folder && !host.Disk.List(folder).Any()) return;
        throw new RepriseException(
            RecoveryErrors.TargetNotEmpty, $"{folder} is not an empty folder", "name a folder that does not exist yet, or an empty one");
    }

    private async Task<IReadOnlyList<RestoredTable>> WriteAsync(
        TableWish wish, DiskPath folder, TableSource source, Made made, CancellationToken cancellationToken)
    {
        var existed = host.Disk.Stat(folder) is not null;
        host.Disk.MakeFolder(folder, PrivateFolder);
        var open = new List<(IDiskFile File, DumpFile Writer, DiskPath Path)>();
        try
        {
            progress.Begin($"write {made.Names.Count} of {wish.Record.Name}", made.Tables.Sum(t => t.Bytes));
            var outputs = new List<TableOutput>();
            foreach (var (table, name) in made.Tables.Zip(made.Names))
            {
                var path = folder / (name + Part);
                var file = host.Disk.CreateNew(path, PrivateFile);
                host.Disk.SetMode(path, PrivateFile);
                var writer = new DumpFile(file, host.Cpu, progress);
                open.Add((file, writer, folder / name));
                outputs.Add(new TableOutput(table, null, "", Headline(wish, table), writer.WriteAsync));
            }

            var script = new TableScript(outputs);
            await source.StreamAsync(made.Tables, script, cancellationToken);
            RequireCounts(made.Tables, script);
            foreach (var (file, writer, _) in open)
            {
                await writer.EndAsync(cancellationToken);
                await host.Cpu.RunAsync(file.Sync, cancellationToken);
            }

            foreach (var (_, _, path) in open) host.Disk.Rename(folder / (path.Name + Part), path);
            host.Disk.SyncFolder(folder);
            return Restored(made.Plan, script);
        }
        catch
        {
            foreach (var (_, _, path) in open)
            {
                host.Disk.DeleteFile(folder / (path.Name + Part));
                host.Disk.DeleteFile(path);
            }

            if (!existed) host.Disk.DeleteFolder(folder);
            throw;
        }
        finally
        {
            foreach (var (file, writer, _) in open)
            {
                writer.Dispose();
                file.Dispose();
            }
        }
    }

    private static string Headline(TableWish wish, FoundTable table)
    {
        var moment = wish.Moment is { } at ? $", at {at.Wish} (WAL up to {(at.Inclusive ? at.End : at.Target)} of timeline {at.Timeline})" : "";
        return $"reprise: table {table.Typed} of database {table.Database}, asset {wish.Record.Name}, point {wish.Point.Manifest.Id}{moment}; for psql";
    }

    private async Task<IReadOnlyList<RestoredTable>> LoadAsync(TableSource source, Made made, CancellationToken cancellationToken)
    {
        var database = made.Plan.Tables[0].Database ?? throw new InvariantException("a table was found in a database");
        int major;
        await using (var session = await live.OpenAsync(database, SessionUse.Ours, cancellationToken))
            major = (await session.AskAsync(CatalogSql.Server, CatalogJson.Default.CatalogServer, cancellationToken)).Major;
        var programs = await live.ProgramsAsync(major, cancellationToken);
        progress.Begin($"load {made.Names.Count} into {live.Where(database)}", made.Tables.Sum(t => t.Bytes));
        TableScript? script = null;
        var result = await programs.RunAsync(
            "psql", ["-X", "-q", "-w", "-v", "ON_ERROR_STOP=1", "-f", "-"], database, FeedAsync, null, cancellationToken);
        if (result.Exit != 0) throw Refused(result.Errors, live.Where(database));
        if (script is null) throw new InvariantException("psql ended well and was given nothing");
        return Restored(made.Plan, script);

        async Task FeedAsync(Stream input, CancellationToken token)
        {
            // Whatever ends before the last line ends the transaction with it.
            await input.WriteAsync("begin;\n"u8.ToArray(), token);
            var fed = new TableScript([.. made.Tables.Zip(made.Names, (t, n) => new TableOutput(t, n, made.Suffix, "", Write))]);
            await source.StreamAsync(made.Tables, fed, token);
            RequireCounts(made.Tables, fed);
            await input.WriteAsync("commit;\n"u8.ToArray(), token);
            await input.FlushAsync(token);
            script = fed;

            ValueTask Write(ReadOnlyMemory<byte> bytes, CancellationToken stop)
            {
                progress.Advance(bytes.Length);
                return input.WriteAsync(bytes, stop);
            }
        }
    }

    // What was counted when the table was found and what passed by are two ways to the same number.
    private static void RequireCounts(IReadOnlyList<FoundTable> tables, TableScript script)
    {
        foreach (var (table, written) in tables.Zip(script.Written).Where(p => p.First.Rows is { } rows && rows != p.Second.Rows))
        {
            throw new RepriseException(
                RecoveryErrors.StagedWrong,
                string.Create(CultureInfo.InvariantCulture, $"{table.Typed} has {table.Rows:N0} rows at that moment, and {written.Rows:N0} came out of it"),
                "nothing was kept of it; run 'reprise verify', then the command again");
        }
    }

    private static List<RestoredTable> Restored(TablePlan plan, TableScript script) =>
        [.. plan.Tables.Zip(script.Written, (p, w) => new RestoredTable(p, w.Rows, w.LeftOut))];

    private static RepriseException Refused(string errors, string where)
    {
        var lines = errors.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var said = lines.FirstOrDefault(l => l.Contains("ERROR:", StringComparison.Ordinal) || l.Contains("FATAL:", StringComparison.Ordinal))
            ?? lines.LastOrDefault() ?? "it said nothing";
        return new RepriseException(
            RecoveryErrors.ChildFailed,
            $"{where} did not take the new table, and has nothing of it: {said}",
            "correct what it says, or write the table to a file with --to FOLDER");
    }

    /// <summary>What was found and what it is called.</summary>
    private sealed record Made(TablePlan Plan, IReadOnlyList<FoundTable> Tables, IReadOnlyList<string> Names, string Suffix);
}
