using System.Globalization;
using Reprise.Recovery.Processes;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>The programs of servers that are installed here, and as whom they run.</summary>
internal static class ServerPrograms
{
    /// <summary>Those of a major that can start a server, or null.</summary>
    public static async Task<ClientSet?> FindAsync(PostgresHost host, PostgresSettings settings, int major, CancellationToken cancellationToken)
    {
        var sets = await new Clients(host.Disk, host.Children, host.Variable, settings.ClientFolder).AllAsync(cancellationToken);
        return sets.FirstOrDefault(s => s.Major == major && s.Folder is { } bin && host.Disk.Stat(new DiskPath(bin) / "postgres") is not null);
    }

    /// <summary>The refusal of a restore that needs them.</summary>
    public static RepriseException Missing(int major) => new(
        RecoveryErrors.ClientMissing,
        $"no server programs of PostgreSQL {major} are installed here",
        $"install postgresql-{major}: what is restored is started with them and proven before it becomes live");

    /// <summary>PostgreSQL does not run as root: root becomes the owner of the files.</summary>
    public static ChildCommand AsOwner(FileStatus owner, IReadOnlyList<string> command)
    {
        string[] who = Environment.IsPrivilegedProcess
            ? [
                "setpriv", string.Create(CultureInfo.InvariantCulture, $"--reuid={owner.User}"),
                string.Create(CultureInfo.InvariantCulture, $"--regid={owner.Group}"), "--clear-groups", "--",
            ]
            : [];
        return new ChildCommand([.. who, .. command]) { Folder = "/", Environment = Clean };
    }

    /// <summary>What this process was told about servers is not for the one that is started.</summary>
    public static IReadOnlyDictionary<string, string?> Clean { get; } = ConnectionKeywords.NoVariables
        .Append(KeyValuePair.Create("LC_ALL", (string?)"C")).ToDictionary();
}
