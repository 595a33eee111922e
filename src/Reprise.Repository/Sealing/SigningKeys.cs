using System.Security.Cryptography;
using System.Text;

namespace Reprise.Repository.Sealing;

/// <summary>
/// <c>BACKUP_METADATA_HMAC_KEY</c> and <c>BACKUP_METADATA_HMAC_KEY_PREVIOUS</c>, whose UTF-8 bytes are the keys. The
/// previous one only verifies.
/// </summary>
/// <param name="Current">signs and verifies, or null when it is not set.</param>
/// <param name="Previous">verifies, or null when it is not set.</param>
public sealed record SigningKeys(ReadOnlyMemory<byte>? Current, ReadOnlyMemory<byte>? Previous)
{
    /// <summary>Neither is set.</summary>
    public static SigningKeys None { get; } = new(null, null);

    /// <summary>Takes the variables as they are; empty ones count as not set.</summary>
    public static SigningKeys From(string? current, string? previous) => new(Bytes(current), Bytes(previous));

    /// <summary>Whether one of the keys made <paramref name="hmac"/> over <paramref name="bytes"/>; null when there is no key.</summary>
    public bool? Verify(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> hmac)
    {
        if (Current is null && Previous is null) return null;
        foreach (var key in new[] { Current, Previous })
        {
            if (key is { } k && CryptographicOperations.FixedTimeEquals(HMACSHA256.HashData(k.Span, bytes), hmac)) return true;
        }

        return false;
    }

    // Not a conditional expression: null would become an empty array there, and an empty array a key.
    private static ReadOnlyMemory<byte>? Bytes(string? text)
    {
        if (string.IsNullOrEmpty(text)) return null;
        return Encoding.UTF8.GetBytes(text);
    }
}
