using System.Text.RegularExpressions;
using Reprise.Configuration;
using Reprise.Recovery.Processes;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Setup;

/// <summary>Looks for something on this host that starts <c>backup</c> by itself. Read-only.</summary>
/// <param name="disk">the file system.</param>
/// <param name="children">asks <c>crontab</c> and <c>schtasks</c>.</param>
/// <param name="root">where the file system begins; another one in tests.</param>
/// <param name="home">the home folder, or empty.</param>
internal sealed partial class ScheduleSearch(IDisk disk, ChildProcesses children, string root, string home)
{
    private const int MaxFiles = 2000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private static readonly string[] UnitFolders =
        ["etc/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"];

    private static readonly string[] CronFolders =
    [
        "etc/cron.d",
        "etc/cron.hourly",
        "etc/cron.daily",
        "etc/cron.weekly",
        "var/spool/cron/crontabs",
        "var/spool/cron",
        "etc/periodic/hourly", "etc/periodic/daily", "etc/periodic/15min",
    ];

    /// <summary>Where something was found, in words; null when nothing was.</summary>
    public async Task<string?> FindAsync(CancellationToken cancellationToken)
    {
        if (OperatingSystem.IsWindows()) return await FindTaskAsync(cancellationToken);
        return FindTimer() ?? FindCron() ?? await FindCrontabAsync(cancellationToken);
    }

    // A timer starts the service of its own name unless it says Unit=; it must be enabled, which is a link somewhere in
    // a *.wants folder. A unit that nobody enabled starts nothing.
    private string? FindTimer()
    {
        var folders = UnitFolders.Select(f => Path.Combine(root, f)).ToList();
        if (home.Length > 0) folders.Add(Path.Combine(home, ".config/systemd/user"));
        foreach (var folder in folders)
        {
            foreach (var timer in Names(folder).Where(n => n.EndsWith(".timer", StringComparison.Ordinal)))
            {
                var unit = UnitLine().Match(Text(Path.Combine(folder, timer)));
                var service = unit.Success ? unit.Groups["unit"].Value : timer[..^".timer".Length] + ".service";
                var text = folders.Select(f => Text(Path.Combine(f, service))).FirstOrDefault(t => t.Length > 0) ?? "";
                if (StartsBackup(text) && IsEnabled(folders, timer)) return $"systemd timer {timer}";
            }
        }

        return null;
    }

    private bool IsEnabled(IEnumerable<string> folders, string timer) => folders.Any(
        folder => Names(folder).Any(
            n => n.EndsWith(".wants", StringComparison.Ordinal) && Names(Path.Combine(folder, n)).Contains(timer)));

    private string? FindCron()
    {
        var files = CronFolders
            .SelectMany(folder => Names(Path.Combine(root, folder)).Select(n => Path.Combine(root, folder, n)))
            .Prepend(Path.Combine(root, "etc/crontab"))
            .Prepend(Path.Combine(root, "etc/anacrontab"))
            .Take(MaxFiles);
        var found = files.FirstOrDefault(f => StartsBackup(Text(f)));
        return found is null ? null : $"cron, in {found}";
    }

    // The table of this user lies where only crontab itself may read it.
    private async Task<string?> FindCrontabAsync(CancellationToken cancellationToken) =>
        StartsBackup(await AskAsync(["crontab", "-l"], cancellationToken)) ? "the crontab of this user" : null;

    private async Task<string?> FindTaskAsync(CancellationToken cancellationToken) =>
        StartsBackup(
            await AskAsync(["schtasks", "/Query", "/V", "/FO", "LIST"], cancellationToken)) ? "Task Scheduler" : null;

    private async Task<string> AskAsync(IReadOnlyList<string> command, CancellationToken cancellationToken)
    {
        try
        {
            var result = await children.RunAsync(new ChildCommand(command) { Within = Patience }, cancellationToken);
            return result.Exit == 0 ? result.Output : "";
        }
        catch (RepriseException e) when (e.Code == Recovery.RecoveryErrors.ClientMissing)
        {
            // Without the program there is no such table either.
            return "";
        }
    }

    private static bool StartsBackup(string text) => text.Split('\n').Any(
        line => !line.TrimStart().StartsWith('#') && BackupLine().IsMatch(line));

    private IReadOnlyList<string> Names(string folder)
    {
        try
        {
            return [.. disk.List(new DiskPath(folder)).Select(e => e.Name.ToString()).Order(StringComparer.Ordinal)];
        }
        catch (RepriseException e) when (e.Code.Exit == ExitCodes.Unavailable)
        {
            // Not there, or not ours to read: nothing that could be told from it.
            return [];
        }
    }

    private string Text(string file)
    {
        try
        {
            return ConfigurationFile.ReadText(disk, file, file) ?? "";
        }
        catch (RepriseException e) when (e.Code.Exit == ExitCodes.Usage)
        {
            // A folder, too large, not text, or not ours to read.
            return "";
        }
    }

    [GeneratedRegex(@"\breprise(\.exe)?\b[^#]*\bbackup\b", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex BackupLine();

    [GeneratedRegex(@"^\s*Unit\s*=\s*(?<unit>\S+)", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 1000)]
    private static partial Regex UnitLine();
}
