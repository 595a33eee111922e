namespace Reprise.Acceptance.Runbooks.Causes;

/// <summary>
/// Data is wrong and nothing crashed: a bad UPDATE, a bad DELETE, a deployment with a bad migration. The nightly backup
/// has taken a point of the damage since, so that the latest one is not what is wanted.
/// </summary>
internal sealed class CorruptionIncident(string cause) : Incident(cause)
{
    private DateTimeOffset lastSeenRight;

    /// <summary>What can be injected.</summary>
    public static IReadOnlyList<string> Causes { get; } = ["bad-update", "bad-delete", "bad-migration"];

    /// <inheritdoc />
    protected override IReadOnlyList<string> Way =>
        ["stop-writing=stop", Cause == "bad-migration" ? "how=go-back-with-release" : "how=go-back"];

    /// <inheritdoc />
    public override Task<RunView> FollowAsync() =>
        new CorruptionOperator(Machine, lastSeenRight, async () => !await IsBrokenAsync()).FollowAsync();

    // What the owner of the data looks at: three hundred orders were made, and none of their items is empty.
    /// <inheritdoc />
    protected override async Task<bool> IsBrokenAsync() => await Shop.PsqlAsync("shop", "select " + CorruptionOperator.Right) != "t\n";

    /// <inheritdoc />
    protected override async Task BreakAsync()
    {
        lastSeenRight = DateTimeOffset.UtcNow;
        switch (Cause)
        {
            case "bad-update":
                await Shop.PsqlAsync("shop", "update orders set item = '' where number % 2 = 0");
                break;
            case "bad-delete":
                await Shop.PsqlAsync("shop", "delete from orders where quantity > 1");
                break;
            default:
                await Shop.RunAsync("run/backend", "stop");
                File.WriteAllText(Shop.Application + "/backend/migrations/versions/0005_shorter_items.py", Migration);
                await CopyReleaseAsync("2");
                await Shop.RunAsync("run/shop", "migrate");
                await Shop.RunAsync("run/backend", "start");
                break;
        }

        Assert.Equal(200, await Shop.HealthAsync());
        (await Shop.RepriseAsync("backup")).MustExit(0);
    }

    private const string Migration = """
        from alembic import op

        revision = "0005"
        down_revision = "0004"


        def upgrade() -> None:
            op.execute("update orders set item = substr(item, 1, 0)")

        """;
}
