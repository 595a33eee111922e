using Reprise.Acceptance.Harness;

namespace Reprise.Acceptance.BadInput;

/// <summary>Nothing is written over live data unless somebody said exactly that.</summary>
public class ConfirmationTests
{
    [Fact]
    public async Task Without_terminal_and_without_yes_nothing_is_restored()
    {
        using var application = await WithNewerDataAsync();
        var before = application.Everything();
        var problem = (await application.RepriseAsync("restore", "--json"))
            .MustFail("restore", 3, "confirmation-needed");
        Assert.Contains("--yes", problem.Said(), StringComparison.Ordinal);
        Assert.Equal(before, application.Everything());
        Assert.Single(await application.PointsAsync());
        (await application.RepriseAsync("restore", "--yes", "--json")).MustExit(0).Json("restore");
        Assert.NotEqual(before, application.Everything());

        var restored = application.Everything();
        (await application.RepriseAsync("undo", "--json")).MustFail("undo", 3, "confirmation-needed");
        Assert.Equal(restored, application.Everything());
        (await application.RepriseAsync("undo", "--yes")).MustExit(0);
    }

    [Theory]
    [InlineData("--plna", "--yes")]
    [InlineData("--yes", "--plna")]
    [InlineData("--yse", "--yes")]
    [InlineData("-plan", "--yes")]
    [InlineData("--plan=no", "--yes")]
    [InlineData("--yes=latest", "--quiet")]
    public async Task A_mistyped_option_restores_nothing(string first, string second)
    {
        using var application = await WithNewerDataAsync();
        var before = application.Everything();
        var run = await application.RepriseAsync("restore", first, second);
        run.MustExit(2);
        Assert.Contains("next: ", run.Errors, StringComparison.Ordinal);
        var document = (await application.RepriseAsync("restore", first, second, "--json")).MustExit(2).Json("error");
        Assert.Single(document.GetProperty("problems").EnumerateArray());
        Assert.Equal(before, application.Everything());
        Assert.Single(await application.PointsAsync());
        (await application.RepriseAsync("restore", "--plan", "--yes")).MustExit(0);
        Assert.Equal(before, application.Everything());
    }

    [Fact]
    public async Task The_nearest_option_is_named()
    {
        using var application = await WithNewerDataAsync();
        var problem = (await application.RepriseAsync("restore", "--plna", "--yes", "--json"))
            .MustFail("error", 2, "option-unknown");
        Assert.Contains("--plan", problem.Said(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("smal", 3)]
    [InlineData("", 3)]
    [InlineData("yes", 3)]
    [InlineData("small", 0)]
    public async Task On_a_terminal_only_the_name_of_the_application_confirms(string typed, int exit)
    {
        using var application = await WithNewerDataAsync();
        var before = application.Data();
        // The second line answers whether the application was stopped, which Reprise cannot know without control.
        var surroundings = application.Surroundings() with { Input = $"{typed}\ny\ny\n" };
        var run = await PublishedProgram.RunInTerminalAsync(surroundings, "restore");
        run.MustExit(exit);
        Assert.Equal(exit != 0, before == application.Data());
    }

    private static async Task<SmallApplication> WithNewerDataAsync()
    {
        var application = await SmallApplication.WithPointAsync();
        application.Fill(seed: 2, rows: 700);
        return application;
    }
}
