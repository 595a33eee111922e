using System.Buffers;
using System.Security.Cryptography;
using Reprise.Repository.Chunking;
using Reprise.Repository.Format;
using Reprise.Repository.Packs;

namespace Reprise.Repository.Points;

/// <summary>Takes the bytes of one content in order, cuts them into chunks and remembers where these lie.</summary>
public sealed class ContentWriter
{
    private static readonly byte[] Zeros = new byte[64 * 1024];

    private readonly PointWriter writer;
    private readonly Cutting cutting;
    private readonly byte type;
    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly List<Part> parts = [];
    private byte[] buffer = [];
    private int used;
    private bool isLong;
    private CutScan scan;
    private ContentWriter? list;

    internal ContentWriter(PointWriter writer, Cutting cutting, byte type)
    {
        Storage.Errors.Invariant.Check(
            cutting.FixedBytes is 0 or (>= 4096 and <= 1024 * 1024), "fixed chunks have 4 KiB to 1 MiB");
        this.writer = writer;
        this.cutting = cutting;
        this.type = type;
    }

    /// <summary>Bytes taken so far.</summary>
    public long LengthBytes { get; private set; }

    /// <summary>Takes a copy of <paramref name="bytes"/>; returns when there is room for more.</summary>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        hash.AppendData(bytes.Span);
        LengthBytes += bytes.Length;
        while (!bytes.IsEmpty)
        {
            if (used == buffer.Length) Grow(bytes.Length);
            var take = Math.Min(bytes.Length, Math.Min(buffer.Length, Capacity) - used);
            bytes[..take].CopyTo(buffer.AsMemory(used));
            used += take;
            bytes = bytes[take..];
            await CutAsync(cancellationToken);
        }
    }

    /// <summary>Takes <paramref name="count"/> zero bytes that are stored as a hole.</summary>
    public async ValueTask WriteZerosAsync(long count, CancellationToken cancellationToken)
    {
        await FlushAsync(cancellationToken);

        // Parts come in order, so everything before the hole has to be placed before it.
        await writer.DrainAsync(0, cancellationToken);
        LengthBytes += count;
        for (var left = count; left > 0;)
        {
            var run = (int)Math.Min(left, Zeros.Length);
            hash.AppendData(Zeros.AsSpan(0, run));
            left -= run;
        }

        for (var left = count; left > 0;)
        {
            var run = (int)Math.Min(left, int.MaxValue);
            Add(Part.Hole(run));
            left -= run;
        }

        await SpillAsync(cancellationToken);
    }

    /// <summary>Waits until everything is placed and says where it lies. Called once, last.</summary>
    public async Task<Content> CompleteAsync(CancellationToken cancellationToken)
    {
        await FlushAsync(cancellationToken);
        await writer.DrainAsync(0, cancellationToken);
        var sha256 = new Sha256Digest(hash.GetHashAndReset());
        hash.Dispose();
        Return();
        if (list is null && parts.Count <= Content.MaxInlineParts)
            return new Content { LengthBytes = LengthBytes, Sha256 = sha256, Parts = parts };

        await SpillAsync(cancellationToken, all: true);
        var listed = await List.CompleteAsync(cancellationToken);
        return new Content { LengthBytes = LengthBytes, Sha256 = sha256, Depth = listed.Depth + 1, Parts = listed.Parts };
    }

    private int Capacity => cutting.FixedBytes > 0 ? cutting.FixedBytes : Limits.MaxChunkBytes;

    private ContentWriter List => list ??= new ContentWriter(writer, Cutting.Every(256 * 1024), PackEntry.PartsType);

    // Most files are small: the buffer grows with what comes instead of starting at the largest chunk.
    private void Grow(int more)
    {
        var wanted = isLong
            ? Capacity
            : Math.Min(Capacity, Math.Max(Math.Max(used * 2, used + more), 16 * 1024));
        var larger = ArrayPool<byte>.Shared.Rent(wanted);
        buffer.AsSpan(0, used).CopyTo(larger);
        Return();
        buffer = larger;
    }

    private void Return()
    {
        if (buffer.Length > 0) ArrayPool<byte>.Shared.Return(buffer);
        buffer = [];
    }

    // Emits what is cut, keeps the rest. Looked for while the bytes are still near: a chunk later they have to be
    // fetched from memory again.
    private async ValueTask CutAsync(CancellationToken cancellationToken)
    {
        if (cutting.FixedBytes > 0)
        {
            if (used == Capacity) await EmitAsync(used, cancellationToken);
            return;
        }

        while (used > Math.Max(Limits.MinChunkBytes, scan.Looked))
        {
            var end = writer.Cutter.Cut(buffer.AsSpan(0, used), ref scan);
            if (end < 0) return;
            await EmitAsync(end, cancellationToken);
        }
    }

    // The content ends, or a hole follows: what is left is cut as if nothing came after it.
    private async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        scan = default;
        if (used > 0) await EmitAsync(used, cancellationToken);
    }

    private async ValueTask EmitAsync(int length, CancellationToken cancellationToken)
    {
        var chunk = buffer;
        var rest = used - length;
        buffer = rest > 0 ? ArrayPool<byte>.Shared.Rent(Capacity) : [];
        chunk.AsSpan(length, rest).CopyTo(buffer);
        used = rest;
        isLong = true;
        await writer.TakeAsync(type, chunk, length, Add, cancellationToken);
        await SpillAsync(cancellationToken);
    }

    private void Add(Part part)
    {
        // Holes that meet are one hole.
        if (part.IsHole && parts is [.., { IsHole: true } last] && (long)last.PlainBytes + part.PlainBytes <= int.MaxValue)
            parts[^1] = Part.Hole(last.PlainBytes + part.PlainBytes);
        else
            parts.Add(part);
    }

    // Long lists of parts go into content of their own, so that memory stays bounded whatever the length.
    private async ValueTask SpillAsync(CancellationToken cancellationToken, bool all = false)
    {
        const int enough = 4096;
        if (parts.Count < enough && !all) return;
        var bytes = new ArrayBufferWriter<byte>();
        foreach (var part in parts) ContentCodec.Write(bytes, part);
        parts.Clear();
        await List.WriteAsync(bytes.WrittenMemory, cancellationToken);
    }
}
