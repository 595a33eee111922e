using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Reprise.Repository;
using Reprise.Repository.Format;
using Reprise.Repository.Index;
using Reprise.Repository.Packs;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Storage;
using Reprise.Storage.Memory;
using Reprise.Storage.Runtime;
using Reprise.Tests.Golden;

namespace Reprise.Tests.Hostile;

/// <summary>
/// Objects that somebody made who may even hold the keys: they are sealed again after they were altered, so that the
/// seal hides no decoder.
/// </summary>
public sealed class HostileObjectTests : IDisposable
{
    private const long Small = 1024 * 1024;

    // The largest object opened, and its decoded form.
    private const long AnObject = 80 * 1024 * 1024;

    private readonly Cpu cpu = new(new OnTheSpot(), 1);
    private readonly MemoryStore store;
    private readonly SortedDictionary<string, byte[]> objects;
    private readonly PointRepository repository;
    private readonly Sealer sealer;
    private readonly Zstd zstd = new(3);

    public HostileObjectTests()
    {
        objects = GoldenFolder.ObjectsAsync(Path.Combine(GoldenFolder.Of("rotated"), "repository")).GetAwaiter().GetResult();
        store = GoldenFolder.StoreOf(objects).GetAwaiter().GetResult();
        var key = KeyFile.Parse(File.ReadAllText(Path.Combine(GoldenFolder.Of("rotated"), "file.key")), "file.key");
        repository = PointRepository.OpenAsync(Host(store), key, default).GetAwaiter().GetResult();
        sealer = repository.Keys.Sealer;
    }

    public void Dispose()
    {
        repository.Dispose();
        zstd.Dispose();
    }

    [Fact]
    public void The_object_repository()
    {
        var sample = objects["repository"];
        Fuzzing.Run(3000, [sample], bytes => RepositoryObject.Decode(bytes), Small);
        var lines = Encoding.ASCII.GetString(sample).Split('\n');
        Fuzzing.Run(
            3000,
            [string.Join('\n', lines[..3]) + "\n"],
            text => RepositoryObject.Decode(Encoding.ASCII.GetBytes($"{text}check {Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(text)))[..16]}\n")),
            Small);
    }

    [Fact]
    public void Slots_and_epochs()
    {
        Fuzzing.Run(3000, Bodies("keys/file", "keys/pass", "keys/sheet"), bytes => Slot.Decode(Checked(bytes)), Small);
        Fuzzing.Run(3000, Bodies("keys/epoch"), bytes => Epoch.Decode(Checked(bytes)), Small);
    }

    [Fact]
    public void Key_files()
    {
        var text = File.ReadAllText(Path.Combine(GoldenFolder.Of("rotated"), "file.key"));
        Fuzzing.Run(1000, [text], altered => KeyFile.Parse(altered, "file.key"), Small);
        Fuzzing.Run(
            2000,
            [text[..text.LastIndexOf("check ", StringComparison.Ordinal)]],
            altered => KeyFile.Parse(WithCheck(altered), "file.key"),
            Small);
    }

    [Fact]
    public async Task Whatever_stands_under_keys_harms_nobody()
    {
        var key = KeyFile.Parse(await File.ReadAllTextAsync(Path.Combine(GoldenFolder.Of("rotated"), "sheet.txt")), "sheet.txt");
        var alone = new KeyFile(key.RepositoryId, key.Slot, key.Secret, new Dictionary<string, byte[]>());
        foreach (var name in objects.Keys.Where(k => k.StartsWith("keys/", StringComparison.Ordinal)))
        {
            Fuzzing.Run(40, [objects[name][..^32]], bytes =>
            {
                var altered = GoldenFolder.StoreOf(objects).GetAwaiter().GetResult();
                altered.PutAsync(new ObjectName(name), Checked(bytes), PutMode.Replace, default).AsTask().GetAwaiter().GetResult();
                PointRepository.OpenAsync(Host(altered), alone, default).GetAwaiter().GetResult().Dispose();
            }, AnObject);
        }
    }

    [Fact]
    public void Headers_blocks_and_frames()
    {
        foreach (var (name, kind) in Sealed())
        {
            var place = kind == ObjectKind.Index ? "index" : name;
            Fuzzing.Run(200, [objects[name]], bytes => sealer.OpenObject(kind, place, bytes, zstd), AnObject);
            var plain = sealer.OpenObject(kind, place, objects[name], zstd);
            Fuzzing.Run(300, [Block(plain)], block => sealer.OpenObject(kind, place, SealBlock(kind, place, block), zstd), AnObject);
        }
    }

    [Fact]
    public void Points()
    {
        var samples = Plain(ObjectKind.Point);
        Fuzzing.Run(3000, samples, Decode, Small);
        var manifest = JsonNode.Parse(PointCodec.Decode(samples[0]).ManifestBytes.Span)!;
        foreach (var seed in Fuzzing.Seeds(1500)) Fuzzing.Try(seed, Encode(JsonMutator.Mutate(manifest, seed), samples[0]), Decode, Small);

        static void Decode(byte[] plain)
        {
            var codec = PointCodec.Decode(plain);
            codec.Manifest();
            PackTable.Decode(codec.TableBytes.Span);
        }
    }

    [Fact]
    public void Whatever_a_manifest_says_verify_and_restore_survive_it()
    {
        using var world = new HostileWorld();
        var manifest = JsonNode.Parse(world.Manifest.Span)!; // It is an object.
        foreach (var seed in Fuzzing.Seeds(200))
            Fuzzing.Try(seed, Encoding.UTF8.GetBytes(JsonMutator.Mutate(manifest, seed).ToJsonString()), bytes => world.UseManifestAsync(bytes).GetAwaiter().GetResult(), AnObject);
    }

    [Fact]
    public void Index_lists_and_records()
    {
        Fuzzing.Run(3000, Plain(ObjectKind.Index), bytes => ChunkIndex.Decode(bytes), 8 * Small);
        foreach (var (name, kind) in Sealed().Where(s => s.Kind is not (ObjectKind.Point or ObjectKind.Index)))
        {
            Fuzzing.Run(60, [sealer.OpenObject(kind, name, objects[name], zstd)], bytes =>
            {
                var altered = GoldenFolder.StoreOf(objects).GetAwaiter().GetResult();
                altered.PutAsync(new ObjectName(name), sealer.SealObject(kind, name, bytes, zstd), PutMode.Replace, default).AsTask().GetAwaiter().GetResult();
                GoldenReading.OfAsync(altered, Key(), null).GetAwaiter().GetResult();
                using var opened = PointRepository.OpenAsync(Host(altered), Key(), default).GetAwaiter().GetResult();
                opened.BeginPointAsync(SigningKeys.None, default).GetAwaiter().GetResult().DisposeAsync().AsTask().GetAwaiter().GetResult();
            }, AnObject);
        }
    }

    [Fact]
    public void Packs()
    {
        var name = objects.Keys.First(k => k.StartsWith("packs/", StringComparison.Ordinal));
        Fuzzing.Run(500, [objects[name]], bytes => OpenAll(new OpenPack(sealer, bytes)), 40 * Small);
        var entry = Block("entry"u8)[4..];
        Fuzzing.Run(1000, [Directory(entry.Length, 5)], bytes => OpenAll(new OpenPack(sealer, SealPack(bytes, entry, 5))), 40 * Small);
        Fuzzing.Run(1000, [Block(new byte[5000])[4..]], block => OpenAll(new OpenPack(sealer, SealPack(null, block, 5000))), 40 * Small);
    }

    [Fact]
    public async Task Parts()
    {
        var catalog = await repository.ListPointsAsync(SigningKeys.None, default);
        using var opened = repository.OpenPoint(catalog.Points[^1]);
        var bytes = new ArrayBufferWriter<byte>();
        ContentCodec.Write(bytes, opened.Manifest.Assets[0].Streams["database"]);
        Fuzzing.Run(3000, [bytes.WrittenSpan.ToArray()], altered =>
        {
            var reader = new ByteReader(altered);
            var content = ContentCodec.Read(ref reader);

            // Zeros are hashed one by one, which costs time and no memory.
            if (content.LengthBytes > Small) return;
            foreach (var block in opened.ReadAsync(content, default).ToBlockingEnumerable()) Assert.InRange(block.Bytes.Length, 0, Limits.MaxChunkBytes);
        }, 40 * Small);
    }

    private static KeyFile Key() => KeyFile.Parse(File.ReadAllText(Path.Combine(GoldenFolder.Of("rotated"), "file.key")), "file.key");

    private static byte[] Encode(JsonNode manifest, byte[] plain)
    {
        var codec = PointCodec.Decode(plain);
        return new PointCodec(Encoding.UTF8.GetBytes(manifest.ToJsonString()), codec.Hmac, codec.TableBytes).Encode();
    }

    private static string WithCheck(string text)
    {
        var ours = text.Split('\n').Select(l => l.Trim()).Where(l => l == "reprise-key 0" || l.Split(' ')[0] is "repository" or "slot" or "secret" or "object");
        return $"{text}check {Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', ours))))[..16]}\n";
    }

    private static byte[] Checked(byte[] body) => [.. body, .. SHA256.HashData(body)];

    private static void OpenAll(OpenPack pack)
    {
        var offset = 0;
        var entries = pack.Directory();
        using var decoder = new Zstd(0);
        for (var number = 0; number < entries.Length; number++)
        {
            var part = new Part(0, number, offset, entries[number].StoredBytes, entries[number].PlainBytes);
            ArrayPool<byte>.Shared.Return(pack.Entry(part, entries[number].Type, decoder));
            offset += entries[number].StoredBytes;
        }
    }

    private RepositoryHost Host(IStore on) => new(on, TimeProvider.System, Entropy.System, cpu);

    private List<byte[]> Bodies(params string[] prefixes) =>
        [.. objects.Where(o => prefixes.Any(p => o.Key.StartsWith(p, StringComparison.Ordinal))).Select(o => o.Value[..^32])];

    private IEnumerable<(string Name, ObjectKind Kind)> Sealed() => objects
        .Where(o => o.Value.AsSpan().StartsWith("RPRS"u8) && !o.Key.StartsWith("packs/", StringComparison.Ordinal))
        .Where(o => BinaryPrimitives.ReadUInt32LittleEndian(o.Value.AsSpan(8)) == sealer.Keys.CurrentEpoch)
        .Select(o => (o.Key, (ObjectKind)o.Value[5]));

    private List<byte[]> Plain(ObjectKind kind) => [.. Sealed().Where(s => s.Kind == kind)
        .Select(s => sealer.OpenObject(kind, kind == ObjectKind.Index ? "index" : s.Name, objects[s.Name], zstd))];

    private byte[] Block(ReadOnlySpan<byte> plain)
    {
        var room = new byte[4 + Zstd.Bound(plain.Length)];
        BinaryPrimitives.WriteInt32LittleEndian(room, plain.Length);
        return room[..(4 + zstd.Encode(plain, room.AsSpan(4)))];
    }

    private byte[] SealBlock(ObjectKind kind, string place, byte[] block)
    {
        var (salt, cipher) = sealer.Fresh(kind);
        using (cipher)
        {
            var header = new ObjectHeader(kind, sealer.Keys.CurrentEpoch, 0, salt).Encode();
            byte[] all = [.. header, .. block, .. new byte[Sealer.TagLength]];
            sealer.Seal(cipher, Sealer.Whole, 0, sealer.Bound(header, Encoding.ASCII.GetBytes(place)), all.AsSpan(header.Length));
            return all;
        }
    }

    private static byte[] Directory(int encodedBytes, int plainBytes)
    {
        var writer = new ArrayBufferWriter<byte>();
        ByteWriter.Number(writer, 1);
        ByteWriter.Byte(writer, PackEntry.DataType);
        ByteWriter.Number(writer, encodedBytes + Sealer.TagLength);
        ByteWriter.Number(writer, plainBytes);
        ByteWriter.Bytes(writer, new byte[ChunkId.Length]);
        return writer.WrittenSpan.ToArray();
    }

    // One entry; its directory may say anything.
    private byte[] SealPack(byte[]? directory, byte[] block, int plainBytes)
    {
        var (salt, cipher) = sealer.Fresh(ObjectKind.Pack);
        using (cipher)
        {
            directory ??= Directory(block.Length, plainBytes);
            var header = new ObjectHeader(ObjectKind.Pack, sealer.Keys.CurrentEpoch, directory.Length + Sealer.TagLength, salt).Encode();
            byte[] sealedDirectory = [.. directory, .. new byte[Sealer.TagLength]];
            sealer.Seal(cipher, Sealer.Directory, 0, sealer.Bound(header, default), sealedDirectory);
            byte[] entry = [.. block, .. new byte[Sealer.TagLength]];
            sealer.Seal(cipher, Sealer.Entry, 0, sealer.Bound(header, PackBuilder.EntryPlace(PackEntry.DataType, 0, plainBytes)), entry);
            return [.. header, .. sealedDirectory, .. entry, .. sealedDirectory, .. header];
        }
    }
}
