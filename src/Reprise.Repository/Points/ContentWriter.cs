using System.Buffers;
using System.Security.Cryptography;
using Reprise.Repository.Chunking;
using Reprise.Repository.Format;
using Reprise.Repository.Packs;
using Reprise.Storage.Runtime;

namespace Reprise.Repository.Points;

/// <summary>Takes the bytes of one content in order, cuts them into chunks and remembers where these lie.</summary>
public sealed class ContentWriter
{
    private static readonly byte[] Zeros = new byte[64 * 1024];

    private readonly PointWriter writer;
    private readonly Cutting cutting;
    private readonly byte type;
    private readonly bool hashedByPart;
    private readonly ContentWriter? whole;
    private readonly List<Part> parts = [];
    private readonly List<Sha256Digest> hashes = [];
    private readonly Queue<ContentWriter> pieces = new();
    private IncrementalHash? hash;
    private Sha256Digest? only;
    private int inFlight;
    private bool hasEnded;
    private byte[] buffer = [];
    private int used;
    private bool isLong;
    private CutScan scan;
    private ContentWriter? list;

    internal ContentWriter(
        PointWriter writer, Cutting cutting, byte type, bool hashedByPart, ContentWriter? whole = null)
    {
        Storage.Errors.Invariant.Check(
            cutting.FixedBytes is 0 or (>= 4096 and <= 1024 * 1024), "fixed chunks have 4 KiB to 1 MiB");
        this.writer = writer;
        this.cutting = cutting;
        this.type = type;
        this.hashedByPart = hashedByPart;
        this.whole = whole;
    }

    /// <summary>Whether it goes where lists are kept.</summary>
    internal bool IsList { get; init; }

    /// <summary>Hears the SHA-256 of each part that gets its place, in their order.</summary>
    internal Action<Sha256Digest>? Placed { get; init; }

    /// <summary>Bytes taken so far.</summary>
    public long LengthBytes { get; private set; }

    /// <summary>Takes a copy of <paramref name="bytes"/>; returns when there is room for more.</summary>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
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
        Storage.Errors.Invariant.Check(!hashedByPart, "content that is hashed by part has no holes");
        await FlushAsync(cancellationToken);

        // Parts come in order, so everything before the hole has to be placed before it.
        await writer.DrainAsync(0, cancellationToken);
        LengthBytes += count;
        for (var left = count; left > 0;)
        {
            var run = (int)Math.Min(left, Zeros.Length);
            Hash.AppendData(Zeros.AsSpan(0, run));
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

    /// <summary>Takes a part that is stored already; what the parts hash to, the caller knows.</summary>
    internal async ValueTask AddAsync(Part part, CancellationToken cancellationToken)
    {
        LengthBytes += part.PlainBytes;
        Add(part);
        await SpillAsync(cancellationToken);
    }

    /// <summary>Takes a part that is stored already, of content that is hashed by part.</summary>
    internal ValueTask AddAsync(Part part, Sha256Digest sha256, CancellationToken cancellationToken)
    {
        Storage.Errors.Invariant.Check(hashedByPart, "only parts of such content are hashed by themselves");
        Hash.AppendData(sha256.Bytes);
        return AddAsync(part, cancellationToken);
    }

    /// <summary>
    /// Starts a piece of this content, which is hashed by part and gets no bytes but those of its pieces. Pieces may be
    /// written beside each other; they follow each other in the order in which they were started.
    /// </summary>
    public ContentWriter BeginPiece()
    {
        Storage.Errors.Invariant.Check(hashedByPart && whole is null, "only content that is hashed by part has pieces");
        var piece = new ContentWriter(writer, cutting, type, hashedByPart, this);
        pieces.Enqueue(piece);
        return piece;
    }

    /// <summary>Ends a piece. Called once, last.</summary>
    public async ValueTask EndPieceAsync(CancellationToken cancellationToken)
    {
        var owner = whole ?? throw new Storage.Errors.InvariantException("this is not a piece");
        await FlushAsync(cancellationToken);
        Return();
        hasEnded = true;
        await owner.JoinAsync(cancellationToken);
    }

    /// <summary>Waits until everything is placed and says where it lies. Called once, last.</summary>
    public async Task<Content> CompleteAsync(CancellationToken cancellationToken)
    {
        if (used > 0) await EmitAsync(used, isOnly: inFlight == 0 && parts.Count == 0 && list is null, cancellationToken);
        await writer.DrainAsync(0, cancellationToken);
        await JoinAsync(cancellationToken);
        Storage.Errors.Invariant.Check(pieces.Count == 0, "every piece has ended");
        var sha256 = hashedByPart || only is null ? new Sha256Digest(Hash.GetHashAndReset()) : only.Value;
        hash?.Dispose();
        Return();
        var content = new Content
        {
            LengthBytes = LengthBytes, Sha256 = sha256, IsHashedByPart = hashedByPart, Parts = parts,
        };
        if (list is null && parts.Count <= Content.MaxInlineParts) return content;

        await SpillAsync(cancellationToken, all: true);
        var listed = await List.CompleteAsync(cancellationToken);
        return content with { Depth = listed.Depth + 1, Parts = listed.Parts };
    }

    private int Capacity => cutting.FixedBytes > 0 ? cutting.FixedBytes : Limits.MaxChunkBytes;

    private ContentWriter List =>
        list ??= new ContentWriter(writer, Cutting.Every(256 * 1024), PackEntry.PartsType, hashedByPart: true) { IsList = true };

    private IncrementalHash Hash => hash ??= IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    // Most files are small: the buffer grows with what comes instead of starting at the largest chunk.
    private void Grow(int more)
    {
        var wanted = isLong
            ? Capacity
            : Math.Min(Capacity, Math.Max(Math.Max(used * 2, used + more), 16 * 1024));
        var larger = BlockBuffers.Program.Rent(wanted);
        buffer.AsSpan(0, used).CopyTo(larger);
        Return();
        buffer = larger;
    }

    private void Return()
    {
        if (buffer.Length > 0) BlockBuffers.Program.Return(buffer);
        buffer = [];
    }

    // Emits what is cut, keeps the rest. Looked for while the bytes are still near: a chunk later they have to be
    // fetched from memory again.
    private async ValueTask CutAsync(CancellationToken cancellationToken)
    {
        if (cutting.FixedBytes > 0)
        {
            if (used == Capacity) await EmitAsync(used, isOnly: false, cancellationToken);
            return;
        }

        while (used > Math.Max(Limits.MinChunkBytes, scan.Looked))
        {
            var end = writer.Cutter.Cut(buffer.AsSpan(0, used), ref scan);
            if (end < 0) return;
            await EmitAsync(end, isOnly: false, cancellationToken);
        }
    }

    // The content ends, or a hole follows: what is left is cut as if nothing came after it.
    private async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        scan = default;
        if (used > 0) await EmitAsync(used, isOnly: false, cancellationToken);
    }

    // The hash of the only chunk is that of the content: most files are hashed once, with their chunk.
    private async ValueTask EmitAsync(int length, bool isOnly, CancellationToken cancellationToken)
    {
        if (!hashedByPart && !isOnly) Hash.AppendData(buffer.AsSpan(0, length));
        var chunk = buffer;
        var rest = used - length;
        buffer = rest > 0 ? BlockBuffers.Program.Rent(Capacity) : [];
        chunk.AsSpan(length, rest).CopyTo(buffer);
        used = rest;
        isLong = true;
        inFlight++;
        await writer.TakeAsync(type, IsList, chunk, length, isOnly ? AddOnly : Add, cancellationToken);
        await SpillAsync(cancellationToken);
    }

    // The next pieces in order whose chunks all have their place.
    private async ValueTask JoinAsync(CancellationToken cancellationToken)
    {
        while (pieces.TryPeek(out var piece) && piece.hasEnded && piece.inFlight == 0)
        {
            pieces.Dequeue();
            LengthBytes += piece.LengthBytes;
            parts.AddRange(piece.parts);
            foreach (var sha256 in piece.hashes) Hash.AppendData(sha256.Bytes);
            await SpillAsync(cancellationToken);
        }
    }

    private void AddOnly(Part part, Sha256Digest sha256)
    {
        only = sha256;
        Add(part, sha256);
    }

    private void Add(Part part, Sha256Digest sha256)
    {
        inFlight--;
        Add(part);
        if (whole is not null) hashes.Add(sha256);
        else if (hashedByPart) Hash.AppendData(sha256.Bytes);
        Placed?.Invoke(sha256);
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
        if ((parts.Count < enough && !all) || whole is not null) return;
        var bytes = new ArrayBufferWriter<byte>();
        foreach (var part in parts) ContentCodec.Write(bytes, part);
        parts.Clear();
        await List.WriteAsync(bytes.WrittenMemory, cancellationToken);
    }
}
