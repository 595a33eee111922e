using Reprise.Cli;
using Reprise.Json;
using Reprise.Storage.Errors;

namespace Reprise.Tests.Cli;

/// <summary>
/// A person who has never seen a restore, at 80 columns: what it prints says in its first 40 lines whether it went well,
/// what was lost, how long it took, what is still unsafe, and what to type next.
/// </summary>
public class ReportAtNightTests
{
    private const int Columns = 80;
    private const int Lines = 40;

    private static readonly ErrorCode RolledBack = new("rolled-back", ExitCodes.CheckFailed, "a test");

    private readonly CommandBench bench = new();

    [Theory]
    [InlineData("restored", true, "shop is back in 32 s", "lost: what was written in the last 42 min", "unsafe: nothing")]
    [InlineData("restored", false, "shop is back in 32 s", "lost: what was", "unsafe: secret JWT_SECRET is not the one")]
    [InlineData("rolled-back", false, "shop was rolled back in 32 s", "lost: nothing", "unsafe: what you wanted to repair")]
    [InlineData("unchanged", true, "shop was not restored in 32 s: what is live is as it was", "lost: nothing", "unsafe: what")]
    public async Task Five_things_stand_in_the_first_40_lines_of_80_columns(
        string verdict, bool isClean, string head, string lost, string still)
    {
        bench.Operations = bench.Operations with { Restore = Restoring(Result(verdict, isClean), Problems(verdict)) };
        await bench.RunAsync("restore", "--yes");

        // A terminal shows both streams; the report comes between what is said before and what went wrong.
        var said = bench.Error.IndexOf("error:", StringComparison.Ordinal);
        var before = said < 0 ? bench.Error : bench.Error[..said];
        var shown = (before + bench.Out + bench.Error[before.Length..]).Split('\n');
        Assert.All(shown, line => Assert.True(line.Length <= Columns, line));
        var first = shown.Take(Lines).ToList();
        string[] wanted = [head.Replace("shop", "the application", StringComparison.Ordinal), lost, still, "next: reprise"];
        Assert.All(wanted, text => Assert.Contains(first, line => line.StartsWith(text, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_refusal_says_once_what_to_do_next()
    {
        bench.Operations = bench.Operations with
        {
            Restore = Restoring(Result("unchanged", isClean: true), Problems("unchanged")),
        };
        Assert.Equal(3, await bench.RunAsync("restore", "--yes"));
        Assert.DoesNotContain("next:", bench.Out, StringComparison.Ordinal);
        Assert.EndsWith("next: reprise restore --plan\n", bench.Error, StringComparison.Ordinal);

        // The schema knows the verdict too.
        await bench.RunAsync("restore", "--yes", "--json");
        Assert.Equal("unchanged", bench.Document().GetProperty("result").GetProperty("verdict").GetString());
    }

    [Fact]
    public async Task What_a_person_confirms_names_the_secret_that_differs_and_every_warning()
    {
        bench.Typed = "shop\n";
        bench.Operations = bench.Operations with
        {
            Restore = async (_, conversation, _) =>
            {
                var odd = new Problem(
                    CliErrors.Bug, Severity.Warning, "the point is incomplete", "restore a complete one");
                await conversation.ConfirmAsync(Samples.Restore("planned"), "shop", default, [odd]);
                return new CommandReport<RestoreJson>(Samples.Restore());
            },
        };
        await bench.RunAsync("restore");
        Assert.Contains("unsafe: secret JWT_SECRET is not the one", bench.Error, StringComparison.Ordinal);
        Assert.Contains("warning: the point is incomplete", bench.Error, StringComparison.Ordinal);
        Assert.Contains("In this order: stage, swap, about 31 s.", bench.Error, StringComparison.Ordinal);
        Assert.True(bench.Error.Split('\n').Length <= 15, bench.Error);
    }

    [Fact]
    public async Task A_plan_of_an_undo_names_undo()
    {
        var plan = Samples.Restore("planned") with { PointCreated = null, Point = Samples.RestoreId };
        bench.Operations = bench.Operations with
        {
            Undo = (_, _, _) => Task.FromResult(new CommandReport<RestoreJson>(plan)),
        };
        await bench.RunAsync("undo", "--plan");
        Assert.EndsWith($"next: reprise undo {Samples.RestoreId}\n", bench.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_kept_of_many_assets_is_one_sentence()
    {
        var former = Samples.Restore().Former[0];
        var result = Samples.Restore() with { Former = [former, former with { Asset = "sessions" }] };
        bench.Operations = bench.Operations with { Restore = Restoring(result, []) };
        await bench.RunAsync("restore", "--yes");
        Assert.Contains(
            "kept: the former orders, sessions until 2026-11-25 03:57 UTC; reprise status says where\n",
            bench.Out.Replace("\n  ", " ", StringComparison.Ordinal),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_with_many_files_names_a_few()
    {
        var written = Enumerable.Range(1, 5_000).Select(i => $"/tmp/look/runtime/uploads/{i}").ToList();
        bench.Operations = bench.Operations with
        {
            Restore = (_, _, _) => Task.FromResult(
                new CommandReport<RestoreJson>(Samples.Restore("written") with { Written = written, WrittenCount = written.Count })),
        };
        await bench.RunAsync("restore", "--to", "/tmp/look");
        Assert.Contains("\n  /tmp/look/runtime/uploads/1\n", bench.Out, StringComparison.Ordinal);
        Assert.Contains("\n  and 4,988 more files\n", bench.Out, StringComparison.Ordinal);
        Assert.True(bench.Out.Split('\n').Length <= Lines, bench.Out);
    }

    [Fact]
    public async Task A_forged_point_without_damaged_bytes_is_not_called_damage_in_0_places()
    {
        bench.Operations = bench.Operations with
        {
            Verify = (_, _) => Task.FromResult(
                new CommandReport<VerifyJson>(Samples.Verify() with { Damage = [] })),
        };
        await bench.RunAsync("verify");
        Assert.StartsWith("what was read is as it was written, but see below", bench.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Colours_take_no_room() => Assert.Equal(
        ["\u001b[1mone\u001b[0m two", "three"], Output.Wrap("\u001b[1mone\u001b[0m two three", 7, 0));

    private static RestoreOperation<RestoreOptions> Restoring(RestoreJson result, IReadOnlyList<Problem> problems) =>
        async (_, conversation, _) =>
        {
            await conversation.ConfirmAsync(Samples.Restore("planned"), "shop", default);
            return new CommandReport<RestoreJson>(result, problems);
        };

    private static RestoreJson Result(string verdict, bool isClean)
    {
        var result = Samples.Restore(verdict);
        return isClean
            ? result with { Secrets = [], Checks = [Samples.Check("orders-rows", "pass")] }
            : result;
    }

    private static IReadOnlyList<Problem> Problems(string verdict) => verdict switch
    {
        "rolled-back" =>
        [
            new Problem(
                RolledBack,
                Severity.Error,
                "the checks did not pass, so the former data is live again",
                "look at what was restored, it is kept at database shop__new_20261122T221142Z-c8e9"),
        ],
        "unchanged" =>
        [
            new Problem(CliErrors.ConfirmationWrong, Severity.Error, "'shopp' is not shop", "reprise restore --plan"),
        ],
        _ => [],
    };
}
