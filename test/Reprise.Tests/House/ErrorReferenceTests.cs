using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using Reprise.Storage.Errors;

namespace Reprise.Tests.House;

/// <summary>Every code that the program can answer with is documented, in docs/reference/errors.md.</summary>
public partial class ErrorReferenceTests
{
    // What each exit code tells the operator, in the words of the contract.
    private static readonly (int Exit, string Meaning)[] Exits =
    [
        (ExitCodes.Done, "what was asked was done; this is a note or a warning"),
        (ExitCodes.Bug, "our bug"),
        (ExitCodes.Usage, "usage or configuration"),
        (ExitCodes.Refused, "refused, nothing was changed"),
        (ExitCodes.Unavailable, "unavailable, nothing was committed"),
        (ExitCodes.Damaged, "damaged or forged data"),
        (ExitCodes.CheckFailed, "a check, drill or objective failed, or a restore was rolled back"),
        (ExitCodes.Incomplete, "finished, but something is missing, and named"),
        (ExitCodes.Interrupted, "interrupted; the state is as before"),
    ];

    [Fact]
    [Trait("kind", "reference")]
    public void The_reference_of_codes_is_generated_from_the_catalogues()
    {
        ReferenceFile.MustBe("docs/reference/errors.md", Page([.. Catalogued()]));
    }

    [Fact]
    public void Codes_are_unique_kebab_case_explained_and_have_an_exit_of_the_contract()
    {
        var codes = Catalogued().ToList();
        Assert.True(codes.Count > 20, "the catalogues were not found");
        Assert.Equal(codes.Count, codes.DistinctBy(c => c.Name).Count());
        Assert.All(codes, c => Assert.Empty(Faults(c)));
    }

    [Fact]
    public void Codes_are_made_in_catalogues_only()
    {
        var elsewhere = Clone.Sources
            .Where(
                f => f.Path.StartsWith("src/", StringComparison.Ordinal)
                    && !f.Path.EndsWith("Errors.cs", StringComparison.Ordinal))
            .Where(f => NewCode().IsMatch(SourceText.CodeOf(f.Text)))
            .Select(f => f.Path);
        Assert.Equal(TidyException.All.Where(e => e.Rule == "code").Select(e => e.Path).Order(), elsewhere.Order());
    }

    [Fact]
    public void A_bad_code_is_found()
    {
        Assert.Empty(Faults(new ErrorCode("disk-full", 4, "no room is left on the disk")));
        Assert.Single(Faults(new ErrorCode("DiskFull", 4, "no room is left on the disk")));
        Assert.Single(Faults(new ErrorCode("disk-full", 9, "no room is left on the disk")));
        Assert.Single(Faults(new ErrorCode("disk-full", 4, "full")));
        Assert.Single(Faults(new ErrorCode("disk-full", 4, "no room is left on the disk.")));
        Assert.Contains(
            "| `disk-full` | 4 |", Page([new ErrorCode("disk-full", 4, "no room is left")]), StringComparison.Ordinal);
    }

    private static IEnumerable<string> Faults(ErrorCode code)
    {
        if (!Kebab().IsMatch(code.Name)) yield return $"{code.Name} is not kebab-case";
        if (Exits.All(e => e.Exit != code.Exit))
            yield return $"{code.Name} has exit {code.Exit}, which the contract does not have";
        if (code.Meaning.Length < 12) yield return $"{code.Name} is not explained";
        if (code.Meaning.EndsWith('.')) yield return $"the meaning of {code.Name} ends with a full stop";
    }

    private static IEnumerable<ErrorCode> Catalogued()
    {
        string[] assemblies = ["Reprise.Storage", "Reprise.Repository", "Reprise.Recovery", "reprise"];
        return assemblies
            .SelectMany(a => Assembly.Load(a).GetTypes())
            .SelectMany(t => t.GetFields(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static))
            .Where(f => f.FieldType == typeof(ErrorCode))
            .Select(f => (ErrorCode)f.GetValue(null)!); // a static field needs no instance
    }

    private static string Page(IReadOnlyList<ErrorCode> codes)
    {
        var page = new StringBuilder()
            .Append("# Codes\n\n")
            .Append(
                "Every problem has a stable `code`; with `--json` it stands in `problems[]`. Codes are added, "
                    + "never renamed.\n")
            .Append(
                "When several hold, the exit is the worst, in this order: 1, 5, 7, 6. This page is generated "
                    + "from the code.\n");
        foreach (var (exit, meaning) in Exits)
        {
            var rows = codes.Where(c => c.Exit == exit).OrderBy(c => c.Name, StringComparer.Ordinal).ToList();
            if (rows.Count == 0) continue;
            page.Append(
                CultureInfo.InvariantCulture,
                $"\n## Exit {exit}: {meaning}\n\n| code | exit | when |\n|---|---|---|\n");
            foreach (var c in rows)
                page.Append(CultureInfo.InvariantCulture, $"| `{c.Name}` | {c.Exit} | {c.Meaning} |\n");
        }

        return page.ToString();
    }

    [GeneratedRegex("^[a-z]+(-[a-z0-9]+)*$", RegexOptions.ExplicitCapture, 30_000)]
    private static partial Regex Kebab();

    [GeneratedRegex(@"\bnew\s+ErrorCode\b", RegexOptions.ExplicitCapture, 30_000)]
    private static partial Regex NewCode();
}
