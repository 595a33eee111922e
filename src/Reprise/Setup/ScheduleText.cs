using System.Text.RegularExpressions;
using Reprise.Json;

namespace Reprise.Setup;

/// <summary>Three ways to start <c>backup</c> by itself, ready to be copied.</summary>
internal static partial class ScheduleText
{
    private static readonly int[] Periods = [5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 720, 1440];

    /// <summary>The texts for one application.</summary>
    /// <param name="application">its name.</param>
    /// <param name="program">absolute path of this program.</param>
    /// <param name="configuration">absolute path of the configuration.</param>
    /// <param name="rpo">what was promised, or null: an hour.</param>
    public static ScheduleJson Of(string application, string program, string configuration, TimeSpan? rpo)
    {
        var minutes = PeriodMinutes(rpo ?? TimeSpan.FromHours(1));
        var command = $"{Unit(program)} backup --quiet --config {Unit(configuration)}";
        return new ScheduleJson
        {
            SystemdService = $"""
                [Unit]
                Description=Recovery point of {application}

                [Service]
                Type=oneshot
                ExecStart={command}
                # What is half-done is put back when it is stopped, however long that takes.
                TimeoutStopSec=infinity
                """,
            SystemdTimer = $"""
                [Unit]
                Description=Recovery point of {application}

                [Timer]
                OnCalendar={OnCalendar(minutes)}
                Persistent=true
                RandomizedDelaySec=30

                [Install]
                WantedBy=timers.target
                """,
            Cron = $"{Cron(minutes)} {Shell(program)} backup --quiet --config {Shell(configuration)}",
            TaskScheduler = $"schtasks /Create /TN \"Reprise {application}\" {TaskSchedule(minutes)} "
                + $"/TR \"\\\"{program}\\\" backup --quiet --config \\\"{configuration}\\\"\"",
        };
    }

    /// <summary>
    /// How often, in minutes: the longest usual period of at most half of the objective, so that one failed backup does
    /// not break the promise yet.
    /// </summary>
    public static int PeriodMinutes(TimeSpan rpo) =>
        Periods.LastOrDefault(p => p <= rpo.TotalMinutes / 2, Periods[0]);

    private static string OnCalendar(int minutes) => minutes switch
    {
        60 => "hourly",
        1440 => "daily",
        < 60 => $"*:0/{minutes}",
        _ => $"0/{minutes / 60}:00",
    };

    private static string Cron(int minutes) => minutes switch
    {
        60 => "0 * * * *",
        1440 => "0 3 * * *",
        < 60 => $"*/{minutes} * * * *",
        _ => $"0 */{minutes / 60} * * *",
    };

    private static string TaskSchedule(int minutes) => minutes switch
    {
        1440 => "/SC DAILY /ST 03:00",
        < 60 => $"/SC MINUTE /MO {minutes}",
        _ => $"/SC HOURLY /MO {minutes / 60}",
    };

    // Percent signs are specifiers for systemd and line breaks for cron.
    private static string Unit(string path)
    {
        var escaped = path.Replace("%", "%%", StringComparison.Ordinal).Replace("$", "$$", StringComparison.Ordinal);
        if (Simple().IsMatch(path)) return escaped;
        escaped = escaped.Replace("\\", "\\\\", StringComparison.Ordinal);
        return $"\"{escaped.Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
    }

    private static string Shell(string path) => (Simple().IsMatch(path)
        ? path
        : "'" + path.Replace("'", "'\\''", StringComparison.Ordinal) + "'").Replace(
            "%", "\\%", StringComparison.Ordinal);

    [GeneratedRegex(@"^[A-Za-z0-9_./:@+-]+\z", RegexOptions.None, 1000)]
    private static partial Regex Simple();
}
