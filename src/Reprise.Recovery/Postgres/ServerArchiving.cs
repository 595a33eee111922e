namespace Reprise.Recovery.Postgres;

/// <summary>A physical replication slot, as the server shows it.</summary>
/// <param name="Name">its name.</param>
/// <param name="Active">whether somebody streams from it.</param>
/// <param name="Status"><c>reserved</c>, <c>extended</c>, <c>unreserved</c>, <c>lost</c>, or null: it keeps nothing.</param>
/// <param name="KeptBytes">how much WAL the server keeps for it, or null.</param>
internal sealed record ArchivingSlot(string Name, bool Active, string? Status, long? KeptBytes);

/// <summary>What a server says of how its WAL is brought to safety.</summary>
internal sealed record ServerArchiving
{
    /// <summary>The system identifier, or null: this role may not know.</summary>
    public string? System { get; init; }

    /// <summary>Whether it follows another server.</summary>
    public bool Recovery { get; init; }

    /// <summary>The timeline that it writes.</summary>
    public uint? Timeline { get; init; }

    /// <summary>How far its WAL is on disk, or null.</summary>
    public string? Flushed { get; init; }

    public string? WalLevel { get; init; }

    public string? ArchiveMode { get; init; }

    public string? ArchiveCommand { get; init; }

    public string? ArchiveLibrary { get; init; }

    /// <summary>The most that is kept for slots; -1: there is no bound.</summary>
    public long? KeepMegabytes { get; init; }

    public string? LastArchived { get; init; }

    public DateTimeOffset? LastArchivedAt { get; init; }

    public string? LastFailed { get; init; }

    public DateTimeOffset? LastFailedAt { get; init; }

    public long Failures { get; init; }

    public IReadOnlyList<ArchivingSlot> Slots { get; init; } = [];

    /// <summary>Whether something is to be archived at all.</summary>
    public bool IsArchiving => ArchiveMode is "on" or "always" && !(string.IsNullOrEmpty(ArchiveCommand) && string.IsNullOrEmpty(ArchiveLibrary));

    /// <summary>Whether the last attempt failed and none has gone well since.</summary>
    public bool IsFailing => ArchiveMode is "on" or "always" && LastFailedAt is { } failed && !(LastArchivedAt > failed);

    /// <summary>Asks for it.</summary>
    public static Task<ServerArchiving> AskAsync(ISqlSession session, CancellationToken cancellationToken) =>
        session.AskAsync(Question, CatalogJson.Default.ServerArchiving, cancellationToken);

    private const string Question =
        """
        select pg_catalog.json_build_object(
          'system', case when pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'execute')
            then (select system_identifier::text from pg_catalog.pg_control_system()) end,
          'recovery', pg_catalog.pg_is_in_recovery(),
          'timeline', case when not pg_catalog.pg_is_in_recovery()
            then ('x' || pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_flush_lsn()), 1, 8))::bit(32)::bigint end,
          'flushed', case when not pg_catalog.pg_is_in_recovery() then pg_catalog.pg_current_wal_flush_lsn()::text end,
          'walLevel', (select setting from pg_catalog.pg_settings where name = 'wal_level'),
          'archiveMode', (select setting from pg_catalog.pg_settings where name = 'archive_mode'),
          'archiveCommand', (select nullif(setting, '(disabled)') from pg_catalog.pg_settings where name = 'archive_command'),
          'archiveLibrary', (select setting from pg_catalog.pg_settings where name = 'archive_library'),
          'keepMegabytes', (select setting::bigint from pg_catalog.pg_settings where name = 'max_slot_wal_keep_size'),
          'lastArchived', a.last_archived_wal, 'lastArchivedAt', a.last_archived_time,
          'lastFailed', a.last_failed_wal, 'lastFailedAt', a.last_failed_time, 'failures', a.failed_count,
          'slots', (select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
              'name', s.slot_name, 'active', s.active, 'status', s.wal_status,
              'keptBytes', case when not pg_catalog.pg_is_in_recovery()
                then pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), s.restart_lsn)::bigint end)), '[]'::json)
            from pg_catalog.pg_replication_slots s where s.slot_type = 'physical'))::text
        from pg_catalog.pg_stat_archiver a
        """;
}
