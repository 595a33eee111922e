using Reprise.Acceptance.Harness;

namespace Reprise.Acceptance;

/// <summary>The first command of the README: it ends well, and what it claims is recomputed with the tools of the trade.</summary>
public class DemoTests
{
    [Fact]
    public async Task The_demo_brings_everything_back_and_its_hashes_are_those_that_sqlite3_and_psql_compute()
    {
        using var folder = new TemporaryFolder();
        File.SetUnixFileMode(folder.Root, (UnixFileMode)0b111_101_101);
        var surroundings = Around(folder);
        var run = await PublishedProgram.RunAsync(surroundings, "demo", "--keep", "--json");
        var result = run.MustExit(0).Result("demo");
        try
        {
            var hashes = result.GetProperty("hashes").EnumerateArray().ToList();
            Assert.Equal(["orders", "runtime", "visits"], hashes.Select(h => h.GetProperty("asset").GetString()));
            foreach (var hash in hashes)
            {
                var expected = await ShellAsync(surroundings, hash.GetProperty("recompute").GetString() ?? "");
                Assert.Equal(expected.Split(' ')[0], hash.GetProperty("after").GetString());
                Assert.Equal(hash.GetProperty("before").GetString(), hash.GetProperty("after").GetString());
            }

            Assert.Equal(0, result.GetProperty("lost").GetInt64());
        }
        finally
        {
            if (result.GetProperty("stopCommand").GetString() is { } stop) await ShellAsync(surroundings, stop);
        }
    }

    [Theory]
    [InlineData("pack", 5)]
    [InlineData("dump", 4)]
    [InlineData("secret", 0)]
    public async Task What_is_sabotaged_is_told_and_nothing_is_left_behind(string what, int exit)
    {
        using var folder = new TemporaryFolder();
        File.SetUnixFileMode(folder.Root, (UnixFileMode)0b111_101_101);
        var run = await PublishedProgram.RunAsync(Around(folder), "demo", "--sabotage", what, "--json");
        var problems = run.MustExit(exit).Json("demo").GetProperty("problems").EnumerateArray().ToList();
        Assert.Contains(problems, p => p.GetProperty("severity").GetString() == (exit == 0 ? "warning" : "error"));
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Root));
    }

    [Fact]
    public async Task It_runs_where_there_is_nothing_but_the_c_library()
    {
        using var chroot = new Chroot();
        var run = await chroot.RunAsync("demo", "--json");
        var hashes = run.MustExit(0).Result("demo").GetProperty("hashes").EnumerateArray().ToList();
        Assert.Equal(["orders", "runtime"], hashes.Select(h => h.GetProperty("asset").GetString()));
        Assert.All(hashes, h => Assert.Equal(h.GetProperty("before").GetString(), h.GetProperty("after").GetString()));
    }

    private static Surroundings Around(TemporaryFolder folder) => new()
    {
        Folder = "/",
        Home = folder.Root,
        Variables = new Dictionary<string, string> { ["TMPDIR"] = folder.Root },
        Within = TimeSpan.FromSeconds(120),
    };

    private static async Task<string> ShellAsync(Surroundings surroundings, string command)
    {
        using var running = RunningProgram.Start(surroundings, ["sh", "-c", command]);
        return (await running.EndAsync()).MustExit(0).Output;
    }
}
