using System.Text.Json;
using Xunit.Sdk;

namespace Reprise.Acceptance.Harness;

/// <summary>How the published program ended.</summary>
/// <param name="Command">what was run, for messages.</param>
/// <param name="Exit">its exit code; 128 + n when signal n ended it.</param>
/// <param name="Output">its standard output.</param>
/// <param name="Errors">its standard error.</param>
/// <param name="Elapsed">from start to end.</param>
public sealed record ProgramRun(string Command, int Exit, string Output, string Errors, TimeSpan Elapsed)
{
    /// <summary>Everything that a person needs to understand a failure.</summary>
    public override string ToString() =>
        $"{Command}\nexit {Exit} after {Elapsed.TotalSeconds:0.00} s\n"
            + $"--- standard output\n{Output}\n--- standard error\n{Errors}";

    /// <summary>Fails with everything that was printed unless the exit code is <paramref name="exit"/>.</summary>
    public ProgramRun MustExit(int exit)
    {
        if (Exit != exit) throw new XunitException($"exit {exit} was expected:\n{this}");
        return this;
    }

    /// <summary>
    /// The JSON that <c>--json</c> promises: standard output is exactly one document, its envelope is that of
    /// <paramref name="command"/>, its exit is the exit of the process, and the committed schema accepts it.
    /// </summary>
    /// <param name="command">the command as its schema names it: <c>backup</c>, <c>points-show</c>,
    /// <c>error</c>.</param>
    public JsonElement Json(string command)
    {
        var envelope = Parse();
        var schema = $"reprise/{command}/v1";
        if (envelope.GetProperty("schema").GetString() != schema)
            throw new XunitException($"schema {schema} was expected:\n{this}");
        if (envelope.GetProperty("exit").GetInt32() != Exit)
            throw new XunitException($"the JSON names another exit:\n{this}");
        var faults = JsonSchema.OfCommand(command).Faults(envelope);
        if (faults.Count > 0) throw new XunitException($"{string.Join('\n', faults)}\nin\n{this}");
        return envelope;
    }

    /// <summary>Just the <c>result</c> of <see cref="Json"/>.</summary>
    public JsonElement Result(string command) => Json(command).GetProperty("result");

    /// <summary>The codes of all problems, in order.</summary>
    public IReadOnlyList<string> ProblemCodes() =>
        [.. Parse().GetProperty("problems").EnumerateArray().Select(p => p.GetProperty("code").GetString() ?? "")];

    private JsonElement Parse()
    {
        try
        {
            using var document = JsonDocument.Parse(Output);
            return document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw new XunitException($"standard output is not one JSON document ({e.Message}):\n{this}", e);
        }
    }
}
