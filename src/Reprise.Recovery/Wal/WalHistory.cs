using System.Globalization;
using System.Text;
using Reprise.Repository.Wal;

namespace Reprise.Recovery.Wal;

/// <summary>The history file of a timeline: a line for each earlier one, with the place where it was left.</summary>
internal static class WalHistory
{
    /// <summary>The timeline before, and where it was left; null: the text says nothing of that.</summary>
    public static (uint Timeline, Lsn At)? Before(ReadOnlySpan<byte> history) => All(history) is [.., var last] ? last : null;

    /// <summary>Every earlier timeline and where it was left, the oldest first.</summary>
    public static IReadOnlyList<(uint Timeline, Lsn At)> All(ReadOnlySpan<byte> history)
    {
        // Timeline, place of the switch and reason, with tabs between; the last line is of the nearest.
        var all = new List<(uint Timeline, Lsn At)>();
        foreach (var line in Encoding.UTF8.GetString(history).Split('\n'))
        {
            if (line.Split('\t', StringSplitOptions.TrimEntries) is [var number, var place, ..]
                && uint.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var timeline)
                && Lsn.TryParse(place, out var at)) all.Add((timeline, at));
        }

        return all;
    }
}
