namespace Reprise.Simulation.Disk;

/// <summary>The bytes of a file.</summary>
internal sealed class ByteImage
{
    private byte[] bytes = [];

    /// <summary>How long it is.</summary>
    public int Length { get; private set; }

    /// <summary>A copy of its own.</summary>
    public ByteImage Clone() => new() { bytes = bytes.AsSpan(0, Length).ToArray(), Length = Length };

    /// <summary>Writes, filling a gap with zeros.</summary>
    public void Write(int offset, ReadOnlySpan<byte> content)
    {
        if (offset + content.Length > Length) Resize(offset + content.Length);
        content.CopyTo(bytes.AsSpan(offset));
    }

    /// <summary>Cuts, or extends with zeros.</summary>
    public void Resize(int length)
    {
        if (length > bytes.Length) Array.Resize(ref bytes, Math.Max(length, Math.Min(bytes.Length * 2, 1 << 28)));
        if (length < Length) bytes.AsSpan(length, Length - length).Clear();
        Length = length;
    }

    /// <summary>Reads what is there; returns how much.</summary>
    public int Read(long offset, Span<byte> buffer)
    {
        if (offset >= Length) return 0;
        var count = Math.Min(buffer.Length, Length - (int)offset);
        bytes.AsSpan((int)offset, count).CopyTo(buffer);
        return count;
    }
}

/// <summary>A change of a file's bytes that may not have reached the medium.</summary>
/// <param name="Offset">where, or the new length.</param>
/// <param name="Content">what was written, or null when the length was set.</param>
internal sealed record ByteChange(int Offset, byte[]? Content)
{
    public void ApplyTo(ByteImage image)
    {
        if (Content is null) image.Resize(Offset);
        else image.Write(Offset, Content);
    }
}
