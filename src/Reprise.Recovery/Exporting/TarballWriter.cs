using System.Buffers;
using System.Security.Cryptography;
using Reprise.Recovery.Assets;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;
using ZstdNet;

namespace Reprise.Recovery.Exporting;

/// <summary>The bytes of one regular file of a tree, as <see cref="PointReader.ReadAsync"/> gives them.</summary>
internal delegate IAsyncEnumerable<ContentBlock> TreeContent(TreeEntry entry, CancellationToken cancellationToken);

/// <summary>
/// Writes a tree as one <c>.tar.zst</c>, then reads the file back, decompresses it and compares it with what went in:
/// nobody looks at an export until it is the last copy.
/// </summary>
internal sealed class TarballWriter(IDisk disk, Cpu cpu, IProgressSink progress)
{
    private const int BlockBytes = 1024 * 1024;
    private const int Level = 3;

    private readonly ArrayBufferWriter<byte> pending = new(2 * BlockBytes);
    private readonly byte[] zeros = new byte[64 * 1024];

    /// <summary>Writes <paramref name="path"/>, which must not exist. Not synced.</summary>
    public async Task<FileFacts> WriteAsync(
        DiskPath path, IAsyncEnumerable<TreeEntry> entries, TreeContent read, CancellationToken cancellationToken)
    {
        using var plain = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using (var file = disk.CreateNew(path))
        using (var options = Options())
        using (var zstd = new CompressionStream(new DiskStream(file, Ignore), options))
        {
            await foreach (var entry in entries.WithCancellation(cancellationToken))
            {
                // The root is the folder that the archive is unpacked in; it stays as whoever unpacks it made it.
                if (entry.Path.IsEmpty) continue;
                TarFormat.WriteHeaders(pending, entry);
                if (entry is { Type: FileType.Regular, HardLinkTo.IsEmpty: true })
                    await CopyAsync(entry, read, zstd, plain, cancellationToken);
                if (pending.WrittenCount >= BlockBytes) await FlushAsync(zstd, plain, cancellationToken);
            }

            TarFormat.WriteEnd(pending);
            await FlushAsync(zstd, plain, cancellationToken);
        }

        var expected = plain.GetHashAndReset();
        return await cpu.RunAsync(() => ReadBack(path, expected, cancellationToken), cancellationToken);
    }

    private static CompressionOptions Options() => new(
        null, new Dictionary<ZSTD_cParameter, int> { [ZSTD_cParameter.ZSTD_c_checksumFlag] = 1 }, Level);

    private static void Ignore(ReadOnlySpan<byte> bytes)
    {
    }

    private async Task CopyAsync(
        TreeEntry entry,
        TreeContent read,
        CompressionStream zstd,
        IncrementalHash plain,
        CancellationToken cancellationToken)
    {
        var length = 0L;
        await foreach (var block in read(entry, cancellationToken))
        {
            length += block.Bytes.Length + block.HoleBytes;
            if (length > entry.SizeBytes) break;
            pending.Write(block.Bytes.Span);
            if (pending.WrittenCount >= BlockBytes) await FlushAsync(zstd, plain, cancellationToken);
            for (var left = block.HoleBytes; left > 0; left -= Math.Min(left, zeros.Length))
            {
                pending.Write(zeros.AsSpan(0, (int)Math.Min(left, zeros.Length)));
                if (pending.WrittenCount >= BlockBytes) await FlushAsync(zstd, plain, cancellationToken);
            }

            progress.Advance(block.Bytes.Length + block.HoleBytes);
        }

        Invariant.Check(length == entry.SizeBytes, $"{entry.Path} has {length} bytes instead of {entry.SizeBytes}");
        pending.Write(zeros.AsSpan(0, TarFormat.Padding(length)));
    }

    private async Task FlushAsync(CompressionStream zstd, IncrementalHash plain, CancellationToken cancellationToken)
    {
        await cpu.RunAsync(
            () =>
            {
                plain.AppendData(pending.WrittenSpan);
                zstd.Write(pending.WrittenSpan);
            },
            cancellationToken);
        pending.ResetWrittenCount();
    }

    private FileFacts ReadBack(DiskPath path, byte[] expected, CancellationToken cancellationToken)
    {
        using var stored = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var plain = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var file = disk.OpenRead(path);
        var stream = new DiskStream(file, bytes => stored.AppendData(bytes));
        var buffer = ArrayPool<byte>.Shared.Rent(BlockBytes);
        try
        {
            using (var zstd = new DecompressionStream(stream))
            {
                int got;
                while ((got = zstd.Read(buffer, 0, BlockBytes)) > 0)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    plain.AppendData(buffer, 0, got);
                }
            }

            while (stream.Read(buffer) > 0) cancellationToken.ThrowIfCancellationRequested();
        }
        catch (ZstdException e)
        {
            throw Unsound(path, e);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        if (!plain.GetHashAndReset().AsSpan().SequenceEqual(expected)) throw Unsound(path, null);
        return new FileFacts(stream.Position, new Sha256Digest(stored.GetHashAndReset()));
    }

    private static RepriseException Unsound(DiskPath path, Exception? inner) => new(
        StorageErrors.MediumFailed,
        $"{path.Name} does not give back what was written into it",
        "export to another disk, and have disk and memory of this machine checked",
        inner);
}
