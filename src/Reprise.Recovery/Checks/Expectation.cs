using System.Globalization;

namespace Reprise.Recovery.Checks;

/// <summary>
/// What one scalar must be: <c>= != &gt; &gt;= &lt; &lt;=</c> a literal, <c>empty</c>, <c>not empty</c>, or a bare
/// literal, which means <c>=</c>. Two numbers are compared as numbers (<c>1.0</c> is <c>1</c>), everything else as
/// text, letter by letter. A literal in single or double quotes is always text.
/// </summary>
public sealed record Expectation
{
    /// <summary>Longer ones are refused.</summary>
    public const int MaxLength = 4096;

    private static readonly (string Sign, Comparison Comparison)[] Signs =
    [
        ("!=", Comparison.Different), (">=", Comparison.AtLeast), ("<=", Comparison.AtMost),
        ("==", Comparison.Equal), ("=", Comparison.Equal), (">", Comparison.More), ("<", Comparison.Less),
    ];

    private readonly Comparison comparison;
    private readonly string literal;
    private readonly bool isText;

    private Expectation(Comparison comparison, string literal = "", bool isText = false)
    {
        this.comparison = comparison;
        this.literal = literal;
        this.isText = isText;
    }

    private enum Comparison
    {
        Equal,
        Different,
        More,
        AtLeast,
        Less,
        AtMost,
        Empty,
        NotEmpty,
    }

    /// <summary>Any answer but an empty one.</summary>
    public static Expectation Anything { get; } = new(Comparison.NotEmpty);

    /// <summary>Exactly <paramref name="text"/>.</summary>
    public static Expectation Exactly(string text) => new(Comparison.Equal, text);

    /// <summary>
    /// Reads an expectation; null when it is none, and <paramref name="why"/> says why in a few words: an empty text,
    /// an order sign before something that is not a number, a quote that is not closed.
    /// </summary>
    public static Expectation? TryParse(string text, out string why)
    {
        why = "";
        var rest = text.Trim();
        if (rest.Length == 0) why = "it is empty (write 'empty' if that is expected)";
        if (rest.Length > MaxLength) why = $"it is longer than {MaxLength} characters";
        if (why.Length > 0) return null;
        switch (rest)
        {
            case "empty": return new Expectation(Comparison.Empty);
            case "not empty": return new Expectation(Comparison.NotEmpty);
        }

        var (sign, comparison) = Signs.FirstOrDefault(s => rest.StartsWith(s.Sign, StringComparison.Ordinal));
        rest = rest[(sign ?? "").Length..].Trim();
        if (rest.Length == 0) why = $"nothing stands after {sign}";
        var quoted = rest is ['\'' or '"', ..];
        if (quoted)
        {
            if (rest.Length < 2 || rest[^1] != rest[0]) why = "the quote is not closed";
            else rest = rest[1..^1];
        }

        var ordered = comparison is Comparison.More or Comparison.AtLeast or Comparison.Less or Comparison.AtMost;
        if (ordered && why.Length == 0 && (quoted || Number(rest) is null)) why = $"{sign} needs a number after it";
        return why.Length > 0 ? null : new Expectation(comparison, rest, quoted);
    }

    /// <summary>Whether <paramref name="actual"/> is as expected; null stands for no row, or for NULL.</summary>
    public bool Accepts(string? actual)
    {
        switch (comparison)
        {
            case Comparison.Empty: return string.IsNullOrEmpty(actual);
            case Comparison.NotEmpty: return !string.IsNullOrEmpty(actual);
        }

        if (actual is null) return false;
        var order = isText || Number(literal) is not { } expected || Number(actual) is not { } number
            ? (int?)null
            : number.CompareTo(expected);
        return comparison switch
        {
            Comparison.Equal => order is { } same ? same == 0 : actual == literal,
            Comparison.Different => order is { } other ? other != 0 : actual != literal,
            Comparison.More => order > 0,
            Comparison.AtLeast => order >= 0,
            Comparison.Less => order < 0,
            Comparison.AtMost => order <= 0,
            Comparison.Empty or Comparison.NotEmpty or _ => throw new InvalidOperationException("handled above"),
        };
    }

    /// <inheritdoc />
    public override string ToString() => comparison switch
    {
        Comparison.Equal => "= " + literal,
        Comparison.Different => "!= " + literal,
        Comparison.More => "> " + literal,
        Comparison.AtLeast => ">= " + literal,
        Comparison.Less => "< " + literal,
        Comparison.AtMost => "<= " + literal,
        Comparison.Empty => "empty",
        Comparison.NotEmpty or _ => "not empty",
    };

    private static decimal? Number(string text) =>
        decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;
}
