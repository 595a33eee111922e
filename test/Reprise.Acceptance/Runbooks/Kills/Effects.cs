using System.Text.Json;
using Reprise.Acceptance.Runbooks.Causes;

namespace Reprise.Acceptance.Runbooks.Kills;

/// <summary>
/// What acts really did to the shop, counted outside of the program. Programs of <c>control</c> are started through a
/// counter, which sees what they changed and for which step; restores and undos that were kept to their end are counted in
/// the state folder, points in the repository.
/// </summary>
/// <param name="machine">where the runbook is followed.</param>
internal sealed class Effects(Machine machine)
{
    // It writes down what happened before it says so: whoever started it may be gone, and nobody reads what it says.
    // A start of the server counts when its log says once more that it is ready, a stop when it says that it is shut down (a
    // start that fails says that too); the backend says itself what it did.
    private const string Counter = """
        #!/bin/sh
        here=$(dirname "$0")
        case "$2" in start) sign='ready to accept connections' ;; *) sign='database system is shut down' ;; esac
        seen() { [ -n "$3" ] && grep -c "$sign" "$3/log" 2>/dev/null || echo 0; }
        before=$(seen "$@")
        said=$("$@" 2>&1); code=$?
        did=0
        case "$said" in *"backend: running on"*|*"backend: stopped"*) did=1 ;; esac
        [ "$before" = "$(seen "$@")" ] || did=1
        printf '%s %s %s\n' "${REPRISE_RUNBOOK_STEP:--}" "$2" "$did" >> "$here/effects"
        printf '%s\n' "$said"
        exit $code
        """;

    private string File => machine.Shop.Path("effects");

    /// <summary>Counts from here on: the programs of the configuration are started through the counter.</summary>
    public static async Task<Effects> BeginAsync(Machine machine)
    {
        var counter = machine.Shop.Path("count");
        await System.IO.File.WriteAllTextAsync(counter, Counter);
        System.IO.File.SetUnixFileMode(counter, (UnixFileMode)0b111_101_101);
        var configuration = machine.Shop.Application + "/reprise.yaml";
        if (System.IO.File.Exists(configuration))
        {
            var text = await System.IO.File.ReadAllTextAsync(configuration);
            foreach (var program in (string[])["run/backend, stop", "run/backend, start", "run/postgres, stop", "run/postgres, start"])
                text = text.Replace($"[{program}", $"[{counter}, {program}", StringComparison.Ordinal);
            Assert.Contains(counter, text, StringComparison.Ordinal);
            await System.IO.File.WriteAllTextAsync(configuration, text);
        }

        return new Effects(machine);
    }

    /// <summary>
    /// Starts and stops by step, as often as each changed something. What a restore starts itself is none of a step.
    /// </summary>
    public Dictionary<string, int> Controls() => !System.IO.File.Exists(File)
        ? []
        : System.IO.File.ReadAllLines(File).Select(l => l.Split(' '))
            .Where(w => w is [not "-", _, "1"])
            .CountBy(w => w[0].Split('/')[^1])
            .ToDictionary();

    /// <summary>Restores that were kept.</summary>
    public int Restores() => Operations().Count(o => o is ("restore", "kept"));

    /// <summary>Undos that were kept.</summary>
    public int Undos() => Operations().Count(o => o is ("undo", "kept"));

    /// <summary>Operations that nobody finished.</summary>
    public int Open() => Operations().Count(o => o.State is not ("kept" or "rolled-back" or "rolledback" or "abandoned"));

    private IEnumerable<(string Kind, string State)> Operations()
    {
        var folder = machine.Surroundings.Variables["REPRISE_STATE"] + "/restores";
        if (!Directory.Exists(folder)) yield break;
        foreach (var file in Directory.GetFiles(folder, "*.json"))
        {
            using var json = JsonDocument.Parse(System.IO.File.ReadAllText(file));
            yield return (
                (json.RootElement.GetProperty("kind").GetString() ?? "").ToLowerInvariant(),
                (json.RootElement.GetProperty("state").GetString() ?? "").ToLowerInvariant());
        }
    }
}
