using System.Diagnostics;
using Reprise.Recovery.Processes;
using Reprise.Storage.Disk;

namespace Reprise.Tests.Runbooks;

/// <summary>What a step that was killed has left: programs that work, and servers that shall stay.</summary>
public class MarkedProcessesTests
{
    [Fact]
    public async Task A_server_in_a_session_of_its_own_is_found_and_is_not_at_work()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "sessions are read from /proc");
        var mark = Guid.NewGuid().ToString("N");
        var start = new ProcessStartInfo("/bin/sh", ["-c", "setsid sleep 60 & echo $!; exec sleep 60"])
        {
            RedirectStandardOutput = true,
            Environment = { ["REPRISE_TEST_MARK"] = mark },
        };
        using var program = Process.Start(start)!; // sh is there
        var server = int.Parse(
            (await program.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken))!, System.Globalization.CultureInfo.InvariantCulture); // it says so
        try
        {
            var disk = new LinuxDisk();
            var expected = $"process {program.Id} (sleep)";

            // Until both have become what they are: the shell goes on as sleep, its child into a session of its own.
            for (var looks = 0; looks < 200 && (MarkedProcesses.FindAtWork(disk, "REPRISE_TEST_MARK", mark) is not [var only] || only != expected); looks++)
                await Task.Delay(20, TestContext.Current.CancellationToken);
            Assert.Equal([expected], MarkedProcesses.FindAtWork(disk, "REPRISE_TEST_MARK", mark));
            Assert.Equal(2, MarkedProcesses.Find(disk, "REPRISE_TEST_MARK", mark).Count);
        }
        finally
        {
            using var background = Process.GetProcessById(server);
            background.Kill();
            program.Kill();
        }
    }
}
