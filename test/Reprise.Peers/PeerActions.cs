using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;

namespace Reprise.Peers;

/// <summary>An answer of the peer.</summary>
internal sealed record Reply(int Status, string Headers, byte[] Body)
{
    /// <summary>The length that is announced, when the body is not sent.</summary>
    public long? LengthBytes { get; init; }

    /// <summary>An error, as S3 says it.</summary>
    public static Reply Error(int status, string code, string more = "") => Xml(
        status, $"<Error><Code>{code}</Code><Message>peer says {code}</Message>{more}</Error>");

    /// <summary>A document.</summary>
    public static Reply Xml(int status, string xml) => new(
        status, "Content-Type: application/xml\r\n", Encoding.UTF8.GetBytes("<?xml version=\"1.0\"?>" + xml));
}

/// <summary>What each request of S3 that the peer knows does to its bucket.</summary>
internal sealed class PeerActions(S3Peer peer)
{
    private readonly PeerBucket bucket = peer.Content;

    /// <summary>Does it.</summary>
    public Reply Do(PeerRequest request)
    {
        lock (bucket.Gate)
        {
            var parts = request.Path.TrimStart('/').Split('/', 2);
            if (parts[0] != S3Peer.Bucket) return Reply.Error(404, "NoSuchBucket");
            var key = parts.Length == 2 ? Uri.UnescapeDataString(parts[1]) : "";
            if (key.Length > 0 && request.Query.ContainsKey("retention")) return Retention(key, request);
            return (request.Method, key.Length > 0) switch
            {
                ("GET", false) when request.Query.ContainsKey("versions") => ListVersions(request),
                ("GET", false) => List(request),
                ("PUT", true) => Put(key, request),
                ("HEAD", true) => bucket.Objects.TryGetValue(key, out var looked)
                    ? new Reply(200, "", []) { LengthBytes = looked.Length }
                    : Reply.Error(404, "NoSuchKey"),
                ("GET", true) => Get(key, request),
                ("DELETE", true) => Delete(key, request),
                _ => Reply.Error(405, "MethodNotAllowed"),
            };
        }
    }

    private Reply Put(string key, PeerRequest request)
    {
        var checksum = request.Headers.GetValueOrDefault("x-amz-checksum-sha256");
        if (checksum is not null && peer.RefusesChecksums) return Reply.Error(501, "NotImplemented");
        if (checksum is not null && checksum != Convert.ToBase64String(SHA256.HashData(request.Body))) return Reply.Error(400, "BadDigest");
        if (!peer.IgnoresConditions && request.Headers.GetValueOrDefault("if-none-match") == "*" && bucket.Objects.ContainsKey(key))
            return Reply.Error(412, "PreconditionFailed");
        var mode = request.Headers.GetValueOrDefault("x-amz-object-lock-mode");
        var until = request.Headers.GetValueOrDefault("x-amz-object-lock-retain-until-date");
        if (mode is not null && (!bucket.Locks || checksum is null || until is null)) return Reply.Error(400, "InvalidRequest");
        var version = bucket.Put(key, request.Body);
        if (mode is not null && until is not null) PeerBucket.Retain(version, mode, until);
        return new Reply(
            200, $"ETag: \"{Convert.ToHexStringLower(SHA256.HashData(request.Body))[..32]}\"\r\nx-amz-version-id: {version.Id}\r\n", []);
    }

    private Reply Get(string key, PeerRequest request)
    {
        var content = request.Query.TryGetValue("versionId", out var id)
            ? bucket.VersionsOf(key).FirstOrDefault(v => v.Id == id)?.Content
            : bucket.Objects.GetValueOrDefault(key);
        if (content is null) return Reply.Error(404, id is null ? "NoSuchKey" : "NoSuchVersion");
        if (!request.Headers.TryGetValue("range", out var range)) return new Reply(200, "", content);
        var ends = range["bytes=".Length..].Split('-').Select(n => long.Parse(n, CultureInfo.InvariantCulture)).ToArray();
        if (ends[0] >= content.Length) return Reply.Error(416, "InvalidRange");
        var last = Math.Min(ends[1], content.Length - 1);
        return new Reply(
            206, $"Content-Range: bytes {ends[0]}-{last}/{content.Length}\r\n", content[(int)ends[0]..((int)last + 1)]);
    }

    private Reply Delete(string key, PeerRequest request)
    {
        if (!request.Query.TryGetValue("versionId", out var version)) bucket.Delete(key);
        else if (!bucket.Remove(key, version)) return Reply.Error(403, "AccessDenied");
        return new Reply(204, "", []);
    }

    private Reply Retention(string key, PeerRequest request)
    {
        if (!bucket.Locks) return Reply.Error(400, "InvalidRequest");
        var id = request.Query.GetValueOrDefault("versionId", "");
        var version = bucket.VersionsOf(key).LastOrDefault(v => id.Length == 0 || v.Id == id);
        if (version?.Content is null) return Reply.Error(404, "NoSuchVersion");
        if (request.Method == "GET")
        {
            return version.RetainUntil is { } day
                ? Reply.Xml(200, $"<Retention><Mode>{version.Mode}</Mode><RetainUntilDate>{Time(day)}</RetainUntilDate></Retention>")
                : Reply.Error(404, "NoSuchObjectLockConfiguration");
        }

        var asked = XDocument.Parse(Encoding.UTF8.GetString(request.Body)).Root?.Elements().ToDictionary(e => e.Name.LocalName, e => e.Value) ?? [];
        return PeerBucket.Retain(version, asked["Mode"], asked["RetainUntilDate"])
            ? new Reply(200, "", [])
            : Reply.Error(403, "AccessDenied");
    }

    private Reply List(PeerRequest request)
    {
        var prefix = request.Query.GetValueOrDefault("prefix", "");
        var after = request.Query.GetValueOrDefault("continuation-token") ?? request.Query.GetValueOrDefault("start-after", "");
        var size = PageSize(request);
        var found = bucket.Objects
            .Where(o => o.Key.StartsWith(prefix, StringComparison.Ordinal) && string.CompareOrdinal(o.Key, after) > 0)
            .Take(size + 1)
            .ToList();
        var page = found.Take(size).ToList();
        var more = found.Count > size;
        if (peer.ListsBackwards) page.Reverse();
        var xml = new StringBuilder("<ListBucketResult><Name>").Append(S3Peer.Bucket).Append("</Name>");
        foreach (var (key, content) in page)
            xml.Append(CultureInfo.InvariantCulture, $"<Contents><Key>{key}</Key><Size>{content.Length}</Size></Contents>");
        xml.Append(CultureInfo.InvariantCulture, $"<IsTruncated>{(more ? "true" : "false")}</IsTruncated>");
        if (more) xml.Append("<NextContinuationToken>").Append(page[^1].Key).Append("</NextContinuationToken>");
        return Reply.Xml(200, xml.Append("</ListBucketResult>").ToString());
    }

    // By key, the newest version of a key first, as S3 lists them.
    private Reply ListVersions(PeerRequest request)
    {
        var prefix = request.Query.GetValueOrDefault("prefix", "");
        var (keyMarker, versionMarker) = (request.Query.GetValueOrDefault("key-marker", ""), request.Query.GetValueOrDefault("version-id-marker", ""));
        var size = PageSize(request);
        var all = bucket.VersionedKeys
            .Where(k => k.StartsWith(prefix, StringComparison.Ordinal))
            .SelectMany(k => bucket.VersionsOf(k).Reverse().Select((v, i) => (Key: k, Version: v, Latest: i == 0)))
            .ToList();
        var from = keyMarker.Length == 0 ? 0 : all.FindIndex(v => v.Key == keyMarker && v.Version.Id == versionMarker) + 1;
        var page = all.Skip(from).Take(size).ToList();
        var more = from + page.Count < all.Count;
        var xml = new StringBuilder("<ListVersionsResult>");
        foreach (var (key, version, latest) in page)
        {
            var element = version.Content is null ? "DeleteMarker" : "Version";
            xml.Append(CultureInfo.InvariantCulture, $"<{element}><Key>{key}</Key><VersionId>{version.Id}</VersionId>")
                .Append(CultureInfo.InvariantCulture, $"<IsLatest>{(latest ? "true" : "false")}</IsLatest><LastModified>{Time(version.Modified)}</LastModified>");
            if (version.Content is { } content) xml.Append(CultureInfo.InvariantCulture, $"<Size>{content.Length}</Size>");
            xml.Append(CultureInfo.InvariantCulture, $"</{element}>");
        }

        xml.Append(CultureInfo.InvariantCulture, $"<IsTruncated>{(more ? "true" : "false")}</IsTruncated>");
        if (more) xml.Append(CultureInfo.InvariantCulture, $"<NextKeyMarker>{page[^1].Key}</NextKeyMarker><NextVersionIdMarker>{page[^1].Version.Id}</NextVersionIdMarker>");
        return Reply.Xml(200, xml.Append("</ListVersionsResult>").ToString());
    }

    private int PageSize(PeerRequest request) =>
        Math.Min(peer.PageObjects, int.Parse(request.Query.GetValueOrDefault("max-keys", "1000"), CultureInfo.InvariantCulture));

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}
