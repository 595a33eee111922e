using Reprise.Recovery.Assets;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Restoring;

/// <summary>One asset as <c>restore --to</c> wrote it.</summary>
/// <param name="Name">its name.</param>
/// <param name="Folder">where.</param>
/// <param name="Paths">what.</param>
/// <param name="Reached">where its recovery ended; null: it is as the point has it.</param>
public sealed record MaterialisedAsset(string Name, string Folder, WrittenPaths Paths, ReachedMoment? Reached);

/// <summary>What <c>restore --to</c> wrote.</summary>
/// <param name="Assets">by asset.</param>
/// <param name="Survey">what it left out because it is damaged.</param>
public sealed record Materialised(IReadOnlyList<MaterialisedAsset> Assets, Survey Survey);

/// <summary>One asset as <c>restore --to</c> would write it.</summary>
/// <param name="Name">its name.</param>
/// <param name="Folder">where.</param>
/// <param name="DataBytes">how much it was when it was captured.</param>
public sealed record PlannedAsset(string Name, string Folder, long DataBytes);

/// <summary>What <c>restore --to</c> would write.</summary>
/// <param name="Assets">by asset.</param>
/// <param name="Survey">what it would leave out because it is damaged.</param>
public sealed record MaterialisationPlan(IReadOnlyList<PlannedAsset> Assets, Survey Survey);

/// <summary>Writes assets into an empty folder; production is not even looked at.</summary>
internal sealed class Materialising(RestoreApplication application, RestoreHost host)
{
    public async Task<Materialised> RunAsync(
        RestoreRequest request, string folder, CancellationToken cancellationToken)
    {
        RequireAssets(request);
        var root = new DiskPath(folder);
        var existed = RequireEmpty(root);
        var survey = await new Surveying(application, host).RunAsync(request, cancellationToken);
        try
        {
            host.Disk.MakeFolder(root);
            var written = new List<MaterialisedAsset>();
            foreach (var (record, restorable) in Chosen(request, survey))
            {
                cancellationToken.ThrowIfCancellationRequested();
                var own = root / record.Name;
                host.Disk.MakeFolder(own);
                written.Add(await WriteAsync(request, record, restorable, own, survey, cancellationToken));
            }

            host.Disk.SyncFileSystem(root);
            return new Materialised(written, survey);
        }
        catch
        {
            // It was empty, so everything in it is ours: half a restore must not be taken for a whole one.
            Clear(root, existed);
            throw;
        }
    }

    /// <summary>What <see cref="RunAsync"/> would write, or the error that it would end with; nothing is made.</summary>
    public async Task<MaterialisationPlan> PlanAsync(RestoreRequest request, string folder, CancellationToken cancellationToken)
    {
        RequireAssets(request);
        var root = new DiskPath(folder);
        RequireEmpty(root);
        var survey = await new Surveying(application, host).RunAsync(request, cancellationToken);
        return new MaterialisationPlan(
            [.. Chosen(request, survey).Select(c => new PlannedAsset(c.Record.Name, (root / c.Record.Name).ToString(), c.Record.SourceBytes))], survey);
    }

    private static void RequireAssets(RestoreRequest request)
    {
        var manifest = request.Point.Manifest;
        foreach (var name in request.OnlyAssets.Where(n => manifest.Assets.All(a => a.Name != n)))
        {
            throw new RepriseException(
                RecoveryErrors.AssetUnknown,
                $"point {manifest.Id} has no asset {name}",
                $"see 'reprise points show {manifest.Id}'");
        }
    }

    private IEnumerable<(AssetRecord Record, IRestorable Asset)> Chosen(RestoreRequest request, Survey survey)
    {
        foreach (var record in request.Point.Manifest.Assets)
        {
            if (request.OnlyAssets.Count > 0 && !request.OnlyAssets.Contains(record.Name)) continue;
            if (record.Kind == AssetKinds.Secrets && !request.RestoreSecrets) continue;
            if (Operation.Restorable(application, record.Name) is not { } restorable) continue;
            if (survey.LossOf(record.Name) is null) yield return (record, restorable);
        }
    }

    private async Task<MaterialisedAsset> WriteAsync(
        RestoreRequest request, AssetRecord record, IRestorable asset, DiskPath own, Survey survey, CancellationToken cancellationToken)
    {
        if (!request.Moments.TryGetValue(record.Name, out var moment))
        {
            var paths = await asset.MaterialiseAsync(record, request.Point, own.ToString(), survey, host.Progress, cancellationToken);
            return new MaterialisedAsset(record.Name, own.ToString(), paths, null);
        }

        var replayable = asset as IReplayable ?? throw new InvariantException($"a moment of {record.Name}, which has none");
        var written = await replayable.MaterialiseAsync(record, request.Point, own.ToString(), moment, host.Progress, cancellationToken);
        return new MaterialisedAsset(record.Name, own.ToString(), written.Paths, written.Reached);
    }

    private bool RequireEmpty(DiskPath root)
    {
        if (host.Disk.Stat(root) is not { } status) return false;
        if (status.Type == FileType.Folder && !host.Disk.List(root).Any()) return true;
        throw new RepriseException(
            new Problem(
                RecoveryErrors.TargetNotEmpty,
                Severity.Error,
                $"{root} is not an empty folder",
                "name a folder that does not exist yet, or an empty one")
            {
                Where = root.ToString(),
            });
    }

    private void Clear(DiskPath root, bool keepRoot)
    {
        if (host.Disk.Stat(root) is not { Type: FileType.Folder }) return;
        foreach (var entry in host.Disk.List(root).ToList()) Folders.DeleteTree(host.Disk, root / entry.Name);
        if (!keepRoot) host.Disk.DeleteFolder(root);
    }
}
