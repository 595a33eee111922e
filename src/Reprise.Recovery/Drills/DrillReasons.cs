using System.Text.RegularExpressions;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Drills;

/// <summary>
/// Why an asset could not be brought back, as a stable word. What PostgreSQL's programs say is not translated: they run
/// with the locale C.
/// </summary>
internal static partial class DrillReasons
{
    public static string Of(Problem problem) => problem switch
    {
        _ when problem.Code != RecoveryErrors.ChildFailed && problem.Code != RecoveryErrors.SqlFailed => problem.Code.Name,
        _ when RoleMissing().IsMatch(problem.Message) => "role-missing",
        _ when ExtensionMissing().IsMatch(problem.Message) => RecoveryErrors.ExtensionMissing.Name,
        _ => problem.Code.Name,
    };

    /// <summary>Whether it says something of this machine, and nothing of the point.</summary>
    public static bool IsOfMachine(Problem problem) =>
        problem.Code == StorageErrors.DiskFull
        || problem.Code == StorageErrors.FileDenied
        || problem.Code == RecoveryErrors.ClientMissing
        || problem.Code == RecoveryErrors.ClientTooOld
        || problem.Code == DrillErrors.SandboxImpossible;

    [GeneratedRegex("role \".+\" does not exist", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex RoleMissing();

    [GeneratedRegex("extension \".+\" (is not available|does not exist)", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ExtensionMissing();
}
