using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Reprise.Storage.Runtime;

/// <summary>Where salts, keys and identifiers come from. Closed: production can only have the system's.</summary>
public abstract class Entropy
{
    private protected Entropy()
    {
    }

    /// <summary>The operating system's generator.</summary>
    public static Entropy System { get; } = new SystemEntropy();

    /// <summary>Fills <paramref name="bytes"/> with random bytes.</summary>
    public abstract void Fill(Span<byte> bytes);

    /// <summary><paramref name="count"/> fresh random bytes.</summary>
    public byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        Fill(bytes);
        return bytes;
    }

    private sealed class SystemEntropy : Entropy
    {
#pragma warning disable RS0030 // The Entropy that everybody else is given.
        public override void Fill(Span<byte> bytes) => RandomNumberGenerator.Fill(bytes);
#pragma warning restore RS0030
    }
}

/// <summary>
/// Reproducible bytes for the simulator and for golden files; internal, so that no product path can choose it.
/// </summary>
internal sealed class SeededEntropy(ulong seed) : Entropy
{
    private ulong counter;

    public override void Fill(Span<byte> bytes)
    {
        Span<byte> input = stackalloc byte[16];
        Span<byte> block = stackalloc byte[32];
        while (!bytes.IsEmpty)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(input, seed);
            BinaryPrimitives.WriteUInt64LittleEndian(input[8..], counter++);
            SHA256.HashData(input, block);
            var take = Math.Min(block.Length, bytes.Length);
            block[..take].CopyTo(bytes);
            bytes = bytes[take..];
        }
    }
}
