using System.Text;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Capturing;
using Reprise.Recovery.Files;
using Reprise.Repository;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Simulation.Faults;
using Reprise.Simulation.Runtime;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Slot = Reprise.Recovery.Assets.Slot;

namespace Reprise.Simulation.Workloads;

/// <summary>
/// The real files asset is captured, its tree is changed, and it is staged, verified and swapped back on a disk that
/// fails. It goes on by the contract of the asset alone: what was begun may be called again with the same arguments.
/// <para>Legal afterwards: before the swap began, the tree is what it was; going on makes it wholly what the point
/// holds, taking back makes it wholly what it was, and from each the other can be had again.</para>
/// </summary>
public sealed class FilesWorkload(ulong seed) : IWorkload
{
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly DiskPath Root = new("/srv/shop");

    private readonly Chance chance = Chance.For(seed, "files");
    private IReadOnlyList<string> former = [];
    private IReadOnlyList<string> captured = [];
    private KeyFile? key;
    private RestoreItem? item;
    private bool swapping;
    private bool swapped;

    /// <inheritdoc />
    public string Name => "files";

    private RestoreItem Item => item ?? throw new SimulationFailureException("nothing was captured");

    private Swap Forward => new(Slot.New(Item.RestoreId), Slot.Before(Item.RestoreId));

    private Swap Backward => new(Slot.Before(Item.RestoreId), Slot.New(Item.RestoreId));

    /// <inheritdoc />
    public async Task PrepareAsync(Life life)
    {
        Build(life.Disk);
        captured = TreeSnapshot.Take(life.Disk, Root);
        var made = await PointRepository.CreateAsync(await life.ConnectAsync(), None);
        key = made.File;
        using var repository = made.Repository;
        var request = new BackupRequest
        {
            Application = "simulated",
            Kind = PointKind.Manual,
            Assets = [Asset(life)],
            Configuration = "",
            Signing = SigningKeys.None,
            Scratch = World.Scratch,
            Writer = "simulation",
        };
        var result = await new BackupRun(repository, life.Disk, life.Loop.Clock).RunAsync(request, new SilentProgress(), None);
        item = new RestoreItem(result.Point.Manifest.Id.Next(), result.Point.Manifest.Assets[0]);
        await Task.Delay(TimeSpan.FromMinutes(5), life.Loop.Clock);
        Alter(life.Disk);
        former = TreeSnapshot.Take(life.Disk, Root);
        life.Disk.SyncFileSystem(Root);
    }

    /// <inheritdoc />
    public async Task LiveAsync(Life life)
    {
        try
        {
            await GoOnAsync(life);
            life.Loop.Log.Notable("swapped");
        }
        catch (RepriseException e)
        {
            life.Loop.Log.Notable($"gave up: {e.Code}");
        }
    }

    /// <inheritdoc />
    public async Task JudgeAsync(Life life)
    {
        if (!swapping) Demand(life, former, "before the swap began");
        if (swapped) Demand(life, captured, "after the swap ended");
        var began = swapping && !swapped;
        var goesOn = life.Chance.OneIn(2);
        if (began) life.Count(goesOn ? RecoveryBranch.SwapContinued : RecoveryBranch.SwapTakenBack);
        if (goesOn)
        {
            await GoOnAsync(life);
            Demand(life, captured, "after going on");
            await TakeBackAsync(life);
        }
        else
        {
            await TakeBackAsync(life);
        }

        Demand(life, former, "after taking it back");
        await GoOnAsync(life);
        Demand(life, captured, "after doing it again");
        await TakeBackAsync(life);
        Demand(life, former, "after taking it back again");
        var asset = Asset(life);
        foreach (var slot in new[] { Slot.New(Item.RestoreId), Slot.Before(Item.RestoreId) })
            await asset.DiscardAsync(Item, slot, None);
        Demand(life, former, "after discarding");
    }

    private static FilesAsset Asset(Life life) => new(
        "runtime",
        new FilesSettings { Root = Root.ToString(), Include = ["**"], Exclude = ["**/*.log"] },
        life.Disk,
        life.Cpu,
        life.Loop.Clock);

    private async Task GoOnAsync(Life life)
    {
        var asset = Asset(life);
        if (!swapping)
        {
            var host = await life.ConnectAsync();
            using var repository = await PointRepository.OpenAsync(host, key ?? throw new SimulationFailureException("no key"), None);
            var catalog = await repository.ListPointsAsync(SigningKeys.None, None);
            var point = catalog.Newest
                ?? throw new SimulationFailureException("no point: " + string.Join("; ", catalog.Problems.Select(p => p.Message)));
            using var reader = repository.OpenPoint(point);
            await asset.StageAsync(Item, reader, new SilentProgress(), None);
            var outcomes = await asset.VerifyStagedAsync(Item, new SilentProgress(), None);
            if (outcomes.FirstOrDefault(o => o.Outcome != Outcome.Pass) is { } bad)
            {
                // A bit that flipped while reading is found here, which is what it is for: nothing was touched.
                life.Count(RecoveryBranch.StagedWrong);
                life.Loop.Log.Notable($"staged wrong: {bad.Name}");
                throw new RepriseException(Recovery.RecoveryErrors.StagedWrong, $"{bad.Name}: {bad.Actual}", "stage again");
            }

            swapping = true;
        }

        await asset.SwapAsync(Item, Forward, None);
        swapped = true;
    }

    private async Task TakeBackAsync(Life life)
    {
        var asset = Asset(life);
        if (swapping && (swapped || await BeganAsync(asset))) await asset.SwapAsync(Item, Backward, None);
        (swapping, swapped) = (false, false);
    }

    // As the restore does: a swap sets aside what is live before it brings anything in.
    private async Task<bool> BeganAsync(FilesAsset asset) =>
        (await asset.InspectSlotAsync(Item, Slot.Before(Item.RestoreId), None)).Exists;

    private static void Demand(Life life, IReadOnlyList<string> expected, string when)
    {
        var difference = TreeSnapshot.Difference(expected, TreeSnapshot.Take(life.Disk, Root));
        if (difference.Length > 0) throw new SimulationFailureException($"{when} the tree differs: {difference}");
    }

    private void Build(IDisk disk)
    {
        foreach (var folder in new[] { "config", "uploads/2026", "empty" }) disk.MakeFolder(Root / folder, 0x1ED);
        Write(disk, "config/app.ini", 0x1A4);
        Write(disk, "config/secret", 0x180);
        Write(disk, "uploads/2026/logo.png", 0x1A4);
        Write(disk, "uploads/kept.txt", 0x1A4);
        Write(disk, "run.sh", 0x1ED);
        Write(disk, "debug.log", 0x1A4);
        disk.MakeSymbolicLink(Root / "current", new DiskPath("uploads/2026"));
        disk.SetMode(Root / "empty", 0x1C0);
        disk.SetAttribute(Root / "run.sh", new ExtendedAttribute("user.origin", Encoding.UTF8.GetBytes("deploy")));
        disk.SyncFileSystem(Root);
    }

    private void Alter(IDisk disk)
    {
        disk.DeleteFile(Root / "config/secret");
        disk.DeleteFile(Root / "current");
        disk.DeleteFolder(Root / "empty");
        disk.DeleteFile(Root / "run.sh");
        Write(disk, "config/app.ini", 0x1B6);
        Write(disk, "uploads/new.txt", 0x1A4);
        disk.MakeFolder(Root / "current", 0x1ED);
        Write(disk, "current/file", 0x1A4);
        disk.MakeFolder(Root / "added/below", 0x1ED);
        Write(disk, "added/below/x", 0x1A4);
        Write(disk, "empty", 0x1A4);
    }

    private void Write(IDisk disk, string path, int mode)
    {
        using (var file = disk.OpenWrite(Root / path))
        {
            file.SetLength(0);
            file.Write(0, chance.Bytes(chance.Between(0, 3000)));
        }

        disk.SetMode(Root / path, mode);
    }
}
