using Reprise.Cli;
using Reprise.Storage.Errors;

namespace Reprise.Tests.Cli;

/// <summary>What can be said to <c>runbook</c>, and what is refused.</summary>
public class RunbookCommandTests
{
    private readonly CommandBench bench = new();

    [Fact]
    public async Task Answers_and_inputs_are_understood()
    {
        Assert.Equal(0, await bench.RunAsync(
            "runbook", "run", "small", "--yes", "--red-first", "--input", "point=latest", "--input", "url=http://x/?a=b",
            "--decide", "cause=stopped:it does not run: I looked", "--decide", "way=short", "--confirm", "erase=1a2b3c4d",
            "--since", "2026-11-22T03:00:00Z"));
        var asked = Assert.IsType<RunbookRunOptions>(Assert.Single(bench.Asked));
        Assert.Equal("small", asked.Name);
        Assert.True(asked is { Yes: true, RedFirst: true, Undo: false });
        Assert.Equal(["point=latest", "url=http://x/?a=b", "since=2026-11-22T03:00:00.0000000+00:00"], asked.Inputs.Select(i => $"{i.Key}={i.Value}"));
        Assert.Equal(
            [new GivenAnswer("cause", "stopped", "it does not run: I looked"), new GivenAnswer("way", "short", null)],
            asked.Decisions);
        Assert.Equal([new GivenAnswer("erase", "1a2b3c4d", null)], asked.Confirmations);
    }

    [Theory]
    [InlineData("runbook run small --decide cause", "STEP=OPTION:REASON")]
    [InlineData("runbook run small --input point", "--input NAME=VALUE")]
    [InlineData("runbook run small --since yesterdayish", "2026-11-22T03:57:00Z")]
    [InlineData("runbook run", "write reprise runbook run database-unavailable")]
    [InlineData("runbook export", "write reprise runbook export --to /mnt/shelf --format print")]
    [InlineData("runbook export --to x --format pdf", "markdown, html, print")]
    [InlineData("runbook shwo", "did you mean reprise runbook show?")]
    [InlineData("runbook list --language de", "en, fr")]
    public async Task What_is_wrong_is_refused_with_what_is_right(string line, string hint)
    {
        Assert.Equal(ExitCodes.Usage, await bench.RunAsync(line.Split(' ')));
        Assert.Empty(bench.Asked);
        Assert.Contains(hint, string.Join(' ', bench.Error.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("fr_FR.UTF-8", "fr")]
    [InlineData("C.UTF-8", "en")]
    public async Task The_language_is_that_of_the_person(string lang, string expected)
    {
        bench.Environment["LANG"] = lang;
        await bench.RunAsync("runbook", "list");
        Assert.Equal(expected, Assert.IsType<RunbookListOptions>(Assert.Single(bench.Asked)).Language);
    }

    [Fact]
    public async Task A_command_to_copy_is_never_wrapped()
    {
        await bench.RunAsync("runbook", "show", "small");
        Assert.Contains("\ncd /srv/shop && docker compose up -d db\n", bench.Out, StringComparison.Ordinal);
    }
}
