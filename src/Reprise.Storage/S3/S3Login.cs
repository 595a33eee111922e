using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;
using Amazon.Runtime.Credentials;

namespace Reprise.Storage.S3;

/// <summary>
/// Who we are to an S3 store: the usual places, in the usual order. Variables, the shared files, the container, the
/// instance. The last is asked only for Amazon's own servers: elsewhere nobody answers, and waiting for nobody would look
/// like a slow store.
/// </summary>
/// <param name="Variable">looks an environment variable up.</param>
/// <param name="Home">the user's home, where <c>.aws</c> lies.</param>
public sealed record S3Login(Func<string, string?> Variable, string Home)
{
    /// <summary>The region that the environment names, or null.</summary>
    internal string? Region => Of("AWS_REGION") ?? Of("AWS_DEFAULT_REGION");

    /// <summary>The server that the environment names, or null.</summary>
    internal Uri? Endpoint =>
        Uri.TryCreate(Of("AWS_ENDPOINT_URL_S3") ?? Of("AWS_ENDPOINT_URL"), UriKind.Absolute, out var uri) ? uri : null;

    /// <summary>The credentials, or null when none of the places has any.</summary>
    internal AWSCredentials? Find(bool atAmazon)
    {
        if (Of("AWS_ACCESS_KEY_ID") is { } id && Of("AWS_SECRET_ACCESS_KEY") is { } secret)
        {
            return Of("AWS_SESSION_TOKEN") is { } token
                ? new SessionAWSCredentials(id, secret, token)
                : new BasicAWSCredentials(id, secret);
        }

        var file = Of("AWS_SHARED_CREDENTIALS_FILE") ?? Path.Combine(Home, ".aws", "credentials");
        if (new CredentialProfileStoreChain(file).TryGetAWSCredentials(Of("AWS_PROFILE") ?? "default", out var shared))
            return shared;
        if (Of("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") is not null || Of("AWS_CONTAINER_CREDENTIALS_FULL_URI") is not null)
            return new GenericContainerCredentials();
        return atAmazon && Of("AWS_EC2_METADATA_DISABLED") is not "true"
            ? DefaultAWSCredentialsIdentityResolver.GetCredentials()
            : null;
    }

    private string? Of(string name) => Variable(name) is { Length: > 0 } value ? value : null;
}
