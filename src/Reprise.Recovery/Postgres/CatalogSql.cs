using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres;

/// <summary>The questions that are asked of a server's catalogue. Each answers with one JSON document.</summary>
internal static class CatalogSql
{
    /// <summary>Sequences beyond this are not compared one by one.</summary>
    public const int MaxSequences = 1000;

    public const string Server =
        """
        select pg_catalog.json_build_object(
          'version', pg_catalog.current_setting('server_version'),
          'number', pg_catalog.current_setting('server_version_num')::int,
          'user', current_user,
          'superuser', r.rolsuper,
          'createDatabase', r.rolcreatedb or r.rolsuper,
          'createRole', r.rolcreaterole or r.rolsuper,
          'signalBackend', r.rolsuper or pg_catalog.pg_has_role(current_user, 'pg_signal_backend', 'member'),
          'recovery', pg_catalog.pg_is_in_recovery())::text
        from pg_catalog.pg_roles r where r.rolname = current_user
        """;

    /// <summary>Begins the transaction whose snapshot everything else of a capture shares.</summary>
    public const string BeginSnapshot = "begin transaction isolation level repeatable read, read only";

    public const string Roles =
        """
        select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
          'name', r.rolname, 'superuser', r.rolsuper, 'inherit', r.rolinherit, 'createRole', r.rolcreaterole,
          'createDatabase', r.rolcreatedb, 'login', r.rolcanlogin, 'replication', r.rolreplication,
          'bypassRls', r.rolbypassrls, 'connectionLimit', r.rolconnlimit,
          'validUntil', r.rolvaliduntil::text,
          'comment', pg_catalog.shobj_description(r.oid, 'pg_authid'),
          'settings', coalesce((select pg_catalog.json_agg(pg_catalog.json_build_object(
              'name', pg_catalog.split_part(c, '=', 1),
              'value', pg_catalog.substr(c, pg_catalog.strpos(c, '=') + 1)))
            from pg_catalog.unnest(r.rolconfig) c), '[]'::json),
          'memberOf', coalesce((select pg_catalog.json_agg(distinct pg_catalog.jsonb_build_object(
              'role', g.rolname, 'admin', m.admin_option))
            from pg_catalog.pg_auth_members m join pg_catalog.pg_roles g on g.oid = m.roleid
            where m.member = r.oid), '[]'::json))
          order by r.rolname), '[]'::json)::text
        from pg_catalog.pg_roles r where r.rolname !~ '^pg_'
        """;

    public const string SystemIdentifier =
        "select case when pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'execute')"
        + " then (select system_identifier::text from pg_catalog.pg_control_system()) end";

    /// <summary>Databases that hold something of a user: all but templates.</summary>
    public const string Databases =
        "select coalesce(pg_catalog.json_agg(datname order by datname), '[]'::json)::text"
        + " from pg_catalog.pg_database where not datistemplate and datallowconn";

    /// <summary>Everything of users that a person might take for a table.</summary>
    public const string Relations =
        """
        select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
            'oid', c.oid::bigint, 'schema', n.nspname, 'name', c.relname, 'kind', c.relkind::text) order by c.oid), '[]'::json)::text
        from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
        """;

    /// <summary>A table and its partitions, and theirs, each as JSON has its schema and its name.</summary>
    public static string WithPartitions(string schema, string name) =>
        $"""
        select pg_catalog.json_agg(pg_catalog.json_build_object('oid', c.oid::bigint, 'schema', n.nspname, 'name', c.relname))::text
        from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where c.oid in (select relid from pg_catalog.pg_partition_tree((
            select r.oid from pg_catalog.pg_class r join pg_catalog.pg_namespace m on m.oid = r.relnamespace
            where m.nspname = {Sql.Text(schema)} and r.relname = {Sql.Text(name)})))
          or (n.nspname = {Sql.Text(schema)} and c.relname = {Sql.Text(name)})
        """;

    /// <summary>Whether there is something of this name in a schema; null: there is no such schema.</summary>
    public static string Holds(string schema, string name) =>
        $"""
        select exists (select from pg_catalog.pg_class c where c.relnamespace = n.oid and c.relname = {Sql.Text(name)})::text
        from pg_catalog.pg_namespace n where n.nspname = {Sql.Text(schema)}
        """;

    /// <summary>Indexes that nobody can rely on.</summary>
    public const string InvalidIndexes =
        "select coalesce(pg_catalog.json_agg(indexrelid::pg_catalog.regclass::text), '[]'::json)::text"
        + " from pg_catalog.pg_index where not (indisvalid and indisready)";

    private const string UserTable =
        "n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'";

    /// <summary>Everything about the session's database, with a snapshot that others can import.</summary>
    public static string Snapshot(CatalogServer server)
    {
        var locale = server.Major switch { >= 17 => "d.datlocale", >= 15 => "d.daticulocale", _ => "null" };
        var rules = server.Major >= 16 ? "d.daticurules" : "null";
        var provider = server.Major >= 15 ? "d.datlocprovider" : "'c'";
        var version = server.Major >= 15 ? "d.datcollversion" : "null";
        return
            $"""
            select pg_catalog.json_build_object(
              'snapshot', pg_catalog.pg_export_snapshot(),
              'now', pg_catalog.to_char(pg_catalog.now(), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
              'database', (select pg_catalog.json_build_object(
                'name', d.datname,
                'owner', pg_catalog.pg_get_userbyid(d.datdba),
                'encoding', pg_catalog.pg_encoding_to_char(d.encoding),
                'collate', d.datcollate, 'ctype', d.datctype,
                'provider', {provider}, 'locale', {locale}, 'icuRules', {rules}, 'collationVersion', {version},
                'connectionLimit', d.datconnlimit,
                'tablespace', (select s.spcname from pg_catalog.pg_tablespace s where s.oid = d.dattablespace),
                'comment', pg_catalog.shobj_description(d.oid, 'pg_database'),
                'sizeBytes', pg_catalog.pg_database_size(d.oid),
                'timeZone', (select reset_val from pg_catalog.pg_settings where name = 'TimeZone'),
                'byteaOutput', (select reset_val from pg_catalog.pg_settings where name = 'bytea_output'),
                'grants', case when d.datacl is not null then
                  coalesce((select pg_catalog.json_agg(pg_catalog.json_build_object(
                    'grantee', case when a.grantee <> 0 then pg_catalog.pg_get_userbyid(a.grantee) end,
                    'privilege', a.privilege_type, 'grantable', a.is_grantable))
                  from pg_catalog.aclexplode(d.datacl) a), '[]'::json) end,
                'settings', coalesce((select pg_catalog.json_agg(pg_catalog.json_build_object(
                    'role', case when s.setrole <> 0 then pg_catalog.pg_get_userbyid(s.setrole) end,
                    'name', pg_catalog.split_part(c, '=', 1),
                    'value', pg_catalog.substr(c, pg_catalog.strpos(c, '=') + 1)))
                  from pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) c
                  where s.setdatabase = d.oid), '[]'::json),
                'extensions', coalesce((select pg_catalog.json_agg(pg_catalog.json_build_object(
                    'name', e.extname, 'version', e.extversion) order by e.extname)
                  from pg_catalog.pg_extension e where e.extname <> 'plpgsql'), '[]'::json),
                'sequences', coalesce((select pg_catalog.json_object_agg(q.name, q.last_value) from (
                    select pg_catalog.format('%I.%I', s.schemaname, s.sequencename) as name, s.last_value
                    from pg_catalog.pg_sequences s where s.last_value is not null
                    order by 1 limit {MaxSequences.ToString(CultureInfo.InvariantCulture)}) q),
                  pg_catalog.json_build_object()),
                'largeObjects', (select pg_catalog.count(*) from pg_catalog.pg_largeobject_metadata))
                from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()),
              'tables', ({Tables}))::text
            """;
    }

    /// <summary>Ordinary tables with their rows of their own; those of extensions are marked.</summary>
    public const string Tables =
        $"""
        select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
            'oid', c.oid::bigint, 'schema', n.nspname, 'name', c.relname,
            'ofExtension', exists (select from pg_catalog.pg_depend p where p.classid = 'pg_catalog.pg_class'::regclass
              and p.objid = c.oid and p.deptype = 'e')) order by c.oid), '[]'::json)
        from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where c.relkind = 'r' and {UserTable}
        """;

    /// <summary>Ordinary tables of users with columns of their own whose rows take at least this much.</summary>
    public static string LargeTables(long leastBytes) =>
        $"""
        select pg_catalog.json_build_object(
          'encoding', pg_catalog.current_setting('server_encoding'),
          'encrypted', coalesce(
            (select s.ssl from pg_catalog.pg_stat_ssl s where s.pid = pg_catalog.pg_backend_pid()), false),
          'tables', coalesce((select pg_catalog.json_agg(pg_catalog.json_build_object(
              'oid', t.oid::bigint, 'schema', t.nspname, 'name', t.relname,
              'blocks', pg_catalog.pg_relation_size(t.oid) / pg_catalog.current_setting('block_size')::bigint,
              'bytes', t.bytes, 'isHeap', t.heap) order by t.bytes desc)
            from (select c.oid, n.nspname, c.relname, pg_catalog.pg_table_size(c.oid) as bytes,
                coalesce((select a.amname = 'heap' from pg_catalog.pg_am a where a.oid = c.relam), false) as heap
              from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
              where c.relkind = 'r' and c.relpersistence in ('p', 'u') and {UserTable}
                and exists (select from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0
                  and not a.attisdropped and a.attgenerated = '')
                and not exists (select from pg_catalog.pg_depend p
                  where p.classid = 'pg_catalog.pg_class'::regclass and p.objid = c.oid and p.deptype = 'e')) t
            where t.bytes >= {leastBytes.ToString(CultureInfo.InvariantCulture)}), '[]'::json))::text
        """;

    /// <summary>
    /// What a COPY of these tables needs, as the snapshot sees them. The file of a table is asked of the server as it is
    /// now: another one than the snapshot's means that it was truncated or rewritten, and reading it would find nothing.
    /// </summary>
    public static string CopyFacts(IEnumerable<uint> tables) =>
        $"""
        select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
            'oid', c.oid::bigint,
            'same', coalesce(pg_catalog.pg_relation_filenode(c.oid) = c.relfilenode, false),
            'quoted', pg_catalog.format('%I.%I', n.nspname, c.relname),
            'owner', pg_catalog.pg_get_userbyid(c.relowner),
            'columns', (select pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by a.attnum)
              from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0
                and not a.attisdropped and a.attgenerated = ''))), '[]'::json)::text
        from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where c.oid in ({string.Join(", ", tables.Select(t => t.ToString(CultureInfo.InvariantCulture)))})
        """;

    /// <summary>Who uses a database, or with null any of the server's, one line each, ours excepted.</summary>
    public static string Sessions(string? database) =>
        $"""
        select coalesce(pg_catalog.json_agg(pg_catalog.concat_ws(' ', 'pid ' || pid, usename,
            'from ' || coalesce(client_addr::text, 'a local socket'), '(' || nullif(application_name, '') || ')', state)
            order by pid), '[]'::json)::text
        from pg_catalog.pg_stat_activity
        where {(database is null ? "datname is not null" : $"datname = {Sql.Text(database)}")} and pid <> pg_catalog.pg_backend_pid()
          and coalesce(backend_type, 'client backend') = 'client backend'
        """;

    /// <summary>The databases of these names that exist.</summary>
    public static string States(IEnumerable<string> names) =>
        $"""
        select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
            'name', d.datname, 'oid', d.oid::bigint, 'owner', pg_catalog.pg_get_userbyid(d.datdba),
            'owned', pg_catalog.pg_has_role(current_user, d.datdba, 'usage'), 'connectable', d.datallowconn,
            'sizeBytes', case when pg_catalog.pg_has_role(current_user, d.datdba, 'usage')
              then pg_catalog.pg_database_size(d.oid) end)), '[]'::json)::text
        from pg_catalog.pg_database d where d.datname in ({string.Join(", ", names.Select(Sql.Text))})
        """;

    /// <summary>Row counts of some tables, in order.</summary>
    public static string Counts(IEnumerable<(string Schema, string Name)> tables) =>
        "select pg_catalog.json_build_array("
        + string.Join(", ", tables.Select(t => $"(select pg_catalog.count(*) from only {Sql.Name(t.Schema, t.Name)})"))
        + ")::text";

    /// <summary>Asks for one JSON document.</summary>
    public static async Task<T> AskAsync<T>(
        this ISqlSession session, string sql, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        var text = await session.ScalarAsync(sql, cancellationToken)
            ?? throw new InvariantException("a question about the catalogue always has an answer");
        return JsonSerializer.Deserialize(text, type)
            ?? throw new InvariantException("an answer about the catalogue is never null");
    }
}

/// <summary>
/// The name of a table in a record: <c>schema.table</c>, with double quotes only around a part that holds a dot, a
/// slash or a quote itself, so that every name can be read back.
/// </summary>
internal static class TableName
{
    public static string Key(string schema, string name) => Part(schema) + "." + Part(name);

    public static (string Schema, string Name) Parse(string key)
    {
        var at = 0;
        var schema = Take(key, ref at);
        Invariant.Check(at < key.Length && key[at] == '.', $"'{key}' is not schema.table");
        at++;
        var name = Take(key, ref at);
        Invariant.Check(at == key.Length, $"'{key}' is not schema.table");
        return (schema, name);
    }

    /// <summary>One part of a name, quoted where it has to be.</summary>
    public static string Part(string part) =>
        part.AsSpan().IndexOfAny('.', '"', '/') < 0 && part.Length > 0 ? part : Sql.Name(part);

    private static string Take(string key, ref int at)
    {
        var start = at;
        if (at >= key.Length || key[at] != '"')
        {
            while (at < key.Length && key[at] != '.') at++;
            return key[start..at];
        }

        do
        {
            at = key.IndexOf('"', at + 1);
            Invariant.Check(at > 0, $"'{key}' is not schema.table");
            at++;
        }
        while (at < key.Length && key[at] == '"');
        return key[(start + 1)..(at - 1)].Replace("\"\"", "\"", StringComparison.Ordinal);
    }
}
