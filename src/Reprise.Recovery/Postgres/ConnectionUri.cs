using System.Globalization;
using System.Text;

namespace Reprise.Recovery.Postgres;

/// <summary>
/// The URI form of libpq: <c>postgresql://user:password@host:port,host:port/database?keyword=value&amp;…</c>, every
/// part optional and percent-encoded. What frameworks add behind the <c>?</c> is noted, not refused: the same text
/// serves the application; a slip of a known word is refused, since ignoring <c>sslmod=require</c> would send a
/// password in clear.
/// </summary>
/// <param name="text">the whole text.</param>
/// <param name="start">behind <c>://</c>.</param>
/// <param name="parts">where what is found goes.</param>
internal sealed class ConnectionUri(string text, int start, ConnectionParts parts)
{
    public void Read()
    {
        var query = text.IndexOf('?', start);
        var pathEnd = query < 0 ? text.Length : query;
        var slash = text.IndexOf('/', start, pathEnd - start);
        var authorityEnd = slash < 0 ? pathEnd : slash;
        var at = authorityEnd > start ? text.LastIndexOf('@', authorityEnd - 1, authorityEnd - start) : -1;
        if (at >= 0) ReadUser(start, at);
        ReadHosts(at < 0 ? start : at + 1, authorityEnd);
        if (slash >= 0 && slash + 1 < pathEnd) parts.Values["dbname"] = Decode(slash + 1, pathEnd);
        if (query >= 0) ReadQuery(query + 1);
    }

    private void ReadUser(int from, int to)
    {
        var colon = text.IndexOf(':', from, to - from);
        if (colon < 0) colon = to;
        if (colon > from) parts.Values["user"] = Decode(from, colon);
        if (colon + 1 < to) parts.Values["password"] = Decode(colon + 1, to);
    }

    private void ReadHosts(int from, int to)
    {
        var hosts = new List<string>();
        var ports = new List<string>();
        while (from <= to)
        {
            var end = text.IndexOf(',', from, to - from);
            if (end < 0) end = to;
            var portAt = ReadHost(from, end, hosts);
            ports.Add(portAt < end ? text[portAt..end] : "");
            if (ports[^1].Any(c => !char.IsAsciiDigit(c)))
            {
                throw ConnectionText.Invalid("the port is not a number", portAt, ConnectionText.PasswordHint);
            }

            from = end + 1;
        }

        if (hosts.Any(host => host.Length > 0)) parts.Values["host"] = string.Join(',', hosts);
        if (ports.Any(port => port.Length > 0)) parts.Values["port"] = string.Join(',', ports);
    }

    // Returns where the port stands, or the end.
    private int ReadHost(int from, int end, List<string> hosts)
    {
        int hostEnd;
        if (from < end && text[from] == '[')
        {
            hostEnd = text.IndexOf(']', from, end - from);
            if (hostEnd < 0) throw ConnectionText.Invalid("an address in brackets is not closed", from);
            hosts.Add(text[(from + 1)..hostEnd]);
            hostEnd++;
            if (hostEnd < end && text[hostEnd] != ':') throw ConnectionText.Invalid("something follows ']'", hostEnd);
        }
        else
        {
            hostEnd = text.IndexOf(':', from, end - from);
            if (hostEnd < 0) hostEnd = end;
            hosts.Add(Decode(from, hostEnd));
        }

        return Math.Min(hostEnd + 1, end);
    }

    private void ReadQuery(int from)
    {
        while (from < text.Length)
        {
            var end = text.IndexOf('&', from);
            if (end < 0) end = text.Length;
            var equals = text.IndexOf('=', from, end - from);
            if (equals < 0 && end > from) throw ConnectionText.Invalid("a parameter has no '='", from);
            if (equals >= 0) Take(Decode(from, equals), Decode(equals + 1, end), from);
            from = end + 1;
        }
    }

    private void Take(string word, string value, int position)
    {
        if (word == "ssl")
        {
            TakeSsl(value);
            return;
        }

        // libpq takes these words too in a URI: JDBC's and SQLAlchemy's authors use them.
        var keyword = word switch { "username" => "user", "database" => "dbname", _ => word };
        if (ConnectionKeywords.IsLibpq(keyword))
        {
            parts.Values[keyword] = value;
            return;
        }

        if (!ConnectionKeywords.IsForeign(word) && ConnectionKeywords.Nearest(word) is { } near)
        {
            throw ConnectionText.Invalid($"'{word}' is not a word of a connection", position, $"did you mean {near}?");
        }

        parts.Notes.Add($"the parameter {word} is a driver's own and is not used");
    }

    private void TakeSsl(string value)
    {
        if (value is "true" or "1") parts.Values.TryAdd("sslmode", "require");
        else if (ConnectionKeywords.SslModes.ContainsKey(value)) parts.Values.TryAdd("sslmode", value);
        else parts.Notes.Add("the parameter ssl is not used; say sslmode instead");
    }

    private string Decode(int from, int to)
    {
        if (text.IndexOf('%', from, to - from) < 0) return text[from..to];
        var bytes = new List<byte>();
        for (var i = from; i < to; i++)
        {
            if (text[i] != '%')
            {
                var length = char.IsHighSurrogate(text[i]) && i + 1 < to ? 2 : 1;
                bytes.AddRange(Encoding.UTF8.GetBytes(text.Substring(i, length)));
                i += length - 1;
            }
            else if (i + 2 < to && byte.TryParse(
                text.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
                    && value != 0)
            {
                bytes.Add(value);
                i += 2;
            }
            else
            {
                throw ConnectionText.Invalid(
                    "'%' is not followed by two hexadecimal digits", i, ConnectionText.PasswordHint);
            }
        }

        return Encoding.UTF8.GetString([.. bytes]);
    }
}
