using System.Text;
using Reprise.Recovery.Assets;
using Reprise.Repository;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Exporting;

/// <summary>
/// What the configuration of a point names, resolved from the folder that it is written to; null: not readable.
/// </summary>
/// <param name="Repository">where it says that the repository is.</param>
/// <param name="KeyFile">where it says that the key is, or null when it names none.</param>
public sealed record ConfiguredPlaces(string Repository, string? KeyFile);

/// <summary>What a recovery is asked to do.</summary>
public sealed record RecoverRequest
{
    /// <summary>The point, or null: the newest that is complete and intact.</summary>
    public PointId? Point { get; init; }

    /// <summary>The folder, absolute; empty or not there yet.</summary>
    public required DiskPath Folder { get; init; }

    /// <summary>Where the repository is on this host, as it was given.</summary>
    public required string Repository { get; init; }

    /// <summary>Where the key is on this host, as it was given; null: a passphrase was asked.</summary>
    public required string? KeyFile { get; init; }

    /// <summary>Whether sealed values are written into <c>.env</c>.</summary>
    public required bool RestoreSecrets { get; init; }

    /// <summary>Who writes each files asset.</summary>
    public required Materialiser Materialiser { get; init; }

    /// <summary>Names the secrets of a point, and opens sealed values.</summary>
    public required SecretOpener Secrets { get; init; }

    /// <summary>Whether a variable is set on this host.</summary>
    public required Func<string, bool> IsSet { get; init; }

    /// <summary>
    /// Reads a configuration (its text, and the folder that it will lie in) as far as that is possible here.
    /// </summary>
    public required Func<string, string, ConfiguredPlaces?> Places { get; init; }

    /// <summary>Verify the points.</summary>
    public required SigningKeys Signing { get; init; }
}

/// <summary>What a recovery did, and what is left to do.</summary>
public sealed record RecoverResult
{
    /// <summary>The point.</summary>
    public required PointManifest Point { get; init; }

    /// <summary>The folder.</summary>
    public required DiskPath Folder { get; init; }

    /// <summary>What was written, relative to the folder; of each asset, the first ten thousand files.</summary>
    public required IReadOnlyList<string> Written { get; init; }

    /// <summary>How many files were written, named or not.</summary>
    public required long WrittenCount { get; init; }

    /// <summary>Secrets whose values were written into <c>.env</c>.</summary>
    public required IReadOnlyList<string> RestoredSecrets { get; init; }

    /// <summary>Secrets that the application needs and that nothing here sets.</summary>
    public required IReadOnlyList<string> MissingSecrets { get; init; }

    /// <summary>What of the configuration is another on this host, one sentence each.</summary>
    public required IReadOnlyList<string> Adapt { get; init; }

    /// <summary>The commands that bring the databases back, in order, as they can be typed.</summary>
    public required IReadOnlyList<string> NextCommands { get; init; }

    /// <summary>Points that were passed over, and what is missing.</summary>
    public required IReadOnlyList<Problem> Problems { get; init; }
}

/// <summary>
/// Brings configuration and files onto a bare host from repository and key alone. Databases follow with
/// <c>reprise restore</c>, once their servers are there.
/// </summary>
public sealed class RecoverRun(PointRepository repository, IDisk disk, TimeProvider clock)
{
    private const string ConfigurationName = "reprise.yaml";
    private const string SecretsName = ".env";
    private const int MaxConfigurationBytes = 1024 * 1024;
    private const int MaxSecretsBytes = 1024 * 1024;
    private const int ReadableFile = 0x1A4;

    /// <summary>
    /// Writes the folder. <c>no-point</c> when no point can be used, <c>point-unknown</c>, <c>target-not-empty</c>; a
    /// point whose signature does not hold and damage on the way are exit 5, and the folder does not exist then.
    /// </summary>
    public async Task<RecoverResult> RunAsync(
        RecoverRequest request, IProgressSink progress, CancellationToken cancellationToken)
    {
        var problems = new List<Problem>();
        var entry = await new PointChoice(repository).ChooseAsync(request, problems, cancellationToken);
        var staged = StagedFolder.Begin(disk, clock, request.Folder);
        problems.AddRange(staged.Problems);
        try
        {
            var tree = staged.Path / "tree";
            disk.MakeFolder(tree);
            using var point = repository.OpenPoint(entry);
            var written = new SortedSet<string>(StringComparer.Ordinal);
            var configuration = await WriteConfigurationAsync(point, tree, written, problems, cancellationToken);
            var unnamed = await WriteFilesAsync(request, point, staged.Path, tree, written, problems, progress, cancellationToken);
            var secrets = await ReadSecretsAsync(request, point, cancellationToken);
            var restored = WriteSecrets(tree, secrets, written);
            staged.Publish(tree);
            var missing = secrets.Select(s => s.Name).Distinct()
                .Where(n => !restored.Contains(n, StringComparer.Ordinal) && !request.IsSet(n)).ToList();
            problems.AddRange(missing.Select(NotKept));
            return new RecoverResult
            {
                Point = point.Manifest,
                Folder = request.Folder,
                Written = [.. written],
                WrittenCount = written.Count + unnamed,
                RestoredSecrets = restored,
                MissingSecrets = missing,
                Adapt = [.. Adapt(request, configuration)],
                NextCommands = [.. Next(request, point.Manifest, configuration, missing)],
                Problems = problems,
            };
        }
        catch
        {
            staged.Discard(progress);
            throw;
        }
    }

    private async Task<string?> WriteConfigurationAsync(
        PointReader point,
        DiskPath tree,
        SortedSet<string> written,
        List<Problem> problems,
        CancellationToken cancellationToken)
    {
        if (point.Manifest.Configuration is not { } content)
        {
            problems.Add(new Problem(
                ExportErrors.ConfigurationAbsent,
                Severity.Error,
                $"point {point.Manifest.Id} holds no {ConfigurationName}",
                "write one with 'reprise init' in the recovered folder before restoring the databases"));
            return null;
        }

        if (content.LengthBytes > MaxConfigurationBytes)
        {
            throw new RepriseException(
                RepositoryErrors.Malformed,
                $"the configuration of point {point.Manifest.Id} has {content.LengthBytes} bytes",
                "recover another point with --point");
        }

        var bytes = new byte[content.LengthBytes];
        await foreach (var block in point.ReadAsync(content, cancellationToken))
            block.Bytes.CopyTo(bytes.AsMemory((int)block.OffsetBytes));
        using (var file = disk.CreateNew(tree / ConfigurationName)) file.Write(0, bytes);
        disk.SetMode(tree / ConfigurationName, ReadableFile);
        written.Add(ConfigurationName);
        return Encoding.UTF8.GetString(bytes);
    }

    /// <summary>Returns how many files were written that <paramref name="written"/> does not name.</summary>
    private async Task<long> WriteFilesAsync(
        RecoverRequest request,
        PointReader point,
        DiskPath staging,
        DiskPath tree,
        SortedSet<string> written,
        List<Problem> problems,
        IProgressSink progress,
        CancellationToken cancellationToken)
    {
        var unnamed = 0L;
        foreach (var record in point.Manifest.Assets.Where(r => r.Kind == AssetKinds.Files))
        {
            var asset = request.Materialiser(record) ?? throw new RepriseException(
                ExportErrors.AssetNotExportable,
                $"asset {record.Name} was captured as {record.Method}, which this version cannot write",
                "use the version of Reprise that took the point, or a newer one");
            progress.Begin("recover " + record.Name, record.SourceBytes);
            var own = staging / "asset";
            disk.MakeFolder(own);
            var paths = await asset.MaterialiseAsync(record, point, own.ToString(), Survey.Intact, progress, cancellationToken);
            written.UnionWith(paths.Named);
            unnamed += paths.Count - paths.Named.Count;
            var merge = new TreeMerge(disk, record.Name);
            merge.Move(own, tree);
            problems.AddRange(merge.Problems);
        }

        return unnamed;
    }

    private static async Task<List<KeptSecret>> ReadSecretsAsync(
        RecoverRequest request, PointReader point, CancellationToken cancellationToken)
    {
        var secrets = new List<KeptSecret>();
        foreach (var record in point.Manifest.Assets.Where(r => r.Kind == AssetKinds.Secrets))
            secrets.AddRange(await request.Secrets(record, point, request.RestoreSecrets, cancellationToken));
        return secrets;
    }

    // A .env that belongs to a files asset was captured as it is: it is completed, never replaced.
    private List<string> WriteSecrets(DiskPath tree, List<KeptSecret> secrets, SortedSet<string> written)
    {
        var values = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var secret in secrets)
        {
            if (secret.Value is { } value) values.TryAdd(secret.Name, value);
        }

        if (values.Count == 0) return [];
        var present = new byte[MaxSecretsBytes];
        using var file = disk.OpenWrite(tree / SecretsName);
        var length = file.Read(0, present);
        if (length == MaxSecretsBytes)
        {
            throw new RepriseException(
                RecoveryErrors.DotEnvInvalid,
                $"{SecretsName} of the point is longer than {MaxSecretsBytes} bytes",
                "recover without --restore-secrets");
        }

        file.Write(0, Encoding.UTF8.GetBytes(SecretLines.Append(Encoding.UTF8.GetString(present, 0, length), values)));
        written.Add(SecretsName);
        return [.. values.Keys];
    }

    private static Problem NotKept(string name) => new(
        ExportErrors.SecretNotKept,
        Severity.Warning,
        $"secret {name} is not set here, and its value was not written",
        $"set {name} to the value that was in force; '--restore-secrets' writes it when the point keeps it sealed")
    {
        Where = name,
    };

    private static IEnumerable<string> Adapt(RecoverRequest request, string? configuration)
    {
        if (configuration is null) yield break;
        if (request.Places(configuration, request.Folder.ToString()) is not { } places)
        {
            yield return $"{ConfigurationName} cannot be read here yet: set its variables, then check its repository";
            yield break;
        }

        if (places.Repository != request.Repository)
        {
            yield return $"{ConfigurationName} says repository.location {places.Repository}; "
                + $"on this host it is {request.Repository}";
        }

        if (request.KeyFile is { } key && places.KeyFile is { } configured && configured != key)
        {
            yield return $"{ConfigurationName} says repository.key {configured}; on this host it is {key}";
        }
    }

    private static IEnumerable<string> Next(
        RecoverRequest request, PointManifest manifest, string? configuration, List<string> missing)
    {
        yield return $"cd {ShellWords.Quote(request.Folder.ToString())}";
        foreach (var name in missing) yield return $"export {name}=…";
        var key = request.KeyFile is null ? "" : $" --key-file {ShellWords.Quote(request.KeyFile)}";
        var place = $"--repository {ShellWords.Quote(request.Repository)}{key}";
        if (configuration is null) yield return "reprise init";
        yield return $"reprise restore {manifest.Id} --config {ConfigurationName} {place}";
    }
}
