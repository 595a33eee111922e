using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Reprise.Storage.Runtime;

namespace Reprise.Recovery.Postgres;

/// <summary>Who we are, in the words that the server asks for.</summary>
internal sealed class WireLogIn(string user, string? password, Entropy entropy)
{
    private const int NonceBytes = 18;

    // What the server may ask for; everything else (Kerberos, certificates of Windows) is not spoken.
    private const int Ok = 0;
    private const int Clear = 3;
    private const int Md5Salt = 5;
    private const int Sasl = 10;
    private const int SaslContinue = 11;
    private const int SaslFinal = 12;

    private Scram? scram;
    private bool isProven;
    private int asked;

    /// <summary>Whether the server has let us in.</summary>
    public bool IsIn { get; private set; }

    /// <summary>Why <see cref="Answer"/> was null.</summary>
    public string Refusal =>
        asked is not (Clear or Md5Salt or Sasl or SaslContinue or SaslFinal or 0)
            ? $"it asks for a way to log in that is not spoken here (number {asked} of the protocol)"
            : password is null ? "it asks for a password and none is given"
            : asked == Sasl && !Ascii.IsValid(password) ? "a password that is not plain ASCII cannot be proved here"
            : asked == Sasl ? $"it does not offer {Scram.Mechanism}"
            : "it cannot prove that it knows the password: it may be another server";

    /// <summary>What to send back; empty: nothing. Null: this is not spoken here, or the server is not who it says.</summary>
    public byte[]? Answer(ReadOnlySpan<byte> message)
    {
        if (message.Length < 4) return null;
        var rest = message[4..];
        asked = BinaryPrimitives.ReadInt32BigEndian(message);
        switch (asked)
        {
            case Ok:
                // A server that began the exchange of proofs and skips the end of it is not the one that we know.
                IsIn = scram is null || isProven;
                return IsIn ? [] : null;
            case Clear when password is not null:
                return [.. Encoding.UTF8.GetBytes(password), 0];
            case Md5Salt when password is not null && rest.Length == 4:
                return [.. Encoding.ASCII.GetBytes(Md5(rest)), 0];
            case Sasl when password is not null && Ascii.IsValid(password) && Offers(rest):
                var random = new byte[NonceBytes];
                entropy.Fill(random);
                scram = new Scram(password, random);
                var first = Encoding.ASCII.GetBytes(scram.First());
                var length = new byte[4];
                BinaryPrimitives.WriteInt32BigEndian(length, first.Length);
                return [.. Encoding.ASCII.GetBytes(Scram.Mechanism), 0, .. length, .. first];
            case SaslContinue when scram?.Final(Encoding.UTF8.GetString(rest)) is { } final:
                return Encoding.UTF8.GetBytes(final);
            case SaslFinal when scram is not null:
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
