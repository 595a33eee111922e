using System.Text.RegularExpressions;

namespace Reprise.Acceptance.Runbooks.Causes;

/// <summary>
/// Somebody who follows logical-corruption by what its steps print. Users told when the data was last seen right, and its
/// owner what is right: both are known whatever broke.
/// </summary>
/// <param name="machine">what an operator can reach.</param>
/// <param name="lastSeenRight">when the data was last seen right.</param>
/// <param name="ownerIsContent">asks the owner of the data.</param>
internal sealed partial class CorruptionOperator(Machine machine, DateTimeOffset lastSeenRight, Func<Task<bool>> ownerIsContent)
    : Operator(machine)
{
    /// <summary>What the owner of the data knows of it.</summary>
    public const string Right = "count(*) >= 300 and count(*) filter (where item = '') = 0 from orders";

    /// <inheritdoc />
    protected override string Runbook => "logical-corruption";

    /// <summary>Chooses the point as its input asks for it, and follows the runbook.</summary>
    public async Task<RunView> FollowAsync()
    {
        var points = (await Machine.RepriseAsync("points", "--json")).MustExit(0).Result("points").GetProperty("points");
        var point = points.EnumerateArray()
            .Where(p => p.GetProperty("created").GetDateTimeOffset() < lastSeenRight)
            .MaxBy(p => p.GetProperty("created").GetDateTimeOffset());
        return await FollowAsync("--input", $"point={point.GetProperty("id").GetString()}");
    }

    /// <inheritdoc />
    protected override (string Option, string Why) Decide(RunView run)
    {
        switch (run.At)
        {
            case "stop-writing":
                if (run.Outcome("look-application") == "pass") WriteCheck();
                return ("stop", "good and bad would mix");
            case "how":
                var found = Migrations().Match(run.Text("look-migration"));
                if (!found.Success) throw Lost(run);
                return found.Groups["now"].Value == found.Groups["then"].Value
                    ? ("go-back", "many rows, and nobody knows which")
                    : ("go-back-with-release", $"{found.Groups["now"].Value} ran since the point");
            default:
                throw Lost(run);
        }
    }

    /// <inheritdoc />
    protected override async Task<string> DoAsync(RunView run)
    {
        switch (run.At)
        {
            case "former-release":
                await Machine.DeployAsync(Machine.FormerRelease);
                return $"release {Machine.FormerRelease} is back";
            case "repair-rows":
                await Machine.Shop.PsqlAsync("shop", "update orders set item = 'as its owner says' where item = ''");
                return "the owner of the data told what stood there";
            case "rows-are-right":
                Assert.True(await ownerIsContent(), "the owner of the data finds it wrong");
                return "the owner of the data looked at orders and their neighbours";
            default:
                throw Lost(run);
        }
    }

    // As the text says when no check sees the damage: one that is red now, and green when the data is right.
    private void WriteCheck()
    {
        var file = Machine.Shop.Application + "/reprise.yaml";
        File.WriteAllText(file, File.ReadAllText(file).Replace(
            "checks:\n",
            $"checks:\n  orders-are-right:\n    sql: {{ asset: orders, query: \"select {Right}\", expect: \"= t\" }}\n",
            StringComparison.Ordinal));
    }

    [GeneratedRegex(@"can be read, at (?<now>.+); at (?<then>.+) in point ", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Migrations();
}
