using System.Text;
using Reprise.Recovery.Assets;
using Reprise.Repository;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Capturing;

/// <summary>What a backup is asked to do.</summary>
public sealed record BackupRequest
{
    /// <summary>The application's name.</summary>
    public required string Application { get; init; }

    /// <summary>Why the point is taken.</summary>
    public required PointKind Kind { get; init; }

    /// <summary>What is captured, in the order of the configuration; files are captured last whatever the order.</summary>
    public required IReadOnlyList<IAsset> Assets { get; init; }

    /// <summary>The <c>reprise.yaml</c> in force, variables unresolved; empty when there is none.</summary>
    public required string Configuration { get; init; }

    /// <summary>What of the application is running, or null.</summary>
    public ReleaseFacts? Release { get; init; }

    /// <summary>Keys of the metadata.</summary>
    public required SigningKeys Signing { get; init; }

    /// <summary>A folder for private copies; a sub-folder is made in it, and removed again.</summary>
    public required DiskPath Scratch { get; init; }

    /// <summary>Whether files are read that did not change since the last point.</summary>
    public bool ReadsAll { get; init; }

    /// <summary>The program and version that writes.</summary>
    public required string Writer { get; init; }
}

/// <summary>What a backup did.</summary>
/// <param name="Point">the committed point.</param>
/// <param name="StoredBytes">what it added to the repository.</param>
/// <param name="Problems">warnings, and what is missing in the point.</param>
public sealed record BackupResult(CommittedPoint Point, long StoredBytes, IReadOnlyList<Problem> Problems);

/// <summary>Takes one point of all assets: captures, then commits once, or leaves nothing that anybody would find.</summary>
public sealed class BackupRun(PointRepository repository, IDisk disk, TimeProvider clock)
{
    // Under half of what the last point held is more often an accident at the source than a clean-up.
    private const int ShrinkFactor = 2;

    /// <summary>Takes the point. Throws when an asset could not be captured at all; nothing is committed then.</summary>
    public async Task<BackupResult> RunAsync(BackupRequest request, IProgressSink progress, CancellationToken cancellationToken)
    {
        var created = clock.GetUtcNow();

        // Registered before the points are read: a prune that drops one of them knows that somebody may name it.
        await using var writer = await repository.BeginPointAsync(request.Signing, cancellationToken);
        var catalog = await repository.ListPointsAsync(request.Signing, cancellationToken);
        RequireSigningKey(catalog, request.Signing);
        var problems = catalog.Problems.Select(p => p with { Severity = Severity.Warning }).ToList();
        problems.AddRange(writer.Problems);
        problems.AddRange(writer.StoresAgain(catalog));
        var records = await CaptureAsync(request, writer, catalog, problems, progress, cancellationToken);
        progress.Begin("commit", null);
        var configuration = await StoreTextAsync(writer, request.Configuration, cancellationToken);
        var manifest = new PointManifest
        {
            Id = writer.Id,
            Application = request.Application,
            Created = created,
            Kind = request.Kind,
            State = IsComplete(records, problems) ? PointState.Complete : PointState.Incomplete,
            SkewSeconds = Skew(records),
            Writer = request.Writer,
            Release = request.Release,
            Assets = records,
            Problems = [.. problems.Select(Recorded)],
            Configuration = configuration,
            Live = [.. catalog.Points.Select(p => new PointReference(p.Id, p.Sha256))],
            Dropped = catalog.Dropped,
            SignedSince = SignedSince(catalog, request.Signing, writer.Id),
        };
        var committed = await writer.CommitAsync(manifest, cancellationToken);
        return new BackupResult(committed, writer.StoredBytes, problems);
    }

    // Somebody who signs once means it: a later point without a signature would look like a forgery for ever.
    private static void RequireSigningKey(PointCatalog catalog, SigningKeys signing)
    {
        if (signing.Current is not null) return;
        var signed = catalog.Points.LastOrDefault(p => !p.Hmac.IsEmpty);
        if (signed is null) return;
        throw new RepriseException(
            RepositoryErrors.SignatureNotVerifiable,
            $"point {signed.Id} is signed, so signing is in force, but BACKUP_METADATA_HMAC_KEY is not set",
            "set BACKUP_METADATA_HMAC_KEY where backups run, and run 'reprise backup' again");
    }

    private static PointId? SignedSince(PointCatalog catalog, SigningKeys signing, PointId now)
    {
        if (signing.Current is null) return null;
        return catalog.Points.Where(p => p.Signature == SignatureState.Valid).Select(p => p.Manifest.SignedSince).Min() ?? now;
    }

    private static bool IsComplete(IEnumerable<AssetRecord> records, IEnumerable<Problem> problems) =>
        records.All(r => r.State == AssetStates.Complete)
        && !problems.Any(p => p is { Severity: Severity.Error, Code.Exit: ExitCodes.Incomplete });

    private static double Skew(List<AssetRecord> records) => records.Count == 0
        ? 0
        : Math.Round((records.Max(r => r.Moment) - records.Min(r => r.Moment)).TotalSeconds, 3);

    private static RecordedProblem Recorded(Problem problem) => new()
    {
        Code = problem.Code.Name,
        Message = problem.Message,
        Asset = problem.Asset,
        Where = problem.Where,
    };

    private static async Task<Content?> StoreTextAsync(PointWriter writer, string text, CancellationToken cancellationToken)
    {
        if (text.Length == 0) return null;
        var content = writer.Begin(Cutting.ContentDefined);
        await content.WriteAsync(Encoding.UTF8.GetBytes(text), cancellationToken);
        return await content.CompleteAsync(cancellationToken);
    }

    private async Task<List<AssetRecord>> CaptureAsync(
        BackupRequest request,
        PointWriter writer,
        PointCatalog catalog,
        List<Problem> problems,
        IProgressSink progress,
        CancellationToken cancellationToken)
    {
        var last = catalog.Points.LastOrDefault(p => p.Manifest.State == PointState.Complete);
        var previous = last?.Manifest.Assets ?? [];

        // Who writes points and cannot sign them shall not decide what need not be read or stored.
        using var point = request.ReadsAll || last is null or { Signature: SignatureState.Wrong or SignatureState.Missing }
            ? null
            : repository.OpenPoint(last);
        var scratch = request.Scratch / ("capture-" + writer.Id);
        disk.MakeFolder(scratch);
        try
        {
            var records = new List<AssetRecord>();

            // An application writes a file before the row that names it. Databases first, files last: no captured row
            // can then lack its file.
            foreach (var asset in request.Assets.OrderBy(a => a.Kind == AssetKinds.Files ? 1 : 0))
            {
                var context = new CaptureContext
                {
                    Writer = writer,
                    Clock = clock,
                    Progress = progress,
                    ScratchFolder = scratch.ToString(),
                    Previous = previous.FirstOrDefault(r => r.Name == asset.Name && r.Kind == asset.Kind),
                    PreviousPoint = point,
                };
                var before = writer.StoredBytes;
                var record = await asset.CaptureAsync(context, cancellationToken);
                await writer.FlushAsync(cancellationToken);
                records.Add(record with { StoredBytes = writer.StoredBytes - before });
                problems.AddRange(context.Problems.Select(p => p with { Asset = p.Asset ?? asset.Name }));
                if (Shrunk(record, context.Previous) is { } warning) problems.Add(warning);
            }

            return records;
        }
        finally
        {
            Folders.DeleteTree(disk, scratch);
        }
    }

    private static Problem? Shrunk(AssetRecord now, AssetRecord? before)
    {
        // Files of a server have no rows that anybody counted, and more bytes than a dump of it.
        if (before is null || before.Method != now.Method) return null;
        var (rowsNow, rowsBefore) = (now.Rows.Values.Sum(), before.Rows.Values.Sum());
        if (rowsNow * ShrinkFactor >= rowsBefore && now.SourceBytes * ShrinkFactor >= before.SourceBytes) return null;
        return new Problem(
            RecoveryErrors.SourceShrunk,
            Severity.Warning,
            $"{now.Name} has {rowsNow:N0} rows and {now.SourceBytes:N0} bytes; the last point had {rowsBefore:N0} and {before.SourceBytes:N0}",
            "if that was not intended, restore the earlier point now; it is still there")
        {
            Asset = now.Name,
        };
    }
}
