using System.Security.Cryptography;
using Reprise.Repository;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Storage.Errors;
using Reprise.Storage.Memory;
using Reprise.Storage.Runtime;

namespace Reprise.Tests.Repository;

/// <summary>What goes in comes out, and what was altered is named.</summary>
public class RoundTripTests
{
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly MemoryStore store = new();

    private RepositoryHost Host => new(store, TimeProvider.System, Entropy.System, Cpu.OfThisMachine());

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0)]
    [InlineData(5_000_000, 0)]
    [InlineData(5_000_000, 65536)]
    [InlineData(40_000_000, 0)]
    [InlineData(40_000_000, 4096)]
    public async Task Content_of_any_length_comes_back(int length, int fixedBytes)
    {
        var data = Data(length, 7);
        using var made = (await PointRepository.CreateAsync(Host, None)).Repository;
        var content = await CommitAsync(made, data, new Cutting(fixedBytes));
        Assert.Equal(data, await ReadAsync(made, content));
        Assert.Equal(SHA256.HashData(data), content.Sha256.Bytes.ToArray());
    }

    [Fact]
    public async Task Holes_are_stored_nowhere_and_come_back()
    {
        using var made = (await PointRepository.CreateAsync(Host, None)).Repository;
        await using var writer = await made.BeginPointAsync(SigningKeys.None, None);
        var content = writer.Begin(Cutting.ContentDefined);
        await content.WriteAsync("before"u8.ToArray(), None);
        await content.WriteZerosAsync(5L * 1024 * 1024 * 1024, None);
        await content.WriteAsync("after"u8.ToArray(), None);
        var complete = await content.CompleteAsync(None);
        await writer.CommitAsync(Manifests.Of(writer.Id, complete), None);
        Assert.True(writer.StoredBytes < 10_000, $"{writer.StoredBytes} bytes");
        Assert.Equal((5L * 1024 * 1024 * 1024) + 11, complete.LengthBytes);
        using var reader = made.OpenPoint((await made.ListPointsAsync(SigningKeys.None, None)).Points.Single());
        var (bytes, holes) = (0L, 0L);
        await foreach (var block in reader.ReadAsync(complete, None))
        {
            bytes += block.Bytes.Length;
            holes += block.HoleBytes;
        }

        Assert.Equal(11, bytes);
        Assert.Equal(5L * 1024 * 1024 * 1024, holes);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(200_000)]
    [InlineData(9_000_000)]
    public async Task Pieces_that_were_written_beside_each_other_come_back_in_their_order(int pieceBytes)
    {
        const int count = 5;
        var data = Data(count * pieceBytes, 11);
        using var made = (await PointRepository.CreateAsync(Host, None)).Repository;
        await using var writer = await made.BeginPointAsync(SigningKeys.None, None);
        var whole = writer.Begin(Cutting.ContentDefined, hashedByPart: true);
        var pieces = Enumerable.Range(0, count).Select(_ => whole.BeginPiece()).ToArray();
        for (var at = 0; at < pieceBytes; at += 70_000)
        {
            for (var i = count - 1; i >= 0; i--)
                await pieces[i].WriteAsync(data.AsMemory((i * pieceBytes) + at, Math.Min(70_000, pieceBytes - at)), None);
        }

        foreach (var i in new[] { 3, 0, 4, 2, 1 }) await pieces[i].EndPieceAsync(None);
        var content = await whole.CompleteAsync(None);
        await writer.CommitAsync(Manifests.Of(writer.Id, content), None);
        Assert.Equal(data.Length, content.LengthBytes);
        Assert.True(content.IsHashedByPart);
        Assert.Equal(data, await ReadAsync(made, content));
    }

    [Fact]
    public async Task A_part_in_the_place_of_another_is_noticed_when_the_hash_is_by_part()
    {
        using var made = (await PointRepository.CreateAsync(Host, None)).Repository;
        await using var writer = await made.BeginPointAsync(SigningKeys.None, None);
        var writing = writer.Begin(Cutting.Every(4096), hashedByPart: true);
        await writing.WriteAsync(Data(3 * 4096, 5), None);
        var content = await writing.CompleteAsync(None);
        await writer.CommitAsync(Manifests.Of(writer.Id, content), None);
        var swapped = content with { Parts = [content.Parts[1], content.Parts[0], content.Parts[2]] };
        var error = await Assert.ThrowsAsync<RepriseException>(() => ReadAsync(made, swapped));
        Assert.Equal("content-damaged", error.Code.Name);
        var holed = content with { Parts = [content.Parts[0], Part.Hole(4096), content.Parts[2]] };
        error = await Assert.ThrowsAsync<RepriseException>(() => ReadAsync(made, holed));
        Assert.Contains("hole", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_same_content_is_stored_once_and_an_insertion_moves_no_later_cut()
    {
        using var made = (await PointRepository.CreateAsync(Host, None)).Repository;
        var data = Data(20_000_000, 3);
        await CommitAsync(made, data, Cutting.ContentDefined);
        var first = store.SizeBytes();
        await CommitAsync(made, data, Cutting.ContentDefined);
        Assert.True(store.SizeBytes() - first < 20_000, $"{store.SizeBytes() - first} bytes for nothing new");
        byte[] inserted = [.. data.AsSpan(0, 1_000_000), 1, 2, 3, .. data.AsSpan(1_000_000)];
        var content = await CommitAsync(made, inserted, Cutting.ContentDefined);
        Assert.True(store.SizeBytes() - first < 6_000_000, $"{store.SizeBytes() - first} bytes for three");
        Assert.Equal(inserted, await ReadAsync(made, content));
    }

    [Fact]
    public async Task The_key_file_alone_opens_it_and_another_one_is_refused()
    {
        var made = await PointRepository.CreateAsync(Host, None);
        var content = await CommitAsync(made.Repository, Data(100_000, 1), Cutting.ContentDefined);
        foreach (var name in store.Names().Where(n => n.Value.StartsWith("keys/", StringComparison.Ordinal)).ToList())
            await store.DeleteAsync(name, None);
        foreach (var key in new[] { made.File, made.Sheet })
        {
            using var opened = await PointRepository.OpenAsync(Host, KeyFile.Parse("Dear finder,\n" + key.Format(), "key"), None);
            Assert.Equal(Data(100_000, 1), await ReadAsync(opened, content));
        }

        var other = await PointRepository.CreateAsync(Host with { Store = new MemoryStore() }, None);
        var wrong = await Assert.ThrowsAsync<RepriseException>(() => PointRepository.OpenAsync(Host, other.File, None));
        Assert.Equal(RepositoryErrors.KeyWrong, wrong.Code);
        var altered = made.File.Format().Replace("secret ", "secret A", StringComparison.Ordinal);
        Assert.Equal(RepositoryErrors.KeyInvalid, Assert.Throws<RepriseException>(() => KeyFile.Parse(altered, "key")).Code);
    }

    [Fact]
    public async Task A_lost_or_flipped_pack_is_stored_again_by_the_next_point()
    {
        using var made = (await PointRepository.CreateAsync(Host, None)).Repository;
        var data = Data(3_000_000, 9);
        await CommitAsync(made, data, Cutting.ContentDefined);
        foreach (var name in store.Names().Where(n => n.Value.StartsWith("packs/", StringComparison.Ordinal)).ToList())
            await store.DeleteAsync(name, None);
        var content = await CommitAsync(made, data, Cutting.ContentDefined);
        Assert.Equal(data, await ReadAsync(made, content));
    }

    [Fact]
    public async Task Signatures_are_judged()
    {
        using var made = (await PointRepository.CreateAsync(Host, None)).Repository;
        var key = SigningKeys.From("one", null);
        await CommitAsync(made, Data(10, 1), Cutting.ContentDefined, key);
        Assert.Equal(SignatureState.Valid, await SignatureAsync(made, key));
        Assert.Equal(SignatureState.Valid, await SignatureAsync(made, SigningKeys.From("two", "one")));
        Assert.Equal(SignatureState.Wrong, await SignatureAsync(made, SigningKeys.From("two", null)));
        Assert.Equal(SignatureState.NotVerifiable, await SignatureAsync(made, SigningKeys.None));
        await CommitAsync(made, Data(10, 2), Cutting.ContentDefined);
        var catalog = await made.ListPointsAsync(key, None);
        Assert.Equal(SignatureState.Missing, catalog.Points[^1].Signature);
        Assert.Contains(catalog.Problems, p => p.Code == RepositoryErrors.SignatureMissing);
    }

    [Fact]
    public async Task Without_a_variable_nothing_is_signed()
    {
        using var made = (await PointRepository.CreateAsync(Host, None)).Repository;
        Assert.Null(SigningKeys.From(null, "").Current);
        await CommitAsync(made, Data(10, 1), Cutting.ContentDefined, SigningKeys.From(null, ""));
        var point = (await made.ListPointsAsync(SigningKeys.None, None)).Points.Single();
        Assert.Equal(SignatureState.NotInForce, point.Signature);
        Assert.True(point.Hmac.IsEmpty);
    }

    private static async Task<SignatureState> SignatureAsync(PointRepository repository, SigningKeys keys) =>
        (await repository.ListPointsAsync(keys, None)).Points.Single().Signature;

    private static byte[] Data(int length, int seed)
    {
        var data = new byte[length];
        new Random(seed).NextBytes(data);
        return data;
    }

    private static async Task<Content> CommitAsync(
        PointRepository repository, byte[] data, Cutting cutting, SigningKeys? keys = null)
    {
        await using var writer = await repository.BeginPointAsync(keys ?? SigningKeys.None, None);
        var content = writer.Begin(cutting);
        for (var at = 0; at < data.Length; at += 300_000)
            await content.WriteAsync(data.AsMemory(at, Math.Min(300_000, data.Length - at)), None);
        var complete = await content.CompleteAsync(None);
        var earlier = await repository.ListPointsAsync(keys ?? SigningKeys.None, None);
        await writer.CommitAsync(
            Manifests.Of(writer.Id, complete) with
            {
                Live = [.. earlier.Points.Select(p => new PointReference(p.Id, p.Sha256))],
                SignedSince = keys is null ? null : writer.Id,
            },
            None);
        return complete;
    }

    private static async Task<byte[]> ReadAsync(PointRepository repository, Content content)
    {
        var catalog = await repository.ListPointsAsync(SigningKeys.None, None);
        using var reader = repository.OpenPoint(catalog.Points[^1]);
        return await ReadAsync(reader, content);
    }

    private static async Task<byte[]> ReadAsync(PointReader reader, Content content)
    {
        var bytes = new MemoryStream();
        await foreach (var block in reader.ReadAsync(content, None))
        {
            Assert.Equal(bytes.Length, block.OffsetBytes);
            bytes.Write(block.Bytes.Span);
        }

        return bytes.ToArray();
    }
}
