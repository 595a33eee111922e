using CsCheck;
using Reprise.Recovery.Secrets;
using Reprise.Storage.Errors;

namespace Reprise.Tests.Secrets;

public class DotEnvTests
{
    [Theory]
    [InlineData("A=1", "1")]
    [InlineData("export A=1", "1")]
    [InlineData("  A = 1  ", "1")]
    [InlineData("A=", "")]
    [InlineData("A=a b # a comment", "a b")]
    [InlineData("A=a#b", "a#b")]
    [InlineData("A=#b", "")]
    [InlineData("A='a # $B \\n b'", "a # $B \\n b")]
    [InlineData("A=\"a\\nb \\\"c\\\" \\\\ \\q\"", "a\nb \"c\" \\ \\q")]
    [InlineData("A=\"two\nlines\"", "two\nlines")]
    [InlineData("A='two\r\nlines'\r\n", "two\nlines")]
    [InlineData("A=1\r\nB=2\r\n", "1")]
    [InlineData("\uFEFFA=1", "1")]
    [InlineData("A=1\nA=2", "2")]
    [InlineData("A=postgresql://u:p@h/d?x=y", "postgresql://u:p@h/d?x=y")]
    [InlineData("A=${B}/x\nB=base", "base/x")]
    [InlineData("A=$B/x\nB=base", "base/x")]
    [InlineData("A=${HERE}", "from outside")]
    [InlineData("A=${C:-fallback}", "fallback")]
    [InlineData("A=\"\\$B\"\nB=base", "$B")]
    [InlineData("A=$$B\nB=base", "$B")]
    [InlineData("A=x${A}", "x")]
    [InlineData("A='${B}'\nB=base", "${B}")]
    [InlineData("# A=1\n\n  # more\nA=3", "3")]
    public void A_value_is_read_as_compose_reads_it(string text, string expected) =>
        Assert.Equal(expected, DotEnv.Parse(text, ".env").Resolve("A", name => name == "HERE" ? "from outside" : null));

    [Theory]
    [InlineData("A=1\njust text", ".env:2")]
    [InlineData("A='open\nB=2", ".env:1")]
    [InlineData("A='two\nlines'\n=3", ".env:3")]
    [InlineData("1A=2", ".env:1")]
    public void What_is_not_one_is_refused_with_its_line_and_without_its_value(string text, string where)
    {
        var refused = Assert.Throws<RepriseException>(() => DotEnv.Parse(text, ".env"));
        Assert.Equal(("dotenv-invalid", where), (refused.Code.Name, refused.Problem.Where));
        Assert.DoesNotContain(
            "open", refused.Message.Replace("opens", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public void Other_values_are_put_in_and_everything_else_stays()
    {
        const string text = "# the shop\r\nexport JWT='old' # signed with it\r\nURL=\"a\r\nb\"\r\nJWT=old\r\nLAST=1";
        var changed = DotEnv.Parse(text, ".env").With(new SortedDictionary<string, string>
        {
            ["JWT"] = "n3w", ["NEW"] = "it's \"$here\"\n", ["URL"] = "x y",
        });
        Assert.Equal(
            "# the shop\r\nexport JWT=n3w # signed with it\r\nURL='x y'\r\nJWT=n3w\r\nLAST=1\r\n"
            + "NEW=\"it's \\\"\\$here\\\"\\n\"\r\n",
            changed);
    }

    [Fact]
    public void Whatever_value_is_put_in_comes_out_again() =>
        Gen.String.Where(s => !s.Contains('\0', StringComparison.Ordinal)).Sample(
            value =>
            {
                var text = DotEnv.Parse(
                    "B=1\nA=2 # two\n", ".env").With(new SortedDictionary<string, string> { ["A"] = value });
                var again = DotEnv.Parse(text, ".env");
                return again.Resolve("A", _ => null) == value && again.Resolve("B", _ => null) == "1";
            },
            iter: 2000);

    [Fact]
    public void Printing_shows_no_value()
    {
        var file = DotEnv.Parse("A=hidden", ".env");
        Assert.DoesNotContain("hidden", file.ToString() + file.Entries[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Known_values_are_taken_out_of_a_text()
    {
        var redaction = new Redaction(["abc", "secret", "secret-longer"]);
        Assert.Equal($"{Redaction.Mark} and {Redaction.Mark}, abc", redaction.Apply("secret-longer and secret, abc"));
        Assert.Equal("nothing here", redaction.Apply("nothing here"));
    }
}
