using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Reprise.Recovery.Assets;
using Reprise.Repository.Wal;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>
/// What a restored copy is told so that it ends its recovery exactly where the backup ended, and touches nothing of
/// production: it archives nothing, follows nobody, listens on no network, and no log, pid file or socket of it lies
/// outside of it. PostgreSQL takes most failures of a <c>restore_command</c> for the end of the archive and promotes; here
/// all WAL is in place, and a target that is not reached is an error.
/// </summary>
internal static partial class CopySettings
{
    private const string Mark = "# Written by Reprise for a copy beside production. Before this server takes over, delete these lines.";

    private const string ArchiveMark = "# Written by Reprise, which restored this server in place. To archive again: 'reprise wal adopt', delete these lines, restart it, 'reprise backup'.";
    private const string PlacesMark = "\n# Written by Reprise: the places of the copy.\n";
    private const string MinimalMark = "# Written by Reprise: the configuration of this server lay outside";

    /// <summary>Lines to append to <c>postgresql.auto.conf</c>.</summary>
    public static byte[] Lines(ReplayTarget target)
    {
        var lines = new StringBuilder();
        lines.Append('\n').Append(Mark).Append('\n');
        foreach (var (name, value) in Recovery(target).Concat(Apart)) lines.Append(name).Append(" = '").Append(value).Append("'\n");
        return Encoding.UTF8.GetBytes(lines.ToString());
    }

    /// <summary>The same file when the recovery is over: what is left keeps the copy apart from production.</summary>
    public static string AfterRecovery(string text, ReplayTarget target)
    {
        var mark = text.LastIndexOf(Mark, StringComparison.Ordinal);
        if (mark < 0) return text;
        var over = Recovery(target).Select(s => s.Name + " = ").ToList();
        var kept = text[mark..].Split('\n').Where(line => !over.Any(o => line.StartsWith(o, StringComparison.Ordinal)));
        return text[..mark] + string.Join('\n', kept);
    }

    /// <summary>
    /// The same file for a copy that becomes the live server: as the source had it, but it does not archive. Two servers that
    /// were restored of one point begin the same timeline, and neither may write over the WAL of the other.
    /// </summary>
    public static string ForProduction(string text)
    {
        var mark = text.LastIndexOf(Mark, StringComparison.Ordinal);
        return (mark < 0 ? text : text[..mark].TrimEnd('\n')) + "\n" + ArchiveMark + "\narchive_mode = 'off'\n";
    }

    /// <summary>A configuration without the places of the copy.</summary>
    public static string WithoutPlaces(string text)
    {
        var mark = text.LastIndexOf(PlacesMark, StringComparison.Ordinal);
        return mark < 0 ? text : text[..mark];
    }

    /// <summary>Whether a configuration is <see cref="Minimal"/>, and not the source's own.</summary>
    public static bool IsMinimal(string text) => text.StartsWith(MinimalMark, StringComparison.Ordinal);

    /// <summary>The same file with another place to end at.</summary>
    public static string WithTarget(string text, ReplayTarget was, ReplayTarget target)
    {
        var mark = text.LastIndexOf(Mark, StringComparison.Ordinal);
        Invariant.Check(mark >= 0, "a copy of ours has our lines");
        var block = text[mark..];
        foreach (var (old, now) in Recovery(was).Zip(Recovery(target)))
            block = block.Replace($"\n{old.Name} = '{old.Value}'\n", $"\n{now.Name} = '{now.Value}'\n", StringComparison.Ordinal);
        return text[..mark] + block;
    }

    /// <summary>A configuration for a server whose own lay elsewhere, and names production's places.</summary>
    public static byte[] Minimal() => Encoding.UTF8.GetBytes(
        MinimalMark + " of its data directory, and is in ../outside.\n");

    /// <summary>Only who can enter the folder of the socket gets in.</summary>
    public static byte[] MinimalHba() => "local all all trust\n"u8.ToArray();

    /// <summary>Whether a <c>postgresql.conf</c> says where data directory or other files of the server are.</summary>
    public static bool NamesPlaces(string configuration) => PlaceSetting().IsMatch(configuration);

    /// <summary>Lines to append to such a file: the last ones count.</summary>
    public static byte[] Places(string data)
    {
        var quoted = data.Replace("'", "''", StringComparison.Ordinal);
        return Encoding.UTF8.GetBytes(
            $"{PlacesMark}data_directory = '{quoted}'\n"
            + $"hba_file = '{quoted}/pg_hba.conf'\nident_file = '{quoted}/pg_ident.conf'\n");
    }

    [GeneratedRegex("^\\s*(data_directory|hba_file|ident_file)\\b", RegexOptions.ExplicitCapture | RegexOptions.Multiline | RegexOptions.IgnoreCase, 1000)]
    private static partial Regex PlaceSetting();

    /// <summary>Who is in the sandbox gets in.</summary>
    public static byte[] SandboxHba() => "local all all trust\nhost all all 127.0.0.1/32 trust\n"u8.ToArray();

    private static IEnumerable<(string Name, string Value)> Recovery(ReplayTarget target) =>
    [
        ("restore_command", "false"),
        ("recovery_target", ""),
        ("recovery_target_name", ""),
        ("recovery_target_time", ""),
        ("recovery_target_xid", ""),
        ("recovery_target_lsn", target.At.ToString()),
        ("recovery_target_inclusive", target.Inclusive ? "on" : "off"),
        ("recovery_target_timeline", target.Timeline),
        ("recovery_target_action", "promote"),
        ("hot_standby", "off"),
    ];

    private static readonly (string Name, string Value)[] Apart =
    [
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
        ("cron.launch_active_jobs", "off"),
    ];
}

/// <summary>Where a copy ends its recovery.</summary>
/// <param name="At">the place of a record.</param>
/// <param name="Inclusive">whether that record still happens.</param>
/// <param name="Timeline">the timeline that is followed.</param>
internal sealed record ReplayTarget(Lsn At, bool Inclusive, string Timeline)
{
    /// <summary>
    /// Where the backup ended, or the moment that was found in the WAL. A timeline is a number, but for a point that was
    /// taken on a later one and is restored without its history: PostgreSQL refuses a number that it knows nothing of.
    /// </summary>
    public static ReplayTarget Of(ClusterFacts cluster, AssetMoment? moment) => moment is null
        ? new ReplayTarget(cluster.Stop, false, cluster.Timeline == 1 ? "1" : "current")
        : new ReplayTarget(Lsn.Parse(moment.Target), moment.Inclusive, moment.Timeline.ToString(CultureInfo.InvariantCulture));
}
