using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Reprise.Storage.Runtime;

namespace Reprise.Recovery.Postgres;

/// <summary>Who we are, in the words that the server asks for.</summary>
internal sealed class WireLogIn(string user, string? password, Entropy entropy)
{
    private const int NonceBytes = 18;

    private Scram? scram;
    private bool isProven;

    /// <summary>Whether the server has let us in.</summary>
    public bool IsIn { get; private set; }

    /// <summary>What to send back; empty: nothing. Null: this is not spoken here, or the server is not who it says.</summary>
    public byte[]? Answer(ReadOnlySpan<byte> message)
    {
        const int ok = 0, clear = 3, md5 = 5, sasl = 10, saslContinue = 11, saslFinal = 12;
        if (message.Length < 4) return null;
        var rest = message[4..];
        switch (BinaryPrimitives.ReadInt32BigEndian(message))
        {
            case ok:
                // A server that began the exchange of proofs and skips the end of it is not the one that we know.
                IsIn = scram is null || isProven;
                return IsIn ? [] : null;
            case clear when password is not null:
                return [.. Encoding.UTF8.GetBytes(password), 0];
            case md5 when password is not null && rest.Length == 4:
                return [.. Encoding.ASCII.GetBytes(Md5(rest)), 0];
            case sasl when password is not null && Ascii.IsValid(password) && Offers(rest):
                var random = new byte[NonceBytes];
                entropy.Fill(random);
                scram = new Scram(password, random);
                var first = Encoding.ASCII.GetBytes(scram.First());
                var length = new byte[4];
                BinaryPrimitives.WriteInt32BigEndian(length, first.Length);
                return [.. Encoding.ASCII.GetBytes(Scram.Mechanism), 0, .. length, .. first];
            case saslContinue when scram?.Final(Encoding.UTF8.GetString(rest)) is { } final:
                return Encoding.UTF8.GetBytes(final);
            case saslFinal when scram is not null:
                isProven = scram.Accepts(Encoding.UTF8.GetString(rest));
                return isProven ? [] : null;
            default:
                return null;
        }
    }

    private static bool Offers(ReadOnlySpan<byte> mechanisms) =>
        Encoding.ASCII.GetString(mechanisms).Split('\0').Contains(Scram.Mechanism);

    // As the protocol wants it for passwords that an old server has stored; nothing else of ours uses MD5.
    private string Md5(ReadOnlySpan<byte> salt)
    {
#pragma warning disable CA5351 // The server decides what it asks for.
        var inner = Convert.ToHexStringLower(MD5.HashData(Encoding.UTF8.GetBytes(password + user)));
        return "md5" + Convert.ToHexStringLower(MD5.HashData([.. Encoding.ASCII.GetBytes(inner), .. salt]));
#pragma warning restore CA5351
    }
}
