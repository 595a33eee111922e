using System.Globalization;
using Reprise.Repository.Wal;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>
/// The session in which a backup of the server's files runs. A temporary replication slot of the same session keeps the
/// WAL from before the start; when the session ends, however that happens, server and slot forget the backup.
/// </summary>
internal sealed class BackupSession : IAsyncDisposable
{
    private const string ServerSql =
        """
        select pg_catalog.json_build_object(
          'number', pg_catalog.current_setting('server_version_num')::int,
          'version', pg_catalog.current_setting('server_version'),
          'recovery', pg_catalog.pg_is_in_recovery(),
          'system', s.system_identifier::text,
          'catalog', s.catalog_version_no::text,
          'timeline', c.timeline_id,
          'blockBytes', i.database_block_size,
          'segmentBlocks', i.blocks_per_segment,
          'walSegmentBytes', i.bytes_per_wal_segment,
          'checksums', i.data_page_checksum_version > 0,
          'dataFolder', pg_catalog.current_setting('data_directory'),
          'configFile', pg_catalog.current_setting('config_file'),
          'hbaFile', pg_catalog.current_setting('hba_file'),
          'identFile', pg_catalog.current_setting('ident_file'),
          'started', pg_catalog.floor(extract(epoch from pg_catalog.pg_postmaster_start_time()))::bigint,
          'superuser', (select r.rolname from pg_catalog.pg_roles r where r.oid = 10),
          'folderMode', pg_catalog.current_setting('data_directory_mode'),
          'port', pg_catalog.current_setting('port')::int,
          'sizeBytes', (select pg_catalog.sum(pg_catalog.pg_tablespace_size(t.oid)) from pg_catalog.pg_tablespace t))::text
        from pg_catalog.pg_control_system() s, pg_catalog.pg_control_init() i, pg_catalog.pg_control_checkpoint() c
        """;

    private const string TablespacesSql =
        """
        select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
          'oid', t.oid::bigint, 'name', t.spcname, 'location', pg_catalog.pg_tablespace_location(t.oid)) order by t.oid), '[]'::json)::text
        from pg_catalog.pg_tablespace t where pg_catalog.pg_tablespace_location(t.oid) like '/%'
        """;

    private readonly ISqlSession session;

    private BackupSession(ISqlSession session, ServerFacts server)
    {
        this.session = session;
        Server = server;
    }

    /// <summary>What the server said when the session began.</summary>
    public ServerFacts Server { get; }

    /// <exception cref="RepriseException">
    /// <c>physical-impossible</c>, and whatever a connection may fail with.
    /// </exception>
    public static async Task<BackupSession> OpenAsync(
        PostgresServer server, string database, bool isStreamed, CancellationToken cancellationToken)
    {
        var opened = await server.OpenAsync(database, SessionUse.Ours, cancellationToken);
        try
        {
            // It is idle while files are read, and says nothing to nobody for as long as that takes.
            await opened.ExecuteAsync("set idle_session_timeout = 0", cancellationToken);
            if (await PhysicalRights.MissingAsync(opened, isStreamed, cancellationToken) is { } missing) throw missing;
            return new BackupSession(opened, await opened.AskAsync(ServerSql, ClusterJson.Default.ServerFacts, cancellationToken));
        }
        catch (SqlException e) when (e.State == SqlErrors.InsufficientPrivilege)
        {
            await opened.DisposeAsync();
            throw PhysicalErrors.Impossible(
                $"the user of the connection may not ask for it: {e.Problem.Message}",
                "grant it pg_monitor, REPLICATION, and EXECUTE on pg_backup_start and pg_backup_stop, or use method: logical",
                e);
        }
        catch
        {
            await opened.DisposeAsync();
            throw;
        }
    }

    /// <summary>Keeps WAL from now on, begins the backup with a checkpoint at once, and returns where it starts.</summary>
    public async Task<Lsn> StartAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            await session.ExecuteAsync(
                $"select pg_catalog.pg_create_physical_replication_slot({Sql.Text(name)}, true, true)", cancellationToken);
            var start = await session.ScalarAsync(
                $"select pg_catalog.pg_backup_start({Sql.Text(name)}, true)::text", cancellationToken);
            return Lsn.Parse(start ?? throw new InvariantException("pg_backup_start always answers"));
        }
        catch (SqlException e) when (e.State is SqlErrors.InsufficientPrivilege or "55000" or "53400" or "42704" or "55006")
        {
            throw PhysicalErrors.Impossible(
                $"the server does not begin a backup of its files: {e.Problem.Message}",
                "it needs wal_level replica, a free replication slot (max_replication_slots), a user with REPLICATION who may"
                + " execute pg_backup_start and pg_backup_stop; or use method: logical",
                e);
        }
    }

    /// <summary>Ends it without waiting for an archive; the WAL that it needs is in <c>pg_wal</c> until the session ends.</summary>
    public Task<BackupEnd> StopAsync(CancellationToken cancellationToken) => session.AskAsync(
        """
        select pg_catalog.json_build_object('lsn', s.lsn::text, 'label', s.labelfile, 'map', s.spcmapfile,
          'now', pg_catalog.to_char(pg_catalog.clock_timestamp(), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))::text
        from pg_catalog.pg_backup_stop(false) s
        """,
        ClusterJson.Default.BackupEnd,
        cancellationToken);

    public Task<IReadOnlyList<ClusterTablespace>> TablespacesAsync(CancellationToken cancellationToken) =>
        session.AskAsync(TablespacesSql, ClusterJson.Default.IReadOnlyListClusterTablespace, cancellationToken);

    /// <summary>A tablespace that lies inside the data directory, or null.</summary>
    public Task<string?> TablespaceInsideAsync(CancellationToken cancellationToken) => session.ScalarAsync(
        "select t.spcname from pg_catalog.pg_tablespace t where pg_catalog.pg_tablespace_location(t.oid) ~ '^[^/]' limit 1", cancellationToken);

    /// <summary>The name of a database, or null.</summary>
    public Task<string?> DatabaseAsync(uint oid, CancellationToken cancellationToken) => session.ScalarAsync(
        string.Create(CultureInfo.InvariantCulture, $"select datname from pg_catalog.pg_database where oid = {oid}"), cancellationToken);

    public ValueTask DisposeAsync() => session.DisposeAsync();
}

/// <summary>Errors that several parts of a physical capture raise.</summary>
internal static class PhysicalErrors
{
    public static RepriseException Impossible(string why, string hint, Exception? inner = null) =>
        new(RecoveryErrors.PhysicalImpossible, $"the files of the server cannot be captured: {why}", hint, inner);

    public static RepriseException Gone(DiskPath place) => Impossible($"{place} is not there", "look at the log and the disk of the server");

    public static RepriseException Wal(string why) => new(
        RecoveryErrors.WalRangeBroken,
        $"the WAL of the backup cannot be kept: {why}",
        "run the command again; if it stays, run pg_checksums and pg_waldump on the server, and look at its disk");
}
