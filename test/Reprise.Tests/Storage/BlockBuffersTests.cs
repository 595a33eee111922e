using Reprise.Storage.Runtime;

namespace Reprise.Tests.Storage;

/// <summary>Buffers that are used again, and how many stay.</summary>
public sealed class BlockBuffersTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4096)]
    [InlineData(4097)]
    [InlineData(2 * 1024 * 1024 + 8193)]
    [InlineData(15 * 1024 * 1024)]
    [InlineData(20 * 1024 * 1024)]
    public void An_array_is_as_long_as_asked_for_and_comes_again(int length)
    {
        var buffers = new BlockBuffers();
        var first = buffers.Rent(length);
        Assert.True(first.Length >= length);
        buffers.Return(first);
        Assert.Equal(length is > 0 and < 16_000_000, ReferenceEquals(first, buffers.Rent(length)) && length > 0);
    }

    [Fact]
    public void Two_that_are_rented_at_once_are_two()
    {
        var buffers = new BlockBuffers();
        buffers.Return(buffers.Rent(100_000));
        Assert.NotSame(buffers.Rent(100_000), buffers.Rent(100_000));
    }

    [Fact]
    public void What_stays_idle_is_bounded()
    {
        var buffers = new BlockBuffers();
        foreach (var length in (int[])[1000, 10_000, 60_000, 200_000, 1_000_000, 2_000_000, 4_000_000, 8_000_000, 10_000_000])
        {
            foreach (var array in Enumerable.Range(0, 300).Select(_ => buffers.Rent(length)).ToList()) buffers.Return(array);
            Assert.InRange(buffers.IdleBytes, 1, BlockBuffers.MostIdleBytes);
        }

        Assert.Equal(BlockBuffers.MostIdleBytes, buffers.IdleBytes);
    }

    [Fact]
    public void An_array_of_somebody_else_is_not_kept()
    {
        var buffers = new BlockBuffers();
        buffers.Return(new byte[5000]);
        Assert.Equal(0, buffers.IdleBytes);
    }
}
