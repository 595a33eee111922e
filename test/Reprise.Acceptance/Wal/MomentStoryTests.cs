using System.Globalization;

namespace Reprise.Acceptance.Wal;

/// <summary>The published program takes a server on to a moment, as its user would.</summary>
public sealed class MomentStoryTests
{
    [Fact]
    public async Task A_row_that_was_deleted_comes_back_as_of_the_minute_before()
    {
        await using var server = await ArchivedServer.StartAsync(15, wal: ", method: physical");
        await server.SqlAsync("create table ledger(n int); insert into ledger select generate_series(1, 1000)");
        (await server.RepriseAsync("backup")).MustExit(0);
        await server.BenchAsync(200, scale: 1);
        await server.SqlAsync("insert into ledger values (1001)");
        var time = await server.SqlAsync("select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')");
        await server.SqlAsync("delete from ledger");
        await server.SwitchAsync();

        var planned = (await server.RepriseAsync("restore", "--asset", "ledger", "--to", server["copy"], "--time", time, "--plan", "--json")).MustExit(0).Result("restore");
        Assert.Equal("planned", planned.GetProperty("verdict").GetString());
        Assert.False(Directory.Exists(server["copy"]));
        var run = (await server.RepriseAsync("restore", "--asset", "ledger", "--to", server["copy"], "--time", time, "--json")).MustExit(0);
        var moment = run.Result("restore").GetProperty("moments")[0];
        Assert.True(moment.GetProperty("replayed").GetBoolean());
        Assert.Equal(2, moment.GetProperty("newTimeline").GetInt32());
        Assert.True(moment.GetProperty("lastCommit").GetDateTimeOffset() <= DateTimeOffset.Parse(time, CultureInfo.InvariantCulture));
        Assert.Equal(planned.GetProperty("moments")[0].GetProperty("nextCommit").GetDateTimeOffset(), moment.GetProperty("nextCommit").GetDateTimeOffset());

        await server.StopServerAsync(server.Data);
        var data = Path.Combine(server["copy"], "ledger", "data");
        await server.ConfigureAsync(data, "");
        await server.AsServerAsync("sh", "-c", $"echo \"unix_socket_directories = '{server["s"]}'\" >> '{data}/postgresql.auto.conf'");
        await server.StartServerAsync(data);
        Assert.Equal("1001|off", await server.SqlAsync("select count(*) || '|' || current_setting('archive_mode') from ledger"));

        // What nobody can reach is said before anything is written, and costs a second.
        var refused = (await server.RepriseAsync("restore", "--asset", "ledger", "--to", server["other"], "--time", "2030-01-01T00:00:00Z", "--json")).MustExit(3);
        Assert.Equal("target-unreachable", refused.Json("restore").GetProperty("problems")[0].GetProperty("code").GetString());
        Assert.False(Directory.Exists(server["other"]));
        (await server.RepriseAsync("restore", "--time", time, "--json")).MustExit(2);
        (await server.RepriseAsync("restore", "--asset", "ledger", "--time", time, "--yes", "--json")).MustExit(3);
    }
}
