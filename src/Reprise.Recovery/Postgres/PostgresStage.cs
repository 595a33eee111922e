using System.Globalization;
using System.Text;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Processes;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;

namespace Reprise.Recovery.Postgres;

/// <summary>
/// Builds the restored database beside the live one: missing roles, an empty database of a name of ours that nobody is
/// granted, the dump laid out as a file in which <c>pg_restore</c> can seek, then <c>pg_restore</c>.
/// <para>
/// Through <c>via</c> the dump is streamed into one <c>pg_restore</c> instead: it needs no room in the container and
/// nothing has to be copied there, at the price of one job instead of several.
/// </para>
/// </summary>
internal sealed class PostgresStage(
    PostgresServer server, PostgresSettings settings, PostgresHost host, RestoreItem item, IProgressSink progress)
{
    // pg_restore sets this parameter since 17, which a server before 17 does not have.
    private const int TransactionTimeoutMajor = 17;

    /// <summary>The oldest major whose pg_restore reads an archive of version 1.<paramref name="archive"/>.</summary>
    public static int OldestReader(string? archive) => archive switch { "1.15" => 16, "1.16" => 17, _ => 12 };

    /// <summary>Where the dump of a restore is laid out.</summary>
    public static DiskPath DumpPath(PostgresSettings settings, PostgresHost host, RestoreItem item) =>
        new DiskPath(settings.StageFolder ?? host.TemporaryFolder)
            / $"reprise-{SafeName(item.Record.Name)}-{item.RestoreId}.dump";

    /// <summary>A name that is one segment of a path whatever it was.</summary>
    public static string SafeName(string name) =>
        string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' ? c : '_'));

    public async Task RunAsync(
        IReadOnlyList<RestoreDatabase> databases,
        string maintenance,
        PointReader point,
        CancellationToken cancellationToken)
    {
        await using var session = await server.OpenAsync(maintenance, SessionUse.Ours, cancellationToken);
        var facts = await session.AskAsync(CatalogSql.Server, CatalogJson.Default.CatalogServer, cancellationToken);
        var oldest = OldestReader(item.Record.Versions.GetValueOrDefault("archive"));
        var programs = await server.ProgramsAsync(Math.Max(facts.Major, oldest), cancellationToken);
        var roles = await PostgresRecord.RolesAsync(item.Record, point, cancellationToken);
        var present = await CreateRolesAsync(session, roles, cancellationToken);
        foreach (var database in databases)
        {
            await CreateAsync(session, facts, database, present, cancellationToken);
            await RestoreAsync(programs, facts.Major, database, point, cancellationToken);
            await FinishAsync(session, database, present, cancellationToken);
        }
    }

    // Existing roles are never altered: somebody may have changed them on purpose since.
    private async Task<HashSet<string>> CreateRolesAsync(
        ISqlSession session, IReadOnlyList<CatalogRole> wanted, CancellationToken cancellationToken)
    {
        var existing = (await session.AskAsync(
            CatalogSql.Roles, CatalogJson.Default.IReadOnlyListCatalogRole, cancellationToken))
            .ToDictionary(role => role.Name);
        var present = existing.Keys.ToHashSet(StringComparer.Ordinal);
        var created = new List<CatalogRole>();
        foreach (var role in wanted)
        {
            if (existing.TryGetValue(role.Name, out var now))
            {
                NoteDifference(role, now);
                continue;
            }

            if (!await TryAsync(session, DatabaseSql.Create(role), $"role {role.Name}", cancellationToken)) continue;
            created.Add(role);
            present.Add(role.Name);
            progress.Note(role.Login
                ? $"role {role.Name} was created without a password: give it one with \\password {role.Name}"
                : $"role {role.Name} was created");
            foreach (var setting in role.Settings)
            {
                await TryAsync(
                    session, DatabaseSql.Set(role, setting), $"{setting.Name} of role {role.Name}", cancellationToken);
            }

            if (role.Comment is { } comment)
            {
                await TryAsync(
                    session,
                    $"comment on role {Sql.Name(role.Name)} is {Sql.Text(comment)}",
                    $"comment of {role.Name}",
                    cancellationToken);
            }
        }

        // Memberships that a new role has part in, on either side; those between existing roles are left as they are.
        var isNew = created.Select(role => role.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var role in wanted)
        {
            if (!isNew.Contains(role.Name) && !role.MemberOf.Any(group => isNew.Contains(group.Role))) continue;
            foreach (var group in role.MemberOf.Where(group => present.Contains(group.Role)))
            {
                var admin = group.Admin ? " with admin option" : "";
                var grant = $"grant {Sql.Name(group.Role)} to {Sql.Name(role.Name)}{admin}";
                await TryAsync(session, grant, $"membership of {role.Name} in {group.Role}", cancellationToken);
            }
        }

        return present;
    }

    private void NoteDifference(CatalogRole then, CatalogRole now)
    {
        var plain = now with { Settings = then.Settings, MemberOf = then.MemberOf, Comment = then.Comment };
        if (plain != then)
        {
            progress.Note($"role {then.Name} has other attributes than at the point; it is left as it is");
        }
        var still = now.MemberOf.Select(group => group.Role);
        var missing = then.MemberOf.Select(group => group.Role).Except(still).ToList();
        if (missing.Count > 0)
        {
            progress.Note(
                $"role {then.Name} is no longer a member of {string.Join(", ", missing)}; it is left as it is");
        }
    }

    private async Task<bool> TryAsync(ISqlSession session, string sql, string what, CancellationToken cancellationToken)
    {
        try
        {
            await session.ExecuteAsync(sql, cancellationToken);
            return true;
        }
        catch (SqlException e) when (e.State.StartsWith("42", StringComparison.Ordinal)
            || e.State.StartsWith("22", StringComparison.Ordinal) || e.State is "0LP01" or "55P02")
        {
            progress.Note($"{what} could not be brought back: {e.Problem.Message}");
            return false;
        }
    }

    private async Task CreateAsync(
        ISqlSession session,
        CatalogServer facts,
        RestoreDatabase database,
        HashSet<string> roles,
        CancellationToken cancellationToken)
    {
        var name = database.Staged(item);
        await session.ExecuteAsync($"drop database if exists {Sql.Name(name)} with (force)", cancellationToken);
        var owner = await OwnerAsync(session, facts, database.Facts.Owner, roles, cancellationToken);
        var spaces = await session.AskAsync(
            "select pg_catalog.json_agg(spcname)::text from pg_catalog.pg_tablespace",
            CatalogJson.Default.IReadOnlyListString,
            cancellationToken);
        var space = database.Facts.Tablespace is { } wanted and not "pg_default" && spaces.Contains(wanted)
            ? wanted
            : null;
        await session.ExecuteAsync(
            DatabaseSql.Create(name, database.Facts, owner, space, facts.Major), cancellationToken);
        await session.ExecuteAsync($"revoke all on database {Sql.Name(name)} from public", cancellationToken);
    }

    private async Task<string?> OwnerAsync(
        ISqlSession session,
        CatalogServer facts,
        string owner,
        HashSet<string> roles,
        CancellationToken cancellationToken)
    {
        var may = roles.Contains(owner) && (facts.Superuser || await session.ScalarAsync(
            $"select pg_catalog.pg_has_role(current_user, {Sql.Text(owner)}, 'member')::text",
            cancellationToken) == "true");
        if (may) return owner;
        progress.Note(
            $"the database is owned by {facts.User}: {owner} is missing or cannot be given it by {facts.User}");
        return null;
    }

    private async Task RestoreAsync(
        PostgresPrograms programs,
        int serverMajor,
        RestoreDatabase database,
        PointReader point,
        CancellationToken cancellationToken)
    {
        var head = PostgresRecord.Stream(item.Record, database.Facts.Prefix + PostgresRecord.HeadStream);
        var tables = await PostgresRecord.TablesAsync(item.Record, database.Facts, point, cancellationToken);
        var name = database.Staged(item);
        if (programs.IsVia)
        {
            progress.Begin($"restore {database.Live} through one pg_restore", database.Facts.DumpBytes);
            await RunAsync(programs, serverMajor, name, [], StreamAsync, cancellationToken);
            return;
        }

        var path = DumpPath(settings, host, item);
        host.Disk.DeleteFile(path);
        try
        {
            var large = LargeTables.Among(
                await DumpLayout.ReadHeadAsync(point, head, null, cancellationToken),
                tables,
                database.Facts.Encoding,
                settings.LargeTableBytes);
            var elsewhere = large.Select(table => table.Entry.Id).ToHashSet();
            progress.Begin($"lay out the dump of {database.Live}", LaidOutBytes(database, large));
            await DumpFile.WriteAsync(host, path, point, head, tables, elsewhere, progress, cancellationToken);
            await RestoreAsync(
                (arguments, token) =>
                    RunAsync(programs, serverMajor, name, [.. arguments, path.ToString()], null, token),
                database,
                point,
                large,
                cancellationToken);
        }
        finally
        {
            host.Disk.DeleteFile(path);
        }

        Task StreamAsync(Stream input, CancellationToken token) => DumpLayout.WriteAsync(
            point,
            head,
            tables,
            DumpLayout.NowhereElse,
            (bytes, stop) =>
            {
                progress.Advance(bytes.Length);
                return input.WriteAsync(bytes, stop);
            },
            token);
    }

    private async Task RestoreAsync(
        Func<string[], CancellationToken, Task> restore,
        RestoreDatabase database,
        PointReader point,
        IReadOnlyList<LargeTable> large,
        CancellationToken cancellationToken)
    {
        var jobs = settings.RestoreJobs > 0 ? settings.RestoreJobs : host.Cpu.Degree;
        if (large.Count == 0)
        {
            progress.Begin($"restore {database.Live}", null);
            await restore([Jobs(jobs)], cancellationToken);
            return;
        }

        // The three sections one after another are what a pg_restore of all does; the rows of large tables come in
        // beside the second one.
        await restore(["--section=pre-data"], cancellationToken);
        progress.Begin($"restore the rows of {database.Live}", large.Sum(table => table.Rows.LengthBytes));
        var rows = new LargeTables(server, database.Staged(item), progress);
        await Together.RunAsync(
            [token => rows.LoadAsync(point, large, jobs, token), token => restore(["--section=data"], token)],
            cancellationToken);
        progress.Begin($"restore indexes and constraints of {database.Live}", null);
        await restore(["--section=post-data", Jobs(jobs)], cancellationToken);
    }

    private static string Jobs(int jobs) => "--jobs=" + jobs.ToString(CultureInfo.InvariantCulture);

    private static long LaidOutBytes(RestoreDatabase database, IReadOnlyList<LargeTable> elsewhere) => Math.Max(
        0, database.Facts.DumpBytes - elsewhere.Sum(t => DumpLayout.BlockBytes(DumpBlock.Rows, t.Rows.LengthBytes)));

    private async Task RunAsync(
        PostgresPrograms programs,
        int serverMajor,
        string database,
        string[] arguments,
        Func<Stream, CancellationToken, Task>? input,
        CancellationToken cancellationToken)
    {
        var tolerant = programs.Clients.Major >= TransactionTimeoutMajor && serverMajor < TransactionTimeoutMajor;
        string[] stop = tolerant ? [] : ["--exit-on-error"];
        var connect = $"dbname='{ConnectionKeywords.Quoted(database)}'";
        var result = await programs.RunAsync(
            "pg_restore", [.. stop, "-w", "-d", connect, .. arguments], database, input, null, cancellationToken);
        foreach (var warning in tolerant ? JudgeTolerant(result) : PostgresPrograms.Judge("pg_restore", result))
        {
            progress.Note(warning);
        }
    }

    /// <summary>
    /// A pg_restore newer than 16 tells an older server, on each of its connections, about a parameter that it does not
    /// have, and counts that as an error: then it cannot stop at the first error, and only these errors are forgiven.
    /// What it said must be here as a whole: an error that was pushed out by others would be forgiven unread.
    /// </summary>
    internal static IReadOnlyList<string> JudgeTolerant(ChildResult result)
    {
        var lines = result.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var errors = lines.Where(line => PostgresPrograms.IsError("pg_restore", line)).ToList();
        var other = errors.FirstOrDefault(line => !line.Contains("\"transaction_timeout\"", StringComparison.Ordinal));
        var whole = result.Errors.Length < ChildProcesses.MaxCaptureBytes / 2;
        if (other is null && whole && (result.Exit == 0 || (result.Exit == 1 && errors.Count > 0))) return [];
        return PostgresPrograms.Judge(
            "pg_restore", result with { Exit = Math.Max(1, result.Exit), Errors = other ?? result.Errors });
    }

    private async Task FinishAsync(
        ISqlSession session, RestoreDatabase database, HashSet<string> roles, CancellationToken cancellationToken)
    {
        var name = database.Staged(item);
        foreach (var setting in database.Facts.Settings)
        {
            if (setting.Role is { } role && !roles.Contains(role)) continue;
            await TryAsync(
                session,
                DatabaseSql.Set(name, setting),
                $"{setting.Name} of database {database.Live}",
                cancellationToken);
        }

        var own = new StringBuilder();
        if (database.Facts.Comment is { } comment)
        {
            own.Append(CultureInfo.InvariantCulture, $"comment on database {Sql.Name(name)} is {Sql.Text(comment)};");
        }

        if (database.Facts.ConnectionLimit >= 0)
        {
            own.Append(
                CultureInfo.InvariantCulture,
                $"alter database {Sql.Name(name)} connection limit {database.Facts.ConnectionLimit};");
        }

        if (own.Length > 0) await session.ExecuteAsync(own.ToString(), cancellationToken);
        if (!settings.Analyze) return;
        progress.Begin($"gather statistics of {database.Live}", null);
        await using var inside = await server.OpenAsync(name, SessionUse.Ours, cancellationToken);
        await inside.ExecuteAsync("analyze", cancellationToken);
    }
}
