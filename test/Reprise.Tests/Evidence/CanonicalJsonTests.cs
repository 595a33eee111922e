using System.Text;
using System.Text.Json;
using Reprise.Recovery.Evidence;
using Reprise.Storage.Errors;

namespace Reprise.Tests.Evidence;

/// <summary>JSON of which there is one form only (RFC 8785).</summary>
public class CanonicalJsonTests
{
    [Theory]
    [InlineData("""{ "b": 1, "a": [true, false, null], "B": {} }""", """{"B":{},"a":[true,false,null],"b":1}""")]
    [InlineData("""{"\u20ac":1,"\r":2,"1":3,"\ud83d\ude00":4,"\u0080":5,"\u00f6":6,"\ufb33":7}""", "{\"\\r\":2,\"1\":3,\"\u0080\":5,\"ö\":6,\"€\":1,\"😀\":4,\"\ufb33\":7}")]
    [InlineData("""["\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/\b\f\t\u007f"]""", "[\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\\b\\f\\t\u007f\"]")]
    [InlineData("[9007199254740991, -9007199254740991, 0, -0]", "[9007199254740991,-9007199254740991,0,0]")]
    public void There_is_one_form(string text, string expected)
    {
        using var document = JsonDocument.Parse(text);
        Assert.Equal(expected, Encoding.UTF8.GetString(CanonicalJson.Bytes(document.RootElement)));
    }

    [Theory]
    [InlineData("[1.5]")]
    [InlineData("[1e30]")]
    [InlineData("[9007199254740992]")]
    public void A_number_that_readers_would_round_is_our_bug(string text)
    {
        using var document = JsonDocument.Parse(text);
        Assert.Throws<InvariantException>(() => CanonicalJson.Bytes(document.RootElement));
    }
}
