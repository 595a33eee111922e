using System.Diagnostics.CodeAnalysis;
using Microsoft.Data.Sqlite;
using Reprise.Configuration;
using Reprise.Recovery.Runbooks;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Rehearsing;

/// <summary>Breaks the application of a sandbox, and repairs it as a person would where a runbook asks for that.</summary>
internal sealed class SandboxIncident(SandboxApplication application, RehearsalIncident incident)
{
    private const string EmptyAllTables =
        """
        do $$
        declare name text;
        begin
          for name in
            select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where c.relkind in ('r', 'p') and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
          loop
            execute 'truncate ' || name || ' cascade';
          end loop;
        end $$
        """;

    /// <summary>Why this incident cannot be made of this application, or null: it can.</summary>
    public static string? WhyNot(ApplicationConfiguration configuration, RehearsalVariant variant)
    {
        if (variant.NeedsSealedSecrets && !configuration.Assets.OfType<AssetConfiguration.Secrets>().Any(s => s.KeepValues))
            return "the points do not keep the values of secrets";
        if (variant.ByHand.Count > 0 && variant.Incident is not (
            RehearsalIncident.SecretChanged or RehearsalIncident.EverythingLost
            or RehearsalIncident.DatabaseStopped or RehearsalIncident.ApplicationStopped))
            return $"the sandbox cannot do by hand what a person would after {RehearsalWords.Of(variant.Incident)}";
        return variant.Incident switch
        {
            RehearsalIncident.DatabaseStopped when configuration.Assets.FirstOrDefault(a => a.IsDatabase) is not AssetConfiguration.Postgres =>
                "its first database has no server",
            RehearsalIncident.DatabaseDropped or RehearsalIncident.RowsDeleted when !configuration.Assets.Any(a => a.IsDatabase) =>
                "it has no database",
            RehearsalIncident.FilesDeleted when !configuration.Assets.Any(a => a is AssetConfiguration.Files) =>
                "it has no protected files",
            RehearsalIncident.SecretChanged when !configuration.Assets.Any(a => a is AssetConfiguration.Secrets { From: not null }) =>
                "its secrets stand in no file",
            _ => null,
        };
    }

    /// <summary>Breaks it, and says what was done.</summary>
    public async Task<string> MakeAsync(CancellationToken cancellationToken)
    {
        switch (incident)
        {
            case RehearsalIncident.DatabaseStopped when FirstDatabase is AssetConfiguration.Postgres database:
                Demand(await application.ServerAsync(application.Places.Servers[database.Name].StopCommand, cancellationToken));
                return $"the server of {database.Name} was stopped";
            case RehearsalIncident.DatabaseDropped:
                return await DropAsync(FirstDatabase, cancellationToken);
            case RehearsalIncident.RowsDeleted:
                return await EmptyAsync(FirstDatabase, cancellationToken);
            case RehearsalIncident.ApplicationStopped:
                Demand(await application.StopAsync(cancellationToken));
                return "the application was stopped";
            case RehearsalIncident.FilesDeleted:
                Demand(await application.StopAsync(cancellationToken));
                foreach (var file in application.Files) application.Delete(file);
                return $"the application was stopped, and {application.Files.Count} files were deleted";
            case RehearsalIncident.SecretChanged:
                var name = application.ChangeSecret();
                Demand(await application.StopAsync(cancellationToken));
                Demand(await application.StartAsync(cancellationToken));
                return $"{name} was given another value, and the application was started with it";
            case RehearsalIncident.EverythingLost:
                return await LoseEverythingAsync(cancellationToken);
            default:
                throw new InvariantException($"incident {incident} of {FirstDatabase.Name}");
        }
    }

    /// <summary>Does what a person would do by hand.</summary>
    public async Task RepairAsync(CancellationToken cancellationToken)
    {
        switch (incident)
        {
            case RehearsalIncident.SecretChanged:
                application.PutSecretsBack(onlyMissing: false);
                break;
            case RehearsalIncident.EverythingLost:
                foreach (var server in application.Places.Servers.Values) await server.RemakeAsync(cancellationToken);
                application.PutSecretsBack(onlyMissing: true);
                break;
            case RehearsalIncident.DatabaseStopped when FirstDatabase is AssetConfiguration.Postgres database:
                Demand(await application.ServerAsync(application.Places.Servers[database.Name].StartCommand, cancellationToken));
                break;
            case RehearsalIncident.ApplicationStopped:
                Demand(await application.StartAsync(cancellationToken));
                break;
            default:
                throw new InvariantException($"nothing is done by hand after {incident}");
        }
    }

    private AssetConfiguration FirstDatabase => application.Configuration.Assets.First(a => a.IsDatabase);

    // A PostgreSQL database goes while it is used; a file that is deleted while it is open would live on unseen.
    private async Task<string> DropAsync(AssetConfiguration database, CancellationToken cancellationToken)
    {
        if (database is AssetConfiguration.Postgres)
        {
            var name = application.Layout.Databases[database.Name];
            await application.Places.Servers[database.Name].ExecuteAsync(
                "postgres", $"drop database \"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\" with (force)", cancellationToken);
            return $"database {name} was dropped";
        }

        Demand(await application.StopAsync(cancellationToken));
        foreach (var ending in new[] { "", "-wal", "-shm", "-journal" }) application.Delete(FileOf(database).WithSuffix(ending));
        return $"the application was stopped, and the file of {database.Name} was deleted";
    }

    private async Task<string> EmptyAsync(AssetConfiguration database, CancellationToken cancellationToken)
    {
        if (database is AssetConfiguration.Postgres)
        {
            await application.Places.Servers[database.Name].ExecuteAsync(
                application.Layout.Databases[database.Name], EmptyAllTables, cancellationToken);
        }
        else
        {
            DeleteRows(FileOf(database));
        }

        return $"every row of every table of {database.Name} was deleted";
    }

    [SuppressMessage("Security", "CA2100", Justification = "names come from the catalogue of the database and are quoted")]
    private static void DeleteRows(DiskPath file)
    {
        using var connection = new SqliteConnection($"Data Source={file};Pooling=False;Default Timeout=30");
        connection.Open();
        var tables = new List<string>();
        using (var list = connection.CreateCommand())
        {
            list.CommandText = "select name from sqlite_master where type = 'table' and name not like 'sqlite\\_%' escape '\\'";
            using var reader = list.ExecuteReader();
            while (reader.Read()) tables.Add(reader.GetString(0));
        }

        foreach (var table in tables)
        {
            using var delete = connection.CreateCommand();
            delete.CommandText = $"delete from \"{table.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
            delete.ExecuteNonQuery();
        }
    }

    private async Task<string> LoseEverythingAsync(CancellationToken cancellationToken)
    {
        Demand(await application.StopAsync(cancellationToken));
        foreach (var server in application.Places.Servers.Values) await server.LoseAsync(cancellationToken);
        application.Delete(application.Layout.Application);
        application.Delete(application.Layout.State);
        return "application, servers, data, files, configuration and journals are gone; repository and key are left";
    }

    private DiskPath FileOf(AssetConfiguration database) => SandboxPaths.Of(
        application.Configuration.Folder,
        application.Layout.Application,
        database.Name,
        database is AssetConfiguration.Sqlite sqlite ? sqlite.Path : throw new InvariantException($"{database.Name} is no file"));

    private static void Demand(string? failure)
    {
        if (failure is not null)
            throw new RepriseException(Recovery.Drills.DrillErrors.SandboxImpossible, $"the incident could not be made: {failure}", "see what it says");
    }
}
