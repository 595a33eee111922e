using System.Text;
using Reprise.Recovery.Secrets;

namespace Reprise.Tests.Secrets;

/// <summary>A secret is taken out of a text in every form in which programs print it.</summary>
public class RedactionTests
{
    private const string Secret = "p@ss/w+rd=\"é\" 42!";

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("ab")]
    [InlineData("user:")]
    [InlineData("user1:")]
    public void In_base64_it_is_found_wherever_it_begins(string before)
    {
        var text = Convert.ToBase64String(Encoding.UTF8.GetBytes(before + Secret + "tail"));
        foreach (var form in new[] { text, text.Replace('+', '-').Replace('/', '_') })
        {
            var shown = Redaction.InEveryForm([Secret]).Apply($"Authorization: Basic {form}");
            Assert.Contains(Redaction.Mark, shown, StringComparison.Ordinal);
            Assert.DoesNotContain(form, shown, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void In_addresses_and_json_it_is_found()
    {
        var redaction = Redaction.InEveryForm([Secret]);
        var escaped = Uri.EscapeDataString(Secret);
        Assert.Equal($"://ada:{Redaction.Mark}@db", redaction.Apply($"://ada:{escaped}@db"));
        Assert.Equal($"q={Redaction.Mark}", redaction.Apply("q=" + escaped.Replace("%20", "+", StringComparison.Ordinal)));
        Assert.DoesNotContain("%2f", redaction.Apply(escaped.Replace("%2F", "%2f", StringComparison.Ordinal).Replace("%2B", "%2b", StringComparison.Ordinal)
            .Replace("%3D", "%3d", StringComparison.Ordinal).Replace("%C3%A9", "%c3%a9", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Equal($"{{\"p\":\"{Redaction.Mark}\"}}", redaction.Apply("{\"p\":\"p@ss/w+rd=\\\"é\\\" 42!\"}"));
    }

    [Fact]
    public void Text_that_has_nothing_to_do_with_it_stays()
    {
        const string text = "the server listens on 5432, and the password is asked";
        Assert.Equal(text, Redaction.InEveryForm([Secret, "abc"]).Apply(text));
    }

    [Fact]
    public void Each_line_of_a_key_of_several_lines_is_one()
    {
        var shown = Redaction.InEveryForm(["-----BEGIN KEY-----\nMIIEvQIBADANBgkq\n-----END KEY-----"]).Apply("got MIIEvQIBADANBgkq");
        Assert.Equal($"got {Redaction.Mark}", shown);
    }
}
