using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Files;

/// <summary>
/// Moves files, links and pipes between the live tree and slots, one rename each. Where a rename cannot (another file
/// system is mounted below the root) it copies, syncs, compares, and only then deletes.
/// </summary>
internal sealed class LeafMover(IDisk disk)
{
    private const string PartName = ".reprise-part";
    private const int OwnerMayAll = 0x1C0;

    private readonly byte[] buffer = new byte[1024 * 1024];
    private readonly byte[] other = new byte[1024 * 1024];
    /// <summary>
    /// Moves one. False when something else is at <paramref name="to"/>; a copy of the same that a crash left there is
    /// not something else.
    /// </summary>
    public bool Move(DiskPath from, DiskPath to)
    {
        try
        {
            if (RenameNew(from, to)) return true;
        }
        catch (RepriseException e) when (e.Code == StorageErrors.CrossesFileSystems)
        {
            return MoveByCopy(from, to);
        }

        // Whatever has left its place was moved by an attempt that was interrupted.
        return disk.Stat(from) is null;
    }

    private bool RenameNew(DiskPath from, DiskPath to)
    {
        try
        {
            return disk.RenameNew(from, to);
        }
        catch (RepriseException e) when (e.Code == StorageErrors.FileDenied)
        {
            // Root may; the owner of a folder that he may not write into opens it for the moment. Its mode is set again
            // with all the folders at the end.
            if (!OpenForOwner(from.Parent) & !OpenForOwner(to.Parent)) throw;
            return disk.RenameNew(from, to);
        }
    }

    private bool OpenForOwner(DiskPath folder)
    {
        if (disk.Stat(folder) is not { Type: FileType.Folder } status || (status.Mode & OwnerMayAll) == OwnerMayAll)
            return false;
        disk.SetMode(folder, status.Mode | OwnerMayAll);
        return true;
    }

    private bool MoveByCopy(DiskPath from, DiskPath to)
    {
        if (disk.Stat(from) is not { } source) return true;
        var part = to.Parent / PartName;
        disk.DeleteFile(part);
        Copy(from, source, part);
        disk.SyncFolder(part.Parent);
        if (disk.Stat(part) is not { } copied || !IsSame(from, source, part, copied))
        {
            throw new RepriseException(
                StorageErrors.MediumFailed,
                $"the copy of {from} on another file system has other bytes, another mode or time",
                "look at the kernel's messages (dmesg) and at the health of both disks, then continue");
        }

        if (!disk.RenameNew(part, to))
        {
            var same = disk.Stat(to) is { } target && IsSame(from, source, to, target);
            disk.DeleteFile(part);
            if (!same) return false;
        }

        disk.SyncFolder(to.Parent);
        Delete(from);
        return true;
    }

    private void Delete(DiskPath path)
    {
        disk.DeleteFile(path);
        disk.SyncFolder(path.Parent);
    }

    private void Copy(DiskPath from, FileStatus source, DiskPath part)
    {
        var attributes = disk.ReadAttributes(from);
        switch (source.Type)
        {
            case FileType.Regular:
                CopyBytes(from, source, part);
                break;
            case FileType.SymbolicLink:
                disk.MakeSymbolicLink(part, disk.ReadSymbolicLink(from));
                break;
            case FileType.Fifo:
                disk.MakeFifo(part, source.Mode);
                break;
            default:
                throw new RepriseException(
                    StorageErrors.CrossesFileSystems,
                    $"{from} is a {source.Type} on another file system and cannot be moved aside",
                    "remove it by hand, then continue");
        }

        var entry = FileEntry.Of(
            source.Type == FileType.SymbolicLink ? FileEntryType.SymbolicLink : FileEntryType.File, default, source);
        var now = disk.Stat(part) ?? source;
        new EntryMetadata(disk, new MetadataTally()).Apply(part, entry with { Attributes = attributes }, now);
    }

    private void CopyBytes(DiskPath from, FileStatus source, DiskPath part)
    {
        using var input = disk.OpenRead(from);
        using var output = disk.CreateNew(part);
        var extents = new ExtentReader(input, source);
        var position = 0L;
        while (true)
        {
            var piece = extents.Next(buffer);
            if (piece.Fault is { } fault) throw fault;
            if (piece.IsEnd) break;
            if (piece.DataBytes > 0) output.Write(position, buffer.AsSpan(0, piece.DataBytes));
            position += piece.DataBytes + piece.HoleBytes;
        }

        output.SetLength(source.SizeBytes);
        output.Sync();
    }

    private bool IsSame(DiskPath one, FileStatus first, DiskPath two, FileStatus second)
    {
        if (first.Type != second.Type || first.Modified != second.Modified || first.Mode != second.Mode) return false;
        return first.Type switch
        {
            FileType.SymbolicLink => disk.ReadSymbolicLink(one) == disk.ReadSymbolicLink(two),
            FileType.Regular => first.SizeBytes == second.SizeBytes && HaveSameBytes(one, two),
            _ => true,
        };
    }

    private bool HaveSameBytes(DiskPath one, DiskPath two)
    {
        using var first = disk.OpenRead(one);
        using var second = disk.OpenRead(two);
        for (var offset = 0L; ;)
        {
            var read = first.Read(offset, buffer);
            if (second.Read(offset, other) != read || !other.AsSpan(0, read).SequenceEqual(buffer.AsSpan(0, read)))
                return false;
            if (read == 0) return true;
            offset += read;
        }
    }
}
