using System.Buffers;

namespace Reprise.Storage.Local;

/// <summary>Rented memory whose length is exactly what was asked for; returned to the pool once, on Dispose.</summary>
internal sealed class PooledBytes(int lengthBytes) : IMemoryOwner<byte>
{
    private byte[]? rented = ArrayPool<byte>.Shared.Rent(lengthBytes);

    public Memory<byte> Memory
    {
        get
        {
            ObjectDisposedException.ThrowIf(rented is null, this);
            return rented.AsMemory(0, lengthBytes);
        }
    }

    public void Dispose()
    {
        if (rented is null) return;
        ArrayPool<byte>.Shared.Return(rented);
        rented = null;
    }
}
