using System.Security.Cryptography;
using Reprise.Recovery.Processes;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Release;

/// <summary>The programs that know which release is running; replaced in tests.</summary>
/// <param name="Git">the version control.</param>
/// <param name="Docker">the container engine's client.</param>
/// <param name="DockerCompose">the stand-alone Compose of older hosts.</param>
public sealed record ReleasePrograms(string Git, string Docker, string DockerCompose)
{
    /// <summary>As they are called on the PATH.</summary>
    public static ReleasePrograms OnPath { get; } = new("git", "docker", "docker-compose");
}

/// <summary>
/// Finds out which release of the application is running: commit, compose file, images. Whatever cannot be told within
/// <see cref="Limit"/> is null; a backup never fails and never waits for it.
/// </summary>
public sealed class ReleaseFactsReader(
    IDisk disk, ChildProcesses children, TimeProvider clock, ReleasePrograms programs)
{
    private const int MaxComposeBytes = 4 * 1024 * 1024;

    // In the order in which Compose itself looks for them.
    private static readonly string[] ComposeNames =
        ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];

    /// <summary>How long all questions together may take: an old Compose needs seconds on a busy machine.</summary>
    public static TimeSpan Limit { get; } = TimeSpan.FromSeconds(10);

    /// <summary>Asks about the application whose configuration lies in <paramref name="folder"/> (absolute).</summary>
    public async Task<ReleaseFacts> ReadAsync(string folder, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(Limit, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        var token = both.Token;
        var (compose, hash) = ComposeFile(new DiskPath(folder));
        var commit = UnlessLateAsync(() => CommitAsync(folder, token), cancellationToken);
        var dirty = UnlessLateAsync(() => ChangesAsync(folder, token), cancellationToken);
        var images = compose
            ? UnlessLateAsync(() => new ComposeImages(children, programs).ReadAsync(folder, token), cancellationToken)
            : Task.FromResult<IReadOnlyList<string>?>(null);
        await Task.WhenAll(commit, dirty, images);
        return new ReleaseFacts
        {
            Commit = await commit,
            Dirty = await dirty is { } changes ? changes.Length > 0 : null,
            ComposeSha256 = hash,
            Images = await images ?? [],
        };
    }

    // A fact that could not be had is no error: the point says null, which is the truth.
    private static async Task<T?> UnlessLateAsync<T>(Func<Task<T?>> ask, CancellationToken cancellationToken)
        where T : class
    {
        try
        {
            return await ask();
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
        catch (RepriseException e) when (e.Code == RecoveryErrors.ClientMissing)
        {
            return null;
        }
    }

    private async Task<string?> CommitAsync(string folder, CancellationToken cancellationToken)
    {
        var result = await GitAsync(folder, ["rev-parse", "--verify", "HEAD"], cancellationToken);
        var commit = result.Output.Trim();
        return result.Exit == 0 && commit.Length is 40 or 64 && commit.All(char.IsAsciiHexDigitLower) ? commit : null;
    }

    private async Task<string?> ChangesAsync(string folder, CancellationToken cancellationToken)
    {
        var result = await GitAsync(folder, ["status", "--porcelain", "--untracked-files=no"], cancellationToken);
        return result.Exit == 0 ? result.Output : null;
    }

    private Task<ChildResult> GitAsync(string folder, string[] question, CancellationToken cancellationToken)
    {
        // Git may rewrite its index or start a monitor that a repository names: a backup only looks. A repository of
        // somebody else is refused by git itself, and stays refused.
        string[] quiet = ["--no-optional-locks", "-c", "core.fsmonitor=false", "-C", folder];
        return children.RunAsync(
            new ChildCommand([programs.Git, .. quiet, .. question])
            {
                Environment = new Dictionary<string, string?>
                {
                    ["LC_ALL"] = "C",
                    ["GIT_TERMINAL_PROMPT"] = "0",
                    ["GIT_DIR"] = null,
                    ["GIT_WORK_TREE"] = null,
                    ["GIT_INDEX_FILE"] = null,
                },
            },
            cancellationToken);
    }

    private (bool Found, string? Sha256) ComposeFile(DiskPath folder)
    {
        try
        {
            foreach (var name in ComposeNames)
            {
                if (disk.Stat(folder / name) is not { } status) continue;
                var isPlain = status is { Type: FileType.Regular, SizeBytes: <= MaxComposeBytes };
                return (true, isPlain ? Hash(folder / name) : null);
            }
        }
        catch (RepriseException e) when (e.Code == StorageErrors.FileDenied || e.Code == StorageErrors.FileMissing)
        {
            return (true, null);
        }

        return (false, null);
    }

    private string Hash(DiskPath path)
    {
        using var file = disk.OpenRead(path);
        var bytes = new byte[MaxComposeBytes];
        return Convert.ToHexStringLower(SHA256.HashData(bytes.AsSpan(0, file.Read(0, bytes))));
    }
}
