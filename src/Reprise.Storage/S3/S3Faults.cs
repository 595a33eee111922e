using System.Globalization;
using System.Net;
using Amazon.Runtime;

namespace Reprise.Storage.S3;

/// <summary>
/// What the answers of a server and the failures of a connection mean, as the closed set of <see cref="StoreFault"/>.
/// Messages are made of the status, the code and the number of the request: the texts of servers repeat what was signed,
/// and with it what must not be read by others.
/// </summary>
internal sealed class S3Faults(S3Address address)
{
    private const int LongestCode = 64;

    private static readonly HashSet<string> Throttling = new(StringComparer.OrdinalIgnoreCase)
    {
        "SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests", "BandwidthLimitExceeded",
        "RequestThrottled", "OperationAborted", "ConditionalRequestConflict",
    };

    private static readonly HashSet<string> Full = new(StringComparer.OrdinalIgnoreCase)
    {
        "QuotaExceeded", "EntityTooLargeForQuota", "XMinioStorageFull", "InsufficientCapacity", "InsufficientStorage",
        "XMinioAdminBucketQuotaExceeded",
    };

    private static readonly HashSet<string> DamagedOnTheWay = new(StringComparer.OrdinalIgnoreCase)
    {
        "BadDigest", "XAmzContentSHA256Mismatch", "IncompleteBody", "RequestTimeout", "InternalError",
    };

    /// <summary>Whether the exception is one that a call of the package ends with.</summary>
    public static bool IsKnown(Exception exception) => exception is
        S3ConnectionException or AmazonServiceException or AmazonClientException or HttpRequestException or IOException
        or System.Net.Sockets.SocketException or WebException;

    /// <summary>Whether the server refused something that it does not know, so that it was not done.</summary>
    public static bool IsUnknownToServer(Exception exception) => exception is AmazonServiceException
    {
        StatusCode: HttpStatusCode.NotImplemented or HttpStatusCode.BadRequest,
        ErrorCode: "NotImplemented" or "InvalidRequest" or "InvalidArgument" or "NotSupported",
    };

    /// <summary>The failure of a call, in our words.</summary>
    public StoreException Of(Exception exception, ObjectName? name, string what)
    {
        if (exception is AmazonServiceException answer && (int)answer.StatusCode != 0) return OfAnswer(answer, name, what);
        for (var e = exception; e is not null; e = e.InnerException)
        {
            if (e is S3ConnectionException broken) return OfConnection(broken.Error, name, what, exception);
            if (e is HttpRequestException request) return OfConnection(request.HttpRequestError, name, what, exception);
        }

        if (exception is AmazonClientException
            && exception.InnerException is not (IOException or HttpRequestException or OperationCanceledException))
        {
            return Make(
                new StoreFault.Denied(),
                name,
                $"the request to {what} could not be signed or understood ({exception.GetType().Name})",
                "look at the credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, ~/.aws/credentials",
                exception);
        }

        return Make(
            new StoreFault.Failed(),
            name,
            $"the connection broke while it was asked to {what}",
            "look at the network and at the server, then run the command again",
            exception);
    }

    /// <summary>No answer came within our limit.</summary>
    public StoreException Late(ObjectName? name, string what, TimeSpan limit, Exception inner) => Make(
        new StoreFault.Failed(),
        name,
        string.Create(CultureInfo.InvariantCulture, $"no answer came within {limit.TotalSeconds:0} s when asked to {what}"),
        "look at the network and at the server, then run the command again",
        inner);

    /// <summary>Nobody says who we are.</summary>
    public StoreException NoCredentials() => Make(
        new StoreFault.Denied(),
        null,
        "no credentials were found",
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE with ~/.aws/credentials");

    /// <summary>A failure with the address said.</summary>
    public StoreException Make(
        StoreFault fault, ObjectName? name, string message, string hint, Exception? inner = null, string? sentence = null) =>
        new(fault, name, $"{address}: {message}", hint, inner) { Sentence = $"{address}: {sentence ?? message}" };

    private StoreException OfAnswer(AmazonServiceException answer, ObjectName? name, string what)
    {
        var code = Clean(answer.ErrorCode);
        var status = (int)answer.StatusCode;
        var request = Clean(answer.RequestId);
        var said = $"{status}{(code.Length > 0 && code != status.ToString(CultureInfo.InvariantCulture) ? " " + code : "")}";
        var number = request.Length > 0 ? $", request {request}" : "";
        StoreException Is(StoreFault fault, string message, string hint) =>
            Make(fault, name, $"{message} ({said}{number})", hint, answer, $"{message} ({said})");

        if (code == "NoSuchBucket")
            return Is(new StoreFault.Unreachable(), "there is no such bucket", "create the bucket, or correct the location");
        if (Full.Contains(code) || status == 507)
            return Is(new StoreFault.OutOfSpace(), $"no room is left to {what}", "free some room in the bucket, or raise its quota");
        if (Throttling.Contains(code) || status is 429 or 409)
            return Is(new StoreFault.Throttled(), $"the server asks for patience when asked to {what}", "run the command again later");
        if (address.LockDays > 0 && code == "InvalidRequest")
            return Is(new StoreFault.Denied(), $"the server refused to {what} under a lock", "make the bucket with Object Lock, or remove lock-days from the location");
        if (DamagedOnTheWay.Contains(code))
            return Is(new StoreFault.Failed(), $"the request to {what} did not arrive as it was sent", "run the command again");
        return status switch
        {
            404 => Is(new StoreFault.NotFound(), $"object {name} does not exist", "run `reprise verify` to learn which points need it"),
            412 => Is(new StoreFault.AlreadyExists(), $"object {name} exists already", "nothing was written; look at what is there"),
            416 => Is(new StoreFault.Truncated(), $"object {name} is shorter than what was asked for", "run `reprise verify` to learn which points need it"),
            401 or 403 => Refused(code, what, Is),
            501 => Is(
                new StoreFault.Denied(),
                $"the server cannot do what is needed to {what}",
                "run 'reprise store check LOCATION'; if it does not know If-None-Match, add conditional-writes=no to the location"),
            >= 500 => Is(new StoreFault.Failed(), $"the server failed when asked to {what}", "run the command again; if it stays, ask whoever runs the server"),
            >= 300 and < 400 => Elsewhere(what, Is),
            _ => code is "AuthorizationHeaderMalformed" or "IllegalLocationConstraintException"
                ? Elsewhere(what, Is)
                : Is(new StoreFault.Denied(), $"the server refused to {what}", "look at endpoint, region and path-style of the location"),
        };
    }

    private static StoreException Refused(string code, string what, Func<StoreFault, string, string, StoreException> make) =>
        code switch
        {
            "RequestTimeTooSkewed" => make(
                new StoreFault.Denied(), $"the server refused to {what}: the clocks differ too much", "set the clock of this host, and let NTP keep it"),
            "ExpiredToken" or "TokenRefreshRequired" => make(
                new StoreFault.Denied(), $"the server refused to {what}: the credentials have expired", "log in again, and run the command again"),
            "InvalidAccessKeyId" or "SignatureDoesNotMatch" or "InvalidToken" => make(
                new StoreFault.Denied(), $"the server refused to {what}: it does not know these credentials", "look at AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, ~/.aws/credentials, and the region"),
            _ => make(
                new StoreFault.Denied(), $"the server refused to {what}", "these credentials need s3:ListBucket on the bucket, and s3:GetObject, s3:PutObject and s3:DeleteObject on the prefix"),
        };

    private static StoreException Elsewhere(string what, Func<StoreFault, string, string, StoreException> make) => make(
        new StoreFault.Denied(),
        $"the server refused to {what}: the bucket lies in another region or at another endpoint",
        "add region=NAME to the location, or correct its endpoint");

    private StoreException OfConnection(HttpRequestError error, ObjectName? name, string what, Exception exception)
    {
        var why = error switch
        {
            HttpRequestError.NameResolutionError => "its name is not known",
            HttpRequestError.ConnectionError => "it does not take connections",
            HttpRequestError.SecureConnectionError => "no secure connection came about: its certificate is not trusted here, or it does not speak TLS",
            HttpRequestError.ProxyTunnelError => "the proxy refused",
            _ => null,
        };
        return why is null
            ? Make(
                new StoreFault.Failed(),
                name,
                $"the connection broke while it was asked to {what} ({error})",
                "look at the network and at the server, then run the command again",
                exception)
            : Make(
                new StoreFault.Unreachable(),
                name,
                $"the server cannot be reached to {what}: {why}",
                "look at the endpoint, the network and the server, then run the command again",
                exception);
    }

    // What comes from outside is printed only as far as it looks like a code.
    private static string Clean(string? text) =>
        new([.. (text ?? "").Where(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_').Take(LongestCode)]);
}
