using System.Text;
using Reprise.Recovery.Processes;
using Reprise.Storage.Disk;
using Reprise.Storage.Runtime;

namespace Reprise.Recovery.Postgres;

/// <summary>What the PostgreSQL room stands on; nothing else reaches it.</summary>
public sealed record PostgresHost
{
    /// <summary>For client programs, pass and service files, and the staged dump.</summary>
    public required IDisk Disk { get; init; }

    /// <summary>Starts the client programs.</summary>
    public required ChildProcesses Children { get; init; }

    /// <summary>Time.</summary>
    public required TimeProvider Clock { get; init; }

    /// <summary>For marks and names.</summary>
    public required Entropy Entropy { get; init; }

    /// <summary>Where blocking disk calls run.</summary>
    public required Cpu Cpu { get; init; }

    /// <summary>An environment variable, or null.</summary>
    public required Func<string, string?> Variable { get; init; }

    /// <summary>The user's home folder.</summary>
    public required string Home { get; init; }

    /// <summary>The operating system's name of the user.</summary>
    public required string UserName { get; init; }

    /// <summary>The folder for temporary files when none is configured.</summary>
    public required string TemporaryFolder { get; init; }

    internal ConnectionSources Sources => new()
    {
        Variable = Variable,
        ReadFile = ReadSmallFile,
        Exists = path => Path.IsPathRooted(path) && Disk.Stat(new DiskPath(path)) is not null,
        Home = Home,
        UserName = UserName,
    };

    // Pass and service files are small; a link is followed because people keep such files in version control.
    private SourceFile? ReadSmallFile(string name)
    {
        const int maxBytes = 1024 * 1024;
        var path = new DiskPath(Path.IsPathRooted(name) ? name : Path.Combine(Home, name));
        var status = Disk.Stat(path);
        for (var links = 0; status?.Type == FileType.SymbolicLink && links < 8; links++)
        {
            var target = Disk.ReadSymbolicLink(path);
            path = target.IsAbsolute ? target : path.Parent / target;
            status = Disk.Stat(path);
        }

        if (status is not { Type: FileType.Regular }) return null;
        using var file = Disk.OpenRead(path);
        var bytes = new byte[Math.Min(status.SizeBytes, maxBytes)];
        var read = file.Read(0, bytes);
        return new SourceFile(
            Encoding.UTF8.GetString(bytes.AsSpan(0, read)), OperatingSystem.IsWindows() ? -1 : status.Mode);
    }
}
