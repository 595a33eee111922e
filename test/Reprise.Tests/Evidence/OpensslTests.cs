using System.Text;
using System.Text.RegularExpressions;
using Reprise.Recovery.Evidence;
using Reprise.Reports;
using Reprise.Tests.Exporting;
using Reprise.Tests.House;

namespace Reprise.Tests.Evidence;

/// <summary>openssl alone verifies good evidence and refuses bad, by the commands that the guides and the report show.</summary>
public sealed partial class OpensslTests : IDisposable
{
    private readonly EvidenceBench bench = new();

    public void Dispose() => bench.Dispose();

    [Theory]
    [InlineData("docs/guide/evidence.md")]
    [InlineData("docs/guide/preuves.md")]
    public async Task The_commands_of_the_guide_verify_the_newest(string guide)
    {
        await bench.ThreeAsync();
        await bench.Log().KeepAsync(Long(), default);
        var (verify, identify, chain) = Commands(guide);
        var (exit, output) = Type(verify);
        Assert.Equal((0, "Verified OK"), (exit, output.Trim()));
        var keyId = bench.Client.Read().Keys.Single().Key;
        Assert.Contains(keyId, Type($"key={keyId}\n{identify}").Output, StringComparison.Ordinal);

        // What openssl verified is the statement of in-toto, to the last byte.
        var envelope = EvidenceEnvelope.Parse(bench.Client.Read().Envelopes[4]);
        Assert.Equal(envelope?.Payload, File.ReadAllBytes(Path.Combine(bench.Folder.ToString(), "statement.json")));
        Assert.NotNull(StatementCodec.Decode(envelope?.Payload));

        // The files that the commands left are no evidence.
        Assert.Empty(bench.Log().VerifyClient().Problems);
        var lines = Type(chain).Output.Trim().Split('\n').Select(l => l.Split(' ')).ToList();
        Assert.Equal(4, lines.Count);
        Assert.All(lines, l => Assert.Equal(l[1], l[2]));
    }

    [Fact]
    public async Task The_commands_of_the_report_verify_its_evidence_and_refuse_it_after_a_change()
    {
        var kept = await bench.Log().KeepAsync(Drills.Passed(), default);
        var commands = OpensslCommands.Text(kept.Entry.Name, kept.Entry.KeyId ?? "");
        Assert.Equal("Verified OK", Type(commands).Output.Trim());

        // "pass" becomes "fasl" somewhere in the payload.
        var text = Encoding.UTF8.GetString(kept.Entry.Bytes.Span);
        var at = text.IndexOf("\"payload\":\"", StringComparison.Ordinal) + 600;
        bench.Client.Write(kept.Entry.Name, Encoding.UTF8.GetBytes(text[..at] + (text[at] == 'A' ? 'B' : 'A') + text[(at + 1)..]));
        var (exit, output) = Type(commands);
        Assert.NotEqual(0, exit);
        Assert.Contains("Verification", output, StringComparison.Ordinal);
        Assert.DoesNotContain("OK", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_commands_of_the_guide_refuse_another_key()
    {
        await bench.ThreeAsync();
        await bench.Log("other").KeepAsync(Drills.Unsure(), default);
        var other = bench.Client.Read().Keys.Single().Key;
        var (verify, _, _) = Commands("docs/guide/evidence.md");
        var folder = (bench.Scratch / "other" / "evidence").ToString();
        Assert.Equal("Verified OK", ExportWorld.Run(folder, "sh", "-c", verify).Output.Trim());
        var wrong = verify.Replace("keys/$key.pub", $"keys/{other}.pub", StringComparison.Ordinal);
        Assert.NotEqual(0, ExportWorld.Run(folder, "sh", "-c", wrong).Exit);
    }

    // As long as lines of base64 become in practice: old versions of openssl cut them.
    private static DrillRecord Long() => Drills.Passed("20261213T031502Z-0000") with
    {
        NotProven = [.. Enumerable.Range(0, 2000).Select(i => $"number {i}: « ça » is not proven either")],
    };

    private (int Exit, string Output) Type(string commands) => ExportWorld.Run(bench.Folder.ToString(), "sh", "-c", commands);

    private static (string Verify, string Identify, string Chain) Commands(string guide)
    {
        var blocks = Blocks().Matches(Clone.Get(guide).Text).Select(m => m.Groups["text"].Value)
            .Where(b => b.Contains("openssl", StringComparison.Ordinal)).ToList();
        Assert.Equal(3, blocks.Count);
        return (blocks[0], blocks[1], blocks[2]);
    }

    [GeneratedRegex("^```sh\n(?<text>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline, 30_000)]
    private static partial Regex Blocks();
}
