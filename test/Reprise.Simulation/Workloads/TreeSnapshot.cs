using System.Text;
using Reprise.Storage.Disk;

namespace Reprise.Simulation.Workloads;

/// <summary>What lies below a folder, as text: one line each with type, mode, owner, time and content.</summary>
internal static class TreeSnapshot
{
    /// <summary>Takes it, leaving out names of ours.</summary>
    public static IReadOnlyList<string> Take(IDisk disk, DiskPath root)
    {
        var lines = new List<string>();
        Add(disk, root, default, lines);
        return lines;
    }

    /// <summary>What differs, in a few words; empty when nothing does.</summary>
    public static string Difference(IReadOnlyList<string> expected, IReadOnlyList<string> actual)
    {
        var missing = expected.Except(actual, StringComparer.Ordinal).Select(line => "- " + line);
        var added = actual.Except(expected, StringComparer.Ordinal).Select(line => "+ " + line);
        return string.Join("; ", missing.Concat(added).Take(6));
    }

    private static void Add(IDisk disk, DiskPath root, DiskPath path, List<string> lines)
    {
        foreach (var entry in disk.List(root / path).OrderBy(e => e.Name))
        {
            if (path.IsEmpty && entry.Name.ToString().StartsWith(".reprise-", StringComparison.Ordinal)) continue;
            var relative = path / entry.Name;
            if (disk.Stat(root / relative) is not { } status) continue;
            lines.Add(string.Join(
                ' ',
                relative,
                status.Type,
                Convert.ToString(status.Mode, 8),
                status.User,
                $"{status.Modified.Seconds}.{status.Modified.Nanoseconds:d9}",
                ContentOf(disk, root / relative, status)));
            if (status.Type == FileType.Folder) Add(disk, root, relative, lines);
        }
    }

    private static string ContentOf(IDisk disk, DiskPath path, FileStatus status)
    {
        if (status.Type == FileType.SymbolicLink) return "-> " + disk.ReadSymbolicLink(path);
        if (status.Type != FileType.Regular) return "";
        using var file = disk.OpenRead(path);
        var bytes = new byte[status.SizeBytes];
        var read = file.Read(0, bytes);
        var hash = System.Security.Cryptography.SHA256.HashData(bytes.AsSpan(0, read));
        var attributes = disk.ReadAttributes(path).Select(a => $" {a.Name}={Encoding.UTF8.GetString(a.Value.Span)}");
        return $"{read} {Convert.ToHexStringLower(hash.AsSpan(0, 6))}{string.Concat(attributes)}";
    }
}
