using System.Runtime.CompilerServices;
using Reprise.Repository.Pages;
using Reprise.Repository.Wal;
using Reprise.Storage.Disk;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>The files of a server whose data directory can be read here.</summary>
internal sealed class LocalSource : ClusterSource
{
    private readonly PostgresHost host;
    private readonly DataFolder folder;
    private readonly DiskPath root;
    private ClusterScan? scan;

    private LocalSource(PostgresHost host, DataFolder folder, DiskPath root)
    {
        (this.host, this.folder, this.root) = (host, folder, root);
        Files = new LocalFiles(host.Disk, host.Cpu);
    }

    public override string Root => root.ToString();

    public override bool IsStreamed => false;

    public override IClusterFiles Files { get; }

    public override IReadOnlyList<string> Odd => scan?.Odd ?? [];

    /// <exception cref="Storage.Errors.RepriseException"><c>physical-impossible</c>: the folder cannot be read, or is not that of the server.</exception>
    public static async Task<LocalSource> OpenAsync(PostgresHost host, DataFolder folder, CancellationToken cancellationToken) =>
        new(host, folder, await host.Cpu.RunAsync(folder.Demand, cancellationToken));

    public override DiskPath At(DiskPath path) => root / path;

    public override bool Holds(DiskPath place) => place.IsWithin(root) || place.IsWithin(new DiskPath(folder.Server.DataFolder));

    public override async IAsyncEnumerable<ScannedEntry> EntriesAsync(
        IReadOnlyList<ClusterTablespace> tablespaces, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        scan = new ClusterScan(host.Disk, root, folder.Server, tablespaces);
        using var entries = scan.Entries().GetEnumerator();
        while (await host.Cpu.RunAsync(() => entries.MoveNext() ? entries.Current : (ScannedEntry?)null, cancellationToken) is { } next)
            yield return next;
    }

    public override Task<byte[]?> ControlAsync(CancellationToken cancellationToken) =>
        host.Cpu.RunAsync(() => ControlFile.TryRead(host.Disk, root / "global" / "pg_control"), cancellationToken);

    public override Task<PagedEntry> LookAsync(DiskPath place, DiskPath path, PagedEntryType type, CancellationToken cancellationToken) =>
        host.Cpu.RunAsync(
            () => ClusterScan.Of(path, host.Disk.Stat(place) ?? throw PhysicalErrors.Gone(place), type), cancellationToken);

    public override async Task<WalFindings?> WalkAsync(Lsn start, Lsn stop, CancellationToken cancellationToken) =>
        await host.Cpu.RunAsync(
            () =>
            {
                using var wal = new BackupWal(host.Disk, root / "pg_wal", folder.Server);
                return wal.Walk(start, stop, cancellationToken);
            },
            cancellationToken);

    public override SortedDictionary<string, string> Identity(ClusterFacts cluster) => folder.Identity(cluster);

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
