using System.Security.Cryptography;
using Reprise.Repository;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Storage.Runtime;
using Reprise.Tests.Fixtures;

namespace Reprise.Tests.Golden;

/// <summary>
/// Copies of the golden repositories with one thing wrong each. What is committed of them is what differs: the other
/// bytes, and the names of what is gone.
/// </summary>
internal static class DamagedTwins
{
    /// <summary>Which repository, and what happened to it.</summary>
    public static IReadOnlyList<(string Of, string Damage)> All =>
    [
        ("plain", "index-flipped"),
        ("plain", "index-gone"),
        ("plain", "key-slot-flipped"),
        ("plain", "pack-cut"),
        ("plain", "pack-flipped"),
        ("plain", "pack-gone"),
        ("plain", "packs-swapped"),
        ("plain", "point-flipped"),
        ("plain", "point-gone"),
        ("plain", "point-of-a-newer-reprise"),
        ("plain", "points-swapped"),
        ("plain", "repository-flipped"),
        ("rotated", "closing-gone"),
        ("rotated", "condemned-flipped"),
        ("rotated", "epoch-gone"),
        ("rotated", "foreign-object"),
        ("rotated", "kit-flipped"),
        ("rotated", "point-forged"),
        ("rotated", "session-flipped"),
        ("rotated", "tombstone-flipped"),
    ];

    /// <summary>What differs from <paramref name="good"/>; null: it is gone.</summary>
    public static async Task<SortedDictionary<string, byte[]?>> MakeAsync(
        string damage, IReadOnlyDictionary<string, byte[]> good, string revokedKey)
    {
        var packs = Names(good, "packs/").OrderBy(n => good[n].Length).ToList();
        var points = Names(good, "points/").Where(n => good[n][5] == 3).ToList();
        return damage switch
        {
            "index-flipped" => Flipped(good, Names(good, "index/")[0], 100),
            "index-gone" => Gone(Names(good, "index/")[0]),
            "key-slot-flipped" => Flipped(good, Names(good, "keys/sheet")[0], 200),
            "pack-cut" => Other(packs[^1], good[packs[^1]][..4000]),
            "pack-flipped" => Flipped(good, packs[^1], 7000),
            "pack-gone" => Gone(packs[0]),
            "packs-swapped" => Swapped(good, packs[0], packs[1]),
            "point-flipped" => Flipped(good, points[0], 1000),
            "point-gone" => Gone(points[0]),
            "point-of-a-newer-reprise" => Other(points[0], OfNewerVersion(good[points[0]])),
            "points-swapped" => Swapped(good, points[0], points[1]),
            "repository-flipped" => Flipped(good, "repository", 40),
            "closing-gone" => Gone("closings/2"),
            "condemned-flipped" => Flipped(good, Names(good, "condemned/")[0], 70),
            "epoch-gone" => Gone("keys/epoch-2"),
            "foreign-object" => Other("notes", "buy milk\n"u8.ToArray()),
            "kit-flipped" => Flipped(good, Names(good, "kit/")[0], 10),
            "point-forged" => await ForgedAsync(good, revokedKey),
            "session-flipped" => Flipped(good, Names(good, "sessions/")[0], 70),
            "tombstone-flipped" => Flipped(good, Names(good, "points/").Single(n => good[n][5] == 5), 70),
            _ => throw new ArgumentOutOfRangeException(nameof(damage), damage, "no such twin"),
        };
    }

    private static List<string> Names(IReadOnlyDictionary<string, byte[]> objects, string prefix) =>
        [.. objects.Keys.Where(k => k.StartsWith(prefix, StringComparison.Ordinal))];

    private static SortedDictionary<string, byte[]?> Gone(string name) => new(StringComparer.Ordinal) { [name] = null };

    private static SortedDictionary<string, byte[]?> Other(string name, byte[] bytes) => new(StringComparer.Ordinal) { [name] = bytes };

    private static SortedDictionary<string, byte[]?> Swapped(IReadOnlyDictionary<string, byte[]> good, string one, string other) =>
        new(StringComparer.Ordinal) { [one] = good[other], [other] = good[one] };

    private static SortedDictionary<string, byte[]?> Flipped(IReadOnlyDictionary<string, byte[]> good, string name, int at)
    {
        var bytes = good[name].ToArray();
        bytes[at % bytes.Length] ^= 1;
        return Other(name, bytes);
    }

    private static byte[] OfNewerVersion(byte[] point)
    {
        var bytes = point.ToArray();
        bytes[4] = 1;
        SHA256.HashData(bytes.AsSpan(0, 56)).AsSpan(0, 8).CopyTo(bytes.AsSpan(56));
        return bytes;
    }

    // Whoever holds the revoked key and can write goes back to before the rotation, takes a point there, and brings
    // everything else back.
    private static async Task<SortedDictionary<string, byte[]?>> ForgedAsync(IReadOnlyDictionary<string, byte[]> good, string revokedKey)
    {
        var before = good.Where(o => o.Key is not ("keys/epoch-2" or "closings/2")).ToDictionary();
        var store = await GoldenFolder.StoreOf(before);
        var clock = new SteppedClock(new DateTimeOffset(2026, 1, 3, 0, 0, 0, TimeSpan.Zero));
        var host = new RepositoryHost(store, clock, new SeededEntropy(99), new Cpu(new ConcurrentExclusiveSchedulerPair().ExclusiveScheduler, 1))
        {
            CompressionLevel = 0,
        };
        using var repository = await PointRepository.OpenAsync(host, KeyFile.Parse(revokedKey, "revoked.key"), default);
        await using (var writer = await repository.BeginPointAsync(SigningKeys.None, default))
        {
            await writer.CommitAsync(
                new PointManifest
                {
                    Id = writer.Id,
                    Application = "golden",
                    Created = clock.GetUtcNow(),
                    Kind = PointKind.Manual,
                    State = PointState.Complete,
                    SkewSeconds = 0,
                    Writer = "somebody else",
                    Assets = [],
                },
                default);
        }

        var after = await GoldenFolder.ObjectsAsync(store);
        return new SortedDictionary<string, byte[]?>(after.Where(o => !before.ContainsKey(o.Key)).ToDictionary(o => o.Key, o => (byte[]?)o.Value), StringComparer.Ordinal);
    }
}
