using System.Security.Cryptography;
using Reprise.Recovery.Verifying;
using Reprise.Repository;
using Reprise.Repository.Checking;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Storage;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;
using Reprise.Wiring;

namespace Reprise.Tests.Golden;

/// <summary>What a repository is worth: what <c>verify --read all</c> names, and what each point gives back.</summary>
/// <param name="Refused">why it did not open, or null.</param>
/// <param name="Problems">what is named.</param>
/// <param name="Contents">SHA-256 by point and path; null where giving it back ended with exit 5.</param>
internal sealed record GoldenReading(
    Problem? Refused, IReadOnlyList<Problem> Problems, IReadOnlyDictionary<string, string?> Contents)
{
    // Signed points verify; the first point is older than signing.
    private static readonly SigningKeys Signing = SigningKeys.From("golden", null);
    private static readonly CancellationToken None = CancellationToken.None;

    public static async Task<GoldenReading> OfAsync(IStore store, KeyFile key, PointReference? remembered)
    {
        try
        {
            var host = new RepositoryHost(store, TimeProvider.System, Entropy.System, new Cpu(TaskScheduler.Default, 1));
            using var repository = await PointRepository.OpenAsync(host, key, None);
            return await OfAsync(repository, remembered);
        }
        catch (RepriseException e)
        {
            return new GoldenReading(e.Problem, [], new Dictionary<string, string?>());
        }
    }

    public static async Task<GoldenReading> OfAsync(PointRepository repository, PointReference? remembered)
    {
        var walks = ContentWalks.On(Disks.OfThisMachine(), new DiskPath(Scratch), Entropy.System);
        var verified = await new VerifyRun(repository, walks).RunAsync(null, remembered, ReadDepth.All, Signing, _ => { }, None);
        var contents = new SortedDictionary<string, string?>(StringComparer.Ordinal);
        foreach (var point in (await repository.ListPointsAsync(Signing, None)).Points)
        {
            using var reader = repository.OpenPoint(point);
            foreach (var record in point.Manifest.Assets)
            {
                foreach (var (name, content) in record.Streams)
                    contents[$"{point.Id} {record.Name}/{name}"] = await HashAsync(reader, content);
                await WalkAsync(walks, record, reader, (path, hash) => contents[$"{point.Id} {record.Name}: {path}"] = hash);
            }
        }

        return new GoldenReading(null, verified.Problems, contents);
    }

    private static string Scratch => Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();

    private static async Task WalkAsync(
        IReadOnlyDictionary<string, ContentWalk> walks, AssetRecord record, PointReader reader, Action<string, string?> take)
    {
        if (!walks.TryGetValue(record.Kind, out var walk)) return;
        try
        {
            await foreach (var (path, content) in walk(record, reader, None)) take(path, await HashAsync(reader, content));
        }
        catch (RepriseException e) when (e.Code.Exit == ExitCodes.Damaged)
        {
            // The list is damaged: its own stream says so.
            take("", null);
        }
    }

    private static async Task<string?> HashAsync(PointReader reader, Content content)
    {
        try
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            await foreach (var block in reader.ReadAsync(content, None))
                hash.AppendData(block.Bytes.IsEmpty ? new byte[block.HoleBytes] : block.Bytes.Span);
            return Convert.ToHexStringLower(hash.GetHashAndReset());
        }
        catch (RepriseException e) when (e.Code.Exit == ExitCodes.Damaged)
        {
            return null;
        }
    }
}
