using Reprise.Configuration;
using Reprise.Storage.Errors;
using static Reprise.Tests.Configuration.Configurations;

namespace Reprise.Tests.Configuration;

/// <summary>What <c>${NAME}</c> and a <c>.env</c> mean.</summary>
public class VariablesTests
{
    private static readonly Place Somewhere = new("reprise.yaml", 3, 10);

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("${A}", "one")]
    [InlineData("x${A}y${B}z", "xoneytwoz")]
    [InlineData("${NONE:-else}", "else")]
    [InlineData("${EMPTY:-else}", "else")]
    [InlineData("${EMPTY}", "")]
    [InlineData("${NONE:-}", "")]
    [InlineData("${NONE:-${A}}", "one")]
    [InlineData("${NONE:-a:-b}", "a:-b")]
    [InlineData("$$", "$")]
    [InlineData("$${A}", "${A}")]
    [InlineData("$$${A}", "$one")]
    [InlineData("select $1 from a where b = '$'", "select $1 from a where b = '$'")]
    [InlineData("100$", "100$")]
    public void Variables_are_put_in(string text, string expected) =>
        Assert.Equal(expected, Variables("B=two\nEMPTY=", ("A", "one")).PutInto(text, Somewhere));

    [Theory]
    [InlineData("${NONE}", "variable-unset", 10)]
    [InlineData("ab${NONE}", "variable-unset", 12)]
    [InlineData("${A", "config-value", 10)]
    [InlineData("${}", "config-value", 10)]
    [InlineData("${A?}", "config-value", 10)]
    [InlineData("${A:?unset}", "config-value", 10)]
    [InlineData("${1A}", "config-value", 10)]
    [InlineData("${A B}", "config-value", 10)]
    public void What_cannot_be_put_in_is_refused_at_its_place(string text, string code, int column)
    {
        var problem = Assert.Throws<RepriseException>(
            () => Variables("", ("A", "one")).PutInto(text, Somewhere)).Problem;
        Assert.Equal((code, $"reprise.yaml:3:{column}"), (problem.Code.Name, problem.Where));
    }

    [Fact]
    public void The_environment_goes_before_the_file() =>
        Assert.Equal("environment", Variables("A=file", ("A", "environment")).Find("A"));

    [Theory]
    [InlineData("A=plain", "plain")]
    [InlineData("A = spaces ", "spaces")]
    [InlineData("export A=exported", "exported")]
    [InlineData("A='single ${B} # kept'", "single ${B} # kept")]
    [InlineData("A=\"double ${B} # kept\"", "double two # kept")]
    [InlineData("A=\"a\\nb\\\"c\\\\d\\$e\"", "a\nb\"c\\d$e")]
    [InlineData("A=cut # comment", "cut")]
    [InlineData("A=kept#text", "kept#text")]
    [InlineData("A=#all comment", "")]
    [InlineData("A=first\nA=last", "last")]
    [InlineData("A=postgresql://u:${B}@h/d?x=y", "postgresql://u:two@h/d?x=y")]
    [InlineData("A='line\nline'", "line\nline")]
    [InlineData("# comment\n\nA=x\r\n", "x")]
    [InlineData("A=", "")]
    [InlineData("A=a=b", "a=b")]
    public void A_line_of_env_is_read(string text, string expected) =>
        Assert.Equal(expected, Variables(text + "\nB=two").Find("A"));

    [Fact]
    public void Defaults_may_be_nested_but_not_without_end()
    {
        static string Nested(int depth) => depth == 0 ? "end" : "${NONE:-" + Nested(depth - 1) + "}";
        Assert.Equal("end", Variables().PutInto(Nested(8), Somewhere));
        var problem = Assert.Throws<RepriseException>(() => Variables().PutInto(Nested(5000), Somewhere)).Problem;
        Assert.Equal("config-value", problem.Code.Name);
    }
}
