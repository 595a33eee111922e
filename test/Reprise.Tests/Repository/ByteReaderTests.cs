using System.Buffers;
using Reprise.Repository;
using Reprise.Repository.Format;
using Reprise.Storage.Errors;

namespace Reprise.Tests.Repository;

/// <summary>What a number from outside may be. <c>./dev mutate</c> found that nothing noticed when it could be anything.</summary>
public class ByteReaderTests
{
    [Theory]
    [InlineData(0, 0, true)]
    [InlineData(127, 127, true)]
    [InlineData(128, 127, false)]
    [InlineData(1L << 31, int.MaxValue, false)]
    [InlineData(long.MaxValue, int.MaxValue, false)]
    [InlineData(long.MaxValue, long.MaxValue, true)]
    public void A_number_is_at_most_what_its_place_allows(long number, long most, bool allowed)
    {
        var writer = new ArrayBufferWriter<byte>();
        ByteWriter.Number(writer, number);
        if (allowed) Assert.Equal(number, Read());
        else Assert.Equal(RepositoryErrors.Malformed, Assert.Throws<RepriseException>(() => Read()).Code);

        long Read()
        {
            var reader = new ByteReader(writer.WrittenSpan);
            return reader.Number(most);
        }
    }
}
