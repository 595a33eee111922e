using System.Xml.Linq;
using Reprise.Acceptance.Harness;

namespace Reprise.Acceptance;

/// <summary>The program starts, at once, also where there is nothing but a C library.</summary>
public class StartUpTests
{
    // Measured 10 ms on 2 cores; a shared machine is forgiven a lot, a second is felt by everybody.
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task It_says_the_version_that_was_built()
    {
        var run = (await PublishedProgram.RunAsync("--version")).MustExit(0);
        Assert.StartsWith("reprise " + BuiltVersion(), run.Output, StringComparison.Ordinal);
        Assert.Empty(run.Errors);
    }

    [Fact]
    public async Task It_starts_at_once()
    {
        List<TimeSpan> times = [];
        for (var i = 0; i < 5; i++) times.Add((await PublishedProgram.RunAsync("--version")).MustExit(0).Elapsed);
        times.Sort();
        TestContext.Current.TestOutputHelper?.WriteLine($"median {times[2].TotalMilliseconds:0} ms");
        Assert.InRange(times[2], TimeSpan.Zero, StartLimit);
    }

    [Fact]
    public async Task It_runs_where_there_is_only_a_C_library()
    {
        using var chroot = new Chroot();
        var run = (await chroot.RunAsync("--version")).MustExit(0);
        Assert.StartsWith("reprise " + BuiltVersion(), run.Output, StringComparison.Ordinal);
    }

    // The demo makes keys (P-256, HKDF), seals and opens (AES-256-GCM), compresses (zstd) and restores SQLite: with
    // OpenSSL inside the program and two libraries beside it, nothing of the host is needed for any of them.
    [Fact]
    public async Task The_demo_runs_where_there_is_only_a_C_library_and_leaves_nothing_behind()
    {
        using var chroot = new Chroot();
        var run = (await chroot.RunAsync("demo", "--json")).MustExit(0);
        run.Json("demo");
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(chroot.Root, "tmp")));
    }

    [Fact]
    public async Task A_flipped_byte_is_noticed_there_too()
    {
        using var chroot = new Chroot();
        (await chroot.RunAsync("demo", "--sabotage", "pack")).MustExit(5);
    }

    [Fact]
    public async Task It_says_the_same_when_a_person_looks_on()
    {
        var run = (await PublishedProgram.RunInTerminalAsync(new Surroundings(), "--version")).MustExit(0);
        Assert.Contains(BuiltVersion(), run.Output, StringComparison.Ordinal);
    }

    private static string BuiltVersion() =>
        XDocument.Load(Path.Combine(House.Root, "Directory.Build.props")).Descendants("Version").Single().Value;
}
