namespace Reprise.Storage.Errors;

/// <summary>How much a problem weighs on the outcome.</summary>
public enum Severity
{
    /// <summary>Worth knowing; changes nothing.</summary>
    Note,

    /// <summary>Somebody should act; the operation still did what was asked.</summary>
    Warning,

    /// <summary>The operation did not do what was asked.</summary>
    Error,
}

/// <summary>One thing that went wrong or needs attention, told as what, where and what to do next.</summary>
/// <param name="Code">the stable code.</param>
/// <param name="Severity">its weight.</param>
/// <param name="Message">lower case, with the name and the number, without a full stop.</param>
/// <param name="Hint">what to do next; printed after <c>next:</c>.</param>
public sealed record Problem(ErrorCode Code, Severity Severity, string Message, string Hint)
{
    /// <summary>The asset concerned, or null.</summary>
    public string? Asset { get; init; }

    /// <summary>File, line, object or path, or null.</summary>
    public string? Where { get; init; }
}

/// <summary>
/// The only exception that our code raises on purpose. Whatever else reaches the command is our bug (exit 1),
/// except cancellation (exit 130).
/// </summary>
public class RepriseException : Exception
{
    /// <summary>Raises <paramref name="problem"/>; <paramref name="inner"/> is kept for the bug report only.</summary>
    public RepriseException(Problem problem, Exception? inner = null)
        : base(problem.Message, inner)
    {
        Problem = problem;
    }

    /// <summary>Raises an error with this code, message and next step.</summary>
    public RepriseException(ErrorCode code, string message, string hint, Exception? inner = null)
        : this(new Problem(code, Severity.Error, message, hint), inner)
    {
    }

    /// <summary>What is told to the user.</summary>
    public Problem Problem { get; }

    /// <summary>Shorthand for the code of <see cref="Problem"/>.</summary>
    public ErrorCode Code => Problem.Code;
}

/// <summary>A condition that our own code must keep; its failure is our bug (exit 1), in release builds too.</summary>
public sealed class InvariantException(string message) : Exception(message);

/// <summary>Conditions checked before writing and after reading, in release builds too.</summary>
public static class Invariant
{
    /// <summary>Throws <see cref="InvariantException"/> unless <paramref name="holds"/>.</summary>
    public static void Check(bool holds, string what)
    {
        if (!holds) throw new InvariantException(what);
    }
}
