using System.Globalization;
using System.Text;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres;

/// <summary>What a connection text says itself, by libpq keyword, before any default is looked up.</summary>
/// <param name="Values">keyword → value; may hold a password.</param>
/// <param name="Notes">what is in the text and is not used, one sentence each.</param>
internal sealed record ConnectionParts(Dictionary<string, string> Values, List<string> Notes);

/// <summary>
/// The one parser of connection texts, in three forms: libpq's URI, libpq's key=value, and the <c>;</c> form of Npgsql.
/// Pure: it reads the text and nothing else. Errors are <see cref="RecoveryErrors.ConnectionInvalid"/> with the
/// position in <c>Where</c>; they never repeat a value, since it may be the password.
/// </summary>
internal static class ConnectionText
{
    private const int MaxLength = 8 * 1024;

    private static readonly string[] Schemes = ["postgresql", "postgres", "pgsql", "postgis"];

    /// <summary>Reads <paramref name="text"/>; an empty one says nothing.</summary>
    public static ConnectionParts Parse(string text)
    {
        if (text.Length > MaxLength) throw Invalid($"the connection has {text.Length} characters", MaxLength);
        var nul = text.AsSpan().IndexOfAny('\0', '\r', '\n');
        if (nul >= 0) throw Invalid("the connection holds a line break or a NUL character", nul);
        var parts = new ConnectionParts(new Dictionary<string, string>(StringComparer.Ordinal), []);
        var start = text.StartsWith("jdbc:", StringComparison.OrdinalIgnoreCase) ? 5 : 0;
        if (string.IsNullOrWhiteSpace(text)) return parts;
        if (text.IndexOf("://", StringComparison.Ordinal) is > 0 and var colon
            && IsScheme(text.AsSpan(start, colon - start)))
        {
            CheckScheme(text, start, colon);
            new ConnectionUri(text, colon + 3, parts).Read();
        }
        else if (IsNpgsql(text))
        {
            ReadNpgsql(text, parts);
        }
        else
        {
            ReadPairs(text, parts);
        }

        CheckValues(parts);
        return parts;
    }

    internal static RepriseException Invalid(string what, int position, string? hint = null) => new(
        new Problem(
            RecoveryErrors.ConnectionInvalid,
            Severity.Error,
            string.Create(CultureInfo.InvariantCulture, $"{what} (character {position + 1} of the connection)"),
            hint ?? "write it as postgresql://user:password@host:5432/database")
        {
            Where = string.Create(CultureInfo.InvariantCulture, $"character {position + 1}"),
        });

    private static bool IsScheme(ReadOnlySpan<char> text)
    {
        foreach (var c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('+' or '-' or '.' or ':')) return false;
        }

        return !text.IsEmpty;
    }

    private static void CheckScheme(string text, int start, int colon)
    {
        var scheme = text[start..colon].Split('+')[0];
        if (Schemes.Contains(scheme, StringComparer.OrdinalIgnoreCase)) return;
        var hint = scheme.StartsWith("sqlite", StringComparison.OrdinalIgnoreCase)
            ? "a SQLite file is an asset of its own: sqlite: { path: … }"
            : "a PostgreSQL connection begins with postgresql://";
        throw Invalid($"'{scheme}' is not PostgreSQL", start, hint);
    }

    // A semicolon outside quotes, or a word that only Npgsql has.
    private static bool IsNpgsql(string text)
    {
        var quote = '\0';
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (quote != '\0') quote = c == quote ? '\0' : quote;
            else if (c is '\'' or '"' && i > 0 && text[i - 1] is '=' or ' ') quote = c;
            else if (c == ';') return true;
        }

        var equals = text.IndexOf('=', StringComparison.Ordinal);
        if (equals < 0) return false;
        var first = text[..equals].Trim();
        return !ConnectionKeywords.IsLibpq(first) && ConnectionKeywords.TryNpgsql(first, out _);
    }

    private static void ReadPairs(string text, ConnectionParts parts)
    {
        var at = 0;
        while (true)
        {
            while (at < text.Length && char.IsWhiteSpace(text[at])) at++;
            if (at == text.Length) return;
            var wordAt = at;
            while (at < text.Length && text[at] != '=' && !char.IsWhiteSpace(text[at])) at++;
            var word = text[wordAt..at];
            while (at < text.Length && char.IsWhiteSpace(text[at])) at++;
            if (at == text.Length || text[at] != '=')
            {
                throw Invalid("a word is not followed by '='", wordAt, "write a database alone as dbname=NAME");
            }

            at++;
            while (at < text.Length && char.IsWhiteSpace(text[at])) at++;
            var value = ReadPairValue(text, ref at);
            if (!ConnectionKeywords.IsLibpq(word)) throw Unknown(word, wordAt);
            parts.Values[word] = value;
        }
    }

    private static string ReadPairValue(string text, ref int at)
    {
        var value = new StringBuilder();
        var startedAt = at;
        var quoted = at < text.Length && text[at] == '\'';
        if (quoted) at++;
        while (at < text.Length)
        {
            var c = text[at];
            if (quoted ? c == '\'' : char.IsWhiteSpace(c)) break;
            if (c == '\\' && at + 1 < text.Length) at++;
            value.Append(text[at++]);
        }

        if (!quoted) return value.ToString();
        if (at == text.Length) throw Invalid("a quote is not closed", startedAt);
        at++;
        return value.ToString();
    }

    private static void ReadNpgsql(string text, ConnectionParts parts)
    {
        var at = 0;
        while (at < text.Length)
        {
            if (text[at] == ';' || char.IsWhiteSpace(text[at]))
            {
                at++;
                continue;
            }

            var wordAt = at;
            while (at < text.Length && text[at] is not ('=' or ';')) at++;
            if (at == text.Length || text[at] == ';') throw Invalid("a word is not followed by '='", wordAt);
            var word = text[wordAt..at].Trim();
            at++;
            var value = ReadNpgsqlValue(text, ref at);
            if (!ConnectionKeywords.TryNpgsql(word, out var keyword)) throw Unknown(word, wordAt);
            if (keyword is null) continue;
            parts.Values[keyword] = keyword == "sslmode" ? SslMode(value) : value;
        }
    }

    // Doubled quotes stand for one, as in every connection string of .NET.
    private static string ReadNpgsqlValue(string text, ref int at)
    {
        while (at < text.Length && char.IsWhiteSpace(text[at])) at++;
        var startedAt = at;
        if (at == text.Length || text[at] is not ('\'' or '"'))
        {
            while (at < text.Length && text[at] != ';') at++;
            return text[startedAt..at].Trim();
        }

        var quote = text[at++];
        var value = new StringBuilder();
        while (true)
        {
            if (at == text.Length) throw Invalid("a quote is not closed", startedAt);
            if (text[at] == quote && (at + 1 == text.Length || text[at + 1] != quote)) break;
            if (text[at] == quote) at++;
            value.Append(text[at++]);
        }

        at++;
        while (at < text.Length && char.IsWhiteSpace(text[at])) at++;
        if (at < text.Length && text[at] != ';') throw Invalid("something follows a closed quote", at);
        return value.ToString();
    }

    // Npgsql writes VerifyFull or Verify-Full, libpq verify-full.
    private static string SslMode(string value) => value.ToLowerInvariant() switch
    {
        "verifyca" => "verify-ca",
        "verifyfull" => "verify-full",
        var mode => mode,
    };

    private static RepriseException Unknown(string word, int position) => Invalid(
        $"'{word}' is not a word of a connection",
        position,
        ConnectionKeywords.Nearest(word) is { } near ? $"did you mean {near}?" : null);

    private static void CheckValues(ConnectionParts parts)
    {
        if (parts.Values.TryGetValue("sslmode", out var mode) && !ConnectionKeywords.SslModes.ContainsKey(mode))
        {
            throw Invalid(
                $"sslmode '{mode}' is unknown", 0, $"use one of {string.Join(", ", ConnectionKeywords.SslModes.Keys)}");
        }

        if (!parts.Values.TryGetValue("port", out var ports)) return;
        foreach (var port in ports.Split(','))
        {
            if (port.Length == 0) continue;
            if (!int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                || number is < 1 or > 65535)
            {
                throw Invalid("the port is not a number from 1 to 65535", 0, PasswordHint);
            }
        }
    }

    internal const string PasswordHint =
        "percent-encode special characters of a password: @ is %40, : is %3A, / is %2F, # is %23, % is %25";
}
