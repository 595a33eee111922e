using Reprise.Storage.Errors;

namespace Reprise.Json;

/// <summary>
/// The one document that a command prints with <c>--json</c>. Fields are only ever added. Sizes are bytes, durations
/// seconds, times RFC 3339 in UTC with milliseconds, words kebab-case; what is not known is null.
/// </summary>
/// <typeparam name="T">what the command did.</typeparam>
internal sealed record Envelope<T>
    where T : class
{
    /// <summary><c>reprise/COMMAND/v1</c>; it names the schema in docs/reference/schemas.</summary>
    public required string Schema { get; init; }

    /// <summary>The version of the program.</summary>
    public required string Reprise { get; init; }

    /// <summary>The application, or null when no configuration was read.</summary>
    public required string? Application { get; init; }

    /// <summary>When the command began.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>How long it took.</summary>
    public required double Seconds { get; init; }

    /// <summary>What <see cref="Exit"/> means, in a word.</summary>
    public required string Outcome { get; init; }

    /// <summary>The exit code of the process.</summary>
    public required int Exit { get; init; }

    /// <summary>Everything that went wrong or needs attention.</summary>
    public required IReadOnlyList<ProblemJson> Problems { get; init; }

    /// <summary>What was done, or null when it came to nothing.</summary>
    public required T? Result { get; init; }
}

/// <summary>One problem.</summary>
internal sealed record ProblemJson
{
    /// <summary>Stable, kebab-case.</summary>
    public required string Code { get; init; }

    /// <summary><c>note</c>, <c>warning</c> or <c>error</c>.</summary>
    public required string Severity { get; init; }

    /// <summary>Which asset, or null.</summary>
    public required string? Asset { get; init; }

    /// <summary>File, line, object or path, or null.</summary>
    public required string? Where { get; init; }

    /// <summary>What is wrong.</summary>
    public required string Message { get; init; }

    /// <summary>What to do next.</summary>
    public required string Hint { get; init; }

    /// <summary>The problem as JSON has it.</summary>
    public static ProblemJson From(Problem problem) => new()
    {
        Code = problem.Code.Name,
        Severity = problem.Severity switch
        {
            Storage.Errors.Severity.Note => "note",
            Storage.Errors.Severity.Warning => "warning",
            Storage.Errors.Severity.Error => "error",
            _ => throw new InvariantException($"severity {problem.Severity}"),
        },
        Asset = problem.Asset,
        Where = problem.Where,
        Message = problem.Message,
        Hint = problem.Hint,
    };
}

/// <summary>The result of a command that has none: <c>reprise/error/v1</c>.</summary>
internal sealed record NothingJson;
