using System.Globalization;

namespace Reprise.Storage.S3;

/// <summary>
/// A place in an S3 store, as the user writes it:
/// <c>s3://BUCKET/PREFIX?endpoint=URL&amp;region=NAME&amp;path-style=true|false&amp;conditional-writes=yes|no&amp;lock-days=N&amp;lock-mode=governance|compliance</c>.
/// It never holds a secret: what looks like one is refused, and refused without being repeated.
/// </summary>
public sealed record S3Address
{
    /// <summary>The longest lock, in days: whoever means ten years can say so, whoever slipped is stopped.</summary>
    public const int MaxLockDays = 3660;

    /// <summary>The longest prefix, so that a key stays below the 1,024 bytes that S3 allows.</summary>
    public const int MaxPrefixLength = 512;

    private static readonly string[] Known = ["endpoint", "region", "path-style", "conditional-writes", "lock-days", "lock-mode"];

    private S3Address()
    {
    }

    /// <summary>The bucket.</summary>
    public required string Bucket { get; init; }

    /// <summary>What every key begins with: empty, or segments that end with a slash.</summary>
    public required string Prefix { get; init; }

    /// <summary>The server, or null: Amazon's, by region.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>The region of the signature, or null: the environment's, else <c>us-east-1</c>.</summary>
    public string? Region { get; init; }

    /// <summary>
    /// Whether the bucket stands in the path and not in the host name. Unless it is said, it does with an endpoint.
    /// </summary>
    public required bool PathStyle { get; init; }

    /// <summary>Whether the server keeps <c>If-None-Match: *</c>. Only the user can say that it does not.</summary>
    public required bool ConditionalWrites { get; init; }

    /// <summary>For how many days Object Lock keeps what is written, and what a point uses; 0: not at all.</summary>
    public int LockDays { get; init; }

    /// <summary>Whether nobody at all can lift a lock; else whoever may bypass governance can.</summary>
    public bool LockIsCompliance { get; init; }

    /// <summary>The address as it was written.</summary>
    public required string Text { get; init; }

    /// <inheritdoc />
    public override string ToString() => Text;

    /// <summary>Where an object lies in the bucket.</summary>
    internal string KeyOf(ObjectName name) => Prefix + name.Value;

    /// <summary>What the keys of a folder of names begin with.</summary>
    internal string Under(ObjectPrefix prefix) => Prefix + (prefix.Folder.Length == 0 ? "" : prefix.Folder + "/");

    /// <summary>The object that lies at a key below the prefix, or null when none of ours is named so.</summary>
    internal ObjectName? NameOf(string key) => ObjectName.IsValid(key[Prefix.Length..]) ? new ObjectName(key[Prefix.Length..]) : null;

    /// <summary>
    /// Reads an address. When it returns null, <paramref name="wrong"/> says what is wrong with it and
    /// <paramref name="hint"/> what to write instead.
    /// </summary>
    public static S3Address? Parse(string text, out string wrong, out string hint)
    {
        hint = "write s3://BUCKET/PREFIX?endpoint=https://HOST&region=NAME; endpoint and region may be left out";
        wrong = "it is not an address";
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Scheme != "s3") return null;
        if (uri.UserInfo.Length > 0 || text.Contains('@', StringComparison.Ordinal)) return Secret(out wrong, out hint);
        var path = uri.AbsolutePath.Trim('/');
        wrong = uri.Host.Length == 0 ? "it names no bucket" : "it has a port, which belongs to the endpoint";
        if (uri.Host.Length == 0 || !uri.IsDefaultPort) return null;
        wrong = $"its prefix is not made of letters, digits, '.', '_', '-' and '/', or is longer than {MaxPrefixLength}";
        if (path.Length > MaxPrefixLength || !IsPrefix(path) || uri.Fragment.Length > 0) return null;
        // What was read must be what was written: "a/../b" is another place than it looks, and "Backups" no bucket.
        wrong = "its bucket or its prefix is not written as it is read: no capitals in the bucket, no '..' in the prefix";
        if (text.Split('?')[0].TrimEnd('/') != $"s3://{uri.Host}/{path}".TrimEnd('/')) return null;
        var options = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var pair in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var (name, value) = Split(pair);
            if (name.Contains("key", StringComparison.OrdinalIgnoreCase)
                || name.Contains("secret", StringComparison.OrdinalIgnoreCase)) return Secret(out wrong, out hint);
            wrong = Known.Contains(name) ? $"it says {name} twice" : $"it has the option '{name}', which is not known";
            if (!Known.Contains(name)) hint = $"the options are {string.Join(", ", Known)}";
            if (!Known.Contains(name) || !options.TryAdd(name, value)) return null;
        }

        return Made(text, uri.Host, path, options, out wrong);
    }

    private static S3Address? Made(
        string text, string bucket, string path, Dictionary<string, string> options, out string wrong)
    {
        Uri? endpoint = null;
        wrong = "its endpoint is not the address of a server";
        if (options.TryGetValue("endpoint", out var server)
            && !(Uri.TryCreate(server, UriKind.Absolute, out endpoint) && IsServer(endpoint))) return null;
        wrong = "its region is not a name";
        if (options.TryGetValue("region", out var region)
            && (region.Length is 0 or > 64 || !region.All(c => char.IsAsciiLetterOrDigit(c) || c == '-'))) return null;
        wrong = "path-style is neither true nor false";
        var style = options.GetValueOrDefault("path-style", endpoint is null ? "false" : "true");
        if (style is not ("true" or "false")) return null;
        wrong = "conditional-writes is neither yes nor no";
        var conditional = options.GetValueOrDefault("conditional-writes", "yes");
        if (conditional is not ("yes" or "no")) return null;
        wrong = $"lock-days is not a number from 1 to {MaxLockDays}";
        var days = 0;
        if (options.TryGetValue("lock-days", out var lockDays)
            && !(int.TryParse(lockDays, NumberStyles.None, CultureInfo.InvariantCulture, out days) && days is > 0 and <= MaxLockDays)) return null;
        wrong = "lock-mode is neither governance nor compliance, or stands without lock-days";
        var mode = options.GetValueOrDefault("lock-mode", "governance");
        if (mode is not ("governance" or "compliance") || (days == 0 && options.ContainsKey("lock-mode"))) return null;
        wrong = "";
        return new S3Address
        {
            Bucket = bucket,
            Prefix = path.Length == 0 ? "" : path + "/",
            Endpoint = endpoint,
            Region = region,
            PathStyle = style == "true",
            ConditionalWrites = conditional == "yes",
            LockDays = days,
            LockIsCompliance = mode == "compliance",
            Text = text,
        };
    }

    private static S3Address? Secret(out string wrong, out string hint)
    {
        wrong = "it holds a key or a password, which must not stand in a location: points keep a copy of it";
        hint = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write ~/.aws/credentials, and change that key";
        return null;
    }

    private static (string Name, string Value) Split(string pair)
    {
        var at = pair.IndexOf('=', StringComparison.Ordinal);
        return at < 0
            ? (Uri.UnescapeDataString(pair), "")
            : (Uri.UnescapeDataString(pair[..at]), Uri.UnescapeDataString(pair[(at + 1)..]));
    }

    private static bool IsServer(Uri endpoint) =>
        endpoint.Scheme is "http" or "https"
        && endpoint.Host.Length > 0
        && endpoint.UserInfo.Length == 0
        && endpoint.PathAndQuery == "/"
        && endpoint.Fragment.Length == 0;

    private static bool IsPrefix(string path) =>
        path.Length == 0
        || path.Split('/').All(segment => segment.Length > 0
            && segment[0] != '.'
            && segment.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-'));
}
