using System.Text;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Files;

/// <summary>
/// Patterns of paths, matched one name at a time while walking, so that a folder in which nothing can match is never
/// opened. A <see cref="State"/> holds for every pattern the set of segments that could come next, as bits.
/// </summary>
internal sealed class PathPatterns
{
    /// <summary>The most patterns of one list.</summary>
    public const int MaxPatterns = 256;

    /// <summary>The most segments of one pattern; a set of them fits into 64 bits.</summary>
    public const int MaxSegments = 60;

    private readonly List<List<NamePattern?>> patterns = [];
    private readonly bool folderItself;

    /// <summary>
    /// Reads <paramref name="texts"/>; <c>pattern-invalid</c> names the one that cannot be. With
    /// <paramref name="folderItself"/>, <c>uploads/**</c> means the folder too, not only what is in it.
    /// </summary>
    public PathPatterns(IReadOnlyList<string> texts, bool folderItself)
    {
        this.folderItself = folderItself;
        if (texts.Count > MaxPatterns) throw Invalid($"{texts.Count} patterns are more than {MaxPatterns}");
        foreach (var text in texts) patterns.Add(Parse(text));
    }

    /// <summary>Where the walk starts: at the root, nothing matched yet.</summary>
    public State Start
    {
        get
        {
            var sets = new ulong[patterns.Count];
            for (var i = 0; i < sets.Length; i++) sets[i] = Close(patterns[i], 1);
            return new State(sets);
        }
    }

    /// <summary>Whether the path that led to <paramref name="state"/> is matched.</summary>
    public bool Matches(State state)
    {
        for (var i = 0; i < patterns.Count; i++)
        {
            if ((state.Sets[i] & (1UL << patterns[i].Count)) != 0) return true;
        }

        return false;
    }

    /// <summary>The state one name further, or null when nothing at or below can match.</summary>
    public State? Enter(State state, ReadOnlySpan<byte> name)
    {
        ulong[]? sets = null;
        for (var i = 0; i < patterns.Count; i++)
        {
            var next = Advance(patterns[i], state.Sets[i], name);
            if (next == 0) continue;
            sets ??= new ulong[patterns.Count];
            sets[i] = next;
        }

        return sets is null ? null : new State(sets);
    }

    /// <summary>
    /// The leading segments of each pattern that are plain names: what must exist for it to match anything.
    /// </summary>
    public IEnumerable<(string Pattern, DiskPath Path)> PlainStarts(IReadOnlyList<string> texts)
    {
        for (var i = 0; i < patterns.Count; i++)
        {
            var path = default(DiskPath);
            foreach (var segment in patterns[i])
            {
                if (segment?.Plain is not { } plain) break;
                path /= new DiskPath(plain);
            }

            yield return (texts[i], path);
        }
    }

    private ulong Advance(List<NamePattern?> pattern, ulong set, ReadOnlySpan<byte> name)
    {
        var next = 0UL;
        for (var i = 0; i < pattern.Count; i++)
        {
            if ((set & (1UL << i)) == 0) continue;
            if (pattern[i] is not { } segment)
            {
                // A double star takes this name and may take more; taking it ends the pattern when nothing follows.
                next |= 1UL << i;
                if (i == pattern.Count - 1) next |= 1UL << pattern.Count;
            }
            else if (segment.Matches(name))
            {
                next |= 1UL << (i + 1);
            }
        }

        return Close(pattern, next);
    }

    // A double star may also take nothing.
    private ulong Close(List<NamePattern?> pattern, ulong set)
    {
        for (var i = 0; i < pattern.Count; i++)
        {
            if ((set & (1UL << i)) == 0 || pattern[i] is not null) continue;
            if (i < pattern.Count - 1 || folderItself) set |= 1UL << (i + 1);
        }

        return set;
    }

    private static List<NamePattern?> Parse(string text)
    {
        var rest = text.AsSpan();
        while (rest.StartsWith("./", StringComparison.Ordinal)) rest = rest[2..];
        rest = rest.TrimEnd('/');
        if (rest is "" or ".") rest = "**";
        if (rest[0] == '/') throw Invalid($"pattern '{text}' must be relative to the folder of the configuration");
        var segments = new List<NamePattern?>();
        foreach (var range in rest.Split('/'))
        {
            var segment = rest[range];
            if (segment is "" or "." or "..") throw Invalid($"pattern '{text}' has an empty segment, '.' or '..'");
            if (segment is not "**") segments.Add(NamePattern.Parse(segment.ToString(), text));
            else if (segments is not [.., null]) segments.Add(null);
        }

        if (segments.Count > MaxSegments) throw Invalid($"pattern '{text}' has more than {MaxSegments} segments");
        return segments;
    }

    internal static RepriseException Invalid(string message) =>
        new(RecoveryErrors.PatternInvalid, message, "correct the patterns of the asset in reprise.yaml");

    /// <summary>How far each pattern is. Bit n of a set: the next name may match segment n.</summary>
    internal sealed class State(ulong[] sets)
    {
        public ulong[] Sets => sets;
    }
}

/// <summary>
/// One segment of a pattern: literal characters, <c>?</c>, <c>*</c> and sets, matched over the bytes of a name.
/// </summary>
internal sealed class NamePattern
{
    private const int MaxLength = 255;

    private readonly List<Token> tokens = [];

    private NamePattern()
    {
    }

    private enum TokenKind
    {
        Literal,
        Any,
        Star,
        Set,
    }

    /// <summary>The name that it means, when it means only one.</summary>
    public byte[]? Plain { get; private set; }

    public static NamePattern Parse(string segment, string pattern)
    {
        if (segment.Length > MaxLength)
            throw PathPatterns.Invalid($"pattern '{pattern}' has a segment over {MaxLength} characters");
        if (segment.AsSpan().ContainsAny('\0', '\n'))
            throw PathPatterns.Invalid("a pattern holds a NUL or a line break");
        var parsed = new NamePattern();
        var runes = segment.EnumerateRunes().ToList();
        for (var i = 0; i < runes.Count; i++)
        {
            switch (runes[i].Value)
            {
                case '*':
                    if (parsed.tokens is not [.., { Kind: TokenKind.Star }])
                        parsed.tokens.Add(new Token(TokenKind.Star));
                    break;
                case '?':
                    parsed.tokens.Add(new Token(TokenKind.Any));
                    break;
                case '[':
                    parsed.tokens.Add(ParseSet(runes, ref i, pattern));
                    break;
                case '\\' when i + 1 < runes.Count:
                    parsed.tokens.Add(new Token(TokenKind.Literal, runes[++i].Value));
                    break;
                default:
                    parsed.tokens.Add(new Token(TokenKind.Literal, runes[i].Value));
                    break;
            }
        }

        if (parsed.tokens.TrueForAll(token => token.Kind == TokenKind.Literal))
            parsed.Plain = Encoding.UTF8.GetBytes(string.Concat(parsed.tokens.Select(token => new Rune(token.Value))));
        return parsed;
    }

    /// <summary>
    /// Whether <paramref name="name"/> is meant. The only backtracking is to the last star, so it is quadratic at
    /// worst.
    /// </summary>
    public bool Matches(ReadOnlySpan<byte> name)
    {
        if (Plain is not null) return name.SequenceEqual(Plain);
        var (token, at) = (0, 0);
        var (starToken, starAt) = (-1, 0);
        while (at < name.Length)
        {
            var value = Next(name[at..], out var used);
            if (token < tokens.Count && tokens[token].Kind == TokenKind.Star)
            {
                (starToken, starAt) = (token++, at);
            }
            else if (token < tokens.Count && tokens[token].Matches(value))
            {
                token++;
                at += used;
            }
            else if (starToken >= 0)
            {
                Next(name[starAt..], out var skipped);
                (token, at) = (starToken + 1, starAt += skipped);
            }
            else
            {
                return false;
            }
        }

        while (token < tokens.Count && tokens[token].Kind == TokenKind.Star) token++;
        return token == tokens.Count;
    }

    // A byte that is no UTF-8 counts as one character that only a star, a question mark or a negated set matches.
    private static int Next(ReadOnlySpan<byte> bytes, out int used)
    {
        if (Rune.DecodeFromUtf8(bytes, out var rune, out used) == System.Buffers.OperationStatus.Done)
            return rune.Value;
        used = 1;
        return -1;
    }

    private static Token ParseSet(List<Rune> runes, ref int at, string pattern)
    {
        var ranges = new List<(int From, int To)>();
        var i = at + 1;
        var negated = i < runes.Count && runes[i].Value is '!' or '^';
        if (negated) i++;
        for (var first = true; ; first = false)
        {
            if (i >= runes.Count) throw PathPatterns.Invalid($"pattern '{pattern}' has a '[' without its ']'");
            if (runes[i].Value == ']' && !first) break;
            if (runes[i].Value == '\\' && i + 1 < runes.Count) i++;
            var from = runes[i++].Value;
            var to = from;
            if (i + 1 < runes.Count && runes[i].Value == '-' && runes[i + 1].Value != ']')
            {
                to = runes[i + 1].Value;
                i += 2;
            }

            if (to < from) throw PathPatterns.Invalid($"pattern '{pattern}' has a range that runs backwards");
            ranges.Add((from, to));
        }

        at = i;
        return new Token(TokenKind.Set, 0, negated, ranges);
    }

    private sealed class Token(
        TokenKind kind, int value = 0, bool negated = false, List<(int From, int To)>? ranges = null)
    {
        public TokenKind Kind => kind;

        public int Value => value;

        public bool Matches(int character) => kind switch
        {
            TokenKind.Any => true,
            TokenKind.Set =>
                (ranges ?? []).Exists(range => character >= range.From && character <= range.To) != negated,
            _ => character == value,
        };
    }
}
