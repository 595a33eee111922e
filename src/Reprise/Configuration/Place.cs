using Reprise.Storage.Errors;

namespace Reprise.Configuration;

/// <summary>A place in a file that a person wrote; lines and columns start at 1.</summary>
/// <param name="File">the path as it was given.</param>
/// <param name="Line">its line.</param>
/// <param name="Column">its column, in characters.</param>
internal sealed record Place(string File, long Line, long Column)
{
    /// <summary><c>reprise.yaml:12:5</c>, which editors and terminals follow.</summary>
    public override string ToString() => $"{File}:{Line}:{Column}";

    /// <summary>An error at this place.</summary>
    public RepriseException Error(ErrorCode code, string message, string hint) =>
        new(new Problem(code, Severity.Error, message, hint) { Where = ToString() });
}
