using System.Globalization;
using System.Text;
using Reprise.Recovery.Assets;
using Reprise.Repository.Pages;
using Reprise.Repository.Points;
using Reprise.Repository.Wal;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>
/// The files of a running server, read where they lie, with the WAL that makes them consistent: what they were when the
/// backup ended comes out of both. See <see cref="ClusterFacts"/> for what the record holds.
/// </summary>
internal sealed class PhysicalCapture(
    string asset, PostgresServer server, PostgresSettings settings, PostgresHost host, CaptureContext context)
{
    private const int PageBytes = 8192;
    private const int ControlReads = 100;
    private const int MaxNamedPages = 20;
    private static readonly int[] Majors = [15, 17, 18];
    private static readonly TimeSpan ControlPause = TimeSpan.FromMilliseconds(10);

    public async Task<AssetRecord> RunAsync(CancellationToken cancellationToken)
    {
        await using var session = await BackupSession.OpenAsync(server, settings.Maintenance, settings.DataFolder is null, cancellationToken);
        var facts = session.Server;
        Require(facts);
        await using var source = await OpenAsync(facts, cancellationToken);
        var start = await session.StartAsync($"reprise_{context.Writer.Id}".ToLowerInvariant().Replace('-', '_'), cancellationToken);
        var tablespaces = await session.TablespacesAsync(cancellationToken);
        if (source.IsStreamed) await RequireLinksAsync(session, cancellationToken);
        context.Progress.Begin(source.IsStreamed ? $"read {source.Root} through the connection" : $"read {source.Root}", facts.SizeBytes);

        var (data, reading) = await ReadAsync(source, facts, tablespaces, start, cancellationToken);
        await using var used = reading;
        var control = await ControlAsync(source, facts, cancellationToken);
        var end = await session.StopAsync(cancellationToken);
        var stop = Lsn.Parse(end.Lsn);
        context.Progress.Begin($"keep the WAL from {start} to {stop}", null);
        var found = await source.WalkAsync(start, stop, cancellationToken);
        var passing = found is null ? new PassingWal(facts, start, stop) : null;
        var (ending, endBytes) = await KeepEndAsync(source, facts, (start, stop), control, end, passing, cancellationToken);
        var findings = found ?? passing?.End() ?? throw new InvariantException("the WAL was walked");
        var (outside, places) = await OutsideAsync(source, facts, cancellationToken);
        await NameBadAsync(session, reading, cancellationToken);

        var cluster = new ClusterFacts
        {
            System = facts.System,
            StartLsn = start.ToString(),
            StopLsn = stop.ToString(),
            Timeline = facts.Timeline,
            Catalog = facts.Catalog,
            BlockBytes = facts.BlockBytes,
            WalSegmentBytes = facts.WalSegmentBytes,
            Checksums = facts.Checksums,
            DataFolder = source.Root,
            Streamed = source.IsStreamed,
            Superuser = facts.Superuser,
            Tablespaces = tablespaces,
            ReplaysTablespaces = findings.HasTablespaces,
            Outside = places,
            BadPages = reading.BadCount,
        };
        var trees = data.Streams(ClusterFacts.DataTree)
            .Concat(ending.Streams(ClusterFacts.EndTree))
            .Concat(outside?.Streams(ClusterFacts.OutsideTree) ?? []);
        return Record(cluster, facts, source.Identity(cluster), end, reading.ReadBytes + endBytes, trees);
    }

    // Where the data directory is named, it must be the server's; without, the server itself reads it.
    private async Task<ClusterSource> OpenAsync(ServerFacts facts, CancellationToken cancellationToken) => settings.DataFolder is null
        ? await ServerSource.OpenAsync(server, settings, facts, host, cancellationToken)
        : await LocalSource.OpenAsync(host, new DataFolder(host, settings, facts), cancellationToken);

    private AssetRecord Record(
        ClusterFacts cluster,
        ServerFacts facts,
        SortedDictionary<string, string> identity,
        BackupEnd end,
        long sourceBytes,
        IEnumerable<KeyValuePair<string, Content>> trees)
    {
        var streams = new SortedDictionary<string, Content>(trees.ToDictionary(), StringComparer.Ordinal);
        return new AssetRecord
        {
            Name = asset,
            Kind = AssetKinds.Postgres,
            Method = PostgresRecord.PhysicalMethod,
            Moment = DateTimeOffset.Parse(end.Now, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal),
            State = cluster.BadPages == 0 ? AssetStates.Complete : AssetStates.Incomplete,
            SourceBytes = sourceBytes,
            StoredBytes = 0,
            Sha256 = PostgresRecord.PhysicalDigest(streams),
            Versions = Versions(facts, cluster),
            Identity = identity,
            Facts = new SortedDictionary<string, string>(StringComparer.Ordinal) { [ClusterFacts.Fact] = cluster.Format() },
            Streams = streams,
        };
    }

    // What a person is shown of a point.
    private static SortedDictionary<string, string> Versions(ServerFacts facts, ClusterFacts cluster)
    {
        var versions = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["server"] = facts.Version };
        if (cluster.Streamed) versions["files"] = "streamed";
        return versions;
    }

    /// <summary>Refuses servers of which files are not captured.</summary>
    /// <exception cref="RepriseException"><c>physical-impossible</c>.</exception>
    public static void Require(ServerFacts facts)
    {
        if (!Majors.Contains(facts.Major))
            throw PhysicalErrors.Impossible($"it is PostgreSQL {facts.Major}, and 15, 17 and 18 are tested", "use method: logical");
        if (facts.Recovery) throw PhysicalErrors.Impossible("it is a standby", "take it from the primary, or use method: logical");
        if (facts.BlockBytes != PageBytes)
            throw PhysicalErrors.Impossible($"its blocks have {facts.BlockBytes} bytes instead of {PageBytes}", "use method: logical");
    }

    // Seen through the server, a tablespace in the data directory looks like one that was made after the start.
    private static async Task RequireLinksAsync(BackupSession session, CancellationToken cancellationToken)
    {
        if (await session.TablespaceInsideAsync(cancellationToken) is { } name)
            throw PhysicalErrors.Impossible($"tablespace {name} lies inside the data directory", "name the data directory in data:, or use method: logical");
    }

    private async Task<(PagedContents Contents, ClusterReading Reading)> ReadAsync(
        ClusterSource source,
        ServerFacts facts,
        IReadOnlyList<ClusterTablespace> tablespaces,
        Lsn start,
        CancellationToken cancellationToken)
    {
        await using var known = await LastTree.OpenAsync(context, asset, PageBytes, cancellationToken);
        var pages = known.Pages;
        var reading = new ClusterReading(source.Files, host.Cpu, host.Clock, pages, facts, start, context.Progress);
        try
        {
            await reading.RunAsync(source.EntriesAsync(tablespaces, cancellationToken), cancellationToken);
            foreach (var path in source.Odd.Take(MaxNamedPages)) Missing(path, "it is neither a file nor a folder");
            var contents = await pages.CompleteAsync(cancellationToken);
            known.Judge();

            // What follows is needed by this point only: in one pack with pages, it would make them look little used.
            await context.Writer.FlushAsync(cancellationToken);
            if (source.IsStreamed)
            {
                context.Progress.Note(string.Create(
                    CultureInfo.InvariantCulture,
                    $"every page came over the connection, changed or not: {pages.StoredPages} were stored, {pages.CarriedPages} are in earlier points"));
            }

            return (contents, reading);
        }
        catch
        {
            await reading.DisposeAsync();
            throw;
        }
    }

    private async Task<byte[]> ControlAsync(ClusterSource source, ServerFacts facts, CancellationToken cancellationToken)
    {
        var path = source.At(new DiskPath("global/pg_control"));
        for (var i = 0; i < ControlReads; i++)
        {
            if (await source.ControlAsync(cancellationToken) is { } bytes)
            {
                return ControlFile.System(bytes) == facts.System
                    ? bytes
                    : throw PhysicalErrors.Impossible($"{path} is of another server", "correct data: in the configuration");
            }

            await Task.Delay(ControlPause, host.Clock, cancellationToken);
        }

        throw PhysicalErrors.Impossible($"the CRC of {path} does not hold", "look at the log and the disk of the server");
    }

    // What is only there when the backup ends, in the order of a map.
    private async Task<(PagedContents Contents, long Bytes)> KeepEndAsync(
        ClusterSource source,
        ServerFacts facts,
        (Lsn Start, Lsn Stop) range,
        byte[] control,
        BackupEnd end,
        PassingWal? passing,
        CancellationToken cancellationToken)
    {
        var pages = new PagesWriter(context.Writer, PageBytes);
        await using var reading = new ClusterReading(source.Files, host.Cpu, host.Clock, pages, facts, range.Start, context.Progress);
        var like = await source.LookAsync(source.At(new DiskPath("global/pg_control")), default, PagedEntryType.File, cancellationToken);
        var folder = await source.LookAsync(source.At(default), default, PagedEntryType.Folder, cancellationToken);
        await pages.AddAsync(folder, cancellationToken);
        await reading.WriteAsync(Like("backup_label"), Encoding.UTF8.GetBytes(end.Label), cancellationToken);
        await pages.AddAsync(folder with { Path = new DiskPath("global") }, cancellationToken);
        await reading.WriteAsync(Like("global/pg_control"), control, cancellationToken);
        await pages.AddAsync(folder with { Path = new DiskPath("pg_wal") }, cancellationToken);
        if (passing is not null) reading.Witness = passing.Take;
        foreach (var segment in BackupWal.Segments(range.Start, range.Stop, facts.Timeline, facts.WalSegmentBytes))
        {
            var path = new DiskPath("pg_wal") / segment;
            var entry = Like(path.ToString()) with { LengthBytes = facts.WalSegmentBytes };
            await reading.ReadAsync(new ScannedEntry(entry, source.At(path)), cancellationToken);
        }

        if (end.Map is { Length: > 0 } map) await reading.WriteAsync(Like("tablespace_map"), Encoding.UTF8.GetBytes(map), cancellationToken);
        return (await pages.CompleteAsync(cancellationToken), reading.ReadBytes);

        PagedEntry Like(string path) => like with { Path = new DiskPath(path), LengthBytes = 0 };
    }

    private async Task<(PagedContents? Contents, SortedDictionary<string, string> Places)> OutsideAsync(
        ClusterSource source, ServerFacts facts, CancellationToken cancellationToken)
    {
        var places = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var file in new[] { facts.ConfigFile, facts.HbaFile, facts.IdentFile })
        {
            var path = new DiskPath(file);
            if (!source.Holds(path)) places[path.Name.ToString()] = file;
        }

        if (places.Count == 0) return (null, places);
        var pages = new PagesWriter(context.Writer, PageBytes);
        await using var reading = new ClusterReading(source.Files, host.Cpu, host.Clock, pages, facts, default, context.Progress);
        await pages.AddAsync(new PagedEntry { Type = PagedEntryType.Folder, Path = default, Mode = 0x1C0 }, cancellationToken);
        foreach (var (name, place) in places)
        {
            try
            {
                var entry = await source.LookAsync(new DiskPath(place), new DiskPath(name), PagedEntryType.File, cancellationToken);
                await reading.ReadAsync(new ScannedEntry(entry, new DiskPath(place)), cancellationToken);
            }
            catch (RepriseException e) when (e.Code == StorageErrors.FileDenied || e.Code == StorageErrors.FileMissing)
            {
                Missing(place, e.Problem.Message);
            }
        }

        return (await pages.CompleteAsync(cancellationToken), places);
    }

    private async Task NameBadAsync(BackupSession session, ClusterReading reading, CancellationToken cancellationToken)
    {
        foreach (var bad in reading.Bad.Take(MaxNamedPages))
        {
            var table = await BadPages.TableAsync(server, session, bad, cancellationToken);
            context.Problems.Add(Damaged($"block {bad.Block} of {table} ({bad.Path}) has a wrong checksum", bad.Path.ToString()));
        }

        if (reading.BadCount > MaxNamedPages)
            context.Problems.Add(Damaged($"{reading.BadCount - MaxNamedPages} more pages have a wrong checksum", null));
    }

    private Problem Damaged(string message, string? where) => new(
        RecoveryErrors.PagesDamaged,
        Severity.Error,
        message,
        "restore the relation from a point before the damage, and look at disk and memory of the machine") { Asset = asset, Where = where };

    private void Missing(string path, string why) => context.Problems.Add(new Problem(
        RecoveryErrors.FileUnreadable, Severity.Error, $"{path} is not in the point: {why}", "make it a plain file that can be read")
    {
        Asset = asset,
        Where = path,
    });
}
