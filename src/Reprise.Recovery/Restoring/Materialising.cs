using Reprise.Recovery.Assets;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Restoring;

/// <summary>One asset as <c>restore --to</c> wrote it.</summary>
/// <param name="Name">its name.</param>
/// <param name="Folder">where.</param>
/// <param name="Paths">what.</param>
public sealed record MaterialisedAsset(string Name, string Folder, WrittenPaths Paths);

/// <summary>What <c>restore --to</c> wrote.</summary>
/// <param name="Assets">by asset.</param>
/// <param name="Survey">what it left out because it is damaged.</param>
public sealed record Materialised(IReadOnlyList<MaterialisedAsset> Assets, Survey Survey);

/// <summary>Writes assets into an empty folder; production is not even looked at.</summary>
internal sealed class Materialising(RestoreApplication application, RestoreHost host)
{
    public async Task<Materialised> RunAsync(
        RestoreRequest request, string folder, CancellationToken cancellationToken)
    {
        var manifest = request.Point.Manifest;
        foreach (var name in request.OnlyAssets.Where(n => manifest.Assets.All(a => a.Name != n)))
        {
            throw new RepriseException(
                RecoveryErrors.AssetUnknown,
                $"point {manifest.Id} has no asset {name}",
                $"see 'reprise points show {manifest.Id}'");
        }

        var root = new DiskPath(folder);
        var existed = RequireEmpty(root);
        var survey = await new Surveying(application, host).RunAsync(request, cancellationToken);
        try
        {
            host.Disk.MakeFolder(root);
            var written = new List<MaterialisedAsset>();
            foreach (var record in manifest.Assets)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (request.OnlyAssets.Count > 0 && !request.OnlyAssets.Contains(record.Name)) continue;
                if (record.Kind == AssetKinds.Secrets && !request.RestoreSecrets) continue;
                if (Operation.Restorable(application, record.Name) is not { } restorable) continue;
                if (survey.LossOf(record.Name) is not null) continue;
                var own = root / record.Name;
                host.Disk.MakeFolder(own);
                var paths = await restorable.MaterialiseAsync(
                    record, request.Point, own.ToString(), survey, host.Progress, cancellationToken);
                written.Add(new MaterialisedAsset(record.Name, own.ToString(), paths));
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
