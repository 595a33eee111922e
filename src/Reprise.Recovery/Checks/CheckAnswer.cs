using Reprise.Recovery.Assets;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Checks;

/// <summary>The answer to one attempt, before name, level and time are put to it.</summary>
internal sealed record CheckAnswer(Outcome Outcome, string? Expected, string? Actual, string? Reason)
{
    /// <summary>Longer answers are cut: an outcome is a line, not a document.</summary>
    public const int MaxShown = 200;

    public static CheckAnswer Pass(string expected, string actual) => new(Outcome.Pass, expected, Cut(actual), null);

    public static CheckAnswer Fail(string expected, string actual, string reason) =>
        new(Outcome.Fail, expected, Cut(actual), reason);

    public static CheckAnswer CouldNotVerify(string expected, string why, string reason) =>
        new(Outcome.CouldNotVerify, expected, Cut(why), reason);

    public static CheckAnswer CouldNotVerify(string expected, Problem problem) =>
        CouldNotVerify(expected, problem.Message, problem.Code.Name);

    public static CheckAnswer NotApplicable(string why) => new(Outcome.NotApplicable, null, why, "nothing-to-compare");

    /// <summary>Pass when the expectation accepts it.</summary>
    public static CheckAnswer Judge(Expectation expectation, string? actual) => expectation.Accepts(actual)
        ? Pass(expectation.ToString(), Show(actual))
        : Fail(expectation.ToString(), Show(actual), "another-answer");

    private static string Show(string? actual) => actual switch
    {
        null => "no row, or NULL",
        "" => "an empty text",
        _ => actual,
    };

    private static string Cut(string text)
    {
        var line = text.ReplaceLineEndings(" ");
        return line.Length <= MaxShown ? line : line[..MaxShown] + "…";
    }
}
