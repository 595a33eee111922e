namespace Reprise.Acceptance.Runbooks.Causes;

/// <summary>Somebody who follows backend-will-not-start by what its steps print.</summary>
internal sealed class BackendOperator(Machine machine) : Operator(machine)
{
    private static readonly string[] OfTheRelease = ["ModuleNotFoundError", "ImportError", "multiple heads", "the code needs"];

    /// <inheritdoc />
    protected override string Runbook => "backend-will-not-start";

    /// <inheritdoc />
    protected override (string Option, string Why) Decide(RunView run) => run.At switch
    {
        "cause" => Cause(run),
        "database-fits" => run.Text("look-migration").Split('\n').Any(
            l => l.StartsWith("FAIL", StringComparison.Ordinal) && l.Contains("migration", StringComparison.Ordinal))
            ? ("changed", "the check of migrations is red")
            : ("fits", "the check of migrations is not red"),
        _ => throw Lost(run),
    };

    /// <inheritdoc />
    protected override async Task<string> DoAsync(RunView run)
    {
        switch (run.At)
        {
            case "read-log":
                return "the same that look-log shows";
            case "former-release":
                await Machine.DeployAsync(Machine.FormerRelease);
                return $"release {Machine.FormerRelease} is back";
            case "repair-by-hand":
                return SetWhatIsMissing(run);
            default:
                throw Lost(run);
        }
    }

    private static (string Option, string Why) Cause(RunView run)
    {
        foreach (var sign in OfTheRelease)
        {
            if (run.Says("look-log", sign) || run.Says("look-health", sign)) return ("release", $"it says {sign}");
        }

        if (run.Says("look-health", "is not set")) return ("around-it", "a setting is not set");
        if (run.Outcome("look-files") != "pass") return ("files-lost", "files are not there");
        return ("nothing-seen", "nothing was seen");
    }

    // Edited in the file, from the password store: no value is typed into a command line.
    private string SetWhatIsMissing(RunView run)
    {
        var missing = Machine.PasswordStore.Keys.Where(name => run.Says("look-health", $"{name} is not set")).ToList();
        foreach (var name in missing) Machine.Shop.SetVariable(name, Machine.PasswordStore[name]);
        return $"set {string.Join(", ", missing)}";
    }
}
