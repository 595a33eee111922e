using System.Globalization;
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
/// The same files are captured again and again with the real files asset, while some of them change and others do not,
/// and packs that hold them are condemned.
/// <para>Legal afterwards: a complete point gives back the tree as it was when it was captured, whether its files were
/// read or taken from the last point; no point needs a pack that was condemned before it was begun.</para>
/// </summary>
public sealed class RerunWorkload(ulong seed, int captures) : IWorkload
{
    private const int Files = 8;
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly DiskPath Root = new("/srv/shop");

    private readonly Chance chance = Chance.For(seed, "rerun");
    private readonly Dictionary<string, IReadOnlyList<string>> trees = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HashSet<string>> forbidden = new(StringComparer.Ordinal);
    private readonly HashSet<string> condemned = new(StringComparer.Ordinal);
    private KeyFile? key;
    private bool settled;

    /// <inheritdoc />
    public string Name => $"files captured x{captures}";

    /// <inheritdoc />
    /// <remarks>A bit that flips while a source is read is the source, to whoever reads it.</remarks>
    public IReadOnlyList<FaultKind> Faults(World world) =>
        world.FaultsOnDisk ? [.. FaultKinds.OfDisks.Where(k => k != FaultKind.FlippedRead)] : FaultKinds.OfStores;

    /// <inheritdoc />
    public async Task PrepareAsync(Life life)
    {
        for (var i = 0; i < Files; i++) Write(life, i, chance.Between(0, 9000));
        life.SoundDisk.SyncFileSystem(Root);
        var made = await PointRepository.CreateAsync(await life.ConnectAsync(), None);
        made.Repository.Dispose();
        key = made.File;
    }

    /// <inheritdoc />
    public async Task LiveAsync(Life life)
    {
        settled = false;
        for (var i = 0; i < captures; i++)
        {
            try
            {
                var changed = !chance.OneIn(3);
                if (changed) Alter(life);
                settled &= !changed;
                await Task.Delay(TimeSpan.FromMinutes(chance.Between(2, 5)), life.Loop.Clock);
                if (chance.OneIn(4)) await CondemnAsync(life);
                await CaptureAsync(life);
            }
            catch (RepriseException e)
            {
                life.Loop.Log.Notable($"capture gave up: {e.Code}");
            }
        }
    }

    /// <inheritdoc />
    public async Task JudgeAsync(Life life)
    {
        using var repository = await OpenAsync(life);
        var catalog = await repository.ListPointsAsync(SigningKeys.None, None);
        if (catalog.Problems.Count > 0)
            throw new SimulationFailureException("the catalogue has problems: " + catalog.Problems[0].Message);
        foreach (var point in catalog.Points)
        {
            var number = point.Manifest.Application;
            if (point.Table.Packs.Select(p => p.Id.ToString()).FirstOrDefault(forbidden[number].Contains) is { } pack)
                throw new SimulationFailureException($"point {point.Id} needs pack {pack}, which was condemned before it was begun");
            if (point.Manifest.State == PointState.Complete) await CompareAsync(life, repository, point, trees[number]);
        }
    }

    private async Task CaptureAsync(Life life)
    {
        var number = $"capture {trees.Count}";
        trees[number] = TreeSnapshot.Take(life.SoundDisk, Root);
        forbidden[number] = [.. condemned];
        using var repository = await OpenAsync(life);
        var result = await new BackupRun(repository, life.Disk, life.Loop.Clock).RunAsync(
            new BackupRequest
            {
                Application = number,
                Kind = PointKind.Manual,
                Assets = [Asset(life)],
                Configuration = "",
                Signing = SigningKeys.None,
                Scratch = World.Scratch,
                Writer = "simulation",
            },
            new SilentProgress(),
            None);
        var record = result.Point.Manifest.Assets[0];
        var unread = long.Parse(record.Facts[FilesAsset.UnreadFact], CultureInfo.InvariantCulture);
        life.Loop.Log.Notable($"captured, {unread} unread");
        if (unread > 0) life.Count(RecoveryBranch.FilesAdopted);
        else if (settled) life.Count(RecoveryBranch.FilesReadAgain);
        settled = result.Point.Manifest.State == PointState.Complete;
    }

    // As a verification does that finds a pack damaged: later points must not rely on it.
    private async Task CondemnAsync(Life life)
    {
        using var repository = await OpenAsync(life);
        var catalog = await repository.ListPointsAsync(SigningKeys.None, None);
        if (catalog.Newest is not { } newest || newest.Table.Packs.Count == 0) return;
        var pack = chance.Pick([.. newest.Table.Packs]).Id.ToString();
        await repository.CondemnDamagedAsync([pack], None);
        condemned.Add(pack);
        life.Loop.Log.Notable("condemned a pack");
    }

    private static async Task CompareAsync(
        Life life, PointRepository repository, PointEntry point, IReadOnlyList<string> expected)
    {
        var before = TreeSnapshot.Take(life.Disk, Root);
        var asset = Asset(life);
        var item = new RestoreItem(point.Id.Next(), point.Manifest.Assets[0]);
        using (var reader = repository.OpenPoint(point)) await asset.StageAsync(item, reader, new SilentProgress(), None);
        var (fresh, former) = (Slot.New(item.RestoreId), Slot.Before(item.RestoreId));
        await asset.SwapAsync(item, new Swap(fresh, former), None);
        Demand(expected, life, $"point {point.Id} gives back another tree");
        await asset.SwapAsync(item, new Swap(former, fresh), None);
        Demand(before, life, $"after taking point {point.Id} back");
        await asset.DiscardAsync(item, fresh, None);
        await asset.DiscardAsync(item, former, None);
    }

    private static void Demand(IReadOnlyList<string> expected, Life life, string what)
    {
        var difference = TreeSnapshot.Difference(expected, TreeSnapshot.Take(life.Disk, Root));
        if (difference.Length > 0) throw new SimulationFailureException($"{what}: {difference}");
    }

    private static FilesAsset Asset(Life life) => new(
        "runtime",
        new FilesSettings { Root = Root.ToString(), Include = ["**"] },
        life.Disk,
        life.Cpu,
        life.Loop.Clock);

    private async Task<PointRepository> OpenAsync(Life life) => await PointRepository.OpenAsync(
        await life.ConnectAsync(), key ?? throw new SimulationFailureException("no key"), None);

    // The size often stays: only the times tell then.
    private void Alter(Life life)
    {
        for (var left = chance.Between(1, 3); left > 0; left--)
        {
            var number = chance.Below(Files);
            var path = PathOf(number);
            var size = (int)(life.SoundDisk.Stat(path)?.SizeBytes ?? 0);
            if (chance.OneIn(4)) life.SoundDisk.DeleteFile(path);
            else Write(life, number, chance.OneIn(2) ? size : chance.Between(0, 9000));
        }

        Write(life, 0, chance.Between(1, 3000));
        life.SoundDisk.SyncFileSystem(Root);
    }

    private void Write(Life life, int number, int bytes)
    {
        var path = PathOf(number);
        life.SoundDisk.MakeFolder(path.Parent, 0x1ED);
        using var file = life.SoundDisk.OpenWrite(path);
        file.SetLength(0);
        file.Write(0, chance.Bytes(bytes));
    }

    private static DiskPath PathOf(int number) => Root / (number % 2 == 0 ? $"uploads/{number}" : $"config/{number}");
}
