using Reprise.Cli;
using Reprise.Storage.Errors;

namespace Reprise.Tests.Cli;

/// <summary>What a restore asks, and what it does when nobody can be asked.</summary>
public class ConversationTests
{
    private readonly CommandBench bench = new();

    [Fact]
    public async Task The_application_s_name_is_typed_after_three_sentences()
    {
        bench.Typed = "shop\n";
        await AskAsync(c => c.ConfirmAsync(Samples.Restore("planned"), "shop", default), yes: false);
        var lines = bench.Error.Split('\n');
        Assert.StartsWith("You get back shop as of 2026-11-22 03:15:02 UTC", lines[0], StringComparison.Ordinal);
        Assert.Contains(lines, l => l.StartsWith("You lose what was written", StringComparison.Ordinal));
        Assert.Contains("To go back, 'reprise undo': what is live now is kept.", lines);
        Assert.EndsWith("Type shop to go on: ", bench.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Shop\n", "confirmation-wrong")]
    [InlineData("yes\n", "confirmation-wrong")]
    [InlineData("\n", "confirmation-wrong")]
    [InlineData("", "confirmation-wrong")]
    [InlineData(null, "confirmation-needed")]
    public async Task Another_name_or_nobody_is_exit_3(string? typed, string code)
    {
        bench.Typed = typed;
        var e = await Assert.ThrowsAsync<RepriseException>(
            () => AskAsync(c => c.ConfirmAsync(Samples.Restore("planned"), "shop", default), yes: false));
        Assert.Equal((code, ExitCodes.Refused), (e.Code.Name, e.Code.Exit));
        Assert.Contains("nothing was changed", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Yes_asks_nothing_but_still_says_the_sentences()
    {
        await AskAsync(c => c.ConfirmAsync(Samples.Restore("planned"), "shop", default), yes: true);
        Assert.StartsWith("You get back shop", bench.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Type shop", bench.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\n", "RollBack")]
    [InlineData("b\n", "RollBack")]
    [InlineData("", "RollBack")]
    [InlineData(null, "RollBack")]
    [InlineData("r\n", "Retry")]
    [InlineData("what\nr\n", "Retry")]
    [InlineData("k\nthe probe is wrong\n", "Keep")]
    [InlineData("k\n\nk\nthe probe is wrong\n", "Keep")]
    public async Task Red_checks_are_rolled_back_unless_a_person_says_otherwise(string? typed, string expected)
    {
        bench.Typed = typed;
        VerdictChoice? choice = null;
        await AskAsync(
            async c => choice = await c.AskVerdictAsync(
                [Samples.Check("backend-healthy", "fail", "ok", "503")], default),
            yes: true);
        Assert.Equal(expected, choice?.GetType().Name);
        if (choice is VerdictChoice.Keep keep) Assert.Equal("the probe is wrong", keep.Reason);
        Assert.Contains("FAIL  backend-healthy  expected ok, got 503", bench.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("y\n", true)]
    [InlineData("yes\n", true)]
    [InlineData("\n", false)]
    [InlineData(null, false)]
    public async Task Whether_the_application_is_stopped_is_asked(string? typed, bool expected)
    {
        bench.Typed = typed;
        var stopped = !expected;
        await AskAsync(
            async c => stopped = await c.IsStoppedAsync("the application is not stopped by Reprise", default),
            yes: true);
        Assert.Equal(expected, stopped);
        Assert.Contains("not stopped by Reprise", bench.Error, StringComparison.Ordinal);
    }

    private async Task AskAsync(Func<RestoreConversation, Task> ask, bool yes)
    {
        Exception? thrown = null;
        bench.Operations = bench.Operations with
        {
            Restore = async (_, conversation, _) =>
            {
                try
                {
                    await ask(conversation);
                }
                catch (RepriseException e)
                {
                    thrown = e;
                }

                return new CommandReport<Reprise.Json.RestoreJson>(null, []);
            },
        };
        Assert.Equal(0, await bench.RunAsync(yes ? ["restore", "--yes"] : ["restore"]));
        if (thrown is not null) throw thrown;
    }
}
