using Reprise.Acceptance.Runbooks.Causes;

namespace Reprise.Acceptance.Runbooks.Kills;

/// <summary>An incident that is over: a restore brought the shop back, and keeps what it replaced.</summary>
internal sealed class PastIncident() : Incident("restored")
{
    private string restore = "";

    /// <inheritdoc />
    protected override IReadOnlyList<string> Way => ["former-data=delete"];

    /// <inheritdoc />
    public override Task<RunView> FollowAsync() => new PastOperator(Machine).FollowAsync("--input", $"restore={restore}");

    /// <inheritdoc />
    protected override async Task BreakAsync()
    {
        var said = (await Shop.RepriseAsync("restore", "latest", "--yes", "--json")).MustExit(0).Result("restore");
        restore = said.GetProperty("restoreId").GetString() ?? "";
    }

    // Broken means here that something is left to be cleared away.
    /// <inheritdoc />
    protected override async Task<bool> IsBrokenAsync() =>
        (await Shop.RepriseAsync("status", "--json")).Result("status").GetProperty("former").GetArrayLength() > 0;

    private sealed class PastOperator(Machine machine) : Operator(machine)
    {
        /// <inheritdoc />
        protected override string Runbook => "after-incident";

        /// <inheritdoc />
        protected override (string Option, string Why) Decide(RunView run) => throw Lost(run);

        /// <inheritdoc />
        protected override Task<string> DoAsync(RunView run) => Task.FromResult("done, and written down");
    }
}
