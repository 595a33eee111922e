using System.Security.Cryptography;
using System.Text;
using Reprise.Recovery.Assets;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Planning;

/// <summary>
/// Whether a target is the one that may be overwritten. Without user data it may, whoever it is. With data it must have
/// an identity that is known: of the point, or of a recent point of the same application. A host name never counts: the
/// wrong host has the right name often enough.
/// </summary>
public static class TargetIdentity
{
    /// <summary>Characters of an accept code.</summary>
    public const int CodeLength = 8;

    // Names tell where somebody meant to be, not where he is.
    private static readonly string[] NeverCount = ["host", "hostname", "host-name", "nodename"];

    /// <summary>
    /// Null when it may be overwritten; else the refusal, which shows both identities and the accept code.
    /// </summary>
    /// <param name="asset">its name.</param>
    /// <param name="target">what is there.</param>
    /// <param name="known">identities that are accepted, the one of the point first.</param>
    /// <param name="accepted">codes that a person gave.</param>
    public static Problem? Refuse(
        string asset,
        TargetState target,
        IReadOnlyList<IReadOnlyDictionary<string, string>> known,
        IReadOnlyCollection<string> accepted)
    {
        if (target.Presence == Presence.Absent) return null;
        if (target.Presence == Presence.Readable && !target.HasData) return null;
        if (known.Any(k => Same(k, target.Identity))) return null;
        var code = CodeOf(asset, target);
        if (accepted.Contains(code, StringComparer.OrdinalIgnoreCase)) return null;
        var then = known.Count == 0 ? "of nothing known" : Text(known[0]);
        return new Problem(
            RecoveryErrors.TargetIdentity,
            Severity.Error,
            $"{asset}: {target.Where} holds data and is {Text(target.Identity)}, but the point was taken of {then}",
            $"if it may be overwritten, add --accept-target {code}")
        {
            Asset = asset,
            Where = target.Where,
        };
    }

    /// <summary>The characters that accept this target and no other.</summary>
    public static string CodeOf(string asset, TargetState target)
    {
        var text = new StringBuilder(asset).Append('\n').Append(target.Where).Append('\n');
        foreach (var (key, value) in Counting(target.Identity)) text.Append(key).Append('=').Append(value).Append('\n');
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())))[..CodeLength];
    }

    // Every key of either side must agree: a standby has the system identifier of its primary, and another recovery
    // state.
    private static bool Same(IReadOnlyDictionary<string, string> known, IReadOnlyDictionary<string, string> target)
    {
        var expected = Counting(known).ToList();
        return expected.Count > 0 && expected.SequenceEqual(Counting(target));
    }

    private static IEnumerable<KeyValuePair<string, string>> Counting(IReadOnlyDictionary<string, string> identity) =>
        identity
            .Where(i => !NeverCount.Contains(i.Key, StringComparer.OrdinalIgnoreCase))
            .OrderBy(i => i.Key, StringComparer.Ordinal);

    private static string Text(IReadOnlyDictionary<string, string> identity) => identity.Count == 0
        ? "unknown"
        : string.Join(", ", identity.OrderBy(i => i.Key, StringComparer.Ordinal).Select(i => $"{i.Key} {i.Value}"));
}
