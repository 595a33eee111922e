using Microsoft.Extensions.Time.Testing;
using Reprise.Configuration;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Processes;
using Reprise.Repository.Points;
using Reprise.Setup;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Tests.Setup;

/// <summary>What the doctor finds, and that one thing that is wrong keeps it from nothing.</summary>
public sealed class DoctorTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 11, 22, 4, 0, 0, TimeSpan.Zero);
    private readonly AppFolder folder = new();
    private readonly FakeTimeProvider clock = new(Now);
    private RepositoryLook look = new(3, Now.AddHours(-1), 1024, []);
    private Exception? lookFails;
    private IReadOnlyList<(string Asset, string Detail, IReadOnlyList<Problem> Problems)> wal = [];
    private readonly List<IAsset> assets = [new PatientAsset("sessions", [])];

    public DoctorTests()
    {
        folder.With("shop.key").With("recovery/repository").WithSqlite("data/sessions.db");
        SetKeyMode(0x180);
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_healthy_application_has_only_its_disk_and_its_schedule_to_mend()
    {
        var (outcomes, problems) = await ExamineAsync();
        Assert.Equal("pass", outcomes["repository"]);
        Assert.Equal("pass", outcomes["key"]);
        Assert.Equal("pass", outcomes["clock"]);
        Assert.Equal("pass", outcomes["room"]);
        Assert.Equal("pass", outcomes["sessions"]);
        Assert.Equal(["same-device", "nothing-scheduled"], problems.Select(p => p.Code.Name));
        Assert.All(problems, p => Assert.Equal(Severity.Warning, p.Severity));
    }

    [Fact]
    public async Task Archiving_that_has_stopped_is_told()
    {
        var stopped = new Problem(Reprise.Recovery.Wal.WalErrors.ArchivingStopped, Severity.Error, "it has stopped", "start it");
        wal = [("orders", "stopped", [stopped]), ("ledger", "flowing", [])];
        var (outcomes, problems) = await ExamineAsync();
        Assert.Equal(("fail", "pass"), (outcomes["WAL of orders"], outcomes["WAL of ledger"]));
        Assert.Contains(stopped, problems);
    }

    [Fact]
    public async Task A_key_that_others_can_read_is_told()
    {
        SetKeyMode(0x184);
        var (_, problems) = await ExamineAsync();
        var problem = Assert.Single(problems, p => p.Code.Name == "key-exposed");
        Assert.StartsWith("chmod 600", problem.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_repository_that_cannot_be_opened_stops_nothing_else()
    {
        lookFails = new RepriseException(
            Reprise.Repository.RepositoryErrors.KeyWrong, "the key does not fit", "use the right one");
        var (outcomes, problems) = await ExamineAsync();
        Assert.Equal("fail", outcomes["repository"]);
        Assert.Equal("pass", outcomes["sessions"]);
        Assert.Contains(problems, p => p.Code.Name == "key-wrong" && p.Severity == Severity.Error);
    }

    [Fact]
    public async Task An_asset_that_cannot_be_made_is_unsure_and_one_that_fails_is_named()
    {
        assets.Clear();
        var (outcomes, _) = await ExamineAsync();
        Assert.Equal("could-not-verify", outcomes["sessions"]);

        assets.Add(new PatientAsset("sessions", [
            new Problem(Reprise.Recovery.RecoveryErrors.SqliteBusy, Severity.Error, "it is locked", "wait"),
        ]));
        (outcomes, var problems) = await ExamineAsync();
        Assert.Equal("fail", outcomes["sessions"]);
        Assert.Equal("sessions", Assert.Single(problems, p => p.Code.Name == "sqlite-busy").Asset);
    }

    [Fact]
    public async Task A_clock_that_cannot_be_right_is_told()
    {
        look = look with { Newest = Now.AddDays(1) };
        Assert.Equal("fail", (await ExamineAsync()).Outcomes["clock"]);
        look = look with { Newest = Now.AddMinutes(5) };
        Assert.Equal("pass", (await ExamineAsync()).Outcomes["clock"]);
    }

    [Fact]
    public async Task A_point_as_large_as_the_disk_is_told_beforehand()
    {
        look = look with { LargestStoredBytes = long.MaxValue / 4 };
        var (_, problems) = await ExamineAsync();
        Assert.Equal(Severity.Warning, Assert.Single(problems, p => p.Code.Name == "room-short").Severity);
    }

    [Fact]
    public async Task A_program_of_control_that_is_not_there_would_stop_a_restore()
    {
        var (_, problems) = await ExamineAsync(
            "control: { stop: [bin/stop], start: [no-such-program-anywhere] }\nhooks: { after-backup: [bin/gone] }");
        var missing = problems.Where(p => p.Code.Name == "program-missing").ToList();
        Assert.Equal(
            [("control.stop", Severity.Error), ("control.start", Severity.Error), (
                "hooks.after-backup", Severity.Warning)],
            missing.Select(p => (p.Where ?? "", p.Severity)));
        folder.With("bin/stop");
        (_, problems) = await ExamineAsync("control: { stop: [bin/stop], start: [bin/stop] }");
        Assert.DoesNotContain(problems, p => p.Code.Name == "program-missing");
    }

    private void SetKeyMode(int mode) => AppFolder.Disk.SetMode(new DiskPath(folder.Path) / "shop.key", mode);

    private async Task<(
        Dictionary<string, string> Outcomes, IReadOnlyList<Problem> Problems)> ExamineAsync(string more = "")
    {
        var configuration = ConfigurationParser.Parse(
            "application: shop\nrepository: { location: ./recovery, key: { file: shop.key } }\n"
            + "assets: { sessions: { sqlite: { path: data/sessions.db } } }\n" + more,
            "reprise.yaml",
            Path.Combine(folder.Path, "reprise.yaml"),
            Configuration.Configurations.Variables());
        var host = new DoctorHost
        {
            Disk = AppFolder.Disk,
            Clock = clock,
            Children = new ChildProcesses(TimeProvider.System),
            Environment = new Dictionary<string, string> { ["PATH"] = "/usr/bin:/bin" },
            Root = Path.Combine(folder.Path, "nowhere"),
            LookAsync = _ => lookFails is null ? Task.FromResult(look) : Task.FromException<RepositoryLook>(lookFails),
            WalAsync = _ => Task.FromResult(wal),
            AssetsAsync = _ => Task.FromResult<IReadOnlyList<IAsset>>(assets),
        };
        var (result, problems) = await new Doctor(host, configuration).ExamineAsync(default);
        return (result.Examined.ToDictionary(e => e.Name, e => e.Outcome), problems);
    }

    private sealed class PatientAsset(string name, IReadOnlyList<Problem> found) : IAsset
    {
        public string Name => name;

        public string Kind => "sqlite";

        public Task<IReadOnlyList<Problem>> DiagnoseAsync(CancellationToken cancellationToken) =>
            Task.FromResult(found);

        public Task<AssetRecord> CaptureAsync(CaptureContext context, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public Task<TargetState> InspectAsync(CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
