using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Reprise.Peers;

/// <summary>A request as it came over the wire, and whether it is signed as Amazon's signature version 4 demands.</summary>
public sealed class PeerRequest
{
    private const int MaxBodyBytes = 32 * 1024 * 1024;

    public required string Method { get; init; }

    /// <summary>As it was sent, without the query.</summary>
    public required string Path { get; init; }

    public required IReadOnlyDictionary<string, string> Query { get; init; }

    /// <summary>By their names in lower case.</summary>
    public required IReadOnlyDictionary<string, string> Headers { get; init; }

    public required byte[] Body { get; init; }

    /// <summary>The next request, or null when the client has closed the connection.</summary>
    public static async Task<PeerRequest?> ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        if (await LineAsync(stream, cancellationToken) is not { Length: > 0 } first) return null;
        var words = first.Split(' ');
        var headers = new Dictionary<string, string>(StringComparer.Ordinal);
        while (await LineAsync(stream, cancellationToken) is { Length: > 0 } line)
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            headers[line[..colon].ToLowerInvariant()] = line[(colon + 1)..].Trim();
        }

        if (headers.ContainsKey("expect"))
        {
            await stream.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray(), cancellationToken);
            await stream.FlushAsync(cancellationToken);
        }

        var length = int.Parse(headers.GetValueOrDefault("content-length", "0"), CultureInfo.InvariantCulture);
        if (length is < 0 or > MaxBodyBytes) throw new IOException($"a body of {length} bytes");
        var body = new byte[length];
        await stream.ReadExactlyAsync(body, cancellationToken);
        var target = words[1].Split('?', 2);
        var query = (target.Length == 2 ? target[1] : "").Split('&', StringSplitOptions.RemoveEmptyEntries)
            .Select(p => p.Split('=', 2))
            .ToDictionary(
                p => Uri.UnescapeDataString(p[0]), p => p.Length == 2 ? Uri.UnescapeDataString(p[1]) : "", StringComparer.Ordinal);
        return new PeerRequest { Method = words[0], Path = target[0], Query = query, Headers = headers, Body = body };
    }

    /// <summary>The code of what is wrong with the signature, or null.</summary>
    public string? FaultOfSignature(string keyId, string secret, string region)
    {
        const string algorithm = "AWS4-HMAC-SHA256";
        if (!Headers.TryGetValue("authorization", out var authorization)) return "AccessDenied";
        if (!authorization.StartsWith(algorithm + " ", StringComparison.Ordinal)) return "AccessDenied";
        var parts = authorization[(algorithm.Length + 1)..].Split(',')
            .Select(p => p.Trim().Split('=', 2)).ToDictionary(p => p[0], p => p[1], StringComparer.Ordinal);
        var scope = parts["Credential"].Split('/');
        var signed = parts["SignedHeaders"].Split(';');
        var time = Headers.GetValueOrDefault("x-amz-date", "");
        if (scope[0] != keyId) return "InvalidAccessKeyId";
        if (scope is not [_, var day, var where, "s3", "aws4_request"] || where != region) return "AuthorizationHeaderMalformed";
        if (!DateTimeOffset.TryParseExact(
                time, "yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)
            || (DateTimeOffset.UtcNow - at).Duration() > TimeSpan.FromMinutes(15)) return "RequestTimeTooSkewed";

        // Whatever decides what is done must be covered, or somebody on the way could change it.
        string[] covered = ["host", .. Headers.Keys.Where(h => h.StartsWith("x-amz-", StringComparison.Ordinal))];
        if (covered.Except(signed).Any()) return "AccessDenied";
        var content = Convert.ToHexStringLower(SHA256.HashData(Body));
        if (Headers.GetValueOrDefault("x-amz-content-sha256") != content) return "XAmzContentSHA256Mismatch";
        var query = string.Join('&', Query.OrderBy(q => q.Key, StringComparer.Ordinal)
            .Select(q => $"{Uri.EscapeDataString(q.Key)}={Uri.EscapeDataString(q.Value)}"));
        var canonical = $"{Method}\n{Path}\n{query}\n"
            + string.Concat(signed.Select(h => $"{h}:{Headers.GetValueOrDefault(h, "")}\n"))
            + $"\n{string.Join(';', signed)}\n{content}";
        var toSign = $"{algorithm}\n{time}\n{string.Join('/', scope[1..])}\n{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)))}";
        var key = Encoding.UTF8.GetBytes("AWS4" + secret);
        foreach (var step in new[] { day, where, "s3", "aws4_request" }) key = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(step));
        var expected = Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(toSign)));
        return parts["Signature"] == expected ? null : "SignatureDoesNotMatch";
    }

    private static async Task<string?> LineAsync(Stream stream, CancellationToken cancellationToken)
    {
        var line = new List<byte>();
        var one = new byte[1];
        while (await stream.ReadAsync(one, cancellationToken) == 1)
        {
            if (one[0] == '\n') return Encoding.ASCII.GetString([.. line]).TrimEnd('\r');
            line.Add(one[0]);
        }

        return null;
    }
}
