using System.Globalization;
using System.Text.Json;

namespace Reprise.Tests.House;

/// <summary>What was promised to be measured was measured, and kept within its bound.</summary>
public sealed class ProofTests
{
    private const string Folder = "docs/proof/";

    [Fact]
    public void Every_named_proof_is_there_and_within_its_bound()
    {
        var rows = Rows().ToList();
        Assert.True(rows.Count >= 14, $"{rows.Count} proofs are named");
        Assert.All(rows, row => Assert.Null(Breach(row, Read(row.File))));
    }

    [Fact]
    public void A_proof_past_its_bound_without_command_or_missing_is_noticed()
    {
        var row = new ProofRow("some.json", 1.1, "backup.ratio.median");
        Assert.NotNull(Breach(row, null));
        Assert.NotNull(Breach(row, """{ "commit": "a", "backup": { "ratio": { "median": 1 } } }"""));
        Assert.NotNull(Breach(row, """{ "command": "c", "commit": "a", "backup": { "ratio": { "median": 1.2 } } }"""));
        Assert.NotNull(Breach(row, """{ "command": "c", "commit": "a", "backup": { "ratio": {} } }"""));
        Assert.Null(Breach(row, """{ "command": "c", "commit": "a", "backup": { "ratio": { "median": 1.1 } } }"""));
    }

    [Fact]
    public void Every_runbook_for_an_incident_led_to_health_from_at_least_two_causes_with_a_proof_that_was_red()
    {
        using var document = JsonDocument.Parse(Read("runbook-causes.json") ?? "{}");
        var healthy = document.RootElement.GetProperty("causes").EnumerateArray()
            .Where(c => c.GetProperty("outcome").GetString() == "healthy" && c.GetProperty("redThenGreen").GetArrayLength() > 0)
            .GroupBy(c => c.GetProperty("runbook").GetString() ?? "", c => c.GetProperty("cause").GetString())
            .ToDictionary(g => g.Key, g => g.Distinct().Count());
        var runbooks = Directory.GetFiles(Path.Combine(Clone.Root, "runbooks"), "*.runbook.md")
            .Select(f => Path.GetFileName(f).Split('.')[0])
            .Where(name => name != "after-incident")
            .Order(StringComparer.Ordinal)
            .ToList();
        Assert.Equal(6, runbooks.Count);
        Assert.All(runbooks, r => Assert.True(healthy.GetValueOrDefault(r) >= 2, $"{r}: {healthy.GetValueOrDefault(r)} causes"));
    }

    [Fact]
    public void Every_shipped_runbook_was_killed_at_each_of_its_steps_and_no_effect_was_there_twice()
    {
        using var document = JsonDocument.Parse(Read("runbook-kills.json") ?? "{}");
        var killed = document.RootElement.GetProperty("shipped").GetProperty("runbooks").EnumerateArray()
            .ToDictionary(r => r.GetProperty("runbook").GetString() ?? "");
        var runbooks = Directory.GetFiles(Path.Combine(Clone.Root, "runbooks"), "*.runbook.md")
            .Select(f => Path.GetFileName(f).Split('.')[0])
            .ToList();
        Assert.Equal(7, runbooks.Count);
        Assert.All(runbooks, name =>
        {
            var proof = killed[name];
            var steps = File.ReadLines(Path.Combine(Clone.Root, "runbooks", name + ".runbook.md"))
                .Where(l => l.StartsWith("```", StringComparison.Ordinal) && l.Contains(' ', StringComparison.Ordinal))
                .Select(l => l.Split(' ')[1])
                .ToList();
            Assert.Equal(proof.GetProperty("steps").GetInt32(), steps.Count);
            var struck = proof.GetProperty("struck");
            Assert.All(steps, step => Assert.All(struck.GetProperty(step).EnumerateArray(), times => Assert.True(times.GetInt32() >= 1, step)));
            Assert.Equal(0, proof.GetProperty("stepsWithoutKill").GetInt32());
            Assert.Equal(0, proof.GetProperty("twice").GetInt32());
            Assert.True(proof.GetProperty("resumed").GetInt32() >= proof.GetProperty("steps").GetInt32(), $"{name} was hardly gone on with");
        });
    }

    [Fact]
    public void At_least_twelve_protections_were_taken_out_and_each_was_missed_by_a_test()
    {
        using var document = JsonDocument.Parse(Read("mutations.json") ?? "{}");
        var each = document.RootElement.GetProperty("each").EnumerateArray().ToList();
        Assert.True(each.Count >= 12, $"{each.Count} mutations");
        Assert.All(each, m => Assert.Equal("red", m.GetProperty("outcome").GetString()));
        var script = File.ReadAllText(Path.Combine(Clone.Root, "test/tools/mutate"));
        Assert.All(each, m => Assert.Contains($"mutation {m.GetProperty("name").GetString()} ", script, StringComparison.Ordinal));
    }

    // | `file` | what | bound | `figure` |
    private static IEnumerable<ProofRow> Rows() =>
        from line in File.ReadLines(Path.Combine(Clone.Root, Folder, "README.md"))
        where line.StartsWith("| `", StringComparison.Ordinal)
        let cells = line.Trim('|').Split('|', StringSplitOptions.TrimEntries)
        select new ProofRow(
            cells[0].Trim('`'), double.Parse(cells[2], CultureInfo.InvariantCulture), cells[3].Trim('`'));

    private static string? Read(string file)
    {
        var path = Path.Combine(Clone.Root, Folder, file);
        return File.Exists(path) ? File.ReadAllText(path) : null;
    }

    private static string? Breach(ProofRow row, string? text)
    {
        if (text is null) return $"{Folder}{row.File} is missing";
        using var document = JsonDocument.Parse(text);
        foreach (var needed in (string[])["command", "commit"])
        {
            if (!document.RootElement.TryGetProperty(needed, out _)) return $"{row.File} does not say its {needed}";
        }

        var found = document.RootElement;
        foreach (var name in row.Figure.Split('.'))
        {
            if (!found.TryGetProperty(name, out found)) return $"{row.File} has no {row.Figure}";
        }

        return found.GetDouble() <= row.Bound ? null : $"{row.Figure} of {row.File} is {found}, more than {row.Bound}";
    }

    private sealed record ProofRow(string File, double Bound, string Figure);
}
