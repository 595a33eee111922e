using System.Runtime.CompilerServices;
using Amazon.S3;
using Amazon.S3.Model;

namespace Reprise.Storage.S3;

/// <summary>
/// What a bucket keeps beside what it shows: former versions, deletions that cover them, and locks (Object Lock) that keep
/// versions from being removed. A lock protects a version and not a name: whoever may put or delete still covers it.
/// </summary>
internal sealed class S3Versions(
    S3Address address, AmazonS3Client client, S3Calls calls, S3Faults faults, S3Limits limits, TimeProvider clock)
{
    private DateTime Until => clock.GetUtcNow().UtcDateTime.AddDays(address.LockDays);

    /// <summary>Locks what is about to be written.</summary>
    public void Lock(PutObjectRequest request)
    {
        request.ObjectLockMode = address.LockIsCompliance ? ObjectLockMode.Compliance : ObjectLockMode.Governance;
        request.ObjectLockRetainUntilDate = Until;
    }

    /// <summary>Every version, as the server lists them; after one of them, those that it lists behind it.</summary>
    public async IAsyncEnumerable<ObjectVersion> ListAsync(
        ObjectPrefix prefix, ObjectVersion? after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var under = address.Under(prefix);
        var request = new ListVersionsRequest { BucketName = address.Bucket, Prefix = under, MaxKeys = limits.PageObjects };
        if (after is not null)
            (request.KeyMarker, request.VersionIdMarker) = (address.KeyOf(after.Name), after.Id.Length > 0 ? after.Id : null);
        while (true)
        {
            var page = await calls.RunAsync(
                null, "list versions", limits.Short, token => client.ListVersionsAsync(request, token), cancellationToken);
            foreach (var found in page.Versions ?? [])
            {
                if (!found.Key.StartsWith(under, StringComparison.Ordinal))
                    throw Broken("the server lists versions outside of the prefix that was asked for");
                if (address.NameOf(found.Key) is not { } name) continue;
                var modified = new DateTimeOffset((found.LastModified ?? DateTime.UnixEpoch).ToUniversalTime());
                yield return new ObjectVersion(name, found.VersionId ?? "", found.Size ?? 0, modified)
                {
                    IsCurrent = found.IsLatest == true,
                    IsDeletion = found.IsDeleteMarker == true,
                };
            }

            if (page.IsTruncated != true) yield break;
            if (string.IsNullOrEmpty(page.NextKeyMarker)
                || (page.NextKeyMarker == request.KeyMarker && page.NextVersionIdMarker == request.VersionIdMarker))
            {
                throw Broken("the server breaks a listing of versions off and does not say how it goes on");
            }

            (request.KeyMarker, request.VersionIdMarker) = (page.NextKeyMarker, page.NextVersionIdMarker);
        }
    }

    /// <summary>Locks a version from now on. A lock that is longer stays as it is.</summary>
    public async ValueTask ProtectAsync(ObjectVersion version, CancellationToken cancellationToken)
    {
        var until = Until;
        var request = new PutObjectRetentionRequest
        {
            BucketName = address.Bucket,
            Key = address.KeyOf(version.Name),
            VersionId = version.Id,
            Retention = new ObjectLockRetention
            {
                Mode = address.LockIsCompliance ? ObjectLockRetentionMode.Compliance : ObjectLockRetentionMode.Governance,
                RetainUntilDate = until,
            },
        };
        try
        {
            await calls.RunAsync(
                version.Name, $"lock {version.Name}", limits.Short, token => client.PutObjectRetentionAsync(request, token), cancellationToken);
        }
        catch (StoreException e) when (e.Fault is StoreFault.Denied)
        {
            // Servers refuse to shorten a lock as they refuse whoever may not lock at all.
            if (await LockedUntilAsync(version, cancellationToken) is not { } there || there < until) throw;
        }
    }

    /// <summary>Removes a deletion.</summary>
    public async ValueTask UncoverAsync(ObjectVersion deletion, CancellationToken cancellationToken)
    {
        Errors.Invariant.Check(deletion.IsDeletion && deletion.Id.Length > 0, $"{deletion.Name} {deletion.Id} is no deletion");
        var request = new DeleteObjectRequest
        {
            BucketName = address.Bucket, Key = address.KeyOf(deletion.Name), VersionId = deletion.Id,
        };
        await calls.RunAsync(
            deletion.Name, $"uncover {deletion.Name}", limits.Short, token => client.DeleteObjectAsync(request, token), cancellationToken);
    }

    private async ValueTask<DateTime?> LockedUntilAsync(ObjectVersion version, CancellationToken cancellationToken)
    {
        var request = new GetObjectRetentionRequest
        {
            BucketName = address.Bucket, Key = address.KeyOf(version.Name), VersionId = version.Id,
        };
        var answer = await calls.RunAsync(
            version.Name, $"look at the lock of {version.Name}", limits.Short, token => client.GetObjectRetentionAsync(request, token), cancellationToken);
        return answer.Retention?.RetainUntilDate?.ToUniversalTime();
    }

    private StoreException Broken(string message) => faults.Make(
        new StoreFault.Failed(), null, message, "use a server that can list versions");
}
