using Reprise.Simulation.Faults;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Simulation.Disk;

/// <summary>An open file of a simulated disk.</summary>
internal sealed class SimulatedFile(SimulatedDisk disk, Inode inode, DiskPath path, bool writable) : IDiskFile
{
    private bool closed;

    public FileStatus Stat() => Do("fstat", CallTraits.Look, () => disk.StatusOf(inode));

    public int Read(long offsetBytes, Span<byte> buffer)
    {
        ObjectDisposedException.ThrowIf(closed, this);
        var fault = disk.Enter("read", path, CallTraits.Read);
        var count = inode.Bytes.Read(offsetBytes, buffer);
        if (fault == FaultKind.TruncatedRead) count = disk.Chance.Below(count + 1);
        if (fault == FaultKind.FlippedRead && count > 0)
            buffer[disk.Chance.Below(count)] ^= (byte)(1 << disk.Chance.Below(8));
        return count;
    }

    public void Write(long offsetBytes, ReadOnlySpan<byte> content)
    {
        ObjectDisposedException.ThrowIf(closed, this);
        if (!writable) throw SimulatedDisk.Fault(StorageErrors.MediumFailed, "write", path);
        var fault = disk.Enter($"write {offsetBytes}+{content.Length}", path, CallTraits.Change | CallTraits.Room);
        var room = disk.Medium.CapacityBytes - disk.Medium.UsedBytes;
        var growth = Math.Max(0, offsetBytes + content.Length - inode.Bytes.Length);
        var full = fault == FaultKind.OutOfSpace || growth > room;

        // A disk that fills up takes what still fits.
        var part = full ? content[..disk.Chance.Below(content.Length + 1)] : content;
        if (growth > room) part = default;
        if (!part.IsEmpty || content.IsEmpty)
            disk.Medium.Change(inode, new ByteChange(checked((int)offsetBytes), part.ToArray()));
        disk.Medium.Touch(inode, inode.Facts with { Modified = disk.Now, Changed = disk.Now });
        if (full) throw SimulatedDisk.Fault(StorageErrors.DiskFull, "write", path);
        disk.Leave(fault, "write", path);
    }

    public void SetLength(long lengthBytes) => Do("set length", CallTraits.Change | CallTraits.Room, () =>
    {
        disk.Medium.Change(inode, new ByteChange(checked((int)lengthBytes), null));
        disk.Medium.Touch(inode, inode.Facts with { Modified = disk.Now, Changed = disk.Now });
        return true;
    });

    public void Reserve(long lengthBytes) => Do("reserve", CallTraits.Change | CallTraits.Room, () =>
    {
        var growth = lengthBytes - inode.Bytes.Length;
        return growth <= disk.Medium.CapacityBytes - disk.Medium.UsedBytes
            ? true
            : throw SimulatedDisk.Fault(StorageErrors.DiskFull, "reserve room for", path);
    });

    public long? NextData(long offsetBytes) =>
        Do("look for data", CallTraits.Look, () => offsetBytes < inode.Bytes.Length ? offsetBytes : (long?)null);

    public long NextHole(long offsetBytes) => Do("look for a hole", CallTraits.Look, () => (long)inode.Bytes.Length);

    public void Sync()
    {
        ObjectDisposedException.ThrowIf(closed, this);
        FaultKind? fault;
        try
        {
            fault = disk.Enter("sync", path, CallTraits.Change | CallTraits.Room);
        }
        catch (RepriseException)
        {
            disk.Medium.FailSync(inode, disk.Chance);
            throw;
        }

        if (fault == FaultKind.OutOfSpace)
        {
            disk.Medium.FailSync(inode, disk.Chance);
            throw SimulatedDisk.Fault(StorageErrors.DiskFull, "sync", path);
        }

        disk.Medium.Sync(inode);
        disk.Leave(fault, "sync", path);
    }

    public void Dispose() => closed = true;

    private T Do<T>(string call, CallTraits traits, Func<T> effect)
    {
        ObjectDisposedException.ThrowIf(closed, this);
        return disk.Do(call, path, traits, effect);
    }
}
