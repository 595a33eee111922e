using System.Text.Json;
using Reprise.Acceptance.Harness;

namespace Reprise.Acceptance.Drills;

/// <summary>
/// A drill by somebody who is not root, with PostgreSQL, SQLite and files: all of it where a user may make namespaces,
/// and an honest "could not verify" where not.
/// </summary>
public sealed class OrdinaryUserTests : IDisposable
{
    private const string Programs = "/usr/lib/postgresql/15/bin";
    private const string User = "nobody";

    private readonly TemporaryFolder folder = new();

    private string Shop => folder["shop"];

    [Fact]
    public async Task An_ordinary_user_drills_everything_that_an_ordinary_user_may()
    {
        await PrepareAsync();
        try
        {
            (await RepriseAsync("init")).MustExit(0);
            (await RepriseAsync("backup")).MustExit(0);
            var before = await TreeAsync();
            if (await MayMakeNamespacesAsync())
            {
                var drill = (await RepriseAsync("drill", "--json")).MustExit(0).Result("drill");
                Assert.Equal("pass", drill.GetProperty("verdict").GetString());
                Assert.Equal(5, drill.GetProperty("level").GetInt32());
                Assert.Equal("pass", drill.GetProperty("separation").GetProperty("outcome").GetString());
                Assert.Equal(["orders", "sessions", "runtime"], drill.GetProperty("inScope").EnumerateArray().Select(a => a.GetString()));
                AssertClean(drill);
            }

            Assert.Equal(before, await TreeAsync());
            await AssertNotVerifiedAsync();
            Assert.Equal(before, await TreeAsync());
        }
        finally
        {
            await AsUserAsync([Programs + "/pg_ctl", "-D", folder["pg/data"], "-m", "immediate", "-s", "stop"]);
        }
    }

    public void Dispose() => folder.Dispose();

    // Where no namespaces can be made: the machine's own unshare is not found, but one that says what a kernel would.
    private async Task AssertNotVerifiedAsync()
    {
        var refusing = folder.File("bin/unshare", "#!/bin/sh\necho 'unshare: unshare failed: Operation not permitted' >&2\nexit 1\n");
        File.SetUnixFileMode(refusing, (UnixFileMode)0b111_101_101);
        var drill = (await RepriseAsync("drill", "--json")).MustExit(6).Result("drill");
        Assert.Equal("could-not-verify", drill.GetProperty("verdict").GetString());
        Assert.Equal(4, drill.GetProperty("level").GetInt32());
        Assert.Equal("could-not-verify", drill.GetProperty("separation").GetProperty("outcome").GetString());
        var start = drill.GetProperty("checks").EnumerateArray().Single(c => c.GetProperty("name").GetString() == "application-start");
        Assert.Equal("could-not-verify", start.GetProperty("outcome").GetString());
        Assert.Contains(drill.GetProperty("findings").EnumerateArray(), f => f.GetProperty("code").GetString() == "not-separated");
        AssertClean(drill);
    }

    private void AssertClean(JsonElement drill)
    {
        Assert.Equal("pass", drill.GetProperty("cleanUp").GetProperty("outcome").GetString());
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder["t"], "reprise-*"));
    }

    private async Task PrepareAsync()
    {
        File.SetUnixFileMode(folder.Root, (UnixFileMode)0b111_101_101);
        foreach (var name in (string[])["home", "t", "shop/uploads", "pg", "bin"]) folder.Folder(name);
        await MustAsync(["cp", "-r", PublishedProgram.Folder, folder["program"]]);
        folder.File("shop/uploads/a.txt", "a");
        await MustAsync(["sqlite3", Shop + "/data.db", "create table sessions(id int primary key, name text); insert into sessions values (1, 'a.txt')"]);
        folder.File(
            "shop/reprise.yaml",
            $$"""
            application: shop
            repository: { location: ./recovery, key: { file: ./shop.key } }
            assets:
              orders: { postgres: { connection: "postgresql://postgres@/shop?host={{folder["pg"]}}" } }
              sessions: { sqlite: { path: data.db } }
              runtime: { files: { include: ["uploads/**"] } }
            checks:
              uploads-are-there: { set: { asset: sessions, query: "select name from sessions", files: runtime, root: uploads } }
              answers: { tcp: { host: 127.0.0.1, port: 47119, within: 60s } }
            drill:
              start: { run: [python3, -m, http.server, "47119", --bind, 127.0.0.1], env: { DATABASE_URL: "{orders.url}" } }

            """);
        if (Environment.IsPrivilegedProcess) await MustAsync(["chown", "-R", User, folder.Root]);
        await MustBeUserAsync([Programs + "/initdb", "-D", folder["pg/data"], "-A", "trust", "-U", "postgres", "--no-sync"]);
        await MustBeUserAsync(
            [Programs + "/pg_ctl", "-D", folder["pg/data"], "-w", "-s", "-l", folder["pg/log"], "-o",
                $"-c listen_addresses= -c unix_socket_directories={folder["pg"]}", "start"]);
        string[] psql = [Programs + "/psql", "-X", "-q", "-h", folder["pg"], "-U", "postgres", "-c"];
        await MustBeUserAsync([.. psql, "create database shop"]);
        await MustBeUserAsync([.. psql, "create table orders as select i as id from generate_series(1, 100) i", "shop"]);
    }

    private async Task<bool> MayMakeNamespacesAsync() =>
        (await AsUserAsync(["/usr/bin/unshare", "--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "true"])).Exit == 0;

    private async Task<string> TreeAsync() => (await MustAsync(
        ["sh", "-c", "cd \"$1\" && find . -path ./recovery/evidence -prune -o -name '*.evidence.key' -prune -o -type f -exec sha256sum {} + | sort",
            "sh", Shop])).Output;

    private Task<ProgramRun> RepriseAsync(params string[] arguments) =>
        AsUserAsync([folder["program/reprise"], .. arguments]);

    private async Task MustBeUserAsync(string[] command) => (await AsUserAsync(command)).MustExit(0);

    private Task<ProgramRun> AsUserAsync(string[] command) => RunAsync(
        Environment.IsPrivilegedProcess ? ["runuser", "-u", User, "--", .. command] : command);

    private async Task<ProgramRun> MustAsync(string[] command) => (await RunAsync(command)).MustExit(0);

    private async Task<ProgramRun> RunAsync(string[] command)
    {
        var variables = new Dictionary<string, string>
        {
            ["PATH"] = folder["bin"] + ":" + Environment.GetEnvironmentVariable("PATH"),
            ["TMPDIR"] = folder["t"],
            ["REPRISE_STATE"] = folder["state"],
        };
        using var running = RunningProgram.Start(
            new Surroundings
            {
                Folder = Directory.Exists(Shop) ? Shop : folder.Root,
                Home = folder["home"],
                Variables = variables,
                Within = TimeSpan.FromMinutes(10),
            },
            command);
        return await running.EndAsync();
    }
}
