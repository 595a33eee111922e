using Reprise.Recovery.Assets;
using Reprise.Repository.Points;

namespace Reprise.Recovery.Checks;

/// <summary>
/// Asks checks. A check that cannot be asked is answered <see cref="Outcome.CouldNotVerify"/>; only cancellation
/// throws.
/// </summary>
public interface ICheckRunner
{
    /// <summary>Asks one check.</summary>
    Task<CheckOutcome> AskAsync(
        CheckDefinition check, CheckSubject subject, Patience patience, CancellationToken cancellationToken);
}

/// <summary>How long a check is tried.</summary>
public enum Patience
{
    /// <summary>Asked once: is it green now?</summary>
    Once,

    /// <summary>Network checks and commands are asked again until they pass or their <c>within</c> is over.</summary>
    UntilWithin,
}

/// <summary>What checks compare with.</summary>
/// <param name="Point">
/// the records of the data that should be there by asset name; empty when no point describes it, and then checks that
/// compare with a point have nothing to ask.
/// </param>
/// <param name="Name">the point, for messages; null when there is none.</param>
public sealed record CheckSubject(IReadOnlyDictionary<string, AssetRecord> Point, PointId? Name)
{
    /// <summary>No point to compare with.</summary>
    public static CheckSubject None { get; } =
        new(new SortedDictionary<string, AssetRecord>(StringComparer.Ordinal), null);

    /// <summary>Everything that <paramref name="manifest"/> says.</summary>
    public static CheckSubject Of(PointManifest manifest) => new(
        new SortedDictionary<string, AssetRecord>(
            manifest.Assets.ToDictionary(a => a.Name), StringComparer.Ordinal), manifest.Id);
}

/// <summary>Answers questions about the data of one asset, read-only.</summary>
public interface ISqlQuestions
{
    /// <summary>
    /// The first column of the first row as text, null when there is no row or it is NULL. Throws a
    /// <see cref="Storage.Errors.RepriseException"/> when it cannot be asked; the check could not be verified then.
    /// </summary>
    Task<string?> AskAsync(string asset, string query, CancellationToken cancellationToken);
}
