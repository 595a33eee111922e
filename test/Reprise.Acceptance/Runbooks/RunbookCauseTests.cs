using System.Globalization;
using Reprise.Acceptance.Runbooks.Causes;

namespace Reprise.Acceptance.Runbooks;

/// <summary>
/// Each runbook is executed from an injected incident to a healthy shop, unattended, from two different causes that a
/// seed chooses and that neither the runbook nor whoever answers it is told. <c>REPRISE_CAUSES_SEED</c> gives the seed,
/// <c>REPRISE_CAUSE</c> one cause by its name.
/// </summary>
public class RunbookCauseTests(ITestOutputHelper output)
{
    private const int CausesInTheGate = 2;

    [Theory]
    [InlineData("database-unavailable")]
    [InlineData("backend-will-not-start")]
    [InlineData("frontend-unreachable")]
    [InlineData("tokens-invalid")]
    [InlineData("host-lost")]
    [InlineData("logical-corruption")]
    public async Task It_leads_to_a_healthy_shop_from_causes_it_is_not_told(string runbook)
    {
        var seed = Seed();
        foreach (var cause in Chosen(runbook, seed))
        {
            var story = await CauseStory.RunAsync(runbook, cause);
            output.WriteLine($"{runbook}: seed {seed} chose {cause}; {string.Join(", ", story.Decisions)}; {story.Seconds:0.0} s");
        }
    }

    private static IReadOnlyList<string> Chosen(string runbook, int seed)
    {
        var causes = CauseStory.CausesOf(runbook).ToArray();
        if (Environment.GetEnvironmentVariable("REPRISE_CAUSE") is { Length: > 0 } one)
        {
            Assert.SkipUnless(causes.Contains(one), $"{one} is no cause of {runbook}");
            return [one];
        }

        new Random(seed).Shuffle(causes);
        return causes[..CausesInTheGate];
    }

    // Another one each day, and the same for everybody on that day.
    private static int Seed() => Environment.GetEnvironmentVariable("REPRISE_CAUSES_SEED") is { Length: > 0 } given
        ? int.Parse(given, CultureInfo.InvariantCulture)
        : DateOnly.FromDateTime(DateTime.UtcNow).DayNumber;
}
