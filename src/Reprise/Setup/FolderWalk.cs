using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Setup;

/// <summary>Walks the folder of an application, bounded, past what is never its data.</summary>
internal sealed class FolderWalk(IDisk disk)
{
    /// <summary>How deep it looks.</summary>
    public const int MaxDepth = 5;

    /// <summary>How many entries it looks at.</summary>
    public const int MaxEntries = 20_000;

    private static readonly string[] NeverData =
    [
        "node_modules",
        "venv",
        "__pycache__",
        "vendor",
        "target",
        "obj",
        "bin",
        "dist",
        "build",
        "recovery",
        "lost+found",
    ];

    /// <summary>Regular files below <paramref name="folder"/>, as paths from it, in the order of their names.</summary>
    public IReadOnlyList<(string Path, FileStatus Status)> Files(string folder)
    {
        var files = new List<(string, FileStatus)>();
        var pending = new Queue<(DiskPath Path, string Name, int Depth)>();
        pending.Enqueue((new DiskPath(folder), "", 0));
        var seen = 0;
        while (pending.Count > 0)
        {
            var (path, name, depth) = pending.Dequeue();
            foreach (var entry in List(path))
            {
                if (++seen > MaxEntries) return files;
                var text = entry.Name.ToString();
                var inner = name.Length == 0 ? text : $"{name}/{text}";
                var status = Status(path / entry.Name);
                if (status?.Type == FileType.Regular) files.Add((inner, status));
                if (status?.Type != FileType.Folder || depth + 1 >= MaxDepth) continue;
                if (text.StartsWith('.') || NeverData.Contains(text)) continue;
                pending.Enqueue((path / entry.Name, inner, depth + 1));
            }
        }

        return files;
    }

    private IEnumerable<FolderEntry> List(DiskPath path)
    {
        try
        {
            return [.. disk.List(path).OrderBy(e => e.Name)];
        }
        catch (RepriseException e) when (e.Code == StorageErrors.FileDenied || e.Code == StorageErrors.FileMissing)
        {
            // Looking around is a courtesy: what may not be looked into is not the application's to protect.
            return [];
        }
    }

    private FileStatus? Status(DiskPath path)
    {
        try
        {
            return disk.Stat(path);
        }
        catch (RepriseException e) when (e.Code == StorageErrors.FileDenied)
        {
            // As above.
            return null;
        }
    }
}
