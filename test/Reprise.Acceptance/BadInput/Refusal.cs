using System.Text.Json;
using Reprise.Acceptance.Harness;
using Xunit.Sdk;

namespace Reprise.Acceptance.BadInput;

/// <summary>What every bad input is answered with, whatever it is.</summary>
internal static class Refusal
{
    /// <summary>
    /// The run ended with the documented exit; its JSON names the documented code as an error that says what happened
    /// and what to do; and a person reads the same on standard error, ended by a line <c>next:</c>.
    /// </summary>
    public static JsonElement MustFail(this ProgramRun run, string command, int exit, string code)
    {
        var errors = run.MustExit(exit).Json(command).GetProperty("problems").EnumerateArray()
            .Where(p => p.GetProperty("severity").GetString() == "error").ToList();
        var problem = errors.Find(p => p.GetProperty("code").GetString() == code);
        if (problem.ValueKind == JsonValueKind.Undefined)
            throw new XunitException($"error {code} was expected:\n{run}");
        if (Text(problem, "message").Length == 0 || Text(problem, "hint").Length == 0)
            throw new XunitException($"{code} does not say what happened or what to do:\n{run}");
        // Lines are broken at 80 columns; a code is never broken.
        if (!run.Errors.Contains($"[{code}]", StringComparison.Ordinal)
            || !run.Errors.Contains("\nnext: ", StringComparison.Ordinal))
            throw new XunitException($"a person does not read {code} and what comes next:\n{run}");
        if (run.Errors.Split('\n').Count(l => l.StartsWith("error: ", StringComparison.Ordinal)) != errors.Count)
            throw new XunitException($"each error is said once to a person too:\n{run}");
        return problem;
    }

    /// <summary>Message, place and hint in one.</summary>
    public static string Said(this JsonElement problem) =>
        $"{Text(problem, "where")}: {Text(problem, "message")} {Text(problem, "hint")}";

    private static string Text(JsonElement problem, string name) => problem.GetProperty(name).GetString() ?? "";
}
