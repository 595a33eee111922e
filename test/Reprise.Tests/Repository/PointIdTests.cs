using CsCheck;
using Reprise.Repository.Points;

namespace Reprise.Tests.Repository;

public class PointIdTests
{
    [Fact]
    public void Identifiers_sort_by_time_and_the_next_one_is_later()
    {
        var times = Gen.Long[0, TimeSpan.FromDays(365 * 100).Ticks].Select(t => DateTimeOffset.UnixEpoch.AddTicks(t));
        Gen.Select(times, times).Sample((a, b) =>
        {
            var (one, other) = (PointId.At(a), PointId.At(b));
            Assert.True(one <= other == (a <= b) || one == other);
            Assert.True(one.Next() > one);
            Assert.True(PointId.TryParse(one.Value, out var again) && again == one);
            Assert.InRange((a - one.Time).TotalSeconds, 0, 1);
        });
    }

    [Theory]
    [InlineData("20261122T031502Z-7f3a", true)]
    [InlineData("20261122T031502Z-7F3A", false)]
    [InlineData("20261322T031502Z-7f3a", false)]
    [InlineData("20261122T031502Z-7f3", false)]
    [InlineData("../../etc/passwd-xxxx", false)]
    public void Only_identifiers_are_identifiers(string text, bool valid) => Assert.Equal(valid, PointId.TryParse(text, out _));
}
