using Reprise.Storage.Disk;

namespace Reprise.Recovery.Secrets;

/// <summary>The values that secrets have now, so that they can be kept out of everything that is written down.</summary>
public static class CurrentSecrets
{
    /// <summary>The values that are set, in no order that tells their names.</summary>
    public static IReadOnlyList<string> Values(
        IDisk disk, Func<string, string?> environment, SecretSource source, IEnumerable<string> names) =>
        [.. new SecretReader(disk, environment).Read(source, names).Values.OfType<string>().Order(StringComparer.Ordinal)];
}
