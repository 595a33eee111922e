using Reprise.Repository.Chunking;
using Reprise.Repository.Format;

namespace Reprise.Tests.Repository;

/// <summary>Cuts follow from bytes and key alone.</summary>
public sealed class CutterTests
{
    private readonly Cutter cutter = new(Enumerable.Range(0, 32).Select(i => (byte)i).ToArray());

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Cuts_are_those_of_the_plain_loop_wherever_blocks_end(int seed)
    {
        var random = new Random(seed);
        var bytes = new byte[12 * 1024 * 1024];
        random.NextBytes(bytes);

        // A stretch without any cut, so that the largest chunk is reached too.
        bytes.AsSpan(3_000_000, 5_000_000).Fill(7);
        var plain = Plainly(bytes);
        Assert.Equal(plain, InBlocks(bytes, () => random.Next(1, 400_000)));
        Assert.Equal(plain, InBlocks(bytes, () => bytes.Length));
        Assert.Contains(Limits.MaxChunkBytes, plain.Zip(plain.Skip(1), (a, b) => b - a));
        Assert.True(plain.Count > 8, $"{plain.Count} cuts");
    }

    // Every chunk is looked for in as many calls as blocks come, with what was seen before.
    private List<int> InBlocks(byte[] bytes, Func<int> next)
    {
        var (cuts, start, scan) = (new List<int>(), 0, default(CutScan));
        for (var known = 0; known < bytes.Length;)
        {
            known = Math.Min(bytes.Length, known + next());
            for (int end; (end = cutter.Cut(bytes.AsSpan(start, known - start), ref scan)) > 0; start += end)
                cuts.Add(start + end);
        }

        return cuts;
    }

    // As the document of the format says it, a byte at a time.
    private List<int> Plainly(byte[] bytes)
    {
        var cuts = new List<int>();
        for (var start = 0; ;)
        {
            CutScan scan = default;
            var end = -1;
            for (var length = Limits.MinChunkBytes; end < 0 && start + length < bytes.Length;)
                end = cutter.Cut(bytes.AsSpan(start, ++length), ref scan);
            if (end < 0) return cuts;
            start += end;
            cuts.Add(start);
        }
    }
}
