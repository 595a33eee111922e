using System.Globalization;
using System.Text;
using Reprise.Repository.Wal;

namespace Reprise.Recovery.Wal;

/// <summary>The history file of a timeline: a line for each earlier one, with the place where it was left.</summary>
internal static class WalHistory
{
    /// <summary>The timeline before, and where it was left; null: the text says nothing of that.</summary>
    public static (uint Timeline, Lsn At)? Before(ReadOnlySpan<byte> history)
    {
        // Timeline, place of the switch and reason, with tabs between; the last line is of the nearest.
        var last = Encoding.UTF8.GetString(history).Split('\n')
            .Select(l => l.Split('\t', StringSplitOptions.TrimEntries))
            .LastOrDefault(l => l.Length >= 2 && uint.TryParse(l[0], NumberStyles.None, CultureInfo.InvariantCulture, out _));
        return last is not null && Lsn.TryParse(last[1], out var at)
            ? (uint.Parse(last[0], CultureInfo.InvariantCulture), at)
            : null;
    }
}
