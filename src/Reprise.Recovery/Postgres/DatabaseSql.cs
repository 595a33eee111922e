using System.Globalization;
using System.Text;

namespace Reprise.Recovery.Postgres;

/// <summary>
/// Statements that make a database of another name what the captured one was. <c>pg_restore -C</c> could do it only
/// under the name of the dump, which is the live one's.
/// </summary>
internal static class DatabaseSql
{
    // Parameters whose value is a list of names that is kept quoted: each name is a constant of its own.
    private static readonly string[] NameLists =
    [
        "search_path", "temp_tablespaces", "session_preload_libraries", "shared_preload_libraries",
        "local_preload_libraries", "unix_socket_directories",
    ];

    /// <summary>
    /// Ends whatever still creates it, and answers how many that were. A client that was killed leaves its statement running,
    /// and the database appears at the end of that, when it was looked for already.
    /// </summary>
    public static string EndCreation(string name) =>
        $"""
        select pg_catalog.count(pg_catalog.pg_terminate_backend(a.pid))::text from pg_catalog.pg_stat_activity a
        where a.pid <> pg_catalog.pg_backend_pid() and a.state = 'active'
          and pg_catalog.strpos(a.query, {Sql.Text($"create database {Sql.Name(name)} ")}) = 1
        """;

    /// <summary>
    /// Creates it empty, with encoding and locale of the captured one, on a server of <paramref name="major"/>.
    /// </summary>
    public static string Create(string name, CatalogDatabase facts, string? owner, string? tablespace, int major)
    {
        var sql = new StringBuilder(
            $"create database {Sql.Name(name)} with template template0 encoding {Sql.Text(facts.Encoding)}");
        sql.Append(
            CultureInfo.InvariantCulture, $" lc_collate {Sql.Text(facts.Collate)} lc_ctype {Sql.Text(facts.Ctype)}");
        if (major >= 15 && facts.Provider == "c") sql.Append(" locale_provider libc");
        if (major >= 15 && facts.Provider == "i")
        {
            sql.Append(
                CultureInfo.InvariantCulture, $" locale_provider icu icu_locale {Sql.Text(facts.Locale ?? "und")}");
            if (major >= 16 && facts.IcuRules is { } rules) sql.Append(" icu_rules ").Append(Sql.Text(rules));
        }

        if (major >= 17 && facts.Provider == "b")
        {
            sql.Append(
                CultureInfo.InvariantCulture,
                $" locale_provider builtin builtin_locale {Sql.Text(facts.Locale ?? "C")}");
        }

        if (owner is not null) sql.Append(" owner ").Append(Sql.Name(owner));
        if (tablespace is not null) sql.Append(" tablespace ").Append(Sql.Name(tablespace));
        return sql.ToString();
    }

    /// <summary>One <c>ALTER DATABASE … SET</c> or <c>ALTER ROLE … IN DATABASE … SET</c>.</summary>
    public static string Set(string database, CatalogSetting setting)
    {
        var subject = setting.Role is null
            ? $"alter database {Sql.Name(database)}"
            : $"alter role {Sql.Name(setting.Role)} in database {Sql.Name(database)}";
        return $"{subject} set {Parameter(setting.Name)} to {Value(setting)}";
    }

    /// <summary>One <c>ALTER ROLE … SET</c>.</summary>
    public static string Set(CatalogRole role, CatalogSetting setting) =>
        $"alter role {Sql.Name(role.Name)} set {Parameter(setting.Name)} to {Value(setting)}";

    /// <summary>
    /// The grants of the captured one, after everything was taken from everybody; roles that are missing get none.
    /// </summary>
    public static IEnumerable<string> Grants(string database, CatalogDatabase facts, IReadOnlySet<string> roles)
    {
        var on = $"on database {Sql.Name(database)}";
        if (facts.Grants is null)
        {
            yield return $"grant connect, temporary {on} to public";
            yield break;
        }

        yield return $"revoke all {on} from public";
        foreach (var grant in facts.Grants)
        {
            if (grant.Grantee is not null && !roles.Contains(grant.Grantee)) continue;
            var to = grant.Grantee is null ? "public" : Sql.Name(grant.Grantee);
            yield return $"grant {grant.Privilege} {on} to {to}" + (grant.Grantable ? " with grant option" : "");
        }
    }

    /// <summary>Creates a role with everything but a password.</summary>
    public static string Create(CatalogRole role)
    {
        var sql = new StringBuilder("create role ").Append(Sql.Name(role.Name)).Append(" with");
        Add(role.Superuser, "superuser");
        Add(role.Inherit, "inherit");
        Add(role.CreateRole, "createrole");
        Add(role.CreateDatabase, "createdb");
        Add(role.Login, "login");
        Add(role.Replication, "replication");
        Add(role.BypassRls, "bypassrls");
        sql.Append(CultureInfo.InvariantCulture, $" connection limit {role.ConnectionLimit}");
        if (role.ValidUntil is { } until) sql.Append(" valid until ").Append(Sql.Text(until));
        return sql.ToString();

        void Add(bool has, string word) => sql.Append(has ? " " : " no").Append(word);
    }

    // A custom parameter is two names with a dot between them.
    private static string Parameter(string name) => string.Join('.', name.Split('.').Select(Sql.Name));

    private static string Value(CatalogSetting setting)
    {
        if (!NameLists.Contains(setting.Name, StringComparer.OrdinalIgnoreCase)) return Sql.Text(setting.Value);
        var names = SplitNames(setting.Value);
        return names.Count == 0 ? "''" : string.Join(", ", names.Select(Sql.Text));
    }

    // Names separated by commas, in double quotes where they hold something odd.
    internal static List<string> SplitNames(string list)
    {
        var names = new List<string>();
        var name = new StringBuilder();
        var quoted = false;
        for (var i = 0; i < list.Length; i++)
        {
            if (list[i] == '"' && quoted && i + 1 < list.Length && list[i + 1] == '"') name.Append(list[i++]);
            else if (list[i] == '"') quoted = !quoted;
            else if (list[i] == ',' && !quoted) Close();
            else if (quoted || !char.IsWhiteSpace(list[i])) name.Append(list[i]);
        }

        if (list.Trim().Length > 0) Close();
        return names;

        void Close()
        {
            names.Add(name.ToString());
            name.Clear();
        }
    }
}
