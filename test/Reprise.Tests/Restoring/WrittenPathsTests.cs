using Reprise.Recovery.Assets;

namespace Reprise.Tests.Restoring;

/// <summary>What a folder was filled with is counted whole and named in part.</summary>
public sealed class WrittenPathsTests
{
    [Fact]
    public void All_are_counted_and_the_first_ten_thousand_named()
    {
        var written = WrittenPaths.Of(Enumerable.Range(0, 10_003).Select(i => $"f{i}"));
        Assert.Equal((10_003, 10_000), (written.Count, written.Named.Count));
        Assert.Equal(("f0", "f9999"), (written.Named[0], written.Named[^1]));
    }
}
