using System.Runtime.CompilerServices;

namespace Reprise.Tests.House;

/// <summary>A text file of the repository.</summary>
/// <param name="Path">relative to the root, with slashes.</param>
/// <param name="Text">its content, with line feeds.</param>
internal sealed record CommittedFile(string Path, string Text)
{
    public string[] Lines => Text.Split('\n');

    public bool IsSource => Path.EndsWith(".cs", StringComparison.Ordinal);

    public bool IsDocument => Path.EndsWith(".md", StringComparison.Ordinal);

    public string Folder => Path.Contains('/', StringComparison.Ordinal) ? Path[..Path.LastIndexOf('/')] : "";
}

/// <summary>The clone that the tests were built from, without what is never committed.</summary>
internal static class Clone
{
    private static readonly string[] NeverCommitted =
        [".git", ".cache", ".vs", ".idea", "bin", "obj", "out", "TestResults", "node_modules", "__pycache__", ".venv"];

    private static readonly string[] BinaryEndings =
        [".so", ".dll", ".png", ".ico", ".gz", ".zip", ".db", ".dump", ".pack", ".bin", ".woff2", ".pdf", ".pyc"];

    public static string Root { get; } = Find();

    /// <summary>Every file as text, except those that are no text.</summary>
    public static IReadOnlyList<CommittedFile> Files { get; } =
        [.. Read("").OrderBy(f => f.Path, StringComparer.Ordinal)];

    public static IEnumerable<CommittedFile> Sources => Files.Where(f => f.IsSource);

    public static CommittedFile Get(string path) =>
        Files.FirstOrDefault(f => f.Path == path) ?? throw new FileNotFoundException($"the repository has no {path}");

    private static IEnumerable<CommittedFile> Read(string folder)
    {
        foreach (var path in Directory.EnumerateFiles(Path.Combine(Root, folder)))
        {
            var relative = Path.GetRelativePath(Root, path).Replace('\\', '/');
            if (BinaryEndings.Any(e => relative.EndsWith(e, StringComparison.Ordinal))) continue;
            if (relative.StartsWith("test/golden/", StringComparison.Ordinal)) continue;
            if (File.GetAttributes(path).HasFlag(FileAttributes.ReparsePoint)) continue;
            // In a worktree .git is a file that says where the repository is.
            if (relative == ".git" || relative.EndsWith(".user", StringComparison.Ordinal)) continue;
            yield return new CommittedFile(relative, File.ReadAllText(path).ReplaceLineEndings("\n"));
        }

        foreach (var path in Directory.EnumerateDirectories(Path.Combine(Root, folder)))
        {
            if (NeverCommitted.Contains(Path.GetFileName(path))) continue;
            foreach (var file in Read(Path.GetRelativePath(Root, path))) yield return file;
        }
    }

    private static string Find([CallerFilePath] string thisFile = "")
    {
        for (var folder = Path.GetDirectoryName(thisFile); folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "Reprise.slnx"))) return folder;
        }

        throw new InvalidOperationException($"no Reprise.slnx above {thisFile}");
    }
}
