using System.Text.Json;
using Reprise.Repository;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Evidence;

/// <summary>
/// Evidence in a folder: the copy of this host with what it remembers, or a copy that somebody else brought. Every file
/// is written beside, synced, renamed, and its folder synced.
/// </summary>
public sealed class EvidenceFolder(IDisk disk, DiskPath path)
{
    private const int PrivateFolder = 0x1C0;
    private const string MemoryName = "head.json";

    /// <summary>Where it is.</summary>
    public DiskPath Path => path;

    /// <summary>Everything in it; empty when it does not exist. Files with other names do not count.</summary>
    public EvidenceSet Read()
    {
        var envelopes = new SortedDictionary<long, ReadOnlyMemory<byte>>();
        foreach (var name in Names(path))
        {
            if (EvidenceName.Sequence(name) is { } number) envelopes.Add(number, Bytes(path / name));
        }

        var keys = new SortedDictionary<string, ReadOnlyMemory<byte>>(StringComparer.Ordinal);
        foreach (var name in Names(path / EvidenceName.KeysFolder).Select(n => $"{EvidenceName.KeysFolder}/{n}"))
        {
            if (EvidenceName.KeyId(name) is { } id) keys.Add(id, Bytes(path / name));
        }

        return new EvidenceSet(path.ToString(), envelopes, keys);
    }

    /// <summary>Keeps an envelope or a public key, durably; what is there under this name is replaced.</summary>
    internal void Write(string name, ReadOnlyMemory<byte> bytes)
    {
        var target = path / name;
        disk.MakeFolderDurably(target.Parent, PrivateFolder);
        var next = target.WithSuffix(".next");
        disk.DeleteFile(next);
        using (var file = disk.CreateNew(next))
        {
            file.Write(0, bytes.Span);
            file.Sync();
        }

        disk.Rename(next, target);
        disk.SyncFolder(target.Parent);
    }

    /// <summary>What this host remembers; null when it has never seen evidence.</summary>
    internal EvidenceMemory? ReadMemory()
    {
        if (disk.Stat(path / MemoryName) is null) return null;
        try
        {
            return JsonSerializer.Deserialize(Bytes(path / MemoryName).Span, EvidenceTypes.EvidenceMemory);
        }
        catch (JsonException e)
        {
            throw new RepriseException(
                new Problem(
                    EvidenceErrors.Altered,
                    Severity.Error,
                    $"{path / MemoryName} is not what we wrote: {e.Message}",
                    "verify the evidence with the public key (--key FILE), then delete the file: the next drill begins to remember again")
                {
                    Where = (path / MemoryName).ToString(),
                },
                e);
        }
    }

    internal void WriteMemory(EvidenceMemory memory) =>
        Write(MemoryName, JsonSerializer.SerializeToUtf8Bytes(memory, EvidenceTypes.EvidenceMemory));

    /// <summary>Takes the lock of those who add; null when another process has it just now.</summary>
    internal IDisposable? TryLock()
    {
        disk.MakeFolderDurably(path, PrivateFolder);
        return disk.TryLock(path / "lock");
    }

    private IEnumerable<string> Names(DiskPath folder) => disk.Stat(folder) is null
        ? []
        : disk.List(folder).Select(e => e.Name.ToString()).Order(StringComparer.Ordinal);

    // A file that is larger than any of ours is cut: no signature fits what is left.
    private ReadOnlyMemory<byte> Bytes(DiskPath file)
    {
        using var open = disk.OpenRead(file);
        var bytes = new byte[Math.Min(open.Stat().SizeBytes, EvidenceObjects.MaxBytes)];
        return bytes.AsMemory(0, open.Read(0, bytes));
    }
}
