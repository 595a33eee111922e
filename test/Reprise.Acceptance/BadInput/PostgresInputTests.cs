using Reprise.Acceptance.Harness;

namespace Reprise.Acceptance.BadInput;

/// <summary>Servers, passwords, client programs and targets of PostgreSQL that are not as they should be.</summary>
public sealed class PostgresInputTests(PostgresServers servers) : IClassFixture<PostgresServers>
{
    private const string Configuration = """
        application: small
        repository:
          location: ../recovery
          key: { file: ../home/small.key }
        assets:
          orders: { postgres: { connection: "${DATABASE_URL}" } }

        """;

    private PostgresServer Old => servers.Old;

    private PostgresServer Recent => servers.Recent;

    [Theory]
    [InlineData("nobody listens", "database-unavailable")]
    [InlineData("wrong password", "password-refused")]
    [InlineData("no such database", "database-missing")]
    public async Task A_database_that_cannot_be_reached_is_told_by_its_cause(string what, string code)
    {
        using var application = await PrepareAsync(Old, await Old.MakeDatabaseAsync(100));
        var good = application.Variables["DATABASE_URL"];
        application.Variables["DATABASE_URL"] = what switch
        {
            "nobody listens" => good.Replace($":{Old.Port}/", ":1/", StringComparison.Ordinal),
            "wrong password" => good.Replace(PostgresServer.Password, "wr0ng-P4ssword", StringComparison.Ordinal),
            _ => good + "_gone",
        };
        var run = await application.RepriseAsync("backup", "--json");
        run.MustFail("backup", 4, code);
        Assert.DoesNotContain("wr0ng-P4ssword", run.Output + run.Errors, StringComparison.Ordinal);
        if (what != "no such database")
            (await application.RepriseAsync("restore", "--yes", "--json")).MustFail("restore", 4, code);
        Assert.Single(await application.PointsAsync());

        application.Variables["DATABASE_URL"] = good;
        (await application.RepriseAsync("backup", "--json")).MustExit(0).Json("backup");
    }

    [Fact]
    public async Task A_client_that_is_older_than_the_server_is_refused_and_one_of_its_version_passes()
    {
        var database = await Recent.MakeDatabaseAsync(100);
        using var application = Make(Recent, database);
        (await application.RepriseAsync("init")).MustExit(0);
        application.Variables["PATH"] = Path(Old.Programs);
        var problem = (await application.RepriseAsync("backup", "--json")).MustFail("backup", 4, "client-too-old");
        Assert.Contains("18", problem.Said(), StringComparison.Ordinal);
        Assert.Empty(await application.PointsAsync());

        application.Variables["PATH"] = Path(Recent.Programs);
        (await application.RepriseAsync("backup", "--json")).MustExit(0).Json("backup");
    }

    [Fact]
    public async Task A_server_that_is_older_than_the_dump_is_refused_and_the_same_version_passes()
    {
        var database = await Recent.MakeDatabaseAsync(100, "versions");
        using var application = await PrepareAsync(Recent, database);
        var wanted = await Recent.StateAsync(database);
        await Old.MakeDatabaseAsync(7, database);
        var before = await Old.StateAsync(database);
        application.Variables["DATABASE_URL"] = Old.Url(database);
        var run = await application.RepriseAsync("restore", "--yes", "--json");
        run.MustExit(3).Json("restore");
        Assert.Contains("server-too-old", run.ProblemCodes());
        Assert.Equal(before, await Old.StateAsync(database));

        application.Variables["DATABASE_URL"] = Recent.Url(database);
        await Recent.AddOrdersAsync(database, 5);
        (await application.RepriseAsync("restore", "--yes", "--json")).MustExit(0).Json("restore");
        Assert.Equal(Orders(wanted), Orders(await Recent.StateAsync(database)));
    }

    [Theory]
    [InlineData("REAL \"$@\" | head -c 3000; kill -9 $$")]
    [InlineData("REAL \"$@\" | head -c 3000; exit 0")]
    public async Task A_dump_that_ends_half_way_makes_no_point(string script)
    {
        using var application = await PrepareAsync(Old, await Old.MakeDatabaseAsync(2_000));
        await WrapAsync(application, "pg_dump", script);
        var run = await application.RepriseAsync("backup", "--json");
        run.MustExit(4).Json("backup");
        Assert.Contains(run.ProblemCodes(), code => code is "child-failed" or "dump-invalid");
        Assert.Contains("\nnext: ", run.Errors, StringComparison.Ordinal);
        Assert.Single(await application.PointsAsync());
        (await application.RepriseAsync("verify", "--json")).MustExit(0).Json("verify");

        application.Variables["PATH"] = Path(Old.Programs);
        (await application.RepriseAsync("backup", "--json")).MustExit(0).Json("backup");
    }

    [Theory]
    [InlineData("head -c 2000 >/dev/null; exit 1")]
    [InlineData("kill -9 $$")]
    [InlineData("REAL \"$@\"; echo 'pg_restore: error: could not do the rest' >&2; exit 1")]
    public async Task A_restore_whose_program_fails_half_way_leaves_the_server_as_it_was(string script)
    {
        var database = await Old.MakeDatabaseAsync(2_000);
        using var application = await PrepareAsync(Old, database);
        var wanted = Orders(await Old.StateAsync(database));
        await Old.AddOrdersAsync(database, 10);
        var before = await Old.StateAsync(database);
        await WrapAsync(application, "pg_restore", script);
        (await application.RepriseAsync("restore", "--yes", "--json")).MustFail("restore", 4, "child-failed");
        Assert.Equal(before, await Old.StateAsync(database));
        Assert.Single(await application.PointsAsync());

        application.Variables["PATH"] = Path(Old.Programs);
        (await application.RepriseAsync("restore", "--yes", "--json")).MustExit(0).Json("restore");
        Assert.Equal(wanted, Orders(await Old.StateAsync(database)));
    }

    [Fact]
    public async Task A_database_with_sessions_is_refused_until_they_have_ended()
    {
        var database = await Old.MakeDatabaseAsync(100);
        using var application = await PrepareAsync(Old, database);
        await Old.AddOrdersAsync(database, 10);
        var before = await Old.StateAsync(database);
        using (Old.StartSession(database))
        {
            Assert.True(await SessionsAsync(database, 1));
            (await application.RepriseAsync("restore", "--yes", "--json")).MustFail("restore", 3, "target-in-use");
            Assert.Equal(before, await Old.StateAsync(database));
        }

        await Old.SqlAsync("postgres", "select pg_terminate_backend(pid) from pg_stat_activity where datname = "
            + $"'{database}'");
        Assert.True(await SessionsAsync(database, 0));
        (await application.RepriseAsync("restore", "--yes", "--json")).MustExit(0).Json("restore");
        Assert.NotEqual(before, await Old.StateAsync(database));
    }

    [Fact]
    public async Task Another_server_with_data_is_another_target()
    {
        var database = await Old.MakeDatabaseAsync(100, "identity");
        using var application = await PrepareAsync(Old, database);
        var wanted = Orders(await Old.StateAsync(database));
        await Recent.MakeDatabaseAsync(7, database);
        var before = await Recent.StateAsync(database);
        application.Variables["DATABASE_URL"] = Recent.Url(database);
        var problem = (await application.RepriseAsync("restore", "--yes", "--json"))
            .MustFail("restore", 3, "target-identity");
        Assert.Equal(before, await Recent.StateAsync(database));
        var words = problem.Said().Split([' ', '\'', ',', ';']);
        var accepted = words[Array.IndexOf(words, "--accept-target") + 1];
        (await application.RepriseAsync("restore", "--yes", "--accept-target", accepted, "--json"))
            .MustExit(0).Json("restore");
        Assert.Equal(wanted, Orders(await Recent.StateAsync(database)));
    }

    [Fact]
    public async Task The_disk_of_the_server_is_full_while_data_is_staged()
    {
        using var place = new TemporaryFolder();
        File.SetUnixFileMode(place.Root, (UnixFileMode)0b111_101_101);
        using var disk = await TinyDisk.MountAsync(place["data"], 120 << 20);
        await using var server = await PostgresServer.StartAsync(15, disk.Folder);
        var database = await server.MakeDatabaseAsync(60_000);
        using var application = await PrepareAsync(server, database);
        var wanted = Orders(await server.StateAsync(database));
        await server.AddOrdersAsync(database, 10);
        var before = await server.StateAsync(database);
        disk.Fill(leaveBytes: 9 << 20);
        var run = await application.RepriseAsync("restore", "--yes", "--json");
        // A server without room may be unable to even drop what was staged; then that is said, and undo does it later.
        if (run.Exit != 7) run.MustExit(4).Json("restore");
        else run.MustFail("restore", 7, "put-back-failed");
        Assert.Contains("No space left on device", run.Output, StringComparison.Ordinal);
        disk.MakeRoom();
        Assert.Equal(Orders(before), Orders(await server.StateAsync(database)));
        if (run.Exit == 7) (await application.RepriseAsync("undo", "--yes", "--json")).MustExit(0).Json("undo");
        Assert.Equal(before, await server.StateAsync(database));
        (await application.RepriseAsync("restore", "--yes", "--json")).MustExit(0).Json("restore");
        Assert.Equal(wanted, Orders(await server.StateAsync(database)));
    }

    /// <summary>An application with one point of a database.</summary>
    internal static async Task<SmallApplication> PrepareAsync(PostgresServer server, string database)
    {
        var application = Make(server, database);
        (await application.RepriseAsync("init")).MustExit(0);
        (await application.RepriseAsync("backup")).MustExit(0);
        return application;
    }

    private static SmallApplication Make(PostgresServer server, string database)
    {
        var application = SmallApplication.Make();
        application.WriteConfiguration(Configuration);
        application.Variables["DATABASE_URL"] = server.Url(database);
        // The newest clients understand every server.
        application.Variables["PATH"] = Path(PostgresServer.ProgramsOf(18));
        return application;
    }

    // A program of this name that fails comes first; asked for its version it answers, as a real one that fails would.
    private static async Task WrapAsync(SmallApplication application, string program, string script)
    {
        var folder = Directory.CreateDirectory(application.Path("wrapped")).FullName;
        var programs = PostgresServer.ProgramsOf(15);
        foreach (var other in new[] { "pg_dump", "pg_dumpall", "pg_restore", "psql" }.Where(p => p != program))
        {
            var link = System.IO.Path.Combine(folder, other);
            File.CreateSymbolicLink(link, System.IO.Path.Combine(programs, other));
        }

        var real = System.IO.Path.Combine(programs, program);
        var path = System.IO.Path.Combine(folder, program);
        await File.WriteAllTextAsync(path, $"""
            #!/bin/sh
            for word in "$@"; do
              case $word in --version | -V | -l | --list) exec {real} "$@" ;; esac
            done
            {script.Replace("REAL", real, StringComparison.Ordinal)}

            """);
        File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
        application.Variables["PATH"] = $"{folder}:{Path(programs)}";
    }

    private static string Path(string programs) => $"{programs}:/usr/bin:/bin";

    private static string Orders(string state) => state[(state.LastIndexOf('\n') + 1)..];

    private async Task<bool> SessionsAsync(string database, int count)
    {
        for (var attempt = 0; attempt < 100; attempt++)
        {
            var sessions = await Old.SqlAsync(
                "postgres", $"select count(*) from pg_stat_activity where datname = '{database}'");
            if (sessions == count.ToString()) return true;
            await Task.Delay(20);
        }

        return false;
    }
}
