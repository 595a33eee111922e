using Reprise.Storage.Disk;

namespace Reprise.Rehearsing;

/// <summary>Where a file of the application lies in the sandbox.</summary>
internal static class SandboxPaths
{
    /// <summary>At the same place below the folder of the configuration; what lies outside of that, in a folder of its own.</summary>
    /// <param name="folder">of the application's configuration.</param>
    /// <param name="sandbox">what stands for it.</param>
    /// <param name="asset">to which the file belongs.</param>
    /// <param name="path">the file, absolute.</param>
    public static DiskPath Of(string folder, DiskPath sandbox, string asset, string path) =>
        sandbox / Relative(folder, asset, path);

    /// <summary>The same, as it is written into a configuration.</summary>
    public static string Relative(string folder, string asset, string path) =>
        new DiskPath(path).IsWithin(new DiskPath(folder))
            ? Path.GetRelativePath(folder, path)
            : $"from-elsewhere/{asset}/{Path.GetFileName(path)}";
}
