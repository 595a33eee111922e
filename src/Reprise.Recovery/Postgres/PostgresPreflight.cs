using System.Globalization;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Postgres.Physical;
using Reprise.Repository.Pages;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres;

/// <summary>What can be known to stop or to weaken a capture or a restore, before anything is touched.</summary>
internal sealed class PostgresPreflight(
    string asset, PostgresServer server, PostgresSettings settings, PostgresHost host)
{
    private static readonly int[] TestedMajors = [15, 17, 18];

    private readonly List<Problem> problems = [];

    /// <summary>For <c>doctor</c>.</summary>
    public async Task<IReadOnlyList<Problem>> DiagnoseAsync(CancellationToken cancellationToken)
    {
        foreach (var note in server.Connection.Notes)
        {
            Add(RecoveryErrors.ConnectionInvalid, Severity.Note, note, "remove it from the connection, or leave it");
        }

        try
        {
            var name = settings.AllDatabases ? settings.Maintenance : server.Connection.Database;
            await using var session = await server.OpenAsync(name, SessionUse.Ours, cancellationToken);
            var facts = await session.AskAsync(CatalogSql.Server, CatalogJson.Default.CatalogServer, cancellationToken);
            JudgeServer(facts);
            if (settings.Method == PostgresMethod.Physical)
            {
                await JudgeFilesAsync(cancellationToken);
                return problems;
            }

            await server.ProgramsAsync(facts.Major, cancellationToken);
            await JudgeReadingAsync(session, facts, cancellationToken);
            await JudgeCollationAsync(session, facts, cancellationToken);
            await JudgeRightsAsync(session, facts, cancellationToken);
            var size = await session.ScalarAsync(
                "select pg_catalog.pg_database_size(pg_catalog.current_database())::text", cancellationToken);
            JudgeRoom(long.Parse(size ?? "0", CultureInfo.InvariantCulture), Severity.Warning);
        }
        catch (RepriseException e)
        {
            problems.Add(e.Problem with { Asset = asset });
        }

        return problems;
    }

    /// <summary>For a restore.</summary>
    public async Task<IReadOnlyList<Problem>> ForRestoreAsync(
        RestoreItem item,
        IReadOnlyList<RestoreDatabase> databases,
        string maintenance,
        CancellationToken cancellationToken)
    {
        try
        {
            await using var session = await server.OpenAsync(maintenance, SessionUse.Ours, cancellationToken);
            var facts = await session.AskAsync(CatalogSql.Server, CatalogJson.Default.CatalogServer, cancellationToken);
            JudgeAge(facts, item.Record.Versions.GetValueOrDefault("server"));
            var oldest = PostgresStage.OldestReader(item.Record.Versions.GetValueOrDefault("archive"));
            await server.ProgramsAsync(Math.Max(facts.Major, oldest), cancellationToken);
            if (facts.Recovery)
            {
                Add(
                    RecoveryErrors.PrivilegeMissing,
                    Severity.Error,
                    "the server is a standby: nothing can be created on it",
                    "restore to its primary");
            }

            await JudgeRightsAsync(session, facts, databases, cancellationToken);
            await JudgeExtensionsAsync(session, databases, cancellationToken);
            await JudgeUsersAsync(session, facts, databases, cancellationToken);
            if (!server.IsVia) JudgeRoom(databases.Max(database => database.Facts.DumpBytes), Severity.Error);
        }
        catch (RepriseException e)
        {
            problems.Add(e.Problem with { Asset = asset });
        }

        return problems;
    }

    // What a capture would refuse, without beginning one.
    private async Task JudgeFilesAsync(CancellationToken cancellationToken)
    {
        await using var backup = await BackupSession.OpenAsync(server, settings.Maintenance, settings.DataFolder is null, cancellationToken);
        PhysicalCapture.Require(backup.Server);
        if (settings.DataFolder is not null)
        {
            await host.Cpu.RunAsync(new DataFolder(host, settings, backup.Server).Demand, cancellationToken);
            return;
        }

        await using var source = await ServerSource.OpenAsync(server, settings, backup.Server, host, cancellationToken);
        await source.LookAsync(default, default, PagedEntryType.Folder, cancellationToken);
    }

    private void Add(ErrorCode code, Severity severity, string message, string hint) =>
        problems.Add(new Problem(code, severity, message, hint) { Asset = asset });

    private void JudgeServer(CatalogServer facts)
    {
        if (TestedMajors.Contains(facts.Major)) return;
        Add(
            RecoveryErrors.DumpWarning,
            Severity.Warning,
            $"PostgreSQL {facts.Major} is none of the majors that Reprise is tested with: "
                + string.Join(", ", TestedMajors),
            "drill more often than you would");
    }

    private void JudgeAge(CatalogServer facts, string? recorded)
    {
        var first = recorded?.Split('.')[0];
        var dumped = int.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out var major) ? major : 0;
        if (facts.Major >= dumped) return;
        Add(
            RecoveryErrors.ServerTooOld,
            Severity.Error,
            $"the server is PostgreSQL {facts.Version}, the point was taken from {recorded}",
            $"restore to a server of PostgreSQL {dumped} or newer");
    }

    // Without a right to read a table pg_dump fails, with the first one that it meets.
    private async Task JudgeReadingAsync(ISqlSession session, CatalogServer facts, CancellationToken cancellationToken)
    {
        if (facts.Superuser) return;
        var unreadable = await session.AskAsync(
            """
            select coalesce(pg_catalog.json_agg(pg_catalog.format('%I.%I', n.nspname, c.relname)), '[]'::json)::text
            from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
            where c.relkind in ('r', 'p', 'S') and n.nspname not in ('pg_catalog', 'information_schema')
              and n.nspname !~ '^pg_(toast|temp)'
              and not (pg_catalog.has_table_privilege(c.oid, 'select')
                and pg_catalog.has_schema_privilege(n.oid, 'usage'))
            """,
            CatalogJson.Default.IReadOnlyListString,
            cancellationToken);
        if (unreadable.Count == 0) return;
        Add(
            RecoveryErrors.PrivilegeMissing,
            Severity.Error,
            $"{facts.User} cannot read {unreadable[0]}"
                + (unreadable.Count > 1 ? $" and {unreadable.Count - 1} others" : ""),
            $"grant pg_read_all_data to {Sql.Name(facts.User)}, or connect as the owner");
    }

    private async Task JudgeCollationAsync(
        ISqlSession session, CatalogServer facts, CancellationToken cancellationToken)
    {
        if (facts.Major < 15) return;
        var differs = await session.ScalarAsync(
            "select (datcollversion <> pg_catalog.pg_database_collation_actual_version(oid))::text"
            + " from pg_catalog.pg_database where datname = pg_catalog.current_database()",
            cancellationToken);
        if (differs != "true") return;
        Add(
            RecoveryErrors.DumpWarning,
            Severity.Warning,
            "the operating system sorts text otherwise than when the database was made: indexes may be wrong",
            $"reindex the database, then alter database {Sql.Name(session.Database)} refresh collation version");
    }

    private Task JudgeRightsAsync(ISqlSession session, CatalogServer facts, CancellationToken cancellationToken)
    {
        if (facts.CreateDatabase || facts.Recovery) return Task.CompletedTask;
        Add(
            RecoveryErrors.PrivilegeMissing,
            Severity.Warning,
            $"{facts.User} may not create databases: a backup works, a restore beside the live database does not",
            $"alter role {Sql.Name(facts.User)} createdb, or restore with another user");
        return Task.CompletedTask;
    }

    private async Task JudgeRightsAsync(
        ISqlSession session,
        CatalogServer facts,
        IReadOnlyList<RestoreDatabase> databases,
        CancellationToken cancellationToken)
    {
        if (facts.Superuser) return;
        if (!facts.CreateDatabase)
        {
            Add(
                RecoveryErrors.PrivilegeMissing,
                Severity.Error,
                $"{facts.User} may not create databases",
                $"alter role {Sql.Name(facts.User)} createdb, or connect as a superuser");
        }

        var owners = databases.SelectMany(database => database.Facts.Owners).Distinct(StringComparer.Ordinal).ToList();
        if (owners.Count > 0)
        {
            var values = string.Join(", ", owners.Select(owner => $"({Sql.Text(owner)})"));
            var foreign = await session.AskAsync(
                $"""
                select coalesce(pg_catalog.json_agg(o.name), '[]'::json)::text from (values {values}) o(name)
                left join pg_catalog.pg_roles r on r.rolname = o.name
                where r.oid is null or not pg_catalog.pg_has_role(current_user, r.oid, 'member')
                """,
                CatalogJson.Default.IReadOnlyListString,
                cancellationToken);
            // The owner of the schema public since 15: every database has its own.
            var missing = foreign.Where(owner => owner != "pg_database_owner").ToList();
            if (missing.Count > 0)
            {
                Add(
                    RecoveryErrors.PrivilegeMissing,
                    Severity.Error,
                    $"{facts.User} cannot give objects to {string.Join(", ", missing)}, which own some in the point",
                    $"grant these roles to {Sql.Name(facts.User)}, or connect as a superuser");
            }
        }

        var states = await session.AskAsync(
            CatalogSql.States(databases.Select(database => database.Live)),
            CatalogJson.Default.IReadOnlyListDatabaseState,
            cancellationToken);
        foreach (var state in states.Where(state => !state.Owned))
        {
            Add(
                RecoveryErrors.PrivilegeMissing,
                Severity.Error,
                $"{facts.User} cannot rename database {state.Name}, which {state.Owner} owns",
                $"connect as {state.Owner} or as a superuser");
        }
    }

    private async Task JudgeExtensionsAsync(
        ISqlSession session, IReadOnlyList<RestoreDatabase> databases, CancellationToken cancellationToken)
    {
        var available = await session.AskAsync(
            "select pg_catalog.json_agg(name)::text from pg_catalog.pg_available_extensions",
            CatalogJson.Default.IReadOnlyListString,
            cancellationToken);
        var wanted = databases.SelectMany(database => database.Facts.Extensions).Select(extension => extension.Name);
        foreach (var extension in wanted.Distinct(StringComparer.Ordinal).Except(available, StringComparer.Ordinal))
        {
            Add(
                RecoveryErrors.ExtensionMissing,
                Severity.Error,
                $"the extension {extension} is not installed on the server",
                $"install the package that holds {extension}, or use the image that the application uses");
        }
    }

    private async Task JudgeUsersAsync(
        ISqlSession session,
        CatalogServer facts,
        IReadOnlyList<RestoreDatabase> databases,
        CancellationToken cancellationToken)
    {
        foreach (var name in databases.Select(database => database.Live))
        {
            var users = await session.AskAsync(
                CatalogSql.Sessions(name), CatalogJson.Default.IReadOnlyListString, cancellationToken);
            if (users.Count == 0) continue;
            var stubborn = facts.Superuser
                ? "0"
                : await session.ScalarAsync(
                    "select pg_catalog.count(*)::text from pg_catalog.pg_stat_activity a"
                    + " join pg_catalog.pg_roles r on r.oid = a.usesysid"
                    + $" where a.datname = {Sql.Text(name)} and (r.rolsuper or not ("
                    + (facts.SignalBackend ? "true" : "false")
                    + " or pg_catalog.pg_has_role(current_user, r.oid, 'usage')))",
                    cancellationToken);
            var ours = stubborn == "0";
            Add(
                RecoveryErrors.TargetInUse,
                ours ? Severity.Warning : Severity.Error,
                $"{(users.Count == 1 ? "1 session uses" : $"{users.Count} sessions use")} database {name}: {users[0]}"
                    + (ours ? "; they are ended when the databases are swapped" : ""),
                ours
                    ? "stop the application, or let control.stop do it"
                    : "stop the application; its sessions cannot be ended by this user");
        }
    }

    private void JudgeRoom(long bytes, Severity severity)
    {
        if (settings.Via is not null) return;
        var folder = settings.StageFolder ?? host.TemporaryFolder;
        var space = host.Disk.Space(new DiskPath(folder));
        if (space.FreeBytes >= bytes) return;
        Add(
            RecoveryErrors.TargetTooSmall,
            severity,
            $"{folder} has {space.FreeBytes} bytes free, the dump needs {bytes} for the time of a restore",
            "make room there, or name another folder with --stage");
    }
}
