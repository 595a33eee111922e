namespace Reprise.Recovery.Processes;

/// <summary>A program to start: an argument list, never a shell string.</summary>
/// <param name="Arguments">the program and its arguments; at least one.</param>
public sealed record ChildCommand(IReadOnlyList<string> Arguments)
{
    /// <summary>Variables set in addition to ours (null removes one). Secrets go here, never into arguments.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();

    /// <summary>Where it runs, or null: where we run.</summary>
    public string? Folder { get; init; }

    /// <summary>How long it may take before it is killed with all its children, or null: no limit.</summary>
    public TimeSpan? Within { get; init; }

    /// <summary>The program's name, for messages.</summary>
    public string Program => Path.GetFileName(Arguments[0]);

    /// <summary>
    /// The whole command as one line for people, quoted where needed. Holds no secrets by construction.
    /// </summary>
    public override string ToString() => string.Join(' ', Arguments.Select(Quote));

    private static string Quote(string argument) =>
        argument.Length > 0 && argument.All(
            c => char.IsAsciiLetterOrDigit(c) || "-_./:=,@%+".Contains(c, StringComparison.Ordinal))
            ? argument
            : "'" + argument.Replace("'", "'\\''", StringComparison.Ordinal) + "'";
}

/// <summary>How a program ended.</summary>
/// <param name="Exit">its exit code; 128 + n when signal n ended it; -1 when it was killed for its time limit.</param>
/// <param name="Output">the first <see cref="ChildProcesses.MaxCaptureBytes"/> of its standard output as text; empty
/// when it was streamed.</param>
/// <param name="Errors">the last <see cref="ChildProcesses.MaxCaptureBytes"/> of its standard error as text.</param>
/// <param name="Elapsed">from start to end.</param>
public sealed record ChildResult(int Exit, string Output, string Errors, TimeSpan Elapsed)
{
    /// <summary>The last line of standard error that says something, for messages.</summary>
    public string LastError =>
        Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        .LastOrDefault("it said nothing");
}
