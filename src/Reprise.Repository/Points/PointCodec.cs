using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Reprise.Repository.Format;

namespace Reprise.Repository.Points;

/// <summary>
/// The plain bytes of a point object: the manifest (JSON), its HMAC-SHA256 under BACKUP_METADATA_HMAC_KEY (32 bytes or
/// none), and the table of packs, each behind its length. The manifest names the SHA-256 of the table, so that the HMAC
/// covers both.
/// </summary>
internal sealed record PointCodec(ReadOnlyMemory<byte> ManifestBytes, ReadOnlyMemory<byte> Hmac, ReadOnlyMemory<byte> TableBytes)
{
    public static PointCodec Create(PointManifest manifest, PackTable table, ReadOnlyMemory<byte>? signingKey)
    {
        var tableBytes = table.Encode();
        var bound = manifest with { PackTableSha256 = new Sha256Digest(SHA256.HashData(tableBytes)) };
        var json = JsonSerializer.SerializeToUtf8Bytes(bound, ManifestJson.Default.PointManifest);
        var hmac = signingKey is { } key ? HMACSHA256.HashData(key.Span, json) : [];
        return new PointCodec(json, hmac, tableBytes);
    }

    public byte[] Encode()
    {
        var writer = new ArrayBufferWriter<byte>();
        ByteWriter.Sized(writer, ManifestBytes.Span);
        ByteWriter.Sized(writer, Hmac.Span);
        ByteWriter.Sized(writer, TableBytes.Span);
        return writer.WrittenSpan.ToArray();
    }

    public static PointCodec Decode(ReadOnlySpan<byte> plain)
    {
        var reader = new ByteReader(plain);
        var manifest = reader.Sized(Limits.MaxObjectPlainBytes).ToArray();
        var hmac = reader.Sized(32).ToArray();
        var table = reader.Sized(Limits.MaxObjectPlainBytes).ToArray();
        reader.End();
        return new PointCodec(manifest, hmac, table);
    }

    public PointManifest Manifest()
    {
        try
        {
            var manifest = JsonSerializer.Deserialize(ManifestBytes.Span, ManifestJson.Default.PointManifest)
                ?? throw ByteReader.Broken("a manifest is empty");
            if (!SHA256.HashData(TableBytes.Span).AsSpan().SequenceEqual(manifest.PackTableSha256.Bytes))
                throw ByteReader.Broken("the table of packs is not the one of the manifest");
            return ManifestRules.Demand(manifest);
        }
        catch (JsonException e)
        {
            throw ByteReader.Broken($"a manifest is not as it must be: {e.Message}");
        }
    }
}

/// <summary>How manifests are written: fields are only ever added, unknown ones are ignored.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    MaxDepth = 16)]
[JsonSerializable(typeof(PointManifest))]
[JsonSerializable(typeof(SortedDictionary<string, string>))]
[JsonSerializable(typeof(SortedDictionary<string, long>))]
[JsonSerializable(typeof(SortedDictionary<string, Content>))]
internal sealed partial class ManifestJson : JsonSerializerContext;
