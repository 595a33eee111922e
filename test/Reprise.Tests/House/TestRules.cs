using System.Text.RegularExpressions;

namespace Reprise.Tests.House;

/// <summary>The rules about tests: each asserts something, and none is switched off.</summary>
internal static partial class TestRules
{
    /// <summary>
    /// Tests that neither assert nor call, at any distance, a method of the tests that does. A property of CsCheck
    /// asserts through <c>Sample</c>.
    /// </summary>
    public static IEnumerable<Finding> WithoutAssertion(IReadOnlyList<CommittedFile> files)
    {
        var members = files
            .SelectMany(f => SourceMembers.Of(SourceText.CodeOf(f.Text)).Select(m => (f.Path, Member: m)))
            .Where(m => m.Member.Name.Length > 0)
            .Select(m => (m.Path, m.Member, Asserts: Asserts().IsMatch(m.Member.Body), Calls: Calls(m.Member).ToHashSet()))
            .ToList();
        var asserting = members.Where(m => m.Asserts).Select(m => m.Member.Name).ToHashSet(StringComparer.Ordinal);
        for (var before = -1; before != asserting.Count;)
        {
            before = asserting.Count;
            asserting.UnionWith(members.Where(m => m.Calls.Overlaps(asserting)).Select(m => m.Member.Name));
        }

        return members
            .Where(m => IsTest().IsMatch(m.Member.Body) && !m.Asserts && !m.Calls.Overlaps(asserting))
            .Select(m => new Finding("assertion", m.Path, m.Member.Line, $"{m.Member.Name} asserts nothing"));
    }

    /// <summary>Tests that are switched off.</summary>
    public static IEnumerable<Finding> SwitchedOff(CommittedFile file)
    {
        var code = SourceText.CodeOf(file.Text);
        foreach (var match in Skip().Matches(code).Cast<Match>())
        {
            yield return new("skip", file.Path, SourceText.LineAt(code, match.Index), "a test is switched off");
        }
    }

    // The names that are called in a body, its own excepted.
    private static IEnumerable<string> Calls(SourceMember member) => Call().Matches(member.Body)
        .Select(m => m.Groups["name"].Value)
        .Where(name => name != member.Name);

    [GeneratedRegex(
        @"\bAssert\s*\.\s*(?!Skip)|\bXunitException\b|\.Sample(Async)?\s*\(", RegexOptions.ExplicitCapture, 30_000)]
    private static partial Regex Asserts();

    [GeneratedRegex(@"^\s*\[\s*(Fact|Theory)\b", RegexOptions.ExplicitCapture, 30_000)]
    private static partial Regex IsTest();

    [GeneratedRegex(@"\[\s*(Fact|Theory)\s*\([^)]*\bSkip\s*=", RegexOptions.ExplicitCapture, 30_000)]
    private static partial Regex Skip();

    [GeneratedRegex(
        @"\b(?<name>[A-Z]\w*)\s*(<[^()<>]*>)?\s*\(|\b(?<name>[A-Z]\w*)\s*[,)]", RegexOptions.ExplicitCapture, 30_000)]
    private static partial Regex Call();
}
