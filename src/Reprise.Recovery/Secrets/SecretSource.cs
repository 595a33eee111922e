using System.Text;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Secrets;

/// <summary>Where the values of secrets come from. Closed: one of the nested cases.</summary>
public abstract record SecretSource
{
    /// <summary>A file of a secret larger than this is not one.</summary>
    public const int MaxSecretBytes = 64 * 1024;

    private SecretSource()
    {
    }

    /// <summary>A <c>.env</c> file.</summary>
    /// <param name="Path">absolute.</param>
    public sealed record EnvironmentFile(DiskPath Path) : SecretSource
    {
        /// <inheritdoc />
        public override string ToString() => Path.ToString();
    }

    /// <summary>The environment of the program.</summary>
    public sealed record Environment : SecretSource
    {
        /// <inheritdoc />
        public override string ToString() => "the environment";
    }

    /// <summary>A folder with one file per secret, named like it (Docker and systemd hand them out so).</summary>
    /// <param name="Path">absolute.</param>
    public sealed record Folder(DiskPath Path) : SecretSource
    {
        /// <inheritdoc />
        public override string ToString() => Path.ToString();
    }
}

/// <summary>Reads secrets from their source. Values leave this room only as fingerprints, or sealed.</summary>
internal sealed class SecretReader(IDisk disk, Func<string, string?> environment)
{
    /// <summary>The values of <paramref name="names"/>; null for one that is not there.</summary>
    public IReadOnlyDictionary<string, string?> Read(SecretSource source, IEnumerable<string> names)
    {
        Func<string, string?> find = source switch
        {
            SecretSource.EnvironmentFile file => FromFile(file.Path),
            SecretSource.Environment => environment,
            SecretSource.Folder folder => name => FromFolder(folder.Path, name),
            _ => throw new InvariantException($"a source of an unknown kind: {source}"),
        };
        return new SortedDictionary<string, string?>(names.ToDictionary(n => n, n => find(n)), StringComparer.Ordinal);
    }

    /// <summary>The file as it is; empty when it is not there.</summary>
    public DotEnv ReadFile(DiskPath path) =>
        ReadText(path, DotEnv.MaxBytes) is { } text ? DotEnv.Parse(text, path.ToString()) : DotEnv.Empty;

    // Of a variable within a value, the environment wins over the file, as it does when Compose reads it.
    private Func<string, string?> FromFile(DiskPath path)
    {
        var file = ReadFile(path);
        return name => file.Resolve(name, environment);
    }

    private string? FromFolder(DiskPath folder, string name) =>
        ReadText(folder / name, SecretSource.MaxSecretBytes)?.TrimEnd('\r', '\n');

    private string? ReadText(DiskPath path, int maxBytes)
    {
        if (Target(path) is not { } target || disk.Stat(target) is not { Type: FileType.Regular } status) return null;
        if (status.SizeBytes > maxBytes)
        {
            throw new RepriseException(
                RecoveryErrors.DotEnvInvalid,
                $"{path} has {status.SizeBytes:N0} bytes; at most {maxBytes:N0} are read",
                "name the file that holds the secrets");
        }

        var bytes = new byte[status.SizeBytes];
        using var file = disk.OpenRead(target);
        return Encoding.UTF8.GetString(bytes, 0, file.Read(0, bytes));
    }

    // Kubernetes and systemd hand secrets out as symbolic links; the disk opens none, so they are followed here.
    private DiskPath? Target(DiskPath path)
    {
        const int maxLinks = 8;
        for (var links = 0; links < maxLinks; links++)
        {
            if (disk.Stat(path) is not { } status) return null;
            if (status.Type != FileType.SymbolicLink) return path;
            var link = disk.ReadSymbolicLink(path);
            path = link.IsAbsolute ? link : path.Parent / link;
        }

        return null;
    }
}
