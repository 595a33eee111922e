using Reprise.Recovery.Checks;

namespace Reprise.Tests.Checks;

public class ExpectationTests
{
    [Theory]
    [InlineData("> 0", "1", true)]
    [InlineData("> 0", "0", false)]
    [InlineData(">= 10", "9.99", false)]
    [InlineData(">= 10", "10.00", true)]
    [InlineData("< 3", "2", true)]
    [InlineData("<=3", "3.1", false)]
    [InlineData("> 0", "many", false)]
    [InlineData("> 0", null, false)]
    [InlineData("= 1", "1.0", true)]
    [InlineData("= 10", "9", false)]
    [InlineData("1e3", "1000", true)]
    [InlineData("== ok", "ok", true)]
    [InlineData("ok", "ok", true)]
    [InlineData("ok", "OK", false)]
    [InlineData("= '1'", "1.0", false)]
    [InlineData("'> 0'", "> 0", true)]
    [InlineData("= \"\"", "", true)]
    [InlineData("!= ok", "down", true)]
    [InlineData("!= ok", "ok", false)]
    [InlineData("!= 1", "1.0", false)]
    [InlineData("!= ok", null, false)]
    [InlineData("empty", null, true)]
    [InlineData("empty", "", true)]
    [InlineData("empty", "0", false)]
    [InlineData("not empty", "0", true)]
    [InlineData("not empty", "", false)]
    [InlineData("= 9007199254740993", "9007199254740992", false)]
    public void An_answer_is_judged(string expectation, string? actual, bool accepted)
    {
        var parsed = Expectation.TryParse(expectation, out var why);
        Assert.NotNull(parsed);
        Assert.Equal("", why);
        Assert.Equal(accepted, parsed.Accepts(actual));
    }

    [Theory]
    [InlineData("", "it is empty (write 'empty' if that is expected)")]
    [InlineData("  ", "it is empty (write 'empty' if that is expected)")]
    [InlineData("> many", "> needs a number after it")]
    [InlineData("<= '3'", "<= needs a number after it")]
    [InlineData("!=", "nothing stands after !=")]
    [InlineData("= 'open", "the quote is not closed")]
    public void What_cannot_be_an_expectation_says_why(string expectation, string reason)
    {
        Assert.Null(Expectation.TryParse(expectation, out var why));
        Assert.Equal(reason, why);
    }
}
