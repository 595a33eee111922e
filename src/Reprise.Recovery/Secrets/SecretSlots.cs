using System.Text;
using Reprise.Recovery.Assets;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Secrets;

/// <summary>
/// The source of secrets as one name that is swapped: a <c>.env</c> file, or a folder as a whole. What is staged is a
/// copy of what is there with the values put in, so that nothing else in it is lost.
/// </summary>
internal sealed class SecretSlots(IDisk disk, SecretSource source)
{
    private const int PrivateFile = 0x180;
    private const int MaxFiles = 1000;

    /// <summary>The file or folder; null when the source is the environment, which cannot be swapped.</summary>
    public DiskPath? Live => source switch
    {
        SecretSource.EnvironmentFile file => file.Path,
        SecretSource.Folder folder => folder.Path,
        _ => null,
    };

    /// <summary>The source as it lies in a slot.</summary>
    public SecretSource Source(Slot slot) => source is SecretSource.Folder
        ? new SecretSource.Folder(At(slot))
        : new SecretSource.EnvironmentFile(At(slot));

    public void Stage(Slot slot, IReadOnlyDictionary<string, string> values, SecretReader reader)
    {
        Discard(slot);
        if (source is SecretSource.Folder folder) StageFolder(folder.Path, At(slot), values);
        else Write(At(slot), reader.ReadFile(Required).With(values), disk.Stat(Required));
        disk.SyncFolder(Required.Parent);
    }

    public void Swap(Swap swap)
    {
        var incoming = swap.Incoming is { } slot ? At(slot) : (DiskPath?)null;
        if (incoming is { } from && disk.Stat(from) is null)
        {
            // Done already; the rename may not have been made durable.
            disk.SyncFolder(Required.Parent);
            return;
        }

        var outgoing = At(swap.Outgoing);
        if (disk.Stat(Required) is not null && !disk.RenameNew(Required, outgoing)) throw InTheWay(outgoing);
        if (incoming is { } path && !disk.RenameNew(path, Required)) throw InTheWay(Required);
        disk.SyncFolder(Required.Parent);
    }

    public SlotState Inspect(Slot slot)
    {
        if (Live is null) return new SlotState(false, source.ToString(), null);
        var path = At(slot);
        return disk.Stat(path) is { } status
            ? new SlotState(true, path.ToString(), status.SizeBytes)
            : new SlotState(false, path.ToString(), null);
    }

    public void Discard(Slot slot)
    {
        if (Live is null || disk.Stat(At(slot)) is not { } status) return;
        if (status.Type == FileType.Folder) Folders.DeleteTree(disk, At(slot));
        else disk.DeleteFile(At(slot));
        disk.SyncFolder(Required.Parent);
    }

    /// <summary>Writes a new file with owner and mode of <paramref name="like"/>, else readable by us only.</summary>
    public void Write(DiskPath path, string text, FileStatus? like)
    {
        using var file = disk.CreateNew(path);
        file.Write(0, Encoding.UTF8.GetBytes(text));
        if (like is not null)
        {
            if (file.Stat() is { } now && (now.User != like.User || now.Group != like.Group))
                disk.SetOwner(path, like.User, like.Group);
            disk.SetMode(path, like.Mode);
        }
        else
        {
            disk.SetMode(path, PrivateFile);
        }

        file.Sync();
    }

    private DiskPath Required => Live ?? throw new InvariantException("the environment cannot be swapped");

    private DiskPath At(Slot slot) => Required.WithSuffix("." + slot);

    private static RepriseException InTheWay(DiskPath path) => new(
        new Problem(
            StorageErrors.FileExists,
            Severity.Error,
            $"{path} is in the way",
            "something made it while the application was stopped: move it away, then run the command again")
        {
            Where = path.ToString(),
        });

    private void StageFolder(DiskPath live, DiskPath staged, IReadOnlyDictionary<string, string> values)
    {
        var status = disk.Stat(live);
        disk.MakeFolder(staged, status?.Mode ?? 0x1C0);
        var names = status is null ? [] : disk.List(live).Select(e => e.Name).Take(MaxFiles + 1).ToList();
        if (names.Count > MaxFiles)
        {
            throw new RepriseException(
                RecoveryErrors.SecretNotRestorable,
                $"{live} holds more than {MaxFiles} files, which is no folder of secrets",
                "name the folder that holds the secrets only");
        }

        foreach (var name in names.Where(n => !values.ContainsKey(n.ToString()))) Copy(live / name, staged / name);
        foreach (var (name, value) in values) Write(staged / name, value, disk.Stat(live / name) ?? LikeFolder(status));
        disk.SyncFolder(staged);
    }

    // A new file in a folder that others read must be readable by them: it takes owner and mode from the folder.
    private static FileStatus? LikeFolder(FileStatus? folder) =>
        folder is null ? null : folder with { Mode = folder.Mode & 0x1B6 };

    private void Copy(DiskPath from, DiskPath to)
    {
        switch (disk.Stat(from))
        {
            case { Type: FileType.Regular, SizeBytes: <= SecretSource.MaxSecretBytes } status:
                var bytes = new byte[status.SizeBytes];
                using (var file = disk.OpenRead(from)) file.Read(0, bytes);
                using (var copy = disk.CreateNew(to))
                {
                    copy.Write(0, bytes);
                    disk.SetOwner(to, status.User, status.Group);
                    disk.SetMode(to, status.Mode);
                    copy.Sync();
                }

                break;
            case { Type: FileType.SymbolicLink }:
                disk.MakeSymbolicLink(to, disk.ReadSymbolicLink(from));
                break;
            default:
                throw new RepriseException(
                    RecoveryErrors.SecretNotRestorable,
                    $"{from} is neither a small file nor a link",
                    "name the folder that holds the secrets only");
        }
    }
}
