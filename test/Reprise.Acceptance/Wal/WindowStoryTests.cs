using System.Globalization;
using System.Text.Json;

namespace Reprise.Acceptance.Wal;

/// <summary>What status and points say of what WAL brings back, and what then comes back.</summary>
public sealed class WindowStoryTests
{
    [Theory]
    [InlineData(15)]
    [InlineData(18)]
    public async Task A_server_that_is_lost_comes_back_at_least_to_where_the_last_status_said(int major)
    {
        await using var server = await ArchivedServer.StartAsync(major, archives: false, wal: ", method: physical, wal: { flush: 1s }");
        await server.SqlAsync("create table ticks(at timestamptz)");
        await server.StopServerAsync(server.Data);
        await server.AsServerAsync("cp", "-a", server.Data, server["copy"]);
        await server.StartServerAsync(server.Data);
        using var stream = server.StartReprise("stream");
        await server.UntilAsync("select count(*) = 1 from pg_stat_replication where state = 'streaming'");
        (await server.RepriseAsync("backup")).MustExit(0);
        var ticking = server.TickUntilItEndsAsync();
        await server.UntilAsync("select count(*) > 500 from ticks");
        await Task.Delay(TimeSpan.FromSeconds(3));
        var status = (await server.RepriseAsync("status", "--json")).MustExit(0).Result("status");
        var flow = Assert.Single(status.GetProperty("archiving").EnumerateArray());
        Assert.Equal(("flowing", "stream"), (Text(flow, "state"), Text(flow, "by")));
        var window = Assert.Single(status.GetProperty("windows").EnumerateArray());
        Assert.Equal("ledger", Text(window, "asset"));
        Assert.Empty(status.GetProperty("gaps").EnumerateArray());
        var (from, to) = (Time(window, "from"), Time(window, "to"));
        Assert.True(to > from, $"{from} {to}");
        var points = (await server.RepriseAsync("points", "--json")).MustExit(0).Result("points");
        Assert.Contains(points.GetProperty("window").EnumerateArray(), w => Text(w, "asset") == "ledger" && Time(w, "to") >= to);
        await server.KillServerAsync(server.Data);
        await ticking;
        await Task.Delay(500);
        var away = await server.RepriseAsync("status", "--json");
        Assert.Equal("server-away", Text(Assert.Single(away.Result("status").GetProperty("archiving").EnumerateArray()), "state"));
        stream.Terminate();
        (await stream.EndAsync()).MustExit(0);
        await server.PrepareRecoveryAsync(server["copy"]);
        await server.StartServerAsync(server["copy"]);
        await server.UntilAsync("select not pg_is_in_recovery()");

        // A commit is a moment after the row says when it was made.
        var last = await server.SqlAsync("select to_char(max(at) at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') from ticks");
        Assert.True(
            DateTimeOffset.Parse(last, CultureInfo.InvariantCulture) >= to - TimeSpan.FromMilliseconds(50), $"{last} came back, {to:O} was said");
        await server.SqlAsync("checkpoint");
    }

    [Fact]
    public async Task Archiving_that_silently_dies_is_an_error_of_status_and_said_by_verify_at_once()
    {
        await using var server = await ArchivedServer.StartAsync(17, wal: ", method: physical");
        (await server.RepriseAsync("backup")).MustExit(0);
        await server.SwitchAsync();
        (await server.RepriseAsync("status")).MustExit(0);
        (await server.RepriseAsync("verify")).MustExit(0);
        await server.SqlAsync("alter system set archive_command = '/bin/true'");
        await server.SqlAsync("select pg_reload_conf()");
        await server.SqlAsync("select pg_logical_emit_message(true, 'x', 'y')");
        await server.SwitchAsync();
        var status = await server.RepriseAsync("status");
        Assert.Contains("wal-archiving-stopped", status.MustExit(6).Errors + status.Output, StringComparison.Ordinal);
        Assert.Contains("the WAL of a server does not come any more", status.Output, StringComparison.Ordinal);
        var verify = await server.RepriseAsync("verify", "--json");
        Assert.Contains("wal-archiving-stopped", verify.MustExit(0).ProblemCodes());
        (await server.RepriseAsync("doctor")).MustExit(6);
    }

    private static string? Text(JsonElement of, string name) => of.GetProperty(name).GetString();

    private static DateTimeOffset Time(JsonElement of, string name) => of.GetProperty(name).GetDateTimeOffset();
}
