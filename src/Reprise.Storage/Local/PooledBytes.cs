using System.Buffers;
using Reprise.Storage.Runtime;

namespace Reprise.Storage.Local;

/// <summary>
/// Rented memory whose length is exactly what was asked for; given back once, on Dispose: a large piece to
/// <paramref name="large"/>, any other to the shared pool.
/// </summary>
internal sealed class PooledBytes(int lengthBytes, LargeBuffers? large = null) : IMemoryOwner<byte>
{
    /// <summary>What the buffers of <c>large</c> have: a pack fits, and an object that is larger is none of ours.</summary>
    public const int LargestBytes = 16 * 1024 * 1024;

    private const int LargeBytes = 1024 * 1024;

    private readonly LargeBuffers? owner = lengthBytes is > LargeBytes and <= LargestBytes ? large : null;
    private byte[]? rented;
    private bool disposed;

    public Memory<byte> Memory
    {
        get
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            rented ??= owner?.Rent() ?? ArrayPool<byte>.Shared.Rent(lengthBytes);
            return rented.AsMemory(0, lengthBytes);
        }
    }

    public void Dispose()
    {
        if (disposed) return;
        disposed = true;
        if (rented is null) return;
        if (owner is not null) owner.Return(rented);
        else ArrayPool<byte>.Shared.Return(rented);
        rented = null;
    }
}
