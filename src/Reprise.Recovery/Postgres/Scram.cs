using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Reprise.Recovery.Postgres;

/// <summary>
/// The client's half of SCRAM-SHA-256 without channel binding (RFC 5802, RFC 7677), as PostgreSQL speaks it: the user's
/// name stays empty, because the server knows it already. Both sides prove that they know the password.
/// </summary>
internal sealed class Scram
{
    public const string Mechanism = "SCRAM-SHA-256";

    private const int MaxIterations = 10_000_000;
    private const string NoBinding = "n,,";

    private readonly string password;
    private readonly string nonce;
    private byte[] serverSignature = [];

    /// <param name="password">in ASCII: other passwords would have to be prepared by RFC 4013.</param>
    /// <param name="random">18 fresh random bytes.</param>
    public Scram(string password, ReadOnlySpan<byte> random)
    {
        this.password = password;
        nonce = Convert.ToBase64String(random);
    }

    private string FirstBare => $"n=,r={nonce}";

    public string First() => NoBinding + FirstBare;

    /// <summary>The answer to the server's challenge; null when that is not one.</summary>
    public string? Final(string challenge)
    {
        var fields = Fields(challenge);
        if (!fields.TryGetValue('r', out var both) || !both.StartsWith(nonce, StringComparison.Ordinal)
            || both.Length == nonce.Length || !fields.TryGetValue('s', out var saltText)
            || !fields.TryGetValue('i', out var count)
            || !int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var iterations)
            || iterations is < 1 or > MaxIterations)
        {
            return null;
        }

        var salt = new byte[saltText.Length];
        if (!Convert.TryFromBase64String(saltText, salt, out var saltBytes)) return null;
        var salted = Rfc2898DeriveBytes.Pbkdf2(
            Encoding.ASCII.GetBytes(password), salt.AsSpan(0, saltBytes), iterations, HashAlgorithmName.SHA256, 32);
        var clientKey = HMACSHA256.HashData(salted, "Client Key"u8);
        var withoutProof = $"c={Convert.ToBase64String(Encoding.ASCII.GetBytes(NoBinding))},r={both}";
        var message = Encoding.UTF8.GetBytes($"{FirstBare},{challenge},{withoutProof}");
        var signature = HMACSHA256.HashData(SHA256.HashData(clientKey), message);
        for (var i = 0; i < signature.Length; i++) signature[i] ^= clientKey[i];
        serverSignature = HMACSHA256.HashData(HMACSHA256.HashData(salted, "Server Key"u8), message);
        return $"{withoutProof},p={Convert.ToBase64String(signature)}";
    }

    /// <summary>Whether the server has proved that it knows the password, too.</summary>
    public bool Accepts(string outcome) =>
        serverSignature.Length > 0
        && Fields(outcome).TryGetValue('v', out var text)
        && CryptographicOperations.FixedTimeEquals(
            Encoding.ASCII.GetBytes(text), Encoding.ASCII.GetBytes(Convert.ToBase64String(serverSignature)));

    private static Dictionary<char, string> Fields(string message)
    {
        var fields = new Dictionary<char, string>();
        foreach (var field in message.Split(','))
        {
            if (field is [var name, '=', ..]) fields.TryAdd(name, field[2..]);
        }

        return fields;
    }
}
