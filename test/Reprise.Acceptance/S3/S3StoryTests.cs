
namespace Reprise.Acceptance.S3;

/// <summary>The published program with its repository in a bucket: what an operator does with it, once through.</summary>
public class S3StoryTests
{
    [Fact]
    public async Task From_nothing_to_a_restored_application()
    {
        await using var ground = S3Ground.Make();
        var checks = (await ground.RunAsync("store", "check", ground.Peer.Location(), "--json")).Result("store-check");
        Assert.True(checks.GetProperty("atomicCreate").GetBoolean());
        Assert.All(checks.GetProperty("checks").EnumerateArray(), c => Assert.Equal("pass", c.GetProperty("outcome").GetString()));
        Assert.Empty(ground.Peer.Objects);

        await ground.RunAsync("init");
        await ground.RunAsync("backup");
        var first = ground.Application.Data();
        ground.Fill(2);
        await ground.RunAsync("backup");
        var second = ground.Application.Data();
        await ground.RunAsync("verify", "--read", "all");
        var points = await ground.Application.PointsAsync();
        Assert.Equal(2, points.Count);
        foreach (var (point, data) in points.Order(StringComparer.Ordinal).Zip([first, second]))
        {
            ground.Fill(9);
            await ground.RunAsync("restore", point, "--yes");
            Assert.Equal(data, ground.Application.Data());
        }

        await ground.RunAsync("status");
        await ground.RunAsync("prune");
        Assert.Single(ground.Keys("dropped/"));
    }

    [Fact]
    public async Task What_cannot_be_reached_is_said_once_with_what_to_do_next()
    {
        await using var ground = S3Ground.Make();
        await ground.RunAsync("init");
        await ground.RunAsync("backup");
        ground.Application.Variables["AWS_SECRET_ACCESS_KEY"] = "another";
        var denied = await ground.Application.RepriseAsync("points", "--json");
        Assert.Equal(["store-denied"], denied.MustExit(4).ProblemCodes());
        Assert.DoesNotContain("another", denied.Output + denied.Errors, StringComparison.Ordinal);

        ground.Application.Variables.Remove("AWS_ACCESS_KEY_ID");
        var said = (await ground.Application.RepriseAsync("points")).MustExit(4).Errors;
        Assert.Contains("AWS_ACCESS_KEY_ID", said, StringComparison.Ordinal);
        Assert.True(said.Split('\n').Length < 10, said);
    }
}
