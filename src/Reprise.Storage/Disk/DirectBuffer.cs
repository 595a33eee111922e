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
}
