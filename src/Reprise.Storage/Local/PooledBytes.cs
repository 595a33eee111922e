using System.Buffers;
using Reprise.Storage.Runtime;

namespace Reprise.Storage.Local;

/// <summary>Rented memory whose length is exactly what was asked for; given back once, on Dispose.</summary>
internal sealed class PooledBytes(int lengthBytes) : IMemoryOwner<byte>
{
    private byte[]? rented = BlockBuffers.Program.Rent(lengthBytes);

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
        BlockBuffers.Program.Return(rented);
        rented = null;
    }
}
