using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;

namespace Reprise.Storage.Local;

/// <summary>
/// A folder as a store. An object is the file of its name under the root (files 0600, folders 0700). It is written and
/// synced under a unique name in <c>.tmp</c>, which no object name can reach, then renamed: without replacing for
/// <see cref="PutMode.CreateNew"/>, so that exactly one of several clients wins; then the folder is synced.
/// <para>A killed client leaves its file in <c>.tmp</c>; nobody reads it, and nobody may delete it here, because only
/// the protocol of the repository knows whether its writer lives.</para>
/// </summary>
public sealed class LocalStore : IStore
{
    private const string TemporaryFolder = ".tmp";

    // What is written past the page cache, and in blocks of which size.
    private const int DirectBytes = 512 * 1024;

    private readonly IDisk disk;
    private readonly DiskPath root;
    private readonly Cpu cpu;
    private readonly Entropy entropy;

    /// <summary>Folders whose own names this client has seen durable up to the root.</summary>
    private readonly ConcurrentDictionary<DiskPath, bool> durableFolders = new();

    // As many as objects were ever written at once.
    private readonly ConcurrentBag<DirectBuffer> directBuffers = [];

    /// <summary>
    /// Takes a folder as it is; see <see cref="Open"/> and <see cref="Create"/>, which look at it first.
    /// </summary>
    public LocalStore(IDisk disk, DiskPath root, Cpu cpu, Entropy entropy)
    {
        Invariant.Check(root.IsAbsolute, $"the folder of a store must be absolute, not '{root}'");
        this.disk = disk;
        this.root = root;
        this.cpu = cpu;
        this.entropy = entropy;
    }

    /// <inheritdoc />
    public StoreCapabilities Capabilities => field ??= new StoreCapabilities("local", root.ToString())
    {
        Device = disk.Stat(root / ".")?.Device,
    };

    /// <summary>Opens an existing folder; <see cref="StoreFault.Unreachable"/> when it is not there.</summary>
    public static LocalStore Open(IDisk disk, DiskPath root, Cpu cpu, Entropy entropy)
    {
        var store = new LocalStore(disk, root, cpu, entropy);
        store.DemandRoot(null);
        return store;
    }

    /// <summary>Makes the folder (0700) and the missing ones above it, durably; an existing one is fine.</summary>
    public static LocalStore Create(IDisk disk, DiskPath root, Cpu cpu, Entropy entropy)
    {
        var store = new LocalStore(disk, root, cpu, entropy);
        store.Guard(null, () =>
        {
            disk.MakeFolderDurably(root / TemporaryFolder);
            return true;
        });
        return store;
    }

    /// <inheritdoc />
    public async ValueTask PutAsync(
        ObjectName name, ReadOnlyMemory<byte> content, PutMode mode, CancellationToken cancellationToken)
    {
        Invariant.Check(
            content.Length <= StoreLimits.MaxObjectBytes, $"object {name} of {content.Length} bytes is too large");
        await cpu.RunAsync(() => Guard(name, () => Put(name, content, mode)), cancellationToken);
    }

    /// <inheritdoc />
    public async ValueTask<IMemoryOwner<byte>> ReadAsync(
        ObjectName name, ByteRange range, CancellationToken cancellationToken)
    {
        Invariant.Check(range.IsValid, $"range {range} is not valid");
        return await cpu.RunAsync(() => Guard(name, () => Read(name, range)), cancellationToken);
    }

    /// <inheritdoc />
    public void Expect(ObjectName name, IReadOnlyList<ByteRange> ranges) =>
        disk.ReadAhead(PathOf(name), [.. ranges.Select(range => (range.OffsetBytes, (long)range.LengthBytes))]);

    /// <inheritdoc />
    public async ValueTask<ObjectInfo?> StatAsync(ObjectName name, CancellationToken cancellationToken) =>
        await cpu.RunAsync(() => Guard(name, () => Stat(name)), cancellationToken);

    /// <inheritdoc />
    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        ObjectPrefix prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Invariant.Check(
            prefix.Folder.Length == 0 || ObjectName.IsValid(prefix.Folder), $"prefix {prefix} is not valid");

        // Depth first, one sorted folder at a time; the stack is at most as deep as a name has segments.
        var open = new Stack<IEnumerator<Listed>>();
        open.Push((await ListFolderAsync(prefix.Folder, cancellationToken)).GetEnumerator());
        while (open.TryPeek(out var folder))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!folder.MoveNext())
            {
                open.Pop().Dispose();
                continue;
            }

            var listed = folder.Current;
            if (listed.SizeBytes is { } size) yield return new ObjectInfo(new ObjectName(listed.Name), size);
            else open.Push((await ListFolderAsync(listed.Name, cancellationToken)).GetEnumerator());
        }
    }

    /// <inheritdoc />
    public async ValueTask DeleteAsync(ObjectName name, CancellationToken cancellationToken) =>
        await cpu.RunAsync(() => Guard(name, () => Delete(name)), cancellationToken);

    private bool Put(ObjectName name, ReadOnlyMemory<byte> content, PutMode mode)
    {
        var path = PathOf(name);
        if (mode != PutMode.Replace && disk.Stat(path) is { } existing)
            return AcceptExisting(name, content, mode, existing);
        MakeDurable(path.Parent, name);
        var temporary = WriteTemporary(name, content);
        var published = false;
        try
        {
            if (mode == PutMode.Replace)
            {
                disk.Rename(temporary, path);
                published = true;
            }
            else
            {
                published = disk.RenameNew(temporary, path);
            }
        }
        finally
        {
            if (!published) Forget(temporary);
        }

        if (!published) return AcceptExisting(name, content, mode, disk.Stat(path));
        SyncPublished(path, mode);
        return true;
    }

    private bool AcceptExisting(ObjectName name, ReadOnlyMemory<byte> content, PutMode mode, FileStatus? existing)
    {
        if (mode == PutMode.ContentNamed && existing?.SizeBytes == content.Length)
        {
            // Whoever wrote it may not have synced the folders yet, and we promise that it is durable.
            var folder = PathOf(name).Parent;
            MakeDurable(folder, name);
            disk.SyncFolder(folder);
            return true;
        }

        var size = existing is null ? "" : $" with {existing.SizeBytes} bytes";
        throw new StoreException(
            new StoreFault.AlreadyExists(),
            name,
            $"object {name} exists already{size}",
            "nothing was written; look at what is there");
    }

    /// <summary>
    /// Syncs the folder of what was just renamed into it. When that fails the new name is taken away again: whoever
    /// looks before retrying must not take a name for durable that only the cache knows. A replaced object stays,
    /// because its former bytes are gone.
    /// </summary>
    private void SyncPublished(DiskPath path, PutMode mode)
    {
        var synced = false;
        try
        {
            disk.SyncFolder(path.Parent);
            synced = true;
        }
        finally
        {
            if (!synced && mode != PutMode.Replace) Forget(path);
        }
    }

    private DiskPath WriteTemporary(ObjectName name, ReadOnlyMemory<byte> content)
    {
        var folder = root / TemporaryFolder;
        MakeDurable(folder, name);
        var temporary = folder / Convert.ToHexStringLower(entropy.Bytes(16));
        var whole = false;
        try
        {
            using var file = disk.CreateNew(temporary);
            if (content.Length < DirectBytes) file.Write(0, content.Span);
            else WriteDirect(file, content.Span);
            file.Sync();
            whole = true;
        }
        finally
        {
            if (!whole) Forget(temporary);
        }

        return temporary;
    }

    // A pack is not read again soon, and going through the page cache costs more than compressing it.
    private void WriteDirect(IDiskFile file, ReadOnlySpan<byte> content)
    {
        file.Reserve(content.Length);
        if (!directBuffers.TryTake(out var buffer)) buffer = new DirectBuffer(DirectBytes);
        for (var offset = 0; offset < content.Length; offset += DirectBytes)
        {
            var block = content.Slice(offset, Math.Min(DirectBytes, content.Length - offset));
            block.CopyTo(buffer.Memory.Span);
            buffer.WriteTo(file, offset, block.Length);
        }

        directBuffers.Add(buffer);
        file.SetLength(content.Length);
    }

    /// <summary>
    /// Makes a folder below the root and syncs every name from it up to the root, once in the life of this client.
    /// </summary>
    private void MakeDurable(DiskPath folder, ObjectName name)
    {
        if (folder == root || durableFolders.ContainsKey(folder))
        {
            // A folder that somebody removed meanwhile is made again; one look costs a microsecond.
            if (disk.Stat(folder) is not null) return;
        }

        DemandRoot(name);
        disk.MakeFolder(folder);
        for (var parent = folder.Parent; ; parent = parent.Parent)
        {
            disk.SyncFolder(parent);
            if (parent == root || parent.IsEmpty) break;
        }

        durableFolders[folder] = true;
    }

    /// <summary>Deletes what failed half-way. That it cannot be deleted must not hide why it failed.</summary>
    private void Forget(DiskPath path)
    {
        try
        {
            disk.DeleteFile(path);
        }
        catch (RepriseException e) when (IsAboutTheDisk(e))
        {
            // The first failure is on its way to the caller; a file left in .tmp harms nobody.
        }
    }

    private IMemoryOwner<byte> Read(ObjectName name, ByteRange range)
    {
        using var file = disk.OpenRead(PathOf(name));
        var size = file.Stat().SizeBytes;
        var bytes = new PooledBytes(range.LengthBytes);
        var read = 0;
        try
        {
            if (range.OffsetBytes + range.LengthBytes <= size) read = file.Read(range.OffsetBytes, bytes.Memory.Span);
            if (read < range.LengthBytes || range.OffsetBytes > size)
                throw new StoreException(
                    new StoreFault.Truncated(),
                    name,
                    $"object {name} has {size} bytes, but {range.LengthBytes} at {range.OffsetBytes} were asked for",
                    "run `reprise verify` to learn which points need it");
            return bytes;
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    private ObjectInfo? Stat(ObjectName name)
    {
        var status = disk.Stat(PathOf(name));
        if (status is null) DemandRoot(name);
        return status is { Type: FileType.Regular } ? new ObjectInfo(name, status.SizeBytes) : null;
    }

    private bool Delete(ObjectName name)
    {
        DemandRoot(name);
        var path = PathOf(name);
        disk.DeleteFile(path);
        if (disk.Stat(path.Parent) is not null) disk.SyncFolder(path.Parent);
        return true;
    }

    private Task<List<Listed>> ListFolderAsync(string folder, CancellationToken cancellationToken) =>
        cpu.RunAsync(() => Guard(null, () => ListFolder(folder, cancellationToken)), cancellationToken);

    private List<Listed> ListFolder(string folder, CancellationToken cancellationToken)
    {
        DemandRoot(null);
        var path = folder.Length == 0 ? root : root / folder;
        var found = new List<Listed>();
        if (disk.Stat(path / ".") is not { Type: FileType.Folder }) return found;
        foreach (var entry in disk.List(path))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var name = (folder.Length == 0 ? "" : folder + "/") + entry.Name;
            if (!ObjectName.IsValid(name)) continue;
            var status = entry.Type == FileType.Folder ? null : disk.Stat(path / entry.Name);
            if (entry.Type == FileType.Folder || status is { Type: FileType.Folder }) found.Add(new Listed(name, null));
            else if (status is { Type: FileType.Regular }) found.Add(new Listed(name, status.SizeBytes));
        }

        found.Sort(static (one, other) => string.CompareOrdinal(one.SortKey, other.SortKey));
        return found;
    }

    private DiskPath PathOf(ObjectName name) => root / name.Value;

    /// <summary>The dot follows a symbolic link: a root that is a link to a mounted disk is common.</summary>
    private void DemandRoot(ObjectName? name)
    {
        if (Guard(name, () => disk.Stat(root / ".")) is { Type: FileType.Folder }) return;
        throw new StoreException(
            new StoreFault.Unreachable(),
            name,
            $"the repository folder {root} does not exist",
            "mount the disk that holds it, correct repository.location, or run `reprise init` to make a new one");
    }

    private T Guard<T>(ObjectName? name, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (RepriseException e) when (e is not StoreException && IsAboutTheDisk(e))
        {
            // A missing store must not be taken for a missing object.
            if (e.Code == StorageErrors.FileMissing) DemandRoot(name);
            throw new StoreException(FaultOf(e.Code), name, e.Message, e.Problem.Hint, e);
        }
    }

    private static bool IsAboutTheDisk(RepriseException e) =>
        e.Code == StorageErrors.DiskFull || e.Code == StorageErrors.FileDenied || e.Code == StorageErrors.FileMissing
        || e.Code == StorageErrors.FileExists || e.Code == StorageErrors.MediumFailed
        || e.Code == StorageErrors.DiskUnsupported || e.Code == StorageErrors.CrossesFileSystems;

    private static StoreFault FaultOf(ErrorCode code)
    {
        if (code == StorageErrors.DiskFull) return new StoreFault.OutOfSpace();
        if (code == StorageErrors.FileMissing) return new StoreFault.NotFound();
        if (code == StorageErrors.MediumFailed) return new StoreFault.Failed();
        return new StoreFault.Denied();
    }

    /// <summary>
    /// An object with its size, or a folder without one. Folders sort as their contents do: with the slash.
    /// </summary>
    private readonly record struct Listed(string Name, long? SizeBytes)
    {
        public string SortKey { get; } = SizeBytes is null ? Name + "/" : Name;
    }
}
