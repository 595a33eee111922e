using System.Security.Cryptography;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Checks;
using Reprise.Recovery.Postgres;
using Reprise.Recovery.Postgres.InPlace;
using Reprise.Recovery.Processes;
using Reprise.Recovery.Restoring;
using Reprise.Recovery.State;
using Reprise.Recovery.Wal;
using Reprise.Repository.Points;
using Reprise.Repository.Wal;
using Reprise.Storage.Disk;
using Reprise.Tests.Fixtures;
using Reprise.Tests.Restoring;
using Reprise.Tests.Wal;

namespace Reprise.Tests.Postgres;

/// <summary>A server with a tablespace, captured as files, and restores of it in place with the real engine and journal.</summary>
internal sealed class InPlaceGround : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly string place = Directory.CreateTempSubdirectory("rip").FullName;
    private readonly IDisk real = Disks.OfThisMachine();

    public InPlaceGround(int major, string? data = null)
    {
        PostgresCluster.Run("chmod", ["755", place, Bench.Folder]);
        Server = PostgresCluster.Start(major);
        Data = data ?? Server.Data;
        Space = Directory.CreateDirectory(Path.Combine(place, "fast")).FullName;
        if (Environment.UserName == "root") PostgresCluster.Run("chown", ["postgres:postgres", Space]);
        Server.Sql("postgres", $"create tablespace fast location '{Space}'");
        Server.Sql("postgres", """
            create table marks(i int primary key); insert into marks values (1);
            create table spaced tablespace fast as select generate_series(1, 20000) i; create index on spaced(i) tablespace fast
            """);
    }

    public PostgresBench Bench { get; } = new();

    public PostgresCluster Server { get; }

    public string Data { get; set; }

    public string Space { get; }

    /// <summary>Whether the application is stopped and started by us; it has no process.</summary>
    public bool HasControl { get; set; } = true;

    public Script Dialogue { get; } = new();

    public IReadOnlyList<CheckDefinition> Checks { get; set; } = [];

    /// <summary>What a check answers.</summary>
    public Func<CheckDefinition, Outcome> Answer { get; set; } = _ => Outcome.Pass;

    public PointReader? Point { get; private set; }

    public string this[string name] => Path.Combine(place, name);

    public string Marks => Server.Sql("postgres", "select string_agg(i::text, ',' order by i) from marks");

    /// <summary>The asset, through a disk that may fail.</summary>
    public PostgresAsset Asset(Func<PostgresSettings, PostgresSettings>? change = null, IDisk? disk = null)
    {
        var settings = new PostgresSettings
        {
            ConnectionText = Server.Connection("postgres"),
            ClientFolder = Server.Programs,
            Method = PostgresMethod.Physical,
            DataFolder = Data,
        };
        return new PostgresAsset("orders", change?.Invoke(settings) ?? settings, Bench.Host with { Disk = disk ?? real });
    }

    public static PostgresSettings WithPgCtl(PostgresSettings settings) => settings with { Control = new ServerControl.PgCtl() };

    public async Task<AssetRecord> BackupAsync()
    {
        var (record, point) = await Bench.BackupAsync(Asset());
        Point = point;
        return record;
    }

    /// <summary>Archives the WAL that is whole.</summary>
    public async Task<WalArchive> PushAsync()
    {
        var archive = await Bench.ArchiveAsync();
        var current = Server.Sql("postgres", "select pg_walfile_name(pg_current_wal_insert_lsn())");
        foreach (var file in WalGround.Segments(Server).Where(f => string.CompareOrdinal(Path.GetFileName(f), current) < 0))
            await new WalPush(archive, real).RunAsync(new DiskPath(file), new DiskPath(Data), None);
        return archive;
    }

    /// <summary>A life of the program.</summary>
    public RestoreRun Run(PostgresAsset asset) => new(
        new RestoreApplication
        {
            Name = "shop",
            Assets = [asset],
            Control = HasControl ? ApplicationControl.Of(new ChildProcesses(TimeProvider.System), new ChildCommand(["true"]), new ChildCommand(["true"])) : null,
            Checks = Checks,
            KeepFormer = TimeSpan.FromHours(72),
            CompareSecrets = (_, _) => Task.FromResult<IReadOnlyList<SecretOutcome>>([]),
            CaptureSafety = (_, _) => throw new InvalidOperationException("the folder that is set aside is the safety copy"),
        },
        new RestoreHost(
            real, new StateFolder(real, new DiskPath(Path.Combine(place, "state"))), TimeProvider.System, TimeZoneInfo.Utc, new Asker(this), Dialogue, Bench.Progress)
        {
            Scratch = new DiskPath(Bench.Folder),
        });

    public Task<RestoreReport> RestoreAsync(PostgresAsset asset, RestoreChoices? choices = null, AssetMoment? moment = null) => Run(asset).RunAsync(
        new RestoreRequest
        {
            Point = Point!, // A point was taken first.
            Choices = choices ?? new RestoreChoices(),
            Moments = moment is null ? new SortedDictionary<string, AssetMoment>() : new SortedDictionary<string, AssetMoment> { ["orders"] = moment },
        },
        None);

    public Task<RestoreReport> UndoAsync(PostgresAsset asset) => Run(asset).UndoAsync(null, new RestoreChoices(), None);

    public Task<RestoreReport> ContinueAsync(PostgresAsset asset) =>
        Run(asset).ContinueAsync((_, _) => Task.FromResult(Point!), new RestoreChoices(), None); // A point was taken first.

    /// <summary>Stops the server in good order, as whoever restores does.</summary>
    public void StopServer() => Ctl("stop", Server.Data);

    public void Ctl(string verb, string data)
    {
        string[] arguments = ["-D", data, "-m", "fast", "-w", verb];
        var program = Path.Combine(Server.Programs, "pg_ctl");
        var result = Environment.UserName == "root"
            ? PostgresCluster.Run("runuser", ["-u", "postgres", "--", program, .. arguments])
            : PostgresCluster.Run(program, arguments);
        Assert.True(result.Exit == 0, result.Output);
    }

    /// <summary>
    /// Number, owner, mode, time and bytes of every file of a data directory and of its tablespace, which lies live or in a slot.
    /// </summary>
    public SortedDictionary<string, string> Print(string data, string? slot = null)
    {
        var print = new SortedDictionary<string, string>(StringComparer.Ordinal);
        Add(data, "");
        var own = Directory.EnumerateDirectories(Space).Select(Path.GetFileName).Single(n => slot is null ? !n!.Contains('.') : n!.EndsWith("." + slot, StringComparison.Ordinal));
        var folder = Path.Combine(Space, own!);
        Add(slot is null ? folder : Directory.EnumerateDirectories(folder).Single(), "space/");
        Assert.True(print.Count > 900, "a data directory has more files");
        return print;

        void Add(string root, string prefix)
        {
            foreach (var path in Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories))
            {
                var name = Path.GetRelativePath(root, path);
                if (prefix.Length == 0 && (name.StartsWith("reprise.", StringComparison.Ordinal) || name.StartsWith("pg_tblspc/", StringComparison.Ordinal))) continue;
                var status = real.Stat(new DiskPath(path))!;
                print[prefix + name] = $"{status.Inode} {status.User} {status.Mode} {status.Modified} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)))}";
            }
        }
    }

    public static void AssertSame(SortedDictionary<string, string> expected, SortedDictionary<string, string> actual)
    {
        Assert.Equal(expected.Keys, actual.Keys);
        foreach (var (name, print) in expected) Assert.Equal($"{name} {print}", $"{name} {actual[name]}");
    }

    public void Dispose()
    {
        Server.Dispose();
        Bench.Dispose();
        Directory.Delete(place, recursive: true);
    }

    private sealed class Asker(InPlaceGround ground) : ICheckRunner
    {
        public Task<CheckOutcome> AskAsync(CheckDefinition check, CheckSubject subject, Patience patience, CancellationToken cancellationToken) =>
            Task.FromResult(new CheckOutcome
            {
                Name = check.Name, Level = check.Level, Outcome = ground.Answer(check), Required = check.Required,
            });
    }
}
