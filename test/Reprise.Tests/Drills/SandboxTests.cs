using Reprise.Recovery.Drills;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Tests.Storage;

namespace Reprise.Tests.Drills;

/// <summary>Which sandboxes a drill that begins takes for left over.</summary>
public sealed class SandboxTests : IDisposable
{
    private readonly IDisk disk = Disks.OfThisMachine();
    private readonly ScratchFolder scratch = new();
    private int hours;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_was_killed_is_removed_what_runs_or_was_kept_is_not(bool serversBeside)
    {
        var killed = Make(serversBeside);
        killed.Dispose();
        using var running = Make(serversBeside);
        var kept = Make(serversBeside);
        kept.Keep();
        kept.Dispose();
        using var ours = Make(serversBeside);

        var said = Assert.Single(Sandbox.RemoveLeftOvers(disk, scratch.Folder, ours.Folder));
        Assert.Contains(killed.Folder.ToString(), said, StringComparison.Ordinal);
        Assert.All(killed.Both, f => Assert.Null(disk.Stat(f)));
        Assert.All([.. running.Both, .. kept.Both, .. ours.Both], f => Assert.NotNull(disk.Stat(f)));
    }

    public void Dispose() => scratch.Dispose();

    private Sandbox Make(bool serversBeside) => Sandbox.Make(
        disk, scratch.Folder, PointId.At(new DateTimeOffset(2026, 5, 1, hours++, 0, 0, TimeSpan.Zero)), serversBeside);
}
