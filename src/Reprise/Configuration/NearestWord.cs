namespace Reprise.Configuration;

/// <summary>Finds the word that somebody most likely meant.</summary>
internal static class NearestWord
{
    /// <summary>
    /// The known word nearest to <paramref name="typed"/>, or null when none is near: at most a third of the letters
    /// may differ (but two always may), a swap of neighbours being one difference. The beginning of a word also counts, and of
    /// words that are equally near it decides: few people mistype the first letter.
    /// </summary>
    public static string? Find(string typed, IEnumerable<string> known)
    {
        string? best = null;
        var bestDistance = int.MaxValue;
        foreach (var word in known)
        {
            var distance = word.StartsWith(typed, StringComparison.OrdinalIgnoreCase) && typed.Length >= 2
                ? 1
                : Distance(typed, word);
            if (distance > bestDistance || (distance == bestDistance && Common(word, typed) <= Common(best ?? "", typed))) continue;
            best = word;
            bestDistance = distance;
        }

        return best is not null && bestDistance < best.Length && bestDistance <= Math.Max(2, best.Length / 3)
            ? best
            : null;
    }

    /// <summary>
    /// How many letters must be added, dropped, changed or swapped with a neighbour; case does not count.
    /// </summary>
    internal static int Distance(string one, string other)
    {
        // Restricted Damerau-Levenshtein over three rows; both words are short, a key or an option.
        var before = new int[other.Length + 1];
        var above = new int[other.Length + 1];
        var row = new int[other.Length + 1];
        for (var column = 0; column <= other.Length; column++) above[column] = column;
        for (var line = 1; line <= one.Length; line++)
        {
            row[0] = line;
            for (var column = 1; column <= other.Length; column++)
            {
                var cost = Same(one[line - 1], other[column - 1]) ? 0 : 1;
                row[column] = Math.Min(Math.Min(row[column - 1], above[column]) + 1, above[column - 1] + cost);
                if (line > 1 && column > 1
                    && Same(one[line - 1], other[column - 2]) && Same(one[line - 2], other[column - 1]))
                {
                    row[column] = Math.Min(row[column], before[column - 2] + 1);
                }
            }

            (before, above, row) = (above, row, before);
        }

        return above[other.Length];
    }

    private static int Common(string one, string other) => one.Zip(other).TakeWhile(pair => Same(pair.First, pair.Second)).Count();

    private static bool Same(char one, char other) => char.ToLowerInvariant(one) == char.ToLowerInvariant(other);
}
