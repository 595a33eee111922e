using System.Buffers.Binary;
using System.Globalization;
using Reprise.Repository.Wal;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Wal;

/// <summary>What <c>pg_control</c> says of a cluster, as far as it matters for its WAL.</summary>
/// <param name="Identifier">its system identifier.</param>
/// <param name="Major">the version of PostgreSQL.</param>
public sealed record ClusterFacts(ulong Identifier, int Major);

/// <summary>A data directory of PostgreSQL, looked at from outside.</summary>
public static class ClusterFolder
{
    private const string ControlFile = "global/pg_control";
    private const int MaxVersionBytes = 16;

    /// <summary>
    /// The data directory that holds a file of WAL: the folder around <c>pg_wal</c>, else the one where PostgreSQL runs its
    /// commands. <c>wal-no-cluster</c> when neither is one.
    /// </summary>
    public static DiskPath Find(IDisk disk, DiskPath file, DiskPath workingFolder)
    {
        foreach (var folder in (DiskPath[])[workingFolder, file.Parent.Parent])
        {
            if (disk.Stat(folder / ControlFile) is { Type: FileType.Regular }) return folder;
        }

        throw new RepriseException(
            WalErrors.NoCluster,
            $"neither {workingFolder} nor the folder around {file} is a data directory of PostgreSQL",
            "let PostgreSQL run the command: archive_command = 'reprise wal push %p --config FILE', restore_command = 'reprise wal get %f %p --config FILE'");
    }

    /// <summary>Reads the identifier. The file is written in one piece of 512 bytes, so that it is never seen half-written.</summary>
    public static ClusterFacts Read(IDisk disk, DiskPath folder)
    {
        Span<byte> bytes = stackalloc byte[16];
        using var file = disk.OpenRead(folder / ControlFile);
        var identifier = file.Read(0, bytes) == bytes.Length ? BinaryPrimitives.ReadUInt64LittleEndian(bytes) : 0;
        if (identifier == 0)
        {
            throw new RepriseException(
                WalErrors.NoCluster, $"{folder / ControlFile} cannot be understood", "look at it with pg_controldata");
        }

        return new ClusterFacts(identifier, ReadMajor(disk, folder));
    }

    /// <summary>Which machine and which directory: a clone on the same machine has another inode.</summary>
    public static WalOwner OwnerOf(IDisk disk, DiskPath folder)
    {
        var status = disk.Stat(folder / ".") ?? throw new RepriseException(
            WalErrors.NoCluster, $"the data directory {folder} is gone", "run the command in the data directory");
        return new WalOwner(
            Assets.Machine.Fingerprint(disk) ?? "unknown",
            string.Create(CultureInfo.InvariantCulture, $"device {status.Device}, inode {status.Inode}"));
    }

    private static int ReadMajor(IDisk disk, DiskPath folder)
    {
        Span<byte> bytes = stackalloc byte[MaxVersionBytes];
        using var file = disk.OpenRead(folder / "PG_VERSION");
        var text = System.Text.Encoding.ASCII.GetString(bytes[..file.Read(0, bytes)]).Trim();
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var major)
            ? major
            : throw new RepriseException(WalErrors.NoCluster, $"{folder / "PG_VERSION"} holds '{text}'", "look at the data directory");
    }
}
