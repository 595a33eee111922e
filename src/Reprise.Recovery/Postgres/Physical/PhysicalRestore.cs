using System.Globalization;
using System.Text;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Moments;
using Reprise.Recovery.Processes;
using Reprise.Repository.Format;
using Reprise.Repository.Pages;
using Reprise.Repository.Points;
using Reprise.Repository.Wal;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>
/// Writes the files of a server into a folder of its own: <c>data</c>, <c>tablespaces/OID</c>, and <c>outside</c> for
/// configuration that lay elsewhere. PostgreSQL's own <c>pg_verifybackup</c> judges it before anybody starts it.
/// </summary>
internal sealed class PhysicalRestore(PostgresHost host, PostgresSettings settings, AssetRecord record, PointReader point, IProgressSink progress)
{
    private const int PrivateFolder = 0x1C0;
    private const int PrivateFile = 0x180;
    private const int MaxConfigurationBytes = 1024 * 1024;
    private static readonly TimeSpan VerifyWithin = TimeSpan.FromHours(24);

    private readonly ClusterFacts cluster = ClusterFacts.Of(record);
    private readonly List<PagedEntry> folders = [];
    private readonly int major = Major(record);
    private FileStatus? owner;
    private PagedEntry? likeOfAll;

    /// <summary>Whether the copy is a sandbox's: its files belong to whom the folder belongs, and everybody in it gets in.</summary>
    public bool IsSandbox { get; init; }

    /// <summary>Where it is put to become the live one; null: into a folder of its own.</summary>
    public StagedPlace? Staged { get; init; }

    /// <summary>The moment to which it is made ready, with the WAL that leads there; null: where the backup ended.</summary>
    public (AssetMoment Moment, WalArchive Archive)? Beyond { get; init; }

    /// <summary>What of the WAL was laid down; null: nothing but what the point holds.</summary>
    public LaidWal? Laid { get; private set; }

    /// <summary>How long that took.</summary>
    public TimeSpan LayElapsed { get; private set; }

    /// <summary>Whether <c>pg_verifybackup</c> accepted what was written; false: it is not installed here.</summary>
    public bool IsVerified { get; private set; }

    /// <summary>The folder, in a target, that the server is started with.</summary>
    public const string DataName = "data";

    /// <summary>Writes everything into <paramref name="target"/>, which is empty.</summary>
    public async Task<WrittenPaths> RunAsync(DiskPath target, CancellationToken cancellationToken)
    {
        // Replayed here, it would make or drop folders and files where production has its own.
        if (cluster.ReplaysTablespaces) throw ReplaysTablespaces(record.Name);
        progress.Begin($"write the files of {record.Name}", record.SourceBytes);
        owner = IsSandbox ? await host.Cpu.RunAsync(() => host.Disk.Stat(target), cancellationToken) : Staged?.Owner;
        var data = Staged?.Data ?? target / DataName;
        var manifest = new BackupManifest(cluster, major);
        var own = new OwnFiles();
        await WriteTreeAsync(ClusterFacts.DataTree, data, target, manifest, own, cancellationToken);
        await WriteTreeAsync(ClusterFacts.EndTree, data, target, manifest, own, cancellationToken);
        if (cluster.Outside.Count > 0 && Staged is null)
            await WriteTreeAsync(ClusterFacts.OutsideTree, target / "outside", target, null, own, cancellationToken);
        await host.Cpu.RunAsync(() => Finish(data, manifest, own), cancellationToken);
        await VerifyAsync(data, cancellationToken);
        await host.Cpu.RunAsync(() => Localise(data), cancellationToken);
        if (Beyond is { } beyond) await LayAsync(data, beyond.Moment, beyond.Archive, cancellationToken);
        if (IsSandbox) await host.Cpu.RunAsync(() => LetIn(data), cancellationToken);
        return WrittenPaths.Of([DataName, .. cluster.Tablespaces.Select(t => $"tablespaces/{t.Oid}"), .. cluster.Outside.Count > 0 ? (string[])["outside"] : []]);
    }

    private async Task WriteTreeAsync(
        string tree, DiskPath root, DiskPath target, BackupManifest? manifest, OwnFiles own, CancellationToken cancellationToken)
    {
        var reader = new PagesReader(point, PagedContents.Of(record.Streams, tree));
        var files = new List<PagedEntry>();
        await foreach (var batch in BatchesAsync(reader, cancellationToken))
        {
            await host.Cpu.RunAsync(
                () =>
                {
                    foreach (var entry in batch) Place(entry, root, target, manifest, own);
                },
                cancellationToken);
        }

        await using (var writer = new PagedFileWriter(host.Disk, host.Cpu, root, progress))
            await writer.RunAsync(reader, cancellationToken);

        // Times are set when nothing is written any more.
        await foreach (var batch in BatchesAsync(reader, cancellationToken))
        {
            await host.Cpu.RunAsync(
                () =>
                {
                    foreach (var entry in batch.Where(e => e.Type == PagedEntryType.File)) Dress(root / entry.Path, entry);
                },
                cancellationToken);
        }
    }

    private static async IAsyncEnumerable<List<PagedEntry>> BatchesAsync(
        PagesReader reader, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        const int entries = 256;
        var batch = new List<PagedEntry>(entries);
        await foreach (var entry in reader.EntriesAsync(cancellationToken))
        {
            batch.Add(entry);
            if (batch.Count < entries) continue;
            yield return batch;
            batch = new List<PagedEntry>(entries);
        }

        yield return batch;
    }

    private void Place(PagedEntry entry, DiskPath root, DiskPath target, BackupManifest? manifest, OwnFiles own)
    {
        var place = root / entry.Path;
        switch (entry.Type)
        {
            case PagedEntryType.Folder:
                host.Disk.MakeFolder(place, PrivateFolder);
                if (manifest is not null) folders.Add(entry);
                break;
            case PagedEntryType.LinkedFolder:
                Link(entry, place, target);
                break;
            case PagedEntryType.File:
                // PostgreSQL would make links to production's tablespaces out of it; ours are made here.
                if (manifest is not null && entry.Path.ToString() == "tablespace_map")
                {
                    own.SkipsMap = true;
                }

                using (var file = host.Disk.CreateNew(place))
                {
                    if (entry.Extents.Sum(e => e.Pages) * cluster.BlockBytes >= entry.LengthBytes) file.Reserve(entry.LengthBytes);
                    file.SetLength(entry.LengthBytes);
                }

                own.Note(entry);
                if (manifest is not null && BackupManifest.Lists(entry.Path) && !IsMap(entry)) manifest.Add(entry);
                break;
            default:
                throw new InvariantException($"entry type {entry.Type}");
        }
    }

    private static bool IsMap(PagedEntry entry) => entry.Path.ToString() == "tablespace_map";

    // A relative link, but where it becomes the live one: the folder may be moved as a whole.
    private void Link(PagedEntry entry, DiskPath place, DiskPath target)
    {
        var name = entry.Path.Name;
        if (entry.Path.Parent.ToString() != "pg_tblspc"
            || !uint.TryParse(name.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out _))
            throw ByteReader.Broken($"'{entry.Path}' is a link where there can be none");
        if (Staged is { } staged)
        {
            var folder = staged.TablespaceOf(name);
            MakeAbove(folder, entry);
            host.Disk.MakeFolder(folder, PrivateFolder);
            Own(folder, entry);
            host.Disk.MakeSymbolicLink(place, folder);
            return;
        }

        host.Disk.MakeFolder(target / "tablespaces" / name, PrivateFolder);
        Own(target / "tablespaces", entry);
        Own(target / "tablespaces" / name, entry);
        host.Disk.MakeSymbolicLink(place, new DiskPath("../../tablespaces") / name);
    }

    // Where a host lost everything the server's user must get through all that is missing.
    private void MakeAbove(DiskPath folder, PagedEntry like)
    {
        var missing = new Stack<DiskPath>();
        for (var above = folder.Parent; host.Disk.Stat(above) is null; above = above.Parent) missing.Push(above);
        foreach (var path in missing)
        {
            host.Disk.MakeFolder(path, PrivateFolder);
            Own(path, like);
            host.Disk.SyncFolder(path.Parent);
        }
    }

    private void Finish(DiskPath data, BackupManifest manifest, OwnFiles own)
    {
        var like = own.Like ?? throw ByteReader.Broken("a cluster has no file PG_VERSION");
        if (own.SkipsMap) host.Disk.DeleteFile(data / "tablespace_map");
        Append(data / "postgresql.auto.conf", CopySettings.Lines(ReplayTarget.Of(cluster, Beyond?.Moment)), like);
        likeOfAll = like;
        Append(data / "recovery.signal", [], like);
        if (!own.HasConfiguration) Add("postgresql.conf", CopySettings.Minimal());
        if (!own.HasHba && Staged is null) Add("pg_hba.conf", CopySettings.MinimalHba());
        if (!own.HasIdent && Staged is null) Add("pg_ident.conf", []);
        Append(data / "backup_manifest", manifest.Format(), like);
        for (var i = folders.Count - 1; i >= 0; i--) Dress(data / folders[i].Path, folders[i]);
        host.Disk.SyncFileSystem(data);

        void Add(string name, byte[] bytes)
        {
            Append(data / name, bytes, like);
            manifest.Add(like with { Path = new DiskPath(name), LengthBytes = bytes.Length, Crc32C = Crc32C.Of(bytes) });
        }
    }

    // PostgreSQL writes on in the files of the last segment.
    private async Task LayAsync(DiskPath data, AssetMoment moment, WalArchive archive, CancellationToken cancellationToken)
    {
        var began = host.Clock.GetTimestamp();
        var like = likeOfAll ?? throw new InvariantException("WAL is laid down when everything else is there");
        var route = await Routes.AgainAsync(archive, BasePoints.Of(point.Manifest, record), moment, host.Cpu, cancellationToken);
        Laid = await new WalLaying(route, cluster.Stop, moment, host.Disk, host.Cpu).RunAsync(data / "pg_wal", progress, cancellationToken);
        await host.Cpu.RunAsync(
            () =>
            {
                foreach (var path in Laid.Files.Select(name => data / "pg_wal" / name))
                {
                    host.Disk.SetMode(path, PrivateFile);
                    Own(path, like);
                }

                host.Disk.SyncFileSystem(data);
            },
            cancellationToken);
        LayElapsed = host.Clock.GetElapsedTime(began);
    }

    private void Append(DiskPath path, ReadOnlySpan<byte> bytes, PagedEntry like)
    {
        using (var file = host.Disk.OpenWrite(path))
        {
            if (!bytes.IsEmpty) file.Write(file.Stat().SizeBytes, bytes);
        }

        host.Disk.SetMode(path, PrivateFile);
        Own(path, like);
    }

    private void Dress(DiskPath path, PagedEntry entry)
    {
        host.Disk.SetMode(path, entry.Mode);
        Own(path, entry);
        host.Disk.SetModified(path, entry.Modified);
    }

    // Only root may give files away; anybody else starts the server as himself.
    private void Own(DiskPath path, PagedEntry like)
    {
        if (host.UserName == "root" || Environment.IsPrivilegedProcess) host.Disk.SetOwner(path, owner?.User ?? like.User, owner?.Group ?? like.Group);
    }

    // A configuration in the data directory may name production's: started on the copy, PostgreSQL would work there.
    private void Localise(DiskPath data)
    {
        using var file = host.Disk.OpenWrite(data / "postgresql.conf");
        var bytes = new byte[Math.Min(file.Stat().SizeBytes, MaxConfigurationBytes)];
        var text = Encoding.UTF8.GetString(bytes, 0, file.Read(0, bytes));
        if (CopySettings.NamesPlaces(text)) file.Write(file.Stat().SizeBytes, CopySettings.Places(data.ToString()));
    }

    // The roles of production have passwords that nobody knows here.
    private void LetIn(DiskPath data)
    {
        foreach (var (name, bytes) in new[] { ("pg_hba.conf", CopySettings.SandboxHba()), ("pg_ident.conf", []) })
        {
            using var file = host.Disk.OpenWrite(data / name);
            file.SetLength(0);
            file.Write(0, bytes);
        }
    }

    private async Task VerifyAsync(DiskPath data, CancellationToken cancellationToken)
    {
        var sets = await new Clients(host.Disk, host.Children, host.Variable, settings.ClientFolder).AllAsync(cancellationToken);
        var set = sets.FirstOrDefault(s => s.Major == major && Has(s)) ?? sets.FirstOrDefault(s => s.Major > major && Has(s));
        if (set is null)
        {
            progress.Note($"pg_verifybackup of PostgreSQL {major} is not installed here: what was written was proven by our own hashes only");
            return;
        }

        progress.Begin("pg_verifybackup", null);

        // A newer pg_waldump cannot read the WAL of an older server.
        string[] wal = set.Major == major ? [] : ["--no-parse-wal"];
        var result = await host.Children.RunAsync(
            new ChildCommand([set.PathOf("pg_verifybackup"), .. wal, data.ToString()]) { Folder = "/", Within = VerifyWithin },
            cancellationToken);
        IsVerified = result.Exit == 0;
        if (IsVerified) return;
        throw new RepriseException(
            RecoveryErrors.ClusterRefused,
            $"pg_verifybackup says: {result.LastError}",
            "restore another point, and run 'reprise verify' to see what is affected");
    }

    private bool Has(ClientSet set) => set.Folder is { } folder && host.Disk.Stat(new DiskPath(folder) / "pg_verifybackup") is not null;

    /// <summary>The refusal of a point whose WAL makes or drops tablespaces.</summary>
    public static RepriseException ReplaysTablespaces(string asset) => new(
        RecoveryErrors.TablespaceReplay,
        $"while the point was taken, a tablespace was made or dropped on the server of {asset}",
        "restore the point before it, or the one after it");

    /// <summary>The major version of the server that a record is of.</summary>
    public static int Major(AssetRecord record) =>
        PostgresRecord.MajorOf(record) ?? throw ByteReader.Broken($"the record of {record.Name} does not say which PostgreSQL it is of");

    /// <summary>What was seen among the files that decides what of our own is added.</summary>
    private sealed class OwnFiles
    {
        public bool SkipsMap { get; set; }

        public bool HasConfiguration { get; private set; }

        public bool HasHba { get; private set; }

        public bool HasIdent { get; private set; }

        /// <summary>A file whose owner the added ones get.</summary>
        public PagedEntry? Like { get; private set; }

        public void Note(PagedEntry entry)
        {
            switch (entry.Path.ToString())
            {
                case "PG_VERSION": Like ??= entry; break;
                case "postgresql.conf": HasConfiguration = true; break;
                case "pg_hba.conf": HasHba = true; break;
                case "pg_ident.conf": HasIdent = true; break;
                default: break;
            }
        }
    }
}

/// <summary>Where files are put that become the live ones.</summary>
/// <param name="Data">the data directory.</param>
/// <param name="TablespaceOf">the folder for a tablespace, by its number.</param>
/// <param name="Owner">whose they become, or null: as the point has it.</param>
internal sealed record StagedPlace(DiskPath Data, Func<DiskPath, DiskPath> TablespaceOf, FileStatus? Owner);
