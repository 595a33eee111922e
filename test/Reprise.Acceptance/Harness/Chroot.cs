namespace Reprise.Acceptance.Harness;

/// <summary>
/// A root folder that holds the shipped folder, the C library and an empty /tmp: no shell, no /proc, no /dev, no
/// certificates, no time zones, no other library. Whatever runs in it runs on the barest host.
/// </summary>
public sealed class Chroot : IDisposable
{
    /// <summary>What belongs to glibc itself; nothing else may be needed.</summary>
    public static readonly IReadOnlyList<string> LibrariesOfGlibc =
    [
        "ld-linux-x86-64.so.2", "libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1",
    ];

    private readonly TemporaryFolder folder = new();

    /// <summary>Builds the root folder.</summary>
    public Chroot()
    {
        folder.Folder("tmp");
        CopyFolder(PublishedProgram.Folder, folder.Folder("opt/reprise"));
        File.Copy("/lib64/ld-linux-x86-64.so.2", Path.Combine(folder.Folder("lib64"), "ld-linux-x86-64.so.2"));
        var libraries = folder.Folder("lib/x86_64-linux-gnu");
        foreach (var name in LibrariesOfGlibc.Skip(1))
        {
            File.Copy(Path.Combine("/lib/x86_64-linux-gnu", name), Path.Combine(libraries, name));
        }
    }

    /// <summary>The root, as the host sees it.</summary>
    public string Root => folder.Root;

    /// <summary>Runs the shipped program in it; other users than root need user namespaces for it.</summary>
    public async Task<ProgramRun> RunAsync(params string[] arguments)
    {
        string[] enter = Environment.UserName == "root" ? ["chroot"] : ["unshare", "--map-root-user", "chroot"];
        var surroundings = new Surroundings
        {
            Variables = new Dictionary<string, string> { ["HOME"] = "/tmp" },
            Within = TimeSpan.FromMinutes(2),
        };
        using var running = RunningProgram.Start(surroundings, [.. enter, Root, "/opt/reprise/reprise", .. arguments]);
        return await running.EndAsync();
    }

    /// <inheritdoc />
    public void Dispose() => folder.Dispose();

    private static void CopyFolder(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from)) File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }
}
