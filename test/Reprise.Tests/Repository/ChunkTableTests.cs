using System.Buffers.Binary;
using System.Security.Cryptography;
using Reprise.Repository;
using Reprise.Repository.Index;
using Reprise.Repository.Packs;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Tests.Storage;

namespace Reprise.Tests.Repository;

public sealed class ChunkTableTests : IDisposable
{
    private const int Many = 400_000;

    private readonly ScratchFolder scratch = new();
    private readonly List<DiskPath> made = [];

    public void Dispose() => scratch.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_was_added_is_found_and_nothing_else(bool mayspill)
    {
        using var table = new ChunkTable(mayspill ? Spill : null);
        for (var number = 0; number < Many; number++) Assert.True(table.TryAdd(Id(number), Place(number)));

        Assert.Equal(mayspill, table.IsSpilled);
        Assert.Equal(Many, table.Count);
        for (var number = 0; number < Many; number++)
        {
            Assert.True(table.TryFind(Id(number), out var found));
            Assert.Equal(Place(number), found);
            Assert.False(table.TryFind(Id(number + Many), out _));
        }
    }

    [Fact]
    public void The_first_place_of_a_chunk_stays()
    {
        using var table = new ChunkTable(null);
        Assert.True(table.TryAdd(Id(1), Place(1)));
        Assert.False(table.TryAdd(Id(1), Place(2)));
        Assert.True(table.TryFind(Id(1), out var found));
        Assert.Equal(Place(1), found);
        Assert.Equal(1, table.Count);
    }

    [Fact]
    public async Task Several_threads_look_while_one_adds()
    {
        using var table = new ChunkTable(Spill);
        var looking = Task.Run(() =>
        {
            for (var number = 0; number < Many; number++)
            {
                if (table.TryFind(Id(number % 5000), out var found)) Assert.Equal(Place(number % 5000), found);
            }
        });
        for (var number = 0; number < Many; number++) table.TryAdd(Id(number), Place(number));
        await looking;
        Assert.True(table.IsSpilled);
    }

    // A place that was read back wrong would be written into a point, and nothing but a restore would find it.
    [Fact]
    public void A_flipped_bit_in_the_file_is_noticed()
    {
        var disk = Disks.OfThisMachine();
        var path = scratch / "named";
        using var table = new ChunkTable(() =>
        {
            disk.DeleteFile(path);
            return disk.CreateNew(path);
        });
        for (var number = 0; !table.IsSpilled; number++) table.TryAdd(Id(number), Place(number));
        var bytes = File.ReadAllBytes(path.ToString());
        for (var at = 0; at < bytes.Length; at += 4096) bytes[at + 2000] ^= 4;
        using (var file = disk.OpenWrite(path)) file.Write(0, bytes);

        var refused = Assert.Throws<RepriseException>(() => table.TryFind(Id(1), out _));
        Assert.Equal(RepositoryErrors.Malformed, refused.Code);
    }

    [Fact]
    public void A_disk_without_room_is_said_and_the_table_stays_as_it_was()
    {
        var refused = new RepriseException(StorageErrors.DiskFull, "no room", "make some");
        using var table = new ChunkTable(() => throw refused);
        var number = 0;
        var thrown = Assert.Throws<RepriseException>(Fill);

        Assert.Same(refused, thrown);
        Assert.Equal(number, table.Count);
        Assert.True(table.TryFind(Id(0), out _));

        void Fill()
        {
            for (; number < Many; number++) table.TryAdd(Id(number), Place(number));
        }
    }

    private IDiskFile Spill()
    {
        made.Add(scratch / $"table-{made.Count}");
        return Disks.OfThisMachine().CreateUnnamed(made[^1]);
    }

    private static ChunkId Id(int number)
    {
        Span<byte> seed = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(seed, number);
        return ChunkId.Read(SHA256.HashData(seed));
    }

    private static ChunkPlace Place(int number) => new(number % 2 == 0 ? number : ~number, number + 1, number + 2, number + 3, number + 4);
}
