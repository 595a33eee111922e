using System.Buffers;
using System.Security.Cryptography;
using Reprise.Repository;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Storage;
using Reprise.Storage.Errors;
using Reprise.Storage.Memory;
using Reprise.Storage.Runtime;

namespace Reprise.Tests.Repository;

/// <summary>Of a pack that little is needed of, only that is read; and it is proven as if all of it had been.</summary>
public class PartialPackTests
{
    private const int DataBytes = 40_000_000;
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly CountingStore store = new();
    private readonly byte[] data = new byte[DataBytes];

    [Fact]
    public async Task Short_contents_that_lie_in_many_packs_cost_what_they_need()
    {
        using var repository = await WithDataAsync();
        using var reader = await OpenAsync(repository);
        var wanted = await OneOfEachPackAsync(reader);
        Assert.True(wanted.Count >= 3, $"{wanted.Count} packs");
        store.PackBytes = 0;
        Assert.Equal(wanted.Count, await ReadEachAsync(reader, wanted));
        var needed = wanted.Sum(w => (long)w.Content.Parts[0].StoredBytes);
        Assert.InRange(store.PackBytes, needed, needed + (wanted.Count * 64L));

        // The headers are known by now.
        store.PackBytes = 0;
        await ReadEachAsync(reader, wanted[..1]);
        Assert.Equal(wanted[0].Content.Parts[0].StoredBytes, store.PackBytes);
    }

    [Fact]
    public async Task A_pack_that_much_is_asked_of_is_read_whole_once()
    {
        using var repository = await WithDataAsync();
        using var reader = await OpenAsync(repository);
        store.PackBytes = 0;
        var read = 0L;
        await foreach (var block in reader.ReadAsync(Whole(reader), None)) read += block.Bytes.Length;
        Assert.Equal(DataBytes, read);
        Assert.InRange(store.PackBytes, DataBytes, DataBytes * 3L / 2);
    }

    [Fact]
    public async Task A_damaged_front_is_got_round_and_a_damaged_part_is_named()
    {
        using var repository = await WithDataAsync();
        using var first = await OpenAsync(repository);
        var wanted = await OneOfEachPackAsync(first);
        var packs = store.Names().Where(n => n.Value.StartsWith("packs/", StringComparison.Ordinal)).ToList();
        foreach (var pack in packs) await AlterAsync(pack, offset: 20);
        using var second = await OpenAsync(repository);
        Assert.Equal(wanted.Count, await ReadEachAsync(second, wanted));

        foreach (var pack in packs) await AlterAsync(pack, offset: 20);
        foreach (var part in wanted.Select(w => w.Content.Parts[0]))
        {
            var facts = first.PackOf(part);
            await AlterAsync(facts.Id.Name, facts.DataOffsetBytes + part.OffsetBytes + (part.StoredBytes / 2));
        }

        foreach (var one in wanted)
        {
            using var reader = await OpenAsync(repository);
            var error = await Assert.ThrowsAsync<RepriseException>(() => ReadEachAsync(reader, [one]));
            Assert.Equal("object-damaged", error.Code.Name);
            Assert.Equal(reader.PackOf(one.Content.Parts[0]).Id.Name.Value, error.Problem.Where);
            error = await Assert.ThrowsAsync<RepriseException>(async () =>
            {
                await foreach (var block in reader.ReadAsync(one.Content, None)) Assert.Fail($"{block.Bytes.Length} bytes were given out");
            });
            Assert.Equal("object-damaged", error.Code.Name);
        }
    }

    [Fact]
    public async Task A_pack_that_was_cut_short_is_damage_and_not_fewer_bytes()
    {
        using var repository = await WithDataAsync();
        using var reader = await OpenAsync(repository);
        var one = (await OneOfEachPackAsync(reader))[0];
        var facts = reader.PackOf(one.Content.Parts[0]);
        var bytes = await store.BytesAsync(facts.Id.Name);
        await store.PutAsync(
            facts.Id.Name, bytes.AsMemory(0, facts.DataOffsetBytes + one.Content.Parts[0].OffsetBytes + 10), PutMode.Replace, None);
        var error = await Assert.ThrowsAnyAsync<RepriseException>(() => ReadEachAsync(reader, [one]));
        Assert.Equal(ExitCodes.Damaged, error.Code.Exit);
    }

    private static Content Whole(PointReader reader) => reader.Manifest.Configuration!;

    private static async Task<PointReader> OpenAsync(PointRepository repository) =>
        repository.OpenPoint((await repository.ListPointsAsync(SigningKeys.None, None)).Points[^1]);

    // Of each pack one part behind the first that is short enough to be asked for twice without the whole pack being wanted:
    // where cuts lie differs from repository to repository.
    private async Task<List<Wanted>> OneOfEachPackAsync(PointReader reader)
    {
        var wanted = new List<Wanted>();
        var offset = 0;
        var chosen = new HashSet<int>();
        await foreach (var part in reader.PartsOfAsync(Whole(reader), None))
        {
            if (part.OffsetBytes > 0 && part.StoredBytes < reader.PackOf(part).SizeBytes / 9 && chosen.Add(part.Pack))
            {
                var bytes = data.AsMemory(offset, part.PlainBytes);
                var content = new Content
                {
                    LengthBytes = part.PlainBytes, Sha256 = new Sha256Digest(SHA256.HashData(bytes.Span)), Parts = [part],
                };
                wanted.Add(new Wanted(content, bytes));
            }

            offset += part.PlainBytes;
        }

        return wanted;
    }

    private static async Task<int> ReadEachAsync(PointReader reader, List<Wanted> wanted)
    {
        var taken = 0;
        await reader.ReadEachAsync(
            [.. wanted.Select(w => w.Content)],
            new byte[wanted.Max(w => w.Content.LengthBytes)],
            (number, bytes) =>
            {
                Assert.True(bytes.SequenceEqual(wanted[number].Bytes.Span));
                taken++;
            },
            None);
        return taken;
    }

    // Random bytes: they do not become shorter, so that five packs are filled.
    private async Task<PointRepository> WithDataAsync()
    {
        new Random(17).NextBytes(data);
        var host = new RepositoryHost(store, TimeProvider.System, Entropy.System, Cpu.OfThisMachine());
        var repository = (await PointRepository.CreateAsync(host, None)).Repository;
        await using var writer = await repository.BeginPointAsync(SigningKeys.None, None);
        var content = writer.Begin(Cutting.ContentDefined);
        await content.WriteAsync(data, None);
        await writer.CommitAsync(Manifests.Of(writer.Id, await content.CompleteAsync(None)), None);
        return repository;
    }

    private async Task AlterAsync(ObjectName name, int offset)
    {
        var bytes = await store.BytesAsync(name);
        bytes[offset] ^= 0x10;
        await store.PutAsync(name, bytes, PutMode.Replace, None);
    }

    private sealed record Wanted(Content Content, ReadOnlyMemory<byte> Bytes);

    private sealed class CountingStore : IStore
    {
        private readonly MemoryStore inner = new();
        private long packBytes;

        public StoreCapabilities Capabilities => inner.Capabilities;

        public long PackBytes
        {
            get => Interlocked.Read(ref packBytes);
            set => Interlocked.Exchange(ref packBytes, value);
        }

        public ValueTask PutAsync(ObjectName name, ReadOnlyMemory<byte> content, PutMode mode, CancellationToken token) =>
            inner.PutAsync(name, content, mode, token);

        public ValueTask<IMemoryOwner<byte>> ReadAsync(ObjectName name, ByteRange range, CancellationToken token)
        {
            if (name.Value.StartsWith("packs/", StringComparison.Ordinal)) Interlocked.Add(ref packBytes, range.LengthBytes);
            return inner.ReadAsync(name, range, token);
        }

        public ValueTask<ObjectInfo?> StatAsync(ObjectName name, CancellationToken token) => inner.StatAsync(name, token);

        public IAsyncEnumerable<ObjectInfo> ListAsync(ObjectPrefix prefix, CancellationToken token) => inner.ListAsync(prefix, token);

        public ValueTask DeleteAsync(ObjectName name, CancellationToken token) => inner.DeleteAsync(name, token);
    }
}
