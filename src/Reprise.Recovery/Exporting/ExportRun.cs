using System.Security.Cryptography;
using System.Text;
using Reprise.Recovery.Assets;
using Reprise.Repository;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;

namespace Reprise.Recovery.Exporting;

/// <summary>What an export is asked to do.</summary>
public sealed record ExportRequest
{
    /// <summary>The point.</summary>
    public required PointEntry Point { get; init; }

    /// <summary>The folder, absolute; empty or not there yet.</summary>
    public required DiskPath Folder { get; init; }

    /// <summary>Who writes each asset.</summary>
    public required Materialiser Materialiser { get; init; }

    /// <summary>Names the secrets of a point; asked without values.</summary>
    public required SecretOpener Secrets { get; init; }

    /// <summary>Signs <c>metadata.json</c> when the current key is set.</summary>
    public required SigningKeys Signing { get; init; }

    /// <summary>The program and version that exports.</summary>
    public required string Writer { get; init; }
}

/// <summary>What an export did.</summary>
/// <param name="Folder">where it lies.</param>
/// <param name="Files">the names of its files, in order.</param>
/// <param name="SizeBytes">all of them.</param>
/// <param name="Metadata">what <c>metadata.json</c> says.</param>
/// <param name="Problems">what is missing in the point, that it is not signed, what earlier runs left.</param>
public sealed record ExportResult(
    DiskPath Folder,
    IReadOnlyList<string> Files,
    long SizeBytes,
    ExportMetadata Metadata,
    IReadOnlyList<Problem> Problems);

/// <summary>
/// Writes a point as a plain folder that is used with the tools of the trade, or writes nothing at all.
/// </summary>
public sealed class ExportRun(PointRepository repository, IDisk disk, TimeProvider clock, Cpu cpu)
{
    /// <summary>
    /// Writes the export. A point whose signature does not hold is refused with its code (exit 5), as is damage that is
    /// met on the way; the folder does not exist then. An incomplete point is exported and named (exit 7).
    /// </summary>
    public async Task<ExportResult> RunAsync(
        ExportRequest request, IProgressSink progress, CancellationToken cancellationToken)
    {
        if (request.Point.SignatureProblem is { } forged) throw new RepriseException(forged);
        var staged = StagedFolder.Begin(disk, clock, request.Folder);
        try
        {
            var (metadata, files) = await WriteAsync(request, staged.Path, progress, cancellationToken);
            staged.Publish(staged.Path);
            var names = files.Keys.Append(ExportNames.Checksums).Order(StringComparer.Ordinal).ToList();
            return new ExportResult(
                request.Folder,
                names,
                files.Values.Sum(f => f.SizeBytes),
                metadata,
                [.. staged.Problems, .. Problems(request, metadata)]);
        }
        catch
        {
            staged.Discard(progress);
            throw;
        }
    }

    private async Task<(ExportMetadata Metadata, SortedDictionary<string, FileFacts> Files)> WriteAsync(
        ExportRequest request, DiskPath folder, IProgressSink progress, CancellationToken cancellationToken)
    {
        var manifest = request.Point.Manifest;
        var files = new SortedDictionary<string, FileFacts>(StringComparer.Ordinal);
        var names = new ExportNames(manifest.Application, manifest.Id);
        var assets = new List<ExportedAsset>();
        using var point = repository.OpenPoint(request.Point);
        foreach (var record in manifest.Assets)
        {
            progress.Begin("export " + record.Name, record.Kind == AssetKinds.Secrets ? null : record.SourceBytes);
            var written = record.Kind == AssetKinds.Secrets
                ? []
                : await WriteAsync(request, record, point, folder, names, progress, cancellationToken);
            foreach (var (name, facts) in written) files.Add(name, facts);
            var references = record.Kind == AssetKinds.Secrets
                ? await request.Secrets(record, point, false, cancellationToken)
                : null;
            assets.Add(Describe(record, written, references));
        }

        var metadata = Describe(request, assets);
        var bytes = metadata.Encode();
        Write(folder / ExportNames.Metadata, bytes, files);
        if (request.Signing.Current is { } key)
        {
            var hmac = Convert.ToHexStringLower(HMACSHA256.HashData(key.Span, bytes)) + "\n";
            Write(folder / ExportNames.Signature, Encoding.ASCII.GetBytes(hmac), files);
        }

        Write(folder / ExportNames.Checksums, ChecksumList.Encode(files), null);
        return (metadata, files);
    }

    private async Task<List<(string Name, FileFacts Facts)>> WriteAsync(
        ExportRequest request,
        AssetRecord record,
        PointReader point,
        DiskPath folder,
        ExportNames names,
        IProgressSink progress,
        CancellationToken cancellationToken)
    {
        var asset = request.Materialiser(record) ?? throw NotExportable(record);
        var scratch = folder / ".scratch";
        disk.MakeFolder(scratch);
        if (asset is ITreeSource source)
        {
            var name = names.Tarball(record);
            var facts = await new TarballWriter(disk, cpu, progress).WriteAsync(
                folder / name,
                source.WalkAsync(record, point, scratch.ToString(), cancellationToken),
                (entry, ct) => point.ReadAsync(Content(entry), ct),
                cancellationToken);
            Folders.DeleteTree(disk, scratch);
            return [(name, facts)];
        }

        await asset.MaterialiseAsync(record, point, scratch.ToString(), Survey.Intact, progress, cancellationToken);
        var written = disk.List(scratch).Select(e => e.Name).Order().ToList();
        var isTree = record.Kind == AssetKinds.Files
            || written.Exists(name => disk.Stat(scratch / name) is not { Type: FileType.Regular });
        var result = isTree
            ? await PackAsync(record, scratch, folder, names, progress, cancellationToken)
            : await TakeAsync(record, scratch, written, folder, names, progress, cancellationToken);
        Folders.DeleteTree(disk, scratch);
        return result;
    }

    private async Task<List<(string Name, FileFacts Facts)>> PackAsync(
        AssetRecord record,
        DiskPath scratch,
        DiskPath folder,
        ExportNames names,
        IProgressSink progress,
        CancellationToken cancellationToken)
    {
        var tree = new FolderTree(disk, scratch);
        var name = names.Tarball(record);
        progress.Begin("pack " + record.Name, record.SourceBytes);
        var facts = await new TarballWriter(disk, cpu, progress).WriteAsync(
            folder / name, tree.WalkAsync(cancellationToken), tree.ReadAsync, cancellationToken);
        return [(name, facts)];
    }

    private async Task<List<(string Name, FileFacts Facts)>> TakeAsync(
        AssetRecord record,
        DiskPath scratch,
        List<DiskPath> written,
        DiskPath folder,
        ExportNames names,
        IProgressSink progress,
        CancellationToken cancellationToken)
    {
        Invariant.Check(written.Count > 0, $"asset {record.Name} wrote something");
        var endings = written.CountBy(w => ExportNames.Ending(record.Kind, w)).ToDictionary();
        var taken = new List<(string Name, FileFacts Facts)>();
        progress.Begin("hash " + record.Name, written.Sum(w => disk.Stat(scratch / w)?.SizeBytes ?? 0));

        // The dump before its globals: the first file is the one that the metadata calls the asset's.
        foreach (var file in written.OrderBy(w => ExportNames.Ending(record.Kind, w) == ".globals.sql"))
        {
            var name = names.Of(record, file, endings[ExportNames.Ending(record.Kind, file)] == 1);
            disk.Rename(scratch / file, folder / name);
            taken.Add((name, await cpu.RunAsync(
                () => FileFacts.Read(disk, folder / name, progress.Advance, cancellationToken), cancellationToken)));
        }

        return taken;
    }

    private void Write(DiskPath path, byte[] bytes, SortedDictionary<string, FileFacts>? files)
    {
        using var file = disk.CreateNew(path);
        file.Write(0, bytes);
        files?.Add(path.Name.ToString(), new FileFacts(bytes.Length, new Sha256Digest(SHA256.HashData(bytes))));
    }

    private static Content Content(TreeEntry entry) =>
        entry.Content ?? throw new InvariantException($"{entry.Path} of a captured tree has no content");

    private static RepriseException NotExportable(AssetRecord record) => new(
        ExportErrors.AssetNotExportable,
        $"asset {record.Name} ({record.Kind}, captured as {record.Method}) cannot be written into a folder",
        "restore it where it came from with 'reprise restore'");

    private static ExportedAsset Describe(
        AssetRecord record, List<(string Name, FileFacts Facts)> written, IReadOnlyList<KeptSecret>? references)
    {
        var files = written.ConvertAll(w => new ExportedFile
        {
            File = w.Name,
            SizeBytes = w.Facts.SizeBytes,
            Sha256 = w.Facts.Sha256.ToString(),
        });
        var main = files.Count > 0 ? files[0] : null;
        return new ExportedAsset
        {
            Name = record.Name,
            Kind = record.Kind,
            Method = record.Method,
            Moment = ExportMetadata.Time(record.Moment),
            State = record.State,
            File = main?.File,
            SizeBytes = main?.SizeBytes,
            Sha256 = main?.Sha256,
            Also = [.. files.Skip(1)],
            Rows = record.Rows,
            Versions = record.Versions,
            Migration = record.Migration,
            References = references?.Select(r => r.Name).ToList(),
        };
    }

    private static ExportMetadata Describe(ExportRequest request, List<ExportedAsset> assets)
    {
        var manifest = request.Point.Manifest;
        return new ExportMetadata
        {
            Schema = ExportMetadata.CurrentSchema,
            Application = manifest.Application,
            Point = manifest.Id.Value,
            Created = ExportMetadata.Time(manifest.Created),
            Kind = manifest.Kind switch
            {
                PointKind.Manual => "manual",
                PointKind.Scheduled => "scheduled",
                PointKind.Safety => "safety",
                _ => throw new InvariantException($"point kind {manifest.Kind}"),
            },
            State = manifest.State == PointState.Complete ? "complete" : "incomplete",
            SkewSeconds = manifest.SkewSeconds,
            Writer = request.Writer,
            Signed = request.Signing.Current is not null,
            Release = manifest.Release,
            Assets = assets,
            Problems = manifest.Problems,
        };
    }

    private static IEnumerable<Problem> Problems(ExportRequest request, ExportMetadata metadata)
    {
        var manifest = request.Point.Manifest;
        if (manifest.State != PointState.Complete)
        {
            yield return new Problem(
                RecoveryErrors.PointIncomplete,
                Severity.Error,
                $"point {manifest.Id} is incomplete, and so is its export: {manifest.Problems.Count} problems",
                $"read them in {ExportNames.Metadata}, or export an earlier point that is complete ('reprise points')");
        }

        if (!metadata.Signed)
        {
            yield return new Problem(
                ExportErrors.ExportUnsigned,
                Severity.Note,
                "the export is not signed: BACKUP_METADATA_HMAC_KEY is not set",
                "set BACKUP_METADATA_HMAC_KEY and export again when others must be able to trust it");
        }
    }
}
