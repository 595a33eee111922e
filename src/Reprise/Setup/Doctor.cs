using Reprise.Configuration;
using Reprise.Json;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Processes;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Setup;

/// <summary>What the repository looks like from here.</summary>
/// <param name="Points">how many points it has.</param>
/// <param name="Newest">when the newest one was taken, or null.</param>
/// <param name="LargestStoredBytes">what the largest of the last points added.</param>
/// <param name="Problems">what is wrong with points.</param>
internal sealed record RepositoryLook(
    int Points, DateTimeOffset? Newest, long LargestStoredBytes, IReadOnlyList<Problem> Problems);

/// <summary>What <c>doctor</c> stands on.</summary>
internal sealed record DoctorHost
{
    /// <summary>The file system.</summary>
    public required IDisk Disk { get; init; }

    /// <summary>Time.</summary>
    public required TimeProvider Clock { get; init; }

    /// <summary>Child processes.</summary>
    public required ChildProcesses Children { get; init; }

    /// <summary>The variables of the process.</summary>
    public required IReadOnlyDictionary<string, string> Environment { get; init; }

    /// <summary>Where the file system begins; another one in tests.</summary>
    public string Root { get; init; } = "/";

    /// <summary>Opens the repository and looks at it.</summary>
    public required Func<CancellationToken, Task<RepositoryLook>> LookAsync { get; init; }

    /// <summary>How the WAL of each PostgreSQL comes; an asset, a sentence, and what is wrong.</summary>
    public required Func<CancellationToken, Task<IReadOnlyList<(string Asset, string Detail, IReadOnlyList<Problem> Problems)>>> WalAsync { get; init; }

    /// <summary>The assets; some kinds cannot be made when the repository cannot be opened.</summary>
    public required Func<CancellationToken, Task<IReadOnlyList<IAsset>>> AssetsAsync { get; init; }
}

/// <summary>
/// Finds out what would stop a backup or a restore here, read-only. Nothing that is wrong keeps it from looking at the
/// rest. What would stop one is an error; what only weakens it is a warning.
/// </summary>
internal sealed class Doctor(DoctorHost host, ApplicationConfiguration configuration)
{
    /// <summary>Less room than this stops the next point.</summary>
    public const long LeastRoomBytes = 128L * 1024 * 1024;

    private const int GroupAndOthers = 0x3F;

    // Clocks of hosts without a battery start at 1970 or at the time of their firmware.
    private static readonly DateTimeOffset NeverBefore = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromMinutes(10);

    private readonly List<ExaminedJson> examined = [];
    private readonly List<Problem> problems = [];

    /// <summary>Looks at everything.</summary>
    public async Task<(DoctorJson Result, IReadOnlyList<Problem> Problems)> ExamineAsync(
        CancellationToken cancellationToken)
    {
        Note("configuration", [], configuration.File);
        Key();
        var look = await RepositoryAsync(cancellationToken);
        Clock(look);
        Room(look);
        Device();
        await AssetsAsync(cancellationToken);
        await WalAsync(cancellationToken);
        Programs();
        await ScheduleAsync(cancellationToken);
        return (new DoctorJson { Examined = examined }, problems);
    }

    private void Key()
    {
        if (configuration.Repository.KeyFile is not { } path) return;
        var status = Try(() => host.Disk.Stat(new DiskPath(path)), out var problem);
        if (problem is not null)
        {
            Note("key", [problem], null);
            return;
        }

        // A key that is not there is told by opening the repository, with what to do about it.
        if (status is null) return;
        var isExposed = !OperatingSystem.IsWindows() && (status.Mode & GroupAndOthers) != 0;
        Note("key", isExposed ? [Exposed(path, status.Mode)] : [], $"{path}, mode {Convert.ToString(status.Mode, 8)}");
    }

    private static Problem Exposed(string path, int mode) => new(
        SetupErrors.KeyExposed,
        Severity.Warning,
        $"other users can read the key {path} (mode {Convert.ToString(mode, 8)})",
        $"chmod 600 {path}")
    {
        Where = path,
    };

    private async Task<RepositoryLook?> RepositoryAsync(CancellationToken cancellationToken)
    {
        var (look, problem) = await TryAsync(() => host.LookAsync(cancellationToken));
        if (look is null)
        {
            Note("repository", problem is null ? [] : [problem], configuration.Repository.Location.ToString());
            return null;
        }

        Note(
            "repository",
            look.Problems,
            $"{configuration.Repository.Location}, {look.Points} {(look.Points == 1 ? "point" : "points")}");
        return look;
    }

    private void Clock(RepositoryLook? look)
    {
        var now = host.Clock.GetUtcNow();
        var wrong = now < NeverBefore
            ? $"the clock says {now:yyyy-MM-dd}, which is long ago"
            : look?.Newest is { } newest && newest > now + ClockTolerance
                ? $"the newest point was taken at {newest.UtcDateTime:yyyy-MM-dd HH:mm} UTC, which is in the future"
                : null;
        Note(
            "clock",
            wrong is null ? [] : [new Problem(
                SetupErrors.ClockOdd, Severity.Error, wrong, "set the clock, and let NTP keep it")],
            $"{now.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC");
    }

    private void Room(RepositoryLook? look)
    {
        if (configuration.Repository.Location is not RepositoryLocation.Folder folder) return;
        var space = Try(() => host.Disk.Space(new DiskPath(folder.Path)), out var problem);
        if (problem is not null)
        {
            Note("room", [problem], null);
            return;
        }

        var expected = look?.LargestStoredBytes ?? 0;
        var message = $"{Amounts.Bytes(space.FreeBytes)} are free at {folder.Path}";
        Problem? little = space.FreeBytes < LeastRoomBytes
            ? new Problem(SetupErrors.RoomShort, Severity.Error, message, "free some room before the next backup")
            : space.FreeBytes < 2 * expected
                ? new Problem(
                    SetupErrors.RoomShort,
                    Severity.Warning,
                    $"{message}, and the largest of the last points added {Amounts.Bytes(expected)}",
                    "free some room, or move the repository to a larger disk")
                : null;
        Note("room", little is null ? [] : [little], $"{Amounts.Bytes(space.FreeBytes)} free");
    }

    private void Device()
    {
        if (configuration.Repository.Location is not RepositoryLocation.Folder folder) return;
        var here = Try(() => (long?)host.Disk.Space(new DiskPath(folder.Path)).Device, out _);
        if (here is null) return;
        var shared = Sources()
            .Where(s => Try(() => (long?)host.Disk.Space(new DiskPath(s.Path)).Device, out _) == here)
            .Select(s => s.Name)
            .ToList();
        Note(
            "other disk",
            shared.Count == 0
                ? []
                :
                [
                    new Problem(
                        SetupErrors.SameDevice,
                        Severity.Warning,
                        $"the repository lies on the disk of {string.Join(", ", shared)}: they are lost together",
                        "move repository.location to another disk or host"),
                ],
            shared.Count == 0 ? "the repository lies on a disk of its own" : null);
    }

    private IEnumerable<(string Name, string Path)> Sources()
    {
        foreach (var asset in configuration.Assets)
        {
            var path = asset switch
            {
                AssetConfiguration.Sqlite sqlite => sqlite.Path,
                AssetConfiguration.Postgres postgres => postgres.DataFolder,
                AssetConfiguration.Files => configuration.Folder,
                _ => null,
            };
            if (path is not null) yield return (asset.Name, path);
        }
    }

    private async Task AssetsAsync(CancellationToken cancellationToken)
    {
        // Why they cannot be made stands at the repository already.
        var assets = (await TryAsync(() => host.AssetsAsync(cancellationToken))).Result ?? [];
        foreach (var wanted in configuration.Assets)
        {
            if (assets.FirstOrDefault(a => a.Name == wanted.Name) is not { } asset)
            {
                Add(wanted.Name, Outcome.CouldNotVerify, "the repository has to be opened first");
                continue;
            }

            var (found, problem) = await TryAsync(() => asset.DiagnoseAsync(cancellationToken));
            var all = problem is null ? found ?? [] : [problem];
            Note(asset.Name, [.. all.Select(p => p with { Asset = p.Asset ?? asset.Name })], asset.Kind);
        }
    }

    private async Task WalAsync(CancellationToken cancellationToken)
    {
        var (found, problem) = await TryAsync(() => host.WalAsync(cancellationToken));
        if (problem is not null) Note("WAL", [problem], null);
        foreach (var (asset, detail, wrong) in found ?? []) Note($"WAL of {asset}", wrong, detail);
    }

    private void Programs()
    {
        var named = new List<(string Where, IReadOnlyList<string>? Arguments)>
        {
            ("control.stop", configuration.Control?.Stop),
            ("control.start", configuration.Control?.Start),
            ("log of the application", configuration.Control?.Log),
            ("hooks.after-backup", configuration.Hooks.AfterBackup),
            ("hooks.on-failure", configuration.Hooks.OnFailure),
        };
        named.AddRange(configuration.Checks.Select(c => ($"checks.{c.Name}", c switch
        {
            CheckConfiguration.Command command => command.Run,
            CheckConfiguration.Migration migration => migration.Head,
            _ => null,
        })));
        var missing = named.Where(n => n.Arguments is not null && !Exists(n.Arguments[0])).ToList();
        if (named.All(n => n.Arguments is null)) return;
        Note(
            "programs",
            [.. missing.Select(m => new Problem(
                SetupErrors.ProgramMissing,
                // A restore that cannot stop or start the application is refused; a hook or a check only says less.
                m.Where.StartsWith("control.", StringComparison.Ordinal) ? Severity.Error : Severity.Warning,
                $"the program {m.Arguments![0]} of {m.Where} was not found", // The filter demands arguments.
                "install it, or correct the configuration")
            {
                Where = m.Where,
            })],
            missing.Count == 0 ? "all there" : null);
    }

    private bool Exists(string program)
    {
        if (Path.IsPathRooted(program)) return Try(() => host.Disk.Stat(new DiskPath(program)), out _) is not null;
        string[] names = OperatingSystem.IsWindows() ? [program, program + ".exe", program + ".cmd"] : [program];
        return host.Environment.GetValueOrDefault("PATH", "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Where(Path.IsPathRooted)
            .SelectMany(folder => names.Select(name => new DiskPath(Path.Combine(folder, name))))
            .Any(path => Try(() => host.Disk.Stat(path), out _) is not null);
    }

    private async Task ScheduleAsync(CancellationToken cancellationToken)
    {
        var home = host.Environment.GetValueOrDefault("HOME", "");
        var found = await new ScheduleSearch(host.Disk, host.Children, host.Root, home).FindAsync(cancellationToken);
        Note(
            "schedule",
            found is null
                ?
                [
                    new Problem(
                        SetupErrors.NothingScheduled,
                        Severity.Warning,
                        "nothing on this host starts reprise backup by itself",
                        "reprise init prints a systemd timer, a cron line and a Task Scheduler command"),
                ]
                : [],
            found);
    }

    private void Note(string name, IReadOnlyList<Problem> found, string? seen)
    {
        problems.AddRange(found);
        var worst = found.Count == 0 ? (Severity?)null : found.Max(p => p.Severity);
        var outcome = worst switch
        {
            Severity.Error => Outcome.Fail,
            Severity.Warning => Outcome.CouldNotVerify,
            _ => Outcome.Pass,
        };
        var worstProblem = found.FirstOrDefault(p => p.Severity == worst);
        Add(name, outcome, worst is Severity.Error or Severity.Warning ? worstProblem?.Message : seen);
    }

    private void Add(string name, Outcome outcome, string? seen) =>
        examined.Add(new ExaminedJson { Name = name, Outcome = Words.Of(outcome), Seen = seen });

    private static T? Try<T>(Func<T> look, out Problem? problem)
    {
        try
        {
            problem = null;
            return look();
        }
        catch (RepriseException e)
        {
            // The doctor's answer is what is wrong; it goes on to the next organ.
            problem = e.Problem;
            return default;
        }
    }

    private static async Task<(T? Result, Problem? Problem)> TryAsync<T>(Func<Task<T>> look)
        where T : class
    {
        try
        {
            return (await look(), null);
        }
        catch (RepriseException e)
        {
            // As above.
            return (null, e.Problem);
        }
    }
}
