namespace Reprise.Acceptance.Runbooks.Causes;

/// <summary>
/// Somebody who follows tokens-invalid by what its steps print. That nobody rotated a key on purpose is what colleagues
/// say, whatever broke.
/// </summary>
/// <param name="machine">what an operator can reach.</param>
/// <param name="sessionWorks">opens the application in a browser that was signed in before.</param>
internal sealed class TokensOperator(Machine machine, Func<Task<bool>> sessionWorks) : Operator(machine)
{
    /// <inheritdoc />
    protected override string Runbook => "tokens-invalid";

    /// <inheritdoc />
    protected override (string Option, string Why) Decide(RunView run)
    {
        if (run.At != "why-changed") throw Lost(run);
        if (run.Outcome("look-secrets") != "pass")
        {
            return File.ReadAllText(Machine.Shop.Application + "/reprise.yaml").Contains("values: sealed", StringComparison.Ordinal)
                ? ("accident-kept", "nobody changed it on purpose, and the points keep the values")
                : ("accident", "nobody changed it on purpose; the password store has it");
        }

        return run.Outcome("look-application-clock") == "fail" ? ("clock", "the application sees another time") : throw Lost(run);
    }

    /// <inheritdoc />
    protected override async Task<string> DoAsync(RunView run)
    {
        switch (run.At)
        {
            case "set-secrets-by-hand":
                var file = Machine.Shop.Application + "/.env";
                File.Copy(file, Machine.Shop.Path("env.aside"));
                foreach (var name in new[] { "JWT_SECRET", "DATABASE_URL" })
                    Machine.Shop.SetVariable(name, Machine.PasswordStore[name]);
                return "the values of the password store are set";
            case "keep-new-secret":
                return "the new one is in the file, and in the password store";
            case "set-clock":
                File.WriteAllText(Machine.Clock, "0");
                return "the clock is right again";
            case "sign-in":
                // A secret that was replaced on purpose ends all sessions: that is what it was replaced for.
                var isKept = run.Decisions.Contains("why-changed=leaked");
                Assert.True(await sessionWorks() != isKept, "a session from before does not do what it should");
                return isKept ? "a session from before is refused" : "a session from before works";
            default:
                throw Lost(run);
        }
    }
}
