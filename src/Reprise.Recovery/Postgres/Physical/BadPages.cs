using System.Globalization;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>Names the relation of a damaged page as a person knows it.</summary>
internal static class BadPages
{
    private const uint GlobalTablespace = 1664;

    public static async Task<string> TableAsync(
        PostgresServer server, BackupSession session, BadPage bad, CancellationToken cancellationToken)
    {
        var fork = bad.Relation.Fork.Length == 0 ? "" : $", fork {bad.Relation.Fork}";
        var parts = bad.Path.ToString().Split('/');
        try
        {
            // global/N, base/DATABASE/N, pg_tblspc/TABLESPACE/VERSION/DATABASE/N; 0 stands for the database's own.
            var space = parts[0] switch
            {
                "global" => GlobalTablespace,
                "base" => 0u,
                _ => uint.Parse(parts[1], CultureInfo.InvariantCulture),
            };
            var database = space == GlobalTablespace
                ? server.Connection.Database
                : await session.DatabaseAsync(uint.Parse(parts[^2], CultureInfo.InvariantCulture), cancellationToken);
            if (database is null) return $"a relation of a database that is gone{fork}";
            await using var inside = await server.OpenAsync(database, SessionUse.Ours, cancellationToken);
            var sql = string.Create(
                CultureInfo.InvariantCulture,
                $"""
                select n.nspname || '.' || c.relname || case c.relkind when 'i' then ' (index)' when 't' then ' (toast)' else '' end
                from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                where c.oid = pg_catalog.pg_filenode_relation(
                  case when {space} = 0 then (select dattablespace from pg_catalog.pg_database where datname = pg_catalog.current_database())
                  else {space}::oid end, {bad.Relation.Node})
                """);
            var name = await inside.ScalarAsync(sql, cancellationToken);
            return $"{name ?? $"a relation without a name, node {bad.Relation.Node}"} of database {database}{fork}";
        }
        catch (RepriseException e) when (e is SqlException || e.Code == RecoveryErrors.DatabaseUnavailable)
        {
            // The catalogue itself may be what is damaged.
            return $"a relation whose name cannot be asked ({e.Problem.Message}){fork}";
        }
    }
}
