using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Reprise.Recovery.Evidence;

/// <summary>
/// A signed statement as its bytes lie in the repository and on the client: DSSE, itself in canonical JSON, so that no
/// byte of it can be another one without being noticed.
/// </summary>
internal sealed record EvidenceEnvelope
{
    public const string PayloadType = "application/vnd.in-toto+json";

    private EvidenceEnvelope(ReadOnlyMemory<byte> bytes, byte[] payload, string keyId, byte[] signature)
    {
        Bytes = bytes;
        Payload = payload;
        KeyId = keyId;
        Signature = signature;
    }

    /// <summary>The whole of it.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>The statement, in canonical JSON.</summary>
    public byte[] Payload { get; }

    /// <summary>Which key says that it signed.</summary>
    public string KeyId { get; }

    /// <summary>In DER.</summary>
    public byte[] Signature { get; }

    /// <summary>Signs a statement.</summary>
    public static EvidenceEnvelope Sign(EvidenceStatement statement, EvidenceKey key)
    {
        var payload = StatementCodec.Encode(statement);
        var signature = key.Sign(Signed(payload));
        return new EvidenceEnvelope(Encode(payload, key.Public.Id, signature), payload, key.Public.Id, signature);
    }

    /// <summary>Null when the bytes are no envelope in the one form that we write.</summary>
    public static EvidenceEnvelope? Parse(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            var envelope = JsonSerializer.Deserialize(bytes.Span, EvidenceTypes.DsseEnvelope);
            if (envelope is not { PayloadType: PayloadType, Signatures: [{ Keyid: not null, Sig: not null } signature], Payload: not null })
                return null;
            var parsed = new EvidenceEnvelope(
                bytes,
                Convert.FromBase64String(envelope.Payload),
                signature.Keyid,
                Convert.FromBase64String(signature.Sig));
            return Encode(parsed.Payload, parsed.KeyId, parsed.Signature).AsSpan().SequenceEqual(bytes.Span) ? parsed : null;
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            return null;
        }
    }

    /// <summary>SHA-256 of the whole, as the next one names it.</summary>
    public string Sha256 => Convert.ToHexStringLower(SHA256.HashData(Bytes.Span));

    /// <summary>Whether <paramref name="key"/> signed it.</summary>
    public bool IsSignedBy(EvidencePublicKey key) => key.Verify(Signed(Payload), Signature);

    /// <summary>What is signed: the pre-authentication encoding of DSSE.</summary>
    public static byte[] Signed(ReadOnlySpan<byte> payload)
    {
        var head = string.Create(
            CultureInfo.InvariantCulture, $"DSSEv1 {PayloadType.Length} {PayloadType} {payload.Length} ");
        return [.. Encoding.ASCII.GetBytes(head), .. payload];
    }

    private static byte[] Encode(byte[] payload, string keyId, byte[] signature) => CanonicalJson.Bytes(
        JsonSerializer.SerializeToElement(
            new DsseEnvelope(
                Convert.ToBase64String(payload),
                PayloadType,
                [new DsseSignature(keyId, Convert.ToBase64String(signature))]),
            EvidenceTypes.DsseEnvelope));
}
