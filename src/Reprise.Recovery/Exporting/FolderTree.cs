using System.Buffers;
using System.Runtime.CompilerServices;
using Reprise.Recovery.Assets;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Exporting;

/// <summary>A private folder of ours as a tree: what an asset wrote that cannot be read entry by entry.</summary>
internal sealed class FolderTree(IDisk disk, DiskPath root)
{
    private const int BufferBytes = 1024 * 1024;

    private readonly Dictionary<(long Device, ulong Inode), DiskPath> linked = [];

    /// <summary>Everything below the root, folders before what they hold, names in the order of their bytes.</summary>
    public async IAsyncEnumerable<TreeEntry> WalkAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var open = new Stack<DiskPath>();
        open.Push(default);
        while (open.TryPop(out var path))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var status = disk.Stat(root / path)
                ?? throw new InvariantException($"{path} vanished from a private folder");
            yield return Entry(path, status);
            if (status.Type != FileType.Folder) continue;
            foreach (var name in disk.List(root / path).Select(e => e.Name).OrderDescending()) open.Push(path / name);
        }

        await ValueTask.CompletedTask;
    }

    /// <summary>The bytes of a regular file of the tree.</summary>
    public async IAsyncEnumerable<ContentBlock> ReadAsync(
        TreeEntry entry, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var file = disk.OpenRead(root / entry.Path);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            int got;
            for (var offset = 0L; (got = file.Read(offset, buffer)) > 0; offset += got)
            {
                cancellationToken.ThrowIfCancellationRequested();
                yield return new ContentBlock(offset, buffer.AsMemory(0, got), 0);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        await ValueTask.CompletedTask;
    }

    private TreeEntry Entry(DiskPath path, FileStatus status)
    {
        var first = default(DiskPath);
        if (status is { Type: FileType.Regular, Links: > 1 } && !linked.TryAdd((status.Device, status.Inode), path))
            first = linked[(status.Device, status.Inode)];
        return new TreeEntry
        {
            Type = status.Type,
            Path = path,
            Mode = status.Mode,
            User = status.User,
            Group = status.Group,
            Modified = status.Modified,
            Attributes = disk.ReadAttributes(root / path),
            LinkText = status.Type == FileType.SymbolicLink ? disk.ReadSymbolicLink(root / path) : default,
            HardLinkTo = first,
            SizeBytes = status.SizeBytes,
        };
    }
}
