using System.Buffers;
using System.Security.Cryptography;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;

namespace Reprise.Recovery.Exporting;

/// <summary>Length and hash of a file as it lies on the disk.</summary>
/// <param name="SizeBytes">its length.</param>
/// <param name="Sha256">the hash of all of it.</param>
internal sealed record FileFacts(long SizeBytes, Sha256Digest Sha256)
{
    private const int BufferBytes = 1024 * 1024;

    /// <summary>Reads the whole file; refuses what is no regular file.</summary>
    public static FileFacts Read(IDisk disk, DiskPath path, Action<long> progress, CancellationToken cancellationToken)
    {
        using var file = disk.OpenRead(path);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            var length = 0L;
            int got;
            while ((got = file.Read(length, buffer)) > 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
                hash.AppendData(buffer, 0, got);
                length += got;
                progress(got);
            }

            return new FileFacts(length, new Sha256Digest(hash.GetHashAndReset()));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
