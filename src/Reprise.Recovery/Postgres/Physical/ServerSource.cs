using System.Globalization;
using System.Text;
using Reprise.Repository.Pages;
using Reprise.Repository.Wal;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>
/// The files of a server on another host, or in a container: it reads them itself and sends them over a second session.
/// What answers is the server that has them, so that nothing of it needs to be proven.
/// </summary>
internal sealed class ServerSource : ClusterSource
{
    public const int PrivateFolder = 0x1C0;

    private readonly ServerFiles files;
    private readonly ServerFacts server;
    private readonly ServerOwner owner;
    private readonly DataFolder? here;

    private ServerSource(ServerFiles files, ServerFacts server, ServerOwner owner, DataFolder? here) =>
        (this.files, this.server, this.owner, this.here) = (files, server, owner, here);

    public override string Root => server.DataFolder;

    public override bool IsStreamed => true;

    public override IClusterFiles Files => files;

    /// <summary>Connects, and asks whom the files belong to.</summary>
    /// <exception cref="Storage.Errors.RepriseException"><c>physical-impossible</c>, and whatever a connection may fail with.</exception>
    public static async Task<ServerSource> OpenAsync(
        PostgresServer server, PostgresSettings settings, ServerFacts facts, PostgresHost host, CancellationToken cancellationToken)
    {
        var opened = await ServerFiles.OpenAsync(server, settings.Maintenance, host, cancellationToken);
        try
        {
            var belongsTo = await OwnerAsync(opened, facts.FolderMode, cancellationToken);
            var folder = new DataFolder(host, settings, facts);
            return new ServerSource(opened, facts, belongsTo, await host.Cpu.RunAsync(() => IsHere(folder), cancellationToken) ? folder : null);
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    public override DiskPath At(DiskPath path) => path;

    public override bool Holds(DiskPath place) => place.IsWithin(new DiskPath(server.DataFolder));

    public override IAsyncEnumerable<ScannedEntry> EntriesAsync(
        IReadOnlyList<ClusterTablespace> tablespaces, CancellationToken cancellationToken) =>
        new ServerScan(files, owner, server, tablespaces).EntriesAsync(cancellationToken);

    public override async Task<byte[]?> ControlAsync(CancellationToken cancellationToken) =>
        await files.SmallAsync(new DiskPath("global/pg_control"), cancellationToken) is { Length: ControlFile.LengthBytes } bytes
        && ControlFile.HasCrc(bytes)
            ? bytes
            : null;

    public override async Task<PagedEntry> LookAsync(DiskPath place, DiskPath path, PagedEntryType type, CancellationToken cancellationToken) =>
        owner.Of(path, type, await files.LookAsync(place, cancellationToken) ?? throw PhysicalErrors.Gone(place));

    public override Task<WalFindings?> WalkAsync(Lsn start, Lsn stop, CancellationToken cancellationToken) => Task.FromResult<WalFindings?>(null);

    // Where its folder is to be seen too, as if it had been read there. Else no device and inode, and no machine: nobody but the
    // server sees them, and an image of a container brings its own.
    public override SortedDictionary<string, string> Identity(ClusterFacts cluster) => here?.Identity(cluster) ?? new(StringComparer.Ordinal)
    {
        ["database"] = "*",
        ["system"] = cluster.System,
        ["timeline"] = cluster.Timeline.ToString(CultureInfo.InvariantCulture),
    };

    public override ValueTask DisposeAsync()
    {
        files.Dispose();
        return ValueTask.CompletedTask;
    }

    private static bool IsHere(DataFolder folder)
    {
        try
        {
            folder.Demand();
            return true;
        }
        catch (RepriseException e) when (e.Code == RecoveryErrors.PhysicalImpossible)
        {
            return false;
        }
    }

    // The server refuses to start with files that are not its user's, and a restore by root gives them to that number.
    private static async Task<ServerOwner> OwnerAsync(ServerFiles files, string folderMode, CancellationToken cancellationToken)
    {
        var status = await files.SmallAsync(new DiskPath("/proc/self/status"), cancellationToken) is { } bytes
            ? Encoding.UTF8.GetString(bytes).Split('\n')
            : [];
        return Number(status, "Uid:") is { } user && Number(status, "Gid:") is { } group
            ? new ServerOwner(user, group, Convert.ToInt32(folderMode, 8))
            : throw PhysicalErrors.Impossible("whom its files belong to cannot be asked: it does not run on Linux", "use method: logical");
    }

    // Real, effective, saved and that of the file system; files belong to the effective one.
    private static uint? Number(string[] status, string key) =>
        status.FirstOrDefault(line => line.StartsWith(key, StringComparison.Ordinal))?.Split('\t') is [_, _, var effective, ..]
        && uint.TryParse(effective, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;
}
