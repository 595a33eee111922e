using System.Net;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;

namespace Reprise.Storage.S3;

/// <summary>
/// Connections to one server: few, bounded in every direction, without redirects, and without the retries of the
/// package: only <c>Wrapping.RetryingStore</c> tries again, because only it looks at what an unknown outcome left behind.
/// </summary>
internal sealed class S3Connections : HttpClientFactory
{
    /// <summary>Connections at once; the repository has fewer calls than that in flight.</summary>
    public const int MaxConnections = 16;

    /// <summary>How long a connection may take to come about.</summary>
    public static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(10);

    /// <summary>How long an idle connection is kept, so that a changed address is noticed.</summary>
    private static readonly TimeSpan IdleLimit = TimeSpan.FromSeconds(60);

    /// <summary>The client for an address.</summary>
    public static AmazonS3Client Open(S3Address address, AWSCredentials credentials, S3Login login, TimeSpan longest)
    {
        var endpoint = address.Endpoint ?? login.Endpoint;
        var region = address.Region ?? login.Region ?? "us-east-1";
        // Said first: what the package finds for itself in the files of the user decides nothing here.
        var config = new AmazonS3Config
        {
            DefaultConfigurationMode = DefaultConfigurationMode.Standard,
            IgnoreConfiguredEndpointUrls = true,
            MaxErrorRetry = 0,
            ThrottleRetries = false,
            RetryMode = RequestRetryMode.Standard,
            AllowAutoRedirect = false,
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
            ForcePathStyle = address.PathStyle || (address.Endpoint is null && endpoint is not null),
            Timeout = longest,
            ConnectTimeout = ConnectLimit,
            HttpClientFactory = new S3Connections(),
            HttpClientCacheSize = 1,
            UseAccelerateEndpoint = false,
        };
        if (endpoint is null)
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
        }
        else
        {
            config.ServiceURL = endpoint.ToString();
            config.AuthenticationRegion = region;
            config.UseHttp = endpoint.Scheme == "http";
        }

        return new AmazonS3Client(credentials, config);
    }

    /// <inheritdoc />
    public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => true;

#pragma warning disable RS0030 // A store on a network is the one place of this layer that sends requests.
#pragma warning disable CA2000 // The client of the package keeps it, one for each store, and disposes it.
    /// <inheritdoc />
    public override HttpClient CreateHttpClient(IClientConfig clientConfig) => new(new SendOnce(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        ConnectTimeout = ConnectLimit,
        MaxConnectionsPerServer = MaxConnections,
        MaxResponseHeadersLength = 64,
        PooledConnectionIdleTimeout = IdleLimit,
        UseCookies = false,
    }))
    {
        Timeout = Timeout.InfiniteTimeSpan, // Every call has a limit of its own, by the clock that we were given.
    };

#pragma warning restore CA2000
#pragma warning restore RS0030

    /// <summary>
    /// Without retries, and at one attempt by its own words, the package still sends a request ten times more when the
    /// connection breaks before an answer. A creation whose answer was lost would then be refused because of itself, and be
    /// taken for somebody else's. A failure that it does not know, and that holds no other inside, it does not repeat.
    /// </summary>
    private sealed class SendOnce(HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request, CancellationToken cancellationToken)
        {
            try
            {
                return await base.SendAsync(request, cancellationToken);
            }
            catch (Exception e) when (e is HttpRequestException or IOException)
            {
                throw new S3ConnectionException((e as HttpRequestException)?.HttpRequestError ?? HttpRequestError.ResponseEnded, e.Message);
            }
        }
    }
}

/// <summary>
/// A connection that failed before an answer came; only <see cref="S3Faults"/> reads it. It has no inner exception on purpose:
/// the package looks inside for one that it would repeat.
/// </summary>
internal sealed class S3ConnectionException(HttpRequestError error, string message) : Exception(message)
{
    /// <summary>How far it came.</summary>
    public HttpRequestError Error => error;
}
