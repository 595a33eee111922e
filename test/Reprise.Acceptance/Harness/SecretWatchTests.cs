using System.Text;

namespace Reprise.Acceptance.Harness;

/// <summary>A watch that sees nothing proves nothing: what is shown on purpose must be seen.</summary>
public class SecretWatchTests
{
    private const string Secret = "pl&nted/s3cret+=of the watch";

    public static TheoryData<string> Shown => new(
        Secret,
        Uri.EscapeDataString(Secret),
        Convert.ToBase64String(Encoding.UTF8.GetBytes(Secret)),
        Convert.ToBase64String(Encoding.UTF8.GetBytes("user:" + Secret + "@host")));

    [Theory]
    [MemberData(nameof(Shown))]
    public async Task A_secret_in_a_command_line_is_seen_in_every_form(string shown)
    {
        using var watch = new SecretWatch(Secret);
        using (var showing = RunningProgram.Start(new Surroundings(), ["sh", "-c", "sleep 2; true", "sh", $"x{shown}y"]))
        {
            for (var i = 0; i < 200 && watch.Found.Count == 0; i++) await Task.Delay(20);
        }

        watch.Dispose();
        Assert.NotEmpty(watch.Found);
    }

    [Fact]
    public async Task What_stands_in_the_environment_only_is_not()
    {
        using var watch = new SecretWatch(Secret);
        var surroundings = new Surroundings { Variables = new Dictionary<string, string> { ["S"] = Secret } };
        using var hiding = RunningProgram.Start(surroundings, ["sleep", "0.3"]);
        Assert.Equal(0, (await hiding.EndAsync()).Exit);
        watch.MustHaveSeenNothing();
    }
}
