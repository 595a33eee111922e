using System.Buffers.Binary;

namespace Reprise.Simulation.Runtime;

/// <summary>
/// The only source of chance in a simulated run (SplitMix64): the same seed gives the same run on every machine and
/// with every version of .NET, which <see cref="Random"/> does not promise.
/// </summary>
public sealed class Chance(ulong seed)
{
    private ulong state = seed;

    /// <summary>The next 64 bits.</summary>
    public ulong Next()
    {
        var z = state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>0 to <paramref name="bound"/> - 1.</summary>
    public int Below(int bound) => (int)(Next() % (ulong)bound);

    /// <summary>From <paramref name="low"/> to <paramref name="high"/>, both included.</summary>
    public int Between(int low, int high) => low + Below(high - low + 1);

    /// <summary>True once in <paramref name="count"/> times on average.</summary>
    public bool OneIn(int count) => Below(count) == 0;

    /// <summary>One of them.</summary>
    public T Pick<T>(IReadOnlyList<T> among) => among[Below(among.Count)];

    /// <summary>Fresh bytes.</summary>
    public byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        Span<byte> last = stackalloc byte[8];
        for (var at = 0; at < count; at += 8)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(last, Next());
            last[..Math.Min(8, count - at)].CopyTo(bytes.AsSpan(at));
        }

        return bytes;
    }

    /// <summary>A generator of its own for one purpose, so that what one part draws does not move the others.</summary>
    public static Chance For(ulong seed, string purpose)
    {
        var hash = 0xCBF29CE484222325;
        foreach (var c in purpose) hash = (hash ^ c) * 0x100000001B3;
        return new Chance(new Chance(seed ^ hash).Next());
    }
}
