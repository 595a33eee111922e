using System.Runtime.CompilerServices;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Assets;

/// <summary>Something of a point that cannot be given back.</summary>
/// <param name="Asset">of which asset.</param>
/// <param name="Path">which file of it, relative to its root; null: nothing of the asset can be brought back.</param>
/// <param name="Why">what is damaged.</param>
public sealed record DamagedPart(string Asset, DiskPath? Path, Problem Why);

/// <summary>What a salvage leaves out, because it read everything first and these could not be read.</summary>
/// <param name="Parts">what, in the order of the point.</param>
public sealed record Survey(IReadOnlyList<DamagedPart> Parts)
{
    private readonly HashSet<(string, DiskPath)> files =
        [.. Parts.SelectMany(part => part.Path is { } path ? [(part.Asset, path)] : Array.Empty<(string, DiskPath)>())];

    /// <summary>Nothing is damaged.</summary>
    public static Survey Intact { get; } = new([]);

    /// <summary>Why nothing of an asset can be brought back, or null.</summary>
    public Problem? LossOf(string asset) => Parts.FirstOrDefault(part => part.Asset == asset && part.Path is null)?.Why;

    /// <summary>Whether a file of an asset is damaged.</summary>
    public bool Lacks(string asset, DiskPath path) => files.Contains((asset, path));

    /// <summary>A sentence for each asset that is not whole.</summary>
    public IEnumerable<(string Asset, string Sentence)> Sentences()
    {
        foreach (var parts in Parts.GroupBy(part => part.Asset, StringComparer.Ordinal))
        {
            if (LossOf(parts.Key) is { } loss)
            {
                yield return (parts.Key, $"{parts.Key} is missing, nothing of it can be brought back: {loss.Message}");
                continue;
            }

            const int named = 3;
            var paths = parts.Select(part => part.Path.ToString()).ToList();
            var are = paths.Count == 1 ? "file is" : "files are";
            yield return (
                parts.Key,
                $"{paths.Count:N0} {are} missing in {parts.Key}, because of damage: {string.Join(", ", paths.Take(named))}"
                + (paths.Count > named ? $" and {paths.Count - named:N0} more" : ""));
        }
    }

    /// <summary>
    /// Tries to read some content as a restore would; null when that works, else what is damaged. A store that does not
    /// answer is thrown: nobody knows then.
    /// </summary>
    public static async Task<Problem?> TryReadAsync(
        PointReader point, Content content, IProgressSink progress, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var block in point.ReadAsync(content, cancellationToken)) progress.Advance(block.Bytes.Length);
            return null;
        }
        catch (RepriseException e) when (e.Code.Exit == ExitCodes.Damaged)
        {
            return e.Problem;
        }
    }

    /// <summary>An asset that is whole or lost: it is lost with the first of its contents that cannot be read.</summary>
    public static async IAsyncEnumerable<DamagedPart> AllOrNothingAsync(
        string asset,
        PointReader point,
        IAsyncEnumerable<(string Path, Content Content)> contents,
        IProgressSink progress,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Problem? damage = null;
        try
        {
            await foreach (var (path, content) in contents.WithCancellation(cancellationToken))
            {
                damage = await TryReadAsync(point, content, progress, cancellationToken);
                if (damage is null) continue;
                damage = damage with { Message = $"{path}: {damage.Message}" };
                break;
            }
        }
        catch (RepriseException e) when (e.Code.Exit == ExitCodes.Damaged)
        {
            damage = e.Problem;
        }

        if (damage is not null) yield return new DamagedPart(asset, null, damage);
    }

    /// <summary>The contents of an asset that has no others than its streams.</summary>
    public static async IAsyncEnumerable<(string Path, Content Content)> StreamsOf(AssetRecord record)
    {
        foreach (var (name, content) in record.Streams) yield return (name, content);
        await ValueTask.CompletedTask;
    }
}
