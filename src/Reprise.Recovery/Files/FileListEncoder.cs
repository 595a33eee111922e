using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using Reprise.Repository.Format;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Files;

/// <summary>
/// Turns entries into the bytes of a list (see <see cref="FileListCodec"/>) and the hash of the asset.
/// </summary>
internal sealed class FileListEncoder : IDisposable
{
    private readonly ArrayBufferWriter<byte> record = new(1024);
    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private ulong records;

    /// <summary>Starts the list.</summary>
    public static void Begin(IBufferWriter<byte> to) => to.Write(FileListCodec.Header);

    /// <summary>Appends an entry; the caller keeps the order.</summary>
    public void Add(IBufferWriter<byte> to, FileEntry entry)
    {
        record.ResetWrittenCount();
        var stable = FileListCodec.WriteRecord(record, entry);
        hash.AppendData(record.WrittenSpan[stable..]);
        if (entry.Type == FileEntryType.File) AddContent(entry);
        Invariant.Check(
            record.WrittenCount <= FileListCodec.MaxRecordBytes, $"a record has {record.WrittenCount} bytes");
        ByteWriter.UInt32(to, (uint)record.WrittenCount);
        to.Write(record.WrittenSpan);
        records++;
    }

    /// <summary>Ends the list.</summary>
    public void End(IBufferWriter<byte> to) => FileListCodec.WriteEnd(to, records);

    /// <summary>The hash over all entries; called once, at the end.</summary>
    public Sha256Digest Hash() => new(hash.GetHashAndReset());

    /// <inheritdoc />
    public void Dispose() => hash.Dispose();

    private void AddContent(FileEntry entry)
    {
        var content = entry.Content;
        Invariant.Check(content is not null, $"file {entry.Path} has no content");
        Span<byte> facts = stackalloc byte[sizeof(long) + Sha256Digest.Length];
        BinaryPrimitives.WriteInt64LittleEndian(facts, content!.LengthBytes); // Checked the line above.
        content.Sha256.Bytes.CopyTo(facts[sizeof(long)..]);
        hash.AppendData(facts);
        ContentCodec.Write(record, content);
    }
}

/// <summary>
/// Writes a list into a file of ours; durable after <see cref="Complete"/>. What is in a repository is proven by its
/// hashes; a file beside the live ones has only itself, so the SHA-256 of the list stands behind it.
/// </summary>
internal sealed class FileListWriter : IDisposable
{
    private const int BlockBytes = 256 * 1024;

    private readonly IDiskFile file;
    private readonly FileListEncoder encoder = new();
    private readonly ArrayBufferWriter<byte> buffer = new(BlockBytes * 2);
    private readonly IncrementalHash whole = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long written;

    /// <summary>Creates the file, which must not exist.</summary>
    public FileListWriter(IDisk disk, DiskPath path)
    {
        file = disk.CreateNew(path);
        FileListEncoder.Begin(buffer);
    }

    /// <summary>Appends an entry; the caller keeps the order.</summary>
    public void Add(FileEntry entry)
    {
        encoder.Add(buffer, entry);
        if (buffer.WrittenCount >= BlockBytes) Flush();
    }

    /// <summary>Ends the list and syncs it.</summary>
    public void Complete()
    {
        encoder.End(buffer);
        Flush();
        file.Write(written, whole.GetHashAndReset());
        file.Sync();
    }

    /// <inheritdoc />
    public void Dispose()
    {
        encoder.Dispose();
        whole.Dispose();
        file.Dispose();
    }

    private void Flush()
    {
        file.Write(written, buffer.WrittenSpan);
        whole.AppendData(buffer.WrittenSpan);
        written += buffer.WrittenCount;
        buffer.ResetWrittenCount();
    }
}
