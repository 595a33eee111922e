namespace Reprise.Tests.House;

/// <summary>
/// The rules held against the repository. Exceptions stand in docs/tidy-exceptions.txt, each with its reason.
/// </summary>
public class TidyTests
{
    // Written in parts, so that this file names none of them.
    private static readonly string[] ForbiddenPaths =
    [
        "/wo" + "rk/", "../sha" + "red", "nuget" + ".org", "npmjs" + ".org", "pypi" + ".org", "deb.deb" + "ian.org",
        "/ro" + "ot/", "/tmp/bash" + "_jobs",
    ];

    private static readonly Lazy<List<Finding>> AllFindings = new(() => [.. Findings()]);

    [Fact]
    public void The_repository_keeps_the_rules()
    {
        var findings = AllFindings.Value;
        var open = findings.Where(f => !TidyException.All.Any(e => e.Covers(f))).ToList();
        Assert.True(open.Count == 0, $"{open.Count} breaches:\n{string.Join('\n', open)}");
    }

    [Fact]
    public void Every_exception_is_still_needed_and_says_why()
    {
        var findings = AllFindings.Value;
        foreach (var exception in TidyException.All)
        {
            Assert.True(exception.Reason.Length >= 15, $"{exception} gives no reason");
            // Circles are judged with the arrows, codes with the catalogues.
            Assert.True(
                exception.Rule is "circle" or "code" || findings.Any(exception.Covers), $"{exception} is not needed any more");
        }
    }

    [Fact]
    public void Each_lifted_ban_is_counted()
    {
        // One place in a file may lift bans; a second one means that the first reason does not cover it.
        var lifted = AllFindings.Value.Where(f => f.Rule == "ban-lifted").CountBy(f => f.Path).ToDictionary();
        var listed = TidyException.All.Where(e => e.Rule == "ban-lifted").Select(e => e.Path);
        Assert.Equal(listed.Order(), lifted.Keys.Order());
        Assert.All(lifted, l => Assert.Equal(1, l.Value));
    }

    [Fact]
    public void CONTRIBUTING_fits_on_a_screen_or_two()
    {
        Assert.InRange(Clone.Get("CONTRIBUTING.md").Lines.Length - 1, 10, 60);
    }

    private static IEnumerable<Finding> Findings()
    {
        var byPath = Clone.Files.ToDictionary(f => f.Path, StringComparer.Ordinal);
        foreach (var file in Clone.Files)
        {
            foreach (var finding in TidyRules.Lengths(file)
                .Concat(TidyRules.Leftovers(file))
                .Concat(TidyRules.Names(file))
                .Concat(TidyRules.Pragmas(file))
                .Concat(TidyRules.Titles(file))
                .Concat(TidyRules.Links(file, Exists, path => byPath.GetValueOrDefault(path)?.Text))
                .Concat(TidyRules.PathsOfThisMachine(file, ForbiddenPaths))
                .Concat(TidyRules.Interop(file))
                .Concat(TidyRules.Summaries(file)))
            {
                yield return finding;
            }
        }

        var tests = Clone.Sources.Where(f => f.Path.StartsWith("test/", StringComparison.Ordinal)).ToList();
        foreach (var finding in TestRules.WithoutAssertion(tests).Concat(tests.SelectMany(TestRules.SwitchedOff)))
            yield return finding;
    }

    private static bool Exists(string path) => Path.Exists(Path.Combine(Clone.Root, path));
}

/// <summary>A line of docs/tidy-exceptions.txt: rule, path (a star at its end means all files below), reason.</summary>
internal sealed record TidyException(string Rule, string Path, string Reason)
{
    public static IReadOnlyList<TidyException> All { get; } =
        [.. Clone.Get("docs/tidy-exceptions.txt").Lines.Where(l => l.Length > 0 && !l.StartsWith('#')).Select(Parse)];

    public static TidyException Parse(string line)
    {
        var parts = line.Split(' ', 3, StringSplitOptions.RemoveEmptyEntries);
        return parts.Length == 3
            ? new(parts[0], parts[1], parts[2])
            : throw new FormatException($"'{line}' is not: rule, path, reason");
    }

    public bool Covers(Finding finding) => finding.Rule == Rule
        && (Path.EndsWith('*') ? finding.Path.StartsWith(Path[..^1], StringComparison.Ordinal) : finding.Path == Path);
}
