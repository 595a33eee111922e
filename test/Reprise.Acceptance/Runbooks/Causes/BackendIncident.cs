namespace Reprise.Acceptance.Runbooks.Causes;

/// <summary>
/// The backend does not start or is not well: a release whose migration ran and whose code then crashes, one whose
/// migration fails, a variable that is missing, a release that needs what is not installed.
/// </summary>
internal sealed class BackendIncident(string cause) : Incident(cause)
{
    /// <summary>What can be injected.</summary>
    public static IReadOnlyList<string> Causes { get; } =
        ["migration-ran-and-crashes", "migration-fails", "missing-variable", "missing-dependency"];

    /// <inheritdoc />
    protected override IReadOnlyList<string> Way => Cause switch
    {
        "migration-ran-and-crashes" => ["cause=release", "database-fits=changed"],
        "migration-fails" or "missing-dependency" => ["cause=release", "database-fits=fits"],
        _ => ["cause=around-it"],
    };

    /// <inheritdoc />
    public override Task<RunView> FollowAsync() => new BackendOperator(Machine).FollowAsync();

    /// <inheritdoc />
    protected override async Task BreakAsync()
    {
        await Shop.RunAsync("run/backend", "stop");
        switch (Cause)
        {
            case "missing-variable":
                File.WriteAllLines(
                    Shop.Application + "/.env",
                    [.. File.ReadAllLines(Shop.Application + "/.env").Where(l => !l.StartsWith("JWT_SECRET=", StringComparison.Ordinal))]);
                break;
            case "mistaken":
                // It was simply stopped.
                return;
            case "missing-dependency":
                var program = Shop.Application + "/backend/shop/app.py";
                File.WriteAllText(program, "import shop_payments_gateway\n" + File.ReadAllText(program));
                await CopyReleaseAsync("2");
                break;
            case "migration-fails":
                Migration("0005", "op.drop_column('orders', 'note')", "op.drop_column('orders', 'not_there')");
                await CopyReleaseAsync("2");
                await MigrateAsync("head");
                break;
            default:
                // Two people each added a migration after the same one; the deployment ran one of them by its name.
                Migration("0005a", "op.drop_column('orders', 'note')");
                Migration("0005b", "op.drop_column('orders', 'status')");
                await CopyReleaseAsync("2");
                await MigrateAsync("0005a");
                break;
        }

        await IgnoringFailureAsync("run/backend", "start");
    }

    private Task MigrateAsync(string revision) => IgnoringFailureAsync("run/shop", "migrate", revision);

    // Whoever deployed did not look at what it said; whether the shop is broken is asserted for every cause.
    private Task IgnoringFailureAsync(params string[] command) =>
        Shop.ProgramAsync(["sh", "-c", "\"$@\" >/dev/null 2>&1; true", "sh", .. command]);

    private void Migration(string revision, params string[] steps) => File.WriteAllText(
        $"{Shop.Application}/backend/migrations/versions/{revision}_next.py",
        $"""
        from alembic import op

        revision = "{revision}"
        down_revision = "0004"


        def upgrade() -> None:
            {string.Join("\n    ", steps)}

        """);
}
