using Reprise.Recovery.Assets;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Files;

/// <summary>What would stop or weaken a restore of files, asked before anything is touched.</summary>
internal sealed class FilesPreflight(IDisk disk, RestoreScope scope, string asset)
{
    /// <summary>
    /// Room that a restore leaves free on top of what it writes: journals, and the application's own next writes.
    /// </summary>
    private const long SpareBytes = 16 * 1024 * 1024;

    private const string SelfPath = "/proc/self";

    private readonly List<Problem> problems = [];

    /// <summary>Asks everything.</summary>
    public IReadOnlyList<Problem> Ask(RestoreItem item)
    {
        if (disk.Stat(scope.Root / ".") is { Type: not FileType.Folder })
            Add(
                StorageErrors.FileExists,
                Severity.Error,
                $"{scope.Root} is not a folder",
                "move it away, or correct the root");
        AskRoom(item.Record);
        AskInterrupted(item.RestoreId);
        AskMounts();
        AskOwners(item.Record);
        return problems;
    }

    private void AskRoom(AssetRecord record)
    {
        if (!record.Facts.TryGetValue(FilesAsset.BytesFact, out var text) || !long.TryParse(text, out var bytes))
            return;
        var free = disk.Space(scope.Root).FreeBytes;
        if (free >= bytes + SpareBytes) return;
        Add(
            RecoveryErrors.TargetTooSmall,
            Severity.Error,
            $"{scope.Root} has {free:N0} bytes left, the restored files need {bytes:N0} beside the live ones",
            "free some room there; the live files stay until 'reprise restore forget'");
    }

    private void AskInterrupted(PointId restore)
    {
        if (disk.Stat(scope.Root / ".") is not { Type: FileType.Folder }) return;
        var swap = new TreeSwap(disk, scope, new MetadataTally());
        foreach (var slot in new FilesSlots(disk, scope.Root).All())
        {
            if (slot.Slot.Id == restore || swap.Unfinished(slot) is null) continue;
            Add(
                RecoveryErrors.OperationInterrupted,
                Severity.Error,
                $"a swap into {slot.Folder} was interrupted and is not finished",
                $"run 'reprise restore --continue' or 'reprise undo {slot.Slot.Id}' first");
        }
    }

    private void AskMounts()
    {
        if (disk.Stat(scope.Root / ".") is not { } root) return;
        foreach (var walked in scope.Walker().Walk())
        {
            if (walked.Fault is { } fault)
            {
                Add(fault.Code, Severity.Error, fault.Message, fault.Problem.Hint, walked.FullPath);
                continue;
            }

            if (walked.Status is not { Type: FileType.Folder } status || status.Device == root.Device) continue;
            Add(
                StorageErrors.CrossesFileSystems,
                Severity.Warning,
                $"{walked.FullPath} lies on another file system: its files are copied, not renamed, when they "
                    + "are swapped",
                "expect the swap to take as long as copying them twice, and leave as much room on both",
                walked.FullPath);
            return;
        }
    }

    private void AskOwners(AssetRecord record)
    {
        var users = OwnerNames.Parse(record.Facts.GetValueOrDefault(FilesAsset.UsersFact, "")).ToList();
        var names = OwnerNames.Read(disk, new DiskPath("/etc/passwd"));
        foreach (var (number, name) in users)
        {
            if (name.Length == 0 || !names.TryGetValue(number, out var here) || here == name) continue;
            Add(
                RecoveryErrors.TargetIdentity,
                Severity.Note,
                $"user {number} was {name} where the point was taken and is {here} here; owners are restored by number",
                "check the owners after the restore");
        }

        if (disk.Stat(new DiskPath(SelfPath) / ".") is not { } self || self.User == 0) return;
        var others = users.Where(user => user.Number != self.User).Select(user => user.Number).ToList();
        if (others.Count == 0) return;
        Add(
            RecoveryErrors.PrivilegeMissing,
            Severity.Warning,
            $"files of user {string.Join(", ", others)} will belong to user {self.User}, who runs this",
            "run as root to restore owners");
    }

    private void Add(ErrorCode code, Severity severity, string message, string hint, DiskPath? where = null) =>
        problems.Add(new Problem(code, severity, message, hint)
        {
            Asset = asset, Where = (where ?? scope.Root).ToString(),
        });
}
