using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>What a role and its server must allow before files can be captured: all that is missing is said at once.</summary>
internal static class PhysicalRights
{
    // Rights on functions are those of the database in which they are asked for, and so is what grants them.
    private const string Sql =
        """
        select coalesce(pg_catalog.json_agg(n.remedy order by n.place), '[]'::json)::text
        from pg_catalog.pg_roles r, lateral (values
          (1, not r.rolreplication, pg_catalog.format('alter role %I replication', r.rolname)),
          (2, not pg_catalog.pg_has_role('pg_monitor', 'usage'), pg_catalog.format('grant pg_monitor to %I', r.rolname)),
          (3, {0} and not pg_catalog.pg_has_role('pg_read_server_files', 'usage'), pg_catalog.format('grant pg_read_server_files to %I', r.rolname))
          ) as fixed(place, is_missing, remedy), lateral (select fixed.place, fixed.remedy where fixed.is_missing) as n
        where r.rolname = current_user and not r.rolsuper
        """;

    private const string FunctionsSql =
        """
        select coalesce(pg_catalog.json_agg(
            pg_catalog.format('grant execute on function pg_catalog.%s to %I', f.name, current_user) order by f.name), '[]'::json)::text
        from (values ('pg_backup_start(text,boolean)', false), ('pg_backup_stop(boolean)', false), ('pg_ls_dir(text,boolean,boolean)', true),
          ('pg_stat_file(text,boolean)', true), ('pg_read_binary_file(text,bigint,bigint,boolean)', true)) as f(name, is_streamed)
        where ({0} or not f.is_streamed) and not pg_catalog.has_function_privilege('pg_catalog.' || f.name, 'execute')
        """;

    // A slot that an earlier backup left belongs to a session that is still there.
    private const string ServerSql =
        """
        select case when pg_catalog.current_setting('wal_level') = 'minimal' then 'wal_level is minimal: set it to replica'
          when (select pg_catalog.count(*) from pg_catalog.pg_replication_slots) >= pg_catalog.current_setting('max_replication_slots')::int
            then 'all replication slots are in use: raise max_replication_slots, which is ' || pg_catalog.current_setting('max_replication_slots')
          end
        """;

    /// <summary>What stands against it, or null.</summary>
    /// <param name="session">in the database for maintenance, where a capture asks.</param>
    /// <param name="isStreamed">whether the server has to read the files too.</param>
    /// <param name="cancellationToken">ends the question.</param>
    public static async Task<RepriseException?> MissingAsync(ISqlSession session, bool isStreamed, CancellationToken cancellationToken)
    {
        var flag = isStreamed ? "true" : "false";
        var remedies = new List<string>();
        foreach (var sql in (string[])[Sql, FunctionsSql])
        {
            remedies.AddRange(await session.AskAsync(
                sql.Replace("{0}", flag, StringComparison.Ordinal), CatalogJson.Default.IReadOnlyListString, cancellationToken));
        }

        if (remedies.Count > 0)
        {
            return PhysicalErrors.Impossible(
                remedies.Count == 1 ? "the user of the connection lacks a right" : $"the user of the connection lacks {remedies.Count} rights",
                $"in database {session.Database}, as a superuser: {string.Join("; ", remedies)}; or connect as a superuser, or use method: logical");
        }

        return await session.ScalarAsync(ServerSql, cancellationToken) is { Length: > 0 } wrong && wrong.Split(": ") is [var what, var how]
            ? PhysicalErrors.Impossible(what, $"{how}, and restart the server; or use method: logical")
            : null;
    }
}
