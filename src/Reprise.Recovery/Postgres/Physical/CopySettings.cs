using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>
/// What a restored copy is told so that it ends its recovery exactly where the backup ended, and touches nothing of
/// production: it archives nothing, follows nobody, listens on no network, and no log, pid file or socket of it lies
/// outside of it. PostgreSQL takes most failures of a <c>restore_command</c> for the end of the archive and promotes; here
/// all WAL is in place, and a target that is not reached is an error.
/// </summary>
internal static partial class CopySettings
{
    /// <summary>Lines to append to <c>postgresql.auto.conf</c>.</summary>
    public static byte[] Lines(ClusterFacts cluster)
    {
        var lines = new StringBuilder();
        lines.Append("\n# Written by Reprise for a copy beside production. Before this server takes over, delete these lines.\n");
        foreach (var (name, value) in Settings(cluster)) lines.Append(name).Append(" = '").Append(value).Append("'\n");
        return Encoding.UTF8.GetBytes(lines.ToString());
    }

    /// <summary>A configuration for a server whose own lay elsewhere, and names production's places.</summary>
    public static byte[] Minimal() => Encoding.UTF8.GetBytes(
        "# Written by Reprise: the configuration of this server lay outside of its data directory, and is in ../outside.\n");

    /// <summary>Only who can enter the folder of the socket gets in.</summary>
    public static byte[] MinimalHba() => "local all all trust\n"u8.ToArray();

    /// <summary>Whether a <c>postgresql.conf</c> says where data directory or other files of the server are.</summary>
    public static bool NamesPlaces(string configuration) => PlaceSetting().IsMatch(configuration);

    /// <summary>Lines to append to such a file: the last ones count.</summary>
    public static byte[] Places(string data)
    {
        var quoted = data.Replace("'", "''", StringComparison.Ordinal);
        return Encoding.UTF8.GetBytes(
            $"\n# Written by Reprise: the places of the copy.\ndata_directory = '{quoted}'\n"
            + $"hba_file = '{quoted}/pg_hba.conf'\nident_file = '{quoted}/pg_ident.conf'\n");
    }

    [GeneratedRegex("^\\s*(data_directory|hba_file|ident_file)\\b", RegexOptions.ExplicitCapture | RegexOptions.Multiline | RegexOptions.IgnoreCase, 1000)]
    private static partial Regex PlaceSetting();

    /// <summary>Who is in the sandbox gets in.</summary>
    public static byte[] SandboxHba() => "local all all trust\nhost all all 127.0.0.1/32 trust\n"u8.ToArray();

    private static IEnumerable<(string Name, string Value)> Settings(ClusterFacts cluster) =>
    [
        ("restore_command", "false"),
        ("recovery_target", ""),
        ("recovery_target_name", ""),
        ("recovery_target_time", ""),
        ("recovery_target_xid", ""),
        ("recovery_target_lsn", cluster.StopLsn),
        ("recovery_target_inclusive", "off"),
        ("recovery_target_timeline", cluster.Timeline.ToString(CultureInfo.InvariantCulture)),
        ("recovery_target_action", "promote"),
        ("archive_mode", "off"),
        ("archive_command", ""),
        ("archive_library", ""),
        ("archive_cleanup_command", ""),
        ("recovery_end_command", ""),
        ("primary_conninfo", ""),
        ("primary_slot_name", ""),
        ("synchronous_standby_names", ""),
        ("max_logical_replication_workers", "0"),
        ("listen_addresses", ""),
        ("unix_socket_directories", "."),
        ("external_pid_file", ""),
        ("logging_collector", "off"),
        ("log_destination", "stderr"),
        ("hot_standby", "off"),
        ("cron.launch_active_jobs", "off"),
    ];
}
