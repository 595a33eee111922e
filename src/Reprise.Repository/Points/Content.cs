using System.Text.Json;
using System.Text.Json.Serialization;

namespace Reprise.Repository.Points;

/// <summary>The SHA-256 of some plain bytes.</summary>
[JsonConverter(typeof(Sha256DigestConverter))]
public readonly struct Sha256Digest : IEquatable<Sha256Digest>
{
    /// <summary>Its length in bytes.</summary>
    public const int Length = 32;

    private readonly byte[]? bytes;

    /// <summary>Takes a copy of 32 bytes.</summary>
    public Sha256Digest(ReadOnlySpan<byte> bytes)
    {
        Storage.Errors.Invariant.Check(bytes.Length == Length, "a SHA-256 has 32 bytes");
        this.bytes = bytes.ToArray();
    }

    /// <summary>The 32 bytes.</summary>
    public ReadOnlySpan<byte> Bytes => bytes ?? new byte[Length];

    /// <summary>Lower-case hexadecimal.</summary>
    public override string ToString() => Convert.ToHexStringLower(Bytes);

    /// <inheritdoc />
    public bool Equals(Sha256Digest other) => Bytes.SequenceEqual(other.Bytes);

    /// <inheritdoc />
    public override bool Equals(object? obj) => obj is Sha256Digest other && Equals(other);

    /// <inheritdoc />
    public override int GetHashCode() => BitConverter.ToInt32(Bytes);

    public static bool operator ==(Sha256Digest left, Sha256Digest right) => left.Equals(right);

    public static bool operator !=(Sha256Digest left, Sha256Digest right) => !left.Equals(right);
}

/// <summary>
/// Where a piece of some content lies: entry <paramref name="Entry"/> of the point's pack number <paramref name="Pack"/>.
/// A hole (<see cref="IsHole"/>) is not stored: it stands for <paramref name="PlainBytes"/> zero bytes.
/// </summary>
/// <param name="Pack">number in the pack table of the point that holds this part; -1 for a hole.</param>
/// <param name="Entry">number of the entry in the pack, which is also the counter of its nonce.</param>
/// <param name="OffsetBytes">of the sealed bytes in the pack.</param>
/// <param name="StoredBytes">length of the sealed bytes, tag included.</param>
/// <param name="PlainBytes">length of what comes out.</param>
public readonly record struct Part(int Pack, int Entry, int OffsetBytes, int StoredBytes, int PlainBytes)
{
    /// <summary>Whether it stands for zeros that are stored nowhere.</summary>
    public bool IsHole => Pack < 0;

    /// <summary>A run of <paramref name="plainBytes"/> zero bytes.</summary>
    public static Part Hole(int plainBytes) => new(-1, 0, 0, 0, plainBytes);
}

/// <summary>
/// A captured sequence of bytes of any length: its length, its hash, and its parts in order. When there are more than
/// <see cref="MaxInlineParts"/> parts, the list of parts is itself stored as content: <see cref="Depth"/> says how
/// often that was done.
/// </summary>
public sealed record Content
{
    /// <summary>Longer lists of parts are stored in blobs.</summary>
    public const int MaxInlineParts = 24;

    /// <summary>Length of the bytes.</summary>
    public required long LengthBytes { get; init; }

    /// <summary>SHA-256 of the bytes, or what <see cref="IsHashedByPart"/> says; a reader compares it at the end.</summary>
    public required Sha256Digest Sha256 { get; init; }

    /// <summary>
    /// Whether <see cref="Sha256"/> is the SHA-256 over the SHA-256 of each part in their order instead of over the
    /// bytes: for content that nobody compares with a file, so that its bytes are hashed once, and on several cores.
    /// </summary>
    public bool IsHashedByPart { get; init; }

    /// <summary>0: <see cref="Parts"/> are the bytes. n: they are the encoded parts of depth n-1.</summary>
    public int Depth { get; init; }

    /// <summary>The parts in order.</summary>
    public required IReadOnlyList<Part> Parts { get; init; }
}

/// <summary>How content is cut into chunks.</summary>
/// <param name="FixedBytes">0: content-defined, so that an insertion moves no later cut; else chunks of this size.</param>
public readonly record struct Cutting(int FixedBytes)
{
    /// <summary>Content-defined cuts: dumps and files.</summary>
    public static Cutting ContentDefined => new(0);

    /// <summary>Cuts at every multiple of <paramref name="bytes"/> (4 KiB to 1 MiB): files of database pages.</summary>
    public static Cutting Every(int bytes) => new(bytes);
}

/// <summary>Writes and reads a <see cref="Sha256Digest"/> as hexadecimal; public because generated code of other projects calls it.</summary>
public sealed class Sha256DigestConverter : JsonConverter<Sha256Digest>
{
    public override Sha256Digest Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var text = reader.GetString() ?? "";
        return text.Length == 2 * Sha256Digest.Length && Format.Hex.IsLower(text)
            ? new Sha256Digest(Convert.FromHexString(text))
            : throw new JsonException("not a SHA-256");
    }

    public override void Write(Utf8JsonWriter writer, Sha256Digest value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}
