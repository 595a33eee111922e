using System.Collections.Concurrent;

namespace Reprise.Storage.Runtime;

/// <summary>
/// Arrays of one large size, which are used again. The shared pool keeps one for each thread that ever gave
/// one back, and half a dozen threads with 16 MiB each are more than all the rest of the program; here only
/// <paramref name="kept"/> stay when they are not in use. That is as many as are in use at once: what is not kept waits for
/// a full collection, which is later than one would like. Safe from several threads.
/// </summary>
/// <param name="lengthBytes">how long each is.</param>
/// <param name="kept">how many idle arrays are kept.</param>
public sealed class LargeBuffers(int lengthBytes, int kept)
{
    private readonly ConcurrentBag<byte[]> idle = [];

    /// <summary>An array with any content.</summary>
    public byte[] Rent() => idle.TryTake(out var buffer)
        ? buffer
        : GC.AllocateUninitializedArray<byte>(lengthBytes);

    /// <summary>Gives it back, once.</summary>
    public void Return(byte[] buffer)
    {
        if (idle.Count < kept) idle.Add(buffer);
    }
}
