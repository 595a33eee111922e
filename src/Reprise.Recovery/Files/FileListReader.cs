using System.Buffers.Binary;
using System.Security.Cryptography;
using Reprise.Repository.Format;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;

namespace Reprise.Recovery.Files;

/// <summary>
/// Reads a list from a file, one entry at a time, in bounded memory. It proves what a list promises: the order, hence
/// that no path comes twice; that what holds an entry is a folder that came before; the count at the end.
/// </summary>
internal sealed class FileListReader : IDisposable
{
    private const int BlockBytes = 256 * 1024;

    private readonly IDiskFile file;
    private readonly byte[] buffer = new byte[BlockBytes + FileListCodec.MaxRecordBytes + sizeof(uint)];
    private readonly List<DiskPath> folders = [];
    private readonly IncrementalHash? whole;
    private readonly bool isOurs;
    private readonly Sha256Digest? expected;
    private int start;
    private int end;
    private long position;
    private ulong records;
    private DiskPath? last;
    private bool ended;

    /// <summary>Opens a list; <c>malformed</c> when it is not one.</summary>
    /// <param name="disk">where.</param>
    /// <param name="path">which.</param>
    /// <param name="isOurs">whether <see cref="FileListWriter"/> wrote it, with a hash behind it.</param>
    /// <param name="expected">the SHA-256 that its bytes have to have, or null where somebody else proves them: a private
    /// copy on a disk is not proven by having been whole when it was written.</param>
    public FileListReader(IDisk disk, DiskPath path, bool isOurs = false, Sha256Digest? expected = null)
    {
        this.isOurs = isOurs;
        this.expected = expected;
        if (isOurs || expected is not null) whole = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        file = disk.OpenRead(path);
        var header = Need(FileListCodec.HeaderBytes);
        if (header[..7].SequenceEqual(FileListCodec.Header[..7]) && header[7] != FileListCodec.Header[7])
        {
            throw new Storage.Errors.RepriseException(
                Repository.RepositoryErrors.FormatNewer,
                $"a file list has version {header[7]}, this program knows version 1",
                "use the version of Reprise that wrote it, or a newer one");
        }

        if (!header.SequenceEqual(FileListCodec.Header)) throw ByteReader.Broken("a file list does not start as one");
    }

    /// <summary>Number of entries read so far.</summary>
    public ulong Records => records;

    /// <summary>The next entry, or null at the end.</summary>
    public FileEntry? Next()
    {
        if (ended) return null;
        var length = BinaryPrimitives.ReadUInt32LittleEndian(Need(sizeof(uint)));
        if (length == 0)
        {
            End();
            return null;
        }

        if (length > FileListCodec.MaxRecordBytes) throw ByteReader.Broken($"a record of {length} bytes is too long");
        var entry = FileListCodec.Read(Need((int)length));
        CheckPlace(entry);
        records++;
        return entry;
    }

    /// <summary>The next entry of a type, or null at the end.</summary>
    public FileEntry? Next(FileEntryType type)
    {
        while (Next() is { } entry)
        {
            if (entry.Type == type) return entry;
        }

        return null;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        whole?.Dispose();
        file.Dispose();
    }

    private void CheckPlace(FileEntry entry)
    {
        var order = last is { } previous ? FileListCodec.Compare(previous, entry.Path) : -1;
        if (order > 0 || (order == 0 && entry.Type != FileEntryType.Missing))
            throw ByteReader.Broken($"a file list has '{entry.Path}' after '{last}'");
        last = entry.Path;
        while (folders.Count > 0 && !IsBelow(entry.Path, folders[^1])) folders.RemoveAt(folders.Count - 1);
        if (entry.Type != FileEntryType.Missing && !entry.Path.IsEmpty
            && (folders.Count == 0 || entry.Path.Parent != folders[^1]))
            throw ByteReader.Broken($"a file list has '{entry.Path}' without the folder that holds it");
        if (entry.Type == FileEntryType.Folder) folders.Add(entry.Path);
    }

    private static bool IsBelow(DiskPath path, DiskPath folder) =>
        folder.IsEmpty || (path.IsWithin(folder) && path.Bytes.Length > folder.Bytes.Length);

    private void End()
    {
        var count = BinaryPrimitives.ReadUInt64LittleEndian(Need(sizeof(ulong)));
        if (count != records) throw ByteReader.Broken($"a file list has {records} entries and says {count}");
        if (whole is not null) CheckHash(new Sha256Digest(whole.GetHashAndReset()));
        if (start != end || Fill() > 0) throw ByteReader.Broken("something follows the end of a file list");
        ended = true;
    }

    private void CheckHash(Sha256Digest hash)
    {
        if (isOurs && !Take(SHA256.HashSizeInBytes).SequenceEqual(hash.Bytes))
            throw ByteReader.Broken("a file list has another SHA-256 than the one behind it");
        if (expected is { } digest && hash != digest)
            throw ByteReader.Broken("a private copy of a file list was read back as something else");
    }

    private ReadOnlySpan<byte> Need(int count)
    {
        var span = Take(count);
        whole?.AppendData(span);
        return span;
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (end - start < count) Fill();
        if (end - start < count) throw ByteReader.Broken("a file list ends in the middle");
        var span = buffer.AsSpan(start, count);
        start += count;
        return span;
    }

    private int Fill()
    {
        buffer.AsSpan(start, end - start).CopyTo(buffer);
        end -= start;
        start = 0;
        var read = file.Read(position, buffer.AsSpan(end));
        end += read;
        position += read;
        return read;
    }
}
