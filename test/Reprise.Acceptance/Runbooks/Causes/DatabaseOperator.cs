using System.Globalization;
using System.Text.RegularExpressions;

namespace Reprise.Acceptance.Runbooks.Causes;

/// <summary>Somebody who follows database-unavailable by what its steps print.</summary>
internal sealed partial class DatabaseOperator(Machine machine) : Operator(machine)
{
    private static readonly string[] OfDamage =
        ["could not locate a valid checkpoint record", "invalid primary checkpoint record", "is corrupt", "invalid page"];

    /// <inheritdoc />
    protected override string Runbook => "database-unavailable";

    /// <inheritdoc />
    protected override (string Option, string Why) Decide(RunView run) => run.At switch
    {
        "cause" => Cause(run),
        "server-stays-down" => OfDamage.FirstOrDefault(d => run.Says("start-database", d)) is { } damage
            ? ("data-lost", $"it says {damage}")
            : ("elsewhere", "nothing speaks of damage"),
        "how-much" => ("everything", "all parts of one moment"),
        _ => throw Lost(run),
    };

    /// <inheritdoc />
    protected override async Task<string> DoAsync(RunView run)
    {
        switch (run.At)
        {
            case "free-the-disk":
                return FreeTheDisk(FullDisk(run.Text("look-disk")) ?? throw Lost(run));
            case "set-password":
                // Typed at psql's prompt; the statement is what \password sends.
                await Machine.SuperuserAsync($"alter role shop password '{Machine.Password}'");
                return "the password of the file of variables is the role's again";
            case "repair-by-hand":
                await Machine.Shop.RunAsync("run/postgres", "start", Machine.Server);
                return "the server runs again";
            case "new-server":
                return await NewServerAsync();
            default:
                throw Lost(run);
        }
    }

    private static (string Option, string Why) Cause(RunView run)
    {
        if (FullDisk(run.Text("look-disk")) is { } full) return ("disk-full", $"{full} is full");
        if (run.Says("look-log", "No space left on device")) return ("disk-full", "the log says so");
        if (run.Outcome("look-port") != "pass") return ("stopped", "nothing listens on its port");
        if (run.Says("look-database", "password")) return ("password", "it answers and refuses the password");
        return run.Outcome("look-database") == "fail"
            ? ("data-lost", "it answers, and the database is not there")
            : throw Lost(run);
    }

    // The last column is where it is mounted, the one before how full it is.
    private static string? FullDisk(string disks) => disks.Split('\n')
        .Select(l => Line().Match(l))
        .Where(m => m.Success && int.Parse(m.Groups["use"].Value, CultureInfo.InvariantCulture) >= 95)
        .Select(m => m.Groups["where"].Value)
        .FirstOrDefault();

    // Whatever lies beside the data folder can be made again; nothing in it is touched.
    private static string FreeTheDisk(string mounted)
    {
        var largest = new DirectoryInfo(mounted).GetFiles().MaxBy(f => f.Length)
            ?? throw new InvalidOperationException($"nothing in {mounted} may be removed");
        var said = $"removed {largest.Name}, {largest.Length} bytes";
        largest.Delete();
        return said;
    }

    private async Task<string> NewServerAsync()
    {
        await Machine.Shop.RunAsync("run/postgres", "stop", Machine.Server);
        var aside = Machine.Server + "/data.aside";
        Directory.Move(Machine.Server + "/data", aside);
        await Machine.Shop.ProgramAsync(
            "env", $"SHOP_DB_PORT={Machine.Port}", Machine.Shop.Application + "/run/postgres", "start", Machine.Server);
        await Machine.SuperuserAsync($"alter role shop password '{Machine.Password}'");
        return "the former data folder lies beside the new one";
    }

    [GeneratedRegex(@"\s(?<use>\d+)%\s+(?<where>/\S*)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Line();
}
