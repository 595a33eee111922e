using System.Runtime.InteropServices;

namespace Reprise.Storage.Disk;

/// <summary>Memory as <see cref="IDiskFile.TryWriteDirect"/> wants it: at an aligned address that never moves.</summary>
public sealed class DirectBuffer
{
    /// <summary>What addresses, offsets and lengths are multiples of: no disk has larger sectors.</summary>
    public const int Alignment = 4096;

    private readonly byte[] bytes;
    private readonly int start;
    private readonly int length;

    /// <summary>Takes <paramref name="lengthBytes"/>, a multiple of <see cref="Alignment"/>.</summary>
    public DirectBuffer(int lengthBytes)
    {
        Errors.Invariant.Check(lengthBytes > 0 && lengthBytes % Alignment == 0, "direct buffers are whole blocks");
        length = lengthBytes;
        bytes = GC.AllocateUninitializedArray<byte>(lengthBytes + Alignment, pinned: true);
        var address = Marshal.UnsafeAddrOfPinnedArrayElement(bytes, 0);
        start = (int)((Alignment - (address % Alignment)) % Alignment);
    }

    /// <summary>The memory.</summary>
    public Memory<byte> Memory => bytes.AsMemory(start, length);

    /// <summary><paramref name="lengthBytes"/> rounded up to whole blocks.</summary>
    public static int Rounded(int lengthBytes) => (lengthBytes + Alignment - 1) / Alignment * Alignment;

    /// <summary>
    /// Writes the first <paramref name="lengthBytes"/> of the memory past the page cache where the file system can, and the
    /// usual way where it cannot. What fills the last block up are zeros: the caller sets the length of the file at the end.
    /// </summary>
    public void WriteTo(IDiskFile file, long offsetBytes, int lengthBytes)
    {
        var whole = Rounded(lengthBytes);
        Memory.Span[lengthBytes..whole].Clear();
        if (offsetBytes % Alignment == 0 && file.TryWriteDirect(offsetBytes, Memory.Span[..whole])) return;
        file.Write(offsetBytes, Memory.Span[..lengthBytes]);
    }

    /// <summary>
    /// Makes the first <paramref name="lengthBytes"/> of the memory the content of an empty file: whole blocks past the page
    /// cache where the file system can, and what is left of the last one the usual way. Cutting a last block that was filled
    /// up would make the file system read it again, which costs a short file more than it takes to write.
    /// </summary>
    public void WriteMostTo(IDiskFile file, int lengthBytes)
    {
        var whole = lengthBytes - (lengthBytes % Alignment);
        if (whole == 0 || !file.TryWriteDirect(0, Memory.Span[..whole])) whole = 0;
        if (whole < lengthBytes) file.Write(whole, Memory.Span[whole..lengthBytes]);
    }
}
