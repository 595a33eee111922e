using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Reprise.Storage.Errors;
using Reprise.Storage.Local;

namespace Reprise.Storage.S3;

/// <summary>How long one call may take, its retries not included.</summary>
public sealed record S3Limits
{
    /// <summary>A call that moves no content (default 1 min).</summary>
    public TimeSpan Short { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>A call that moves an object of at most 20 MiB (default 10 min: 35 kB/s).</summary>
    public TimeSpan Long { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Objects in a page of a listing (default and most: 1,000).</summary>
    public int PageObjects { get; init; } = 1000;
}

/// <summary>
/// Objects in a bucket of S3 or of what speaks like it. An object is one request, never a multipart upload, so that it is
/// there whole or not at all. Creation is conditional (<c>If-None-Match: *</c>) unless the address says that the server
/// cannot do that. Every content is signed, so that a server that is damaged on the way refuses it.
/// </summary>
public sealed class S3Store : IStore, IDisposable
{
    private readonly S3Address address;
    private readonly S3Faults faults;
    private readonly S3Limits limits;
    private readonly AmazonS3Client client;
    private readonly S3Calls calls;
    private readonly S3Versions versions;

    // Whether this server was seen to take them; that changes once at most.
    private volatile bool checksums = true;

    private S3Store(S3Address address, S3Faults faults, AmazonS3Client client, S3Limits limits, TimeProvider clock)
    {
        this.address = address;
        this.faults = faults;
        this.client = client;
        this.limits = limits;
        calls = new S3Calls(faults, clock);
        versions = new S3Versions(address, client, calls, faults, limits, clock);
        Capabilities = new StoreCapabilities("s3", address.Text)
        {
            AtomicCreate = address.ConditionalWrites,
            KeepsVersions = true,
            Protects = address.LockDays > 0,
        };
    }

    /// <inheritdoc />
    public StoreCapabilities Capabilities { get; }

    /// <summary>The store at an address; nothing is sent yet. <c>store-denied</c> when there are no credentials.</summary>
    public static S3Store Open(S3Address address, S3Login login, S3Limits limits, TimeProvider clock)
    {
        var told = new S3Faults(address);
        var server = address.Endpoint ?? login.Endpoint;
        var atAmazon = server is null || server.Host.EndsWith(".amazonaws.com", StringComparison.OrdinalIgnoreCase);
        try
        {
            var credentials = login.Find(atAmazon) ?? throw told.NoCredentials();
            return new S3Store(address, told, S3Connections.Open(address, credentials, login, limits.Long), limits, clock);
        }
        catch (Exception e) when (S3Faults.IsKnown(e))
        {
            throw told.Of(e, null, "open the store");
        }
    }

    /// <inheritdoc />
    public async ValueTask PutAsync(
        ObjectName name, ReadOnlyMemory<byte> content, PutMode mode, CancellationToken cancellationToken)
    {
        Invariant.Check(
            content.Length <= StoreLimits.MaxObjectBytes, $"object {name} of {content.Length} bytes is too large");
        switch (mode)
        {
            case PutMode.Replace:
                await SendAsync(name, content, onlyNew: false, cancellationToken);
                return;
            case PutMode.CreateNew when address.ConditionalWrites:
                await SendAsync(name, content, onlyNew: true, cancellationToken);
                return;
            case PutMode.ContentNamed when address.ConditionalWrites:
                await SendContentNamedAsync(name, content, cancellationToken);
                return;
            case PutMode.CreateNew:
                if (await StatAsync(name, cancellationToken) is { } there) throw Exists(name, there.SizeBytes);
                await SendAsync(name, content, onlyNew: false, cancellationToken);
                return;
            case PutMode.ContentNamed:
                if (await IsThereAsync(name, content.Length, cancellationToken)) return;
                await SendAsync(name, content, onlyNew: false, cancellationToken);
                return;
            default:
                throw new InvariantException($"put mode {mode}");
        }
    }

    /// <inheritdoc />
    public ValueTask<IMemoryOwner<byte>> ReadAsync(
        ObjectName name, Storage.ByteRange range, CancellationToken cancellationToken) =>
        ReadAsync(name, null, range, cancellationToken);

    /// <inheritdoc />
    public ValueTask<IMemoryOwner<byte>> ReadVersionAsync(
        ObjectVersion version, Storage.ByteRange range, CancellationToken cancellationToken) =>
        ReadAsync(version.Name, version.Id, range, cancellationToken);

    /// <inheritdoc />
    public IAsyncEnumerable<ObjectVersion> VersionsAsync(ObjectPrefix prefix, CancellationToken cancellationToken) =>
        versions.ListAsync(prefix, null, cancellationToken);

    /// <inheritdoc />
    public IAsyncEnumerable<ObjectVersion> VersionsAfterAsync(
        ObjectPrefix prefix, ObjectVersion after, CancellationToken cancellationToken) =>
        versions.ListAsync(prefix, after, cancellationToken);

    /// <inheritdoc />
    public ValueTask ProtectAsync(ObjectVersion version, CancellationToken cancellationToken) =>
        address.LockDays > 0 ? versions.ProtectAsync(version, cancellationToken) : ValueTask.CompletedTask;

    /// <inheritdoc />
    public ValueTask UncoverAsync(ObjectVersion deletion, CancellationToken cancellationToken) =>
        versions.UncoverAsync(deletion, cancellationToken);

    /// <inheritdoc />
    public async ValueTask<ObjectInfo?> StatAsync(ObjectName name, CancellationToken cancellationToken)
    {
        try
        {
            var request = new GetObjectMetadataRequest { BucketName = address.Bucket, Key = address.KeyOf(name) };
            var answer = await calls.RunAsync(
                name, $"look at {name}", limits.Short, token => client.GetObjectMetadataAsync(request, token), cancellationToken);
            return new ObjectInfo(name, answer.ContentLength);
        }
        catch (StoreException e) when (e.Fault is StoreFault.NotFound)
        {
            // This answer has no body, so that it does not say whether the object is missing or the whole bucket, and a
            // bucket that is gone must not look like an empty one.
            if (!calls.BucketSeen) await PageAsync(address.Prefix, "", null, 1, cancellationToken);
            return null;
        }
    }

    /// <inheritdoc />
    public IAsyncEnumerable<ObjectInfo> ListAsync(ObjectPrefix prefix, CancellationToken cancellationToken) =>
        ListAsync(prefix, "", cancellationToken);

    /// <inheritdoc />
    public IAsyncEnumerable<ObjectInfo> ListAfterAsync(
        ObjectPrefix prefix, ObjectName after, CancellationToken cancellationToken) =>
        ListAsync(prefix, address.KeyOf(after), cancellationToken);

    /// <inheritdoc />
    public async ValueTask DeleteAsync(ObjectName name, CancellationToken cancellationToken)
    {
        try
        {
            var request = new DeleteObjectRequest { BucketName = address.Bucket, Key = address.KeyOf(name) };
            await calls.RunAsync(
                name, $"delete {name}", limits.Short, token => client.DeleteObjectAsync(request, token), cancellationToken);
        }
        catch (StoreException e) when (e.Fault is StoreFault.NotFound)
        {
            // Some servers say so; what is absent is deleted.
        }
    }

    /// <inheritdoc />
    public void Dispose() => client.Dispose();

    private async IAsyncEnumerable<ObjectInfo> ListAsync(
        ObjectPrefix prefix, string after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var under = address.Under(prefix);
        var last = "";
        string? next = null;
        do
        {
            var page = await PageAsync(under, after, next, limits.PageObjects, cancellationToken);
            foreach (var found in page.S3Objects ?? [])
            {
                // Whoever leaves objects out that come late in a wrong order takes them for missing.
                if (string.CompareOrdinal(last, found.Key) >= 0)
                    throw Broken(null, "the server does not list objects in the order of their names");
                last = found.Key;
                if (!found.Key.StartsWith(under, StringComparison.Ordinal))
                    throw Broken(null, "the server lists objects outside of the prefix that was asked for");
                if (string.CompareOrdinal(found.Key, after) <= 0) continue; // Not every server knows where to begin.
                if (address.NameOf(found.Key) is { } name) yield return new ObjectInfo(name, found.Size ?? 0);
            }

            var token = page.IsTruncated == true ? page.NextContinuationToken : null;
            if (page.IsTruncated == true && (string.IsNullOrEmpty(token) || token == next))
                throw Broken(null, "the server breaks a listing off and does not say how it goes on");
            next = token;
        }
        while (next is not null);
    }

    private async ValueTask<IMemoryOwner<byte>> ReadAsync(
        ObjectName name, string? version, Storage.ByteRange range, CancellationToken cancellationToken)
    {
        Invariant.Check(range.IsValid, $"range {range} is not valid");
        if (range.LengthBytes == 0) return await ReadNothingAsync(name, range, cancellationToken);
        var request = new GetObjectRequest
        {
            BucketName = address.Bucket,
            Key = address.KeyOf(name),
            VersionId = version,
            ByteRange = new Amazon.S3.Model.ByteRange(range.OffsetBytes, range.OffsetBytes + range.LengthBytes - 1),
        };
        var bytes = new PooledBytes(range.LengthBytes);
        try
        {
            await calls.RunAsync(name, $"read {name}", limits.Long, async token =>
            {
                using var answer = await client.GetObjectAsync(request, token);
                CheckAnswer(answer, name, range);
                var read = await answer.ResponseStream.ReadAtLeastAsync(
                    bytes.Memory, range.LengthBytes, throwOnEndOfStream: false, token);
                if (read < range.LengthBytes) throw Broken(name, $"the answer ended after {read} of {range.LengthBytes} bytes");
                return true;
            }, cancellationToken);
            return bytes;
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    private async ValueTask SendContentNamedAsync(
        ObjectName name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        try
        {
            await SendAsync(name, content, onlyNew: true, cancellationToken);
        }
        catch (StoreException e) when (e.Fault is StoreFault.AlreadyExists)
        {
            if (!await IsThereAsync(name, content.Length, cancellationToken))
                throw Broken(name, $"object {name} was there and is gone");
        }
    }

    private async ValueTask<bool> IsThereAsync(ObjectName name, int lengthBytes, CancellationToken cancellationToken) =>
        await StatAsync(name, cancellationToken) switch
        {
            null => false,
            { } info when info.SizeBytes == lengthBytes => true,
            { } info => throw Exists(name, info.SizeBytes),
        };

    private async ValueTask SendAsync(
        ObjectName name, ReadOnlyMemory<byte> content, bool onlyNew, CancellationToken cancellationToken)
    {
        using var stream = MemoryMarshal.TryGetArray(content, out var array)
            ? new MemoryStream(array.Array!, array.Offset, array.Count, writable: false) // TryGetArray gave an array.
            : new MemoryStream(content.ToArray(), writable: false);
        var checksum = checksums;
        var request = new PutObjectRequest
        {
            BucketName = address.Bucket,
            Key = address.KeyOf(name),
            InputStream = stream,
            AutoCloseStream = false,
            ContentType = "application/octet-stream",
            // One signature over the whole content: the form that every server knows.
            UseChunkEncoding = false,
            DisablePayloadSigning = false,
        };
        if (checksum) request.ChecksumSHA256 = Convert.ToBase64String(SHA256.HashData(content.Span));
        if (onlyNew) request.IfNoneMatch = "*";
        if (address.LockDays > 0) versions.Lock(request);
        await calls.RunAsync(name, $"write {name}", limits.Long, async token =>
        {
            try
            {
                return await client.PutObjectAsync(request, token);
            }
            catch (AmazonServiceException e) when (checksum && address.LockDays == 0 && S3Faults.IsUnknownToServer(e))
            {
                // The signature covers the content anyway; only buckets with Object Lock demand the header.
                checksums = false;
                throw faults.Make(
                    new StoreFault.Unreachable(), name, "the server does not take x-amz-checksum-sha256", "run the command again", e);
            }
        }, cancellationToken);
    }

    private ValueTask<ListObjectsV2Response> PageAsync(
        string under, string after, string? next, int objects, CancellationToken cancellationToken) =>
        calls.RunAsync(null, "list objects", limits.Short, token => client.ListObjectsV2Async(
            new ListObjectsV2Request
            {
                BucketName = address.Bucket,
                Prefix = under,
                StartAfter = after.Length > 0 ? after : null,
                ContinuationToken = next,
                MaxKeys = objects,
            },
            token), cancellationToken);

    private async ValueTask<IMemoryOwner<byte>> ReadNothingAsync(
        ObjectName name, Storage.ByteRange range, CancellationToken cancellationToken)
    {
        // No range of S3 is empty.
        var info = await StatAsync(name, cancellationToken) ?? throw faults.Make(
            new StoreFault.NotFound(), name, $"object {name} does not exist", "run `reprise verify` to learn which points need it");
        return range.OffsetBytes <= info.SizeBytes ? new PooledBytes(0) : throw Truncated(name, range, info.SizeBytes);
    }

    private void CheckAnswer(GetObjectResponse answer, ObjectName name, Storage.ByteRange range)
    {
        var whole = WholeSize(answer.ContentRange);
        if (whole is null && range.OffsetBytes > 0)
        {
            throw faults.Make(
                new StoreFault.Denied(), name, "the server does not answer for parts of an object", "use a server that knows Range");
        }

        var size = whole ?? answer.ContentLength;
        if (range.OffsetBytes + range.LengthBytes > size) throw Truncated(name, range, size);
        if (whole is not null && !answer.ContentRange.StartsWith(
            string.Create(CultureInfo.InvariantCulture, $"bytes {range.OffsetBytes}-"), StringComparison.Ordinal))
        {
            throw Broken(name, $"the server answered for another part of {name}");
        }
    }

    // "bytes 0-99/1234": what stands behind the slash.
    private static long? WholeSize(string? contentRange) =>
        contentRange?.LastIndexOf('/') is { } at and >= 0
        && long.TryParse(contentRange.AsSpan(at + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var size)
            ? size
            : null;

    private StoreException Broken(ObjectName? name, string message) => faults.Make(
        new StoreFault.Failed(), name, message, "run 'reprise store check LOCATION' to see whether the server can hold a repository");

    private StoreException Truncated(ObjectName name, Storage.ByteRange range, long size) => faults.Make(
        new StoreFault.Truncated(), name, $"object {name} has {size} bytes, but {range} was asked for", "run `reprise verify` to learn which points need it");

    private StoreException Exists(ObjectName name, long size) => faults.Make(
        new StoreFault.AlreadyExists(), name, $"object {name} exists already with {size} bytes", "nothing was written; look at what is there");
}
