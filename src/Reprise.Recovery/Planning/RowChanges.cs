using Reprise.Recovery.Assets;

namespace Reprise.Recovery.Planning;

/// <summary>Live rows against those that come back.</summary>
internal static class RowChanges
{
    /// <summary>Every table whose count differs, the largest difference first.</summary>
    public static IReadOnlyList<RowChange> Between(
        string asset, string kind, TargetState target, IReadOnlyDictionary<string, long> restored)
    {
        var live = target.Presence == Presence.Readable ? target.Rows : new SortedDictionary<string, long>();
        return [.. restored.Keys.Union(live.Keys, StringComparer.Ordinal)
            .Select(table => new RowChange(
                Shown(asset, kind, table),
                live.TryGetValue(table, out var now) ? now : null,
                restored.TryGetValue(table, out var back) ? back : null,
                target.RowsAreEstimates && live.ContainsKey(table)))

            // A negative count is one that nobody knows.
            .Where(change => change.Live != change.Restored && change is not { Live: < 0 } and not { Restored: < 0 })
            .OrderByDescending(change => Math.Abs((change.Live ?? 0) - (change.Restored ?? 0)))
            .ThenBy(change => change.Table, StringComparer.Ordinal)];
    }

    /// <summary>The first few, as one text; null when nothing differs.</summary>
    public static string? Text(IReadOnlyList<RowChange> changes)
    {
        const int most = 3;
        if (changes.Count == 0) return null;
        var shown = changes.Take(most).Select(c => c.ToString()).ToList();
        if (changes.Count > most) shown.Add($"{changes.Count - most} more");
        return Wording.List(shown);
    }

    // The default schema says nothing to a person; "regular" alone would say nothing about which files.
    private static string Shown(string asset, string kind, string table) => kind == AssetKinds.Files
        ? $"{asset} {table}"
        : table.StartsWith("public.", StringComparison.Ordinal) ? table["public.".Length..] : table;
}
