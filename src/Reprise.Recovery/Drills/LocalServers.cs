using System.Globalization;
using System.Text;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Drills;

/// <summary>
/// Sockets of PostgreSQL servers of this machine. A network namespace keeps nobody from a Unix socket: it is a file, and
/// a server that is configured by host and port listens on one all the same.
/// </summary>
internal static class LocalServers
{
    private const string SocketName = "/.s.PGSQL.";
    private const int Listening = 0x10000;
    private const int BlockBytes = 64 * 1024;

    // A kernel's table has a line for every socket; more than this is not a machine on which anybody drills.
    private const int MaxBytes = 16 * 1024 * 1024;

    /// <summary>Those on which a server listens, and that we can see.</summary>
    public static IEnumerable<ProductionPlace> Sockets(IDisk disk)
    {
        var table = new DiskPath("/proc/net/unix");
        if (!IsThere(disk, table)) return [];
        return Listed(Read(disk, table))
            .Where(path => IsThere(disk, new DiskPath(path)))
            .Select(path => new ProductionPlace(ProductionKind.Socket, path, "a PostgreSQL server of this machine"));
    }

    /// <summary>Their paths, out of the text of <c>/proc/net/unix</c>.</summary>
    public static IReadOnlyList<string> Listed(string table)
    {
        var found = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var line in table.Split('\n'))
        {
            // Num RefCount Protocol Flags Type St Inode Path
            var cells = line.Split(' ', 8, StringSplitOptions.RemoveEmptyEntries);
            if (cells.Length == 8
                && int.TryParse(cells[3], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var flags)
                && (flags & Listening) != 0
                && cells[7].StartsWith('/')
                && cells[7].Contains(SocketName, StringComparison.Ordinal))
            {
                found.Add(cells[7]);
            }
        }

        return [.. found];
    }

    private static string Read(IDisk disk, DiskPath table)
    {
        using var file = disk.OpenRead(table);
        var text = new StringBuilder();
        var buffer = new byte[BlockBytes];
        for (int at = 0, read; at < MaxBytes && (read = file.Read(at, buffer)) > 0; at += read)
            text.Append(Encoding.UTF8.GetString(buffer, 0, read));
        return text.ToString();
    }

    // Who may not even look at a socket cannot connect to it either, inside or outside.
    private static bool IsThere(IDisk disk, DiskPath path)
    {
        try
        {
            return disk.Stat(path) is not null;
        }
        catch (RepriseException e) when (e.Code == StorageErrors.FileDenied)
        {
            return false;
        }
    }
}
