using Reprise.Recovery.Processes;
using Reprise.Setup;
using Reprise.Storage.Disk;
using Reprise.Tests.Storage;

namespace Reprise.Tests.Setup;

/// <summary>What starts backups: what is printed, and what is found.</summary>
public sealed class ScheduleTests : IDisposable
{
    private readonly ScratchFolder root = new();

    public void Dispose() => root.Dispose();

    [Theory]
    [InlineData(10, 5)]
    [InlineData(60, 30)]
    [InlineData(120, 60)]
    [InlineData(1440, 720)]
    [InlineData(100_000, 1440)]
    [InlineData(1, 5)]
    public void A_backup_starts_at_least_twice_within_the_objective(int rpoMinutes, int expected) =>
        Assert.Equal(expected, ScheduleText.PeriodMinutes(TimeSpan.FromMinutes(rpoMinutes)));

    [Fact]
    public void The_texts_can_be_copied_as_they_are()
    {
        var schedule = ScheduleText.Of(
            "shop", "/opt/reprise/reprise", "/srv/my shop/100%/reprise.yaml", TimeSpan.FromHours(1));
        Assert.Contains(
            "ExecStart=/opt/reprise/reprise backup --quiet --config \"/srv/my shop/100%%/reprise.yaml\"",
            schedule.SystemdService,
            StringComparison.Ordinal);
        Assert.Contains("OnCalendar=*:0/30", schedule.SystemdTimer, StringComparison.Ordinal);
        Assert.Equal(
            @"*/30 * * * * /opt/reprise/reprise backup --quiet --config '/srv/my shop/100\%/reprise.yaml'",
            schedule.Cron);
        Assert.StartsWith(
            "schtasks /Create /TN \"Reprise shop\" /SC MINUTE /MO 30",
            schedule.TaskScheduler,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_is_found_where_nothing_is() => Assert.Null(await FindAsync());

    [Theory]
    [InlineData("etc/crontab", "17 * * * * root reprise backup --quiet", true)]
    [InlineData("etc/crontab", "# 17 * * * * root reprise backup", false)]
    [InlineData("etc/cron.d/shop", "0 * * * * root cd /srv/shop && /opt/reprise backup", true)]
    [InlineData("etc/cron.d/shop", "0 * * * * root reprise verify", false)]
    [InlineData("etc/cron.d/shop", "0 * * * * root restic backup", false)]
    [InlineData("etc/cron.daily/shop", "#!/bin/sh\nreprise backup", true)]
    [InlineData("var/spool/cron/crontabs/ada", "@hourly reprise backup", true)]
    public async Task Cron_is_read(string file, string text, bool found)
    {
        Write(file, text);
        Assert.Equal(found, await FindAsync() is not null);
    }

    [Fact]
    public async Task A_timer_counts_once_it_is_enabled()
    {
        Write("etc/systemd/system/shop.timer", "[Timer]\nOnCalendar=hourly\nUnit=points.service");
        Write("etc/systemd/system/points.service", "[Service]\nExecStart=/opt/reprise/reprise backup");
        Assert.Null(await FindAsync());
        Write("etc/systemd/system/timers.target.wants/shop.timer", "");
        Assert.Equal("systemd timer shop.timer", await FindAsync());
    }

    [Fact]
    public async Task A_timer_of_something_else_does_not_count()
    {
        Write("etc/systemd/system/shop.timer", "[Timer]\nOnCalendar=hourly");
        Write("etc/systemd/system/shop.service", "[Service]\nExecStart=/opt/restic backup");
        Write("etc/systemd/system/timers.target.wants/shop.timer", "");
        Assert.Null(await FindAsync());
    }

    // An empty PATH: the crontab of whoever runs the tests is none of their business.
    private Task<string?> FindAsync() => new ScheduleSearch(
        Disks.OfThisMachine(), new ChildProcesses(TimeProvider.System), root.Text, "").FindAsync(default);

    private void Write(string file, string text)
    {
        var path = Path.Combine(root.Text, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path) ?? root.Text);
        File.WriteAllText(path, text);
    }
}
