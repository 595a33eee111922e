using System.Globalization;
using System.Text.Json;
using Reprise.Acceptance.Harness;
using Reprise.Acceptance.Runbooks.Causes;

namespace Reprise.Acceptance.Runbooks;

/// <summary>
/// Each runbook is executed from an injected incident to a healthy shop, unattended, from two different causes that a
/// seed chooses and that neither the runbook nor whoever answers it is told. <c>REPRISE_CAUSES_SEED</c> gives the seed,
/// <c>REPRISE_CAUSE</c> one cause by its name; the soak tries all, and <c>REPRISE_CAUSES_PROOF</c> names the file that
/// it writes.
/// </summary>
public class RunbookCauseTests(ITestOutputHelper output)
{
    private const int CausesInTheGate = 2;

    private static readonly JsonSerializerOptions Pretty = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static TheoryData<string> Runbooks => [.. CauseStory.Runbooks];

    [Theory]
    [MemberData(nameof(Runbooks))]
    public async Task It_leads_to_a_healthy_shop_from_causes_it_is_not_told(string runbook)
    {
        var seed = Seed();
        var chosen = Chosen(runbook, seed);
        output.WriteLine($"{runbook}: seed {seed} chose {string.Join(" and ", chosen)}");
        foreach (var story in await Task.WhenAll(chosen.Select(cause => CauseStory.RunAsync(runbook, cause))))
            output.WriteLine($"{story.Cause}: {string.Join(", ", story.Decisions)}; {story.Seconds} s");
    }

    [Fact]
    public void A_seed_chooses_two_different_causes_and_every_cause_is_chosen_by_some_seed()
    {
        foreach (var runbook in CauseStory.Runbooks)
        {
            var chosen = Enumerable.Range(0, 100).Select(seed => Chosen(runbook, seed)).ToList();
            Assert.All(chosen, c => Assert.Equal(CausesInTheGate, c.Distinct().Count()));
            Assert.Equal(CauseStory.CausesOf(runbook).Order(), chosen.SelectMany(c => c).Distinct().Order());
        }
    }

    [Fact(Explicit = true)]
    public async Task Every_cause_of_every_runbook_leads_to_a_healthy_shop()
    {
        var stories = new List<object>();
        var failures = new List<Exception>();
        var slowest = 0.0;
        foreach (var (runbook, cause) in CauseStory.Runbooks.SelectMany(r => CauseStory.CausesOf(r).Select(c => (r, c))))
        {
            try
            {
                var story = await CauseStory.RunAsync(runbook, cause);
                slowest = Math.Max(slowest, story.Seconds);
                stories.Add(new { runbook, cause, outcome = "healthy", story.Seconds, story.Decisions, redThenGreen = story.Proofs });
            }
            catch (Exception e)
            {
                failures.Add(new InvalidOperationException($"{runbook} from {cause}: {e.Message}", e));
                stories.Add(new { runbook, cause, outcome = e.Message });
            }
        }

        if (Environment.GetEnvironmentVariable("REPRISE_CAUSES_PROOF") is { Length: > 0 } file)
            await WriteAsync(file, stories, failures.Count, slowest);
        if (failures.Count > 0) throw new AggregateException(failures);
    }

    private static async Task WriteAsync(string file, IReadOnlyList<object> stories, int failed, double slowest)
    {
        var proof = new
        {
            what = "each runbook from each injected cause, which it is not told, to a healthy shop, unattended",
            command = "REPRISE_CAUSES_PROOF=docs/proof/runbook-causes.json ./dev accept --all Every_cause",
            commit = (await Machine.RunAsync(House.Root, "", "git", "rev-parse", "HEAD")).Trim(),
            seeds = "none: every cause is tried; the gate chooses two of each runbook by REPRISE_CAUSES_SEED",
            failed,
            slowestSeconds = slowest,
            causes = stories,
        };
        await File.WriteAllTextAsync(file, JsonSerializer.Serialize(proof, Pretty) + "\n");
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
