using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Evidence;

/// <summary>
/// The key that signs evidence: ECDSA on P-256, PKCS#8 in PEM, mode 0600, outside the repository. It is made when it is
/// first needed. It proves who signed, not that what was signed is true: root on this host can use it too.
/// </summary>
public sealed class EvidenceKey : IDisposable
{
    private const int MaxBytes = 64 * 1024;
    private const int PrivateFolder = 0x1C0;

    private readonly ECDsa pair;

    private EvidenceKey(ECDsa pair)
    {
        this.pair = pair;
        Public = new EvidencePublicKey(pair.ExportSubjectPublicKeyInfo());
    }

    /// <summary>The half that everybody may know.</summary>
    public EvidencePublicKey Public { get; }

    /// <summary>
    /// Reads the key, or makes one. <c>evidence-key-invalid</c> when the file is something else. <paramref name="isNew"/>
    /// says whether it was made now.
    /// </summary>
    public static EvidenceKey OpenOrMake(IDisk disk, DiskPath path, out bool isNew)
    {
        isNew = disk.Stat(path) is null;
        if (isNew) Make(disk, path);
        using var file = disk.OpenRead(path);
        var bytes = new byte[Math.Min(file.Stat().SizeBytes, MaxBytes)];
        var length = file.Read(0, bytes);
        var read = ECDsa.Create();
        try
        {
            read.ImportFromPem(Encoding.UTF8.GetString(bytes.AsSpan(0, length)));
            var parameters = read.ExportParameters(true);
            CryptographicOperations.ZeroMemory(parameters.D);
            return parameters.Curve.Oid.Value == EvidencePublicKey.CurveOid
                ? new EvidenceKey(read)
                : throw new CryptographicException("it is on another curve");
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or PlatformNotSupportedException)
        {
            read.Dispose();
            throw new RepriseException(
                new Problem(
                    EvidenceErrors.KeyInvalid,
                    Severity.Error,
                    $"the key {path} that signs evidence is no P-256 key: {e.Message}",
                    "bring it back from a copy, or move it away: a new one is made then, and the change will be named")
                {
                    Where = path.ToString(),
                },
                e);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    /// <inheritdoc />
    public void Dispose() => pair.Dispose();

    /// <summary>
    /// Signs <paramref name="bytes"/> over SHA-256: DER, as openssl has it, in the one of its two forms in which
    /// <c>s</c> is small, so that nobody can write the same signature with other bytes.
    /// </summary>
    internal byte[] Sign(ReadOnlySpan<byte> bytes) => EvidencePublicKey.Der(
        pair.SignData(bytes, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation));

    private static void Make(IDisk disk, DiskPath path)
    {
        using var made = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var text = Encoding.ASCII.GetBytes(made.ExportPkcs8PrivateKeyPem() + "\n");
        disk.MakeFolderDurably(path.Parent, PrivateFolder);
        var next = path.WithSuffix(".next");
        disk.DeleteFile(next);
        using (var file = disk.CreateNew(next))
        {
            file.Write(0, text);
            file.Sync();
        }

        CryptographicOperations.ZeroMemory(text);

        // Two first drills at once: the key of the one that was faster counts.
        if (!disk.RenameNew(next, path)) disk.DeleteFile(next);
        disk.SyncFolder(path.Parent);
    }
}

/// <summary>The public half, as it lies beside the evidence. Its identifier is the SHA-256 of its DER.</summary>
public sealed class EvidencePublicKey
{
    internal const string CurveOid = "1.2.840.10045.3.1.7";
    private const string Label = "PUBLIC KEY";
    private const int Field = 32;

    /// <summary>How the DER of every uncompressed P-256 key begins (RFC 5480).</summary>
    private static readonly byte[] Prefix =
        Convert.FromHexString("3059301306072A8648CE3D020106082A8648CE3D03010703420004");

    private static readonly BigInteger Order = BigInteger.Parse(
        "0FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551",
        System.Globalization.NumberStyles.HexNumber,
        System.Globalization.CultureInfo.InvariantCulture);

    private readonly byte[] info;

    internal EvidencePublicKey(byte[] info) => this.info = info;

    /// <summary>64 hexadecimal digits.</summary>
    public string Id => Convert.ToHexStringLower(SHA256.HashData(info));

    /// <summary>The file as PEM, ended by a line break.</summary>
    public string Pem => PemEncoding.WriteString(Label, info) + "\n";

    /// <summary>Reads PEM; null when it is no P-256 key, or written in another way than <see cref="Pem"/> has it.</summary>
    public static EvidencePublicKey? Parse(ReadOnlySpan<byte> bytes)
    {
        var text = Encoding.UTF8.GetString(bytes);
        if (!PemEncoding.TryFind(text, out var fields) || !text[fields.Label].Equals(Label, StringComparison.Ordinal)) return null;
        var der = Convert.FromBase64String(text[fields.Base64Data]);
        if (der.Length != Prefix.Length + (2 * Field) || !der.AsSpan().StartsWith(Prefix)) return null;
        using var pair = ECDsa.Create();
        try
        {
            // Refuses what is no point of the curve.
            pair.ImportSubjectPublicKeyInfo(der, out _);
        }
        catch (CryptographicException)
        {
            return null;
        }

        var key = new EvidencePublicKey(der);
        return key.Pem == text ? key : null;
    }

    /// <summary>Whether this key made <paramref name="signature"/>, in its one form, over <paramref name="bytes"/>.</summary>
    internal bool Verify(ReadOnlySpan<byte> bytes, byte[] signature)
    {
        if (Fields(signature) is not { } fields || !Der(fields).AsSpan().SequenceEqual(signature)) return false;
        using var pair = ECDsa.Create();
        pair.ImportSubjectPublicKeyInfo(info, out _);
        return pair.VerifyData(
            bytes, fields, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }

    /// <summary>The signature <paramref name="fields"/> (r, then s) as DER, with the smaller s.</summary>
    internal static byte[] Der(ReadOnlySpan<byte> fields)
    {
        var r = new BigInteger(fields[..Field], isUnsigned: true, isBigEndian: true);
        var s = new BigInteger(fields[Field..], isUnsigned: true, isBigEndian: true);
        if (s > Order / 2) s = Order - s;
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteInteger(r);
            writer.WriteInteger(s);
        }

        return writer.Encode();
    }

    private static byte[]? Fields(byte[] der)
    {
        try
        {
            var sequence = new AsnReader(der, AsnEncodingRules.DER).ReadSequence();
            var (r, s) = (sequence.ReadInteger(), sequence.ReadInteger());
            if (sequence.HasData || r.Sign <= 0 || s.Sign <= 0 || r >= Order || s >= Order) return null;
            var fields = new byte[2 * Field];
            Put(r, fields.AsSpan(0, Field));
            Put(s, fields.AsSpan(Field));
            return fields;
        }
        catch (AsnContentException)
        {
            return null;
        }
    }

    private static void Put(BigInteger number, Span<byte> field)
    {
        var length = number.GetByteCount(isUnsigned: true);
        _ = number.TryWriteBytes(field[(Field - length)..], out _, isUnsigned: true, isBigEndian: true);
    }
}
