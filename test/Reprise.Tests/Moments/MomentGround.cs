using System.Globalization;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Moments;
using Reprise.Recovery.Postgres;
using Reprise.Recovery.Postgres.Tables;
using Reprise.Recovery.Wal;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Runtime;
using Reprise.Tests.Fixtures;
using Reprise.Tests.Postgres;
using Reprise.Tests.Wal;

namespace Reprise.Tests.Moments;

/// <summary>A server whose files and WAL go into one repository, and copies of it at moments.</summary>
internal sealed class MomentGround : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly string place = Directory.CreateTempSubdirectory("rmo").FullName;
    private readonly IDisk disk = Disks.OfThisMachine();
    private readonly Dictionary<PointId, PointReader> points = [];
    private readonly HashSet<string> pushed = new(StringComparer.Ordinal);

    public MomentGround(int major, int segmentMegabytes = 16, string settings = "")
    {
        PostgresCluster.Run("chmod", ["755", place]);
        Server = WalGround.Start(major, segmentMegabytes, settings);
        Server.Sql("postgres", "create table marks(i int primary key, v text); create extension amcheck");
    }

    /// <summary>Whether files come through the server instead of from where they lie.</summary>
    public bool IsStreamed { get; init; }

    public PostgresBench Bench { get; } = new();

    public PostgresCluster Server { get; }

    public string this[string name] => Path.Combine(place, name);

    /// <summary>Takes a point.</summary>
    public async Task<PointManifest> PointAsync(PostgresCluster? server = null, PointManifest? beside = null)
    {
        (AssetRecord, PointReader)? last = beside is null ? null : (beside.Assets.Single(), points[beside.Id]);
        var (_, reader) = await Bench.BackupAsync(await AssetAsync(server ?? Server), last);
        points[reader.Manifest.Id] = reader;
        return reader.Manifest;
    }

    /// <summary>Writes a row and says where the server is: before its commit, its number, behind its commit, and when.</summary>
    public Mark Write(int number)
    {
        var before = Server.Sql("postgres", "select pg_current_wal_insert_lsn()");
        var xid = Server.Sql("postgres", $"begin; insert into marks values ({number}, repeat('x', 500)); select pg_current_xact_id()::text; commit");
        var lsn = Server.Sql("postgres", "select pg_current_wal_insert_lsn()");
        var time = Server.Sql("postgres", "select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')");
        Server.Sql("postgres", $"select pg_create_restore_point('after-{number}')");
        return new Mark(before, xid, lsn, DateTimeOffset.Parse(time, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal));
    }

    /// <summary>Makes several segments of WAL and ends the one that is being written.</summary>
    public void Fill(int rounds = 1) => WalGround.Work(Server, rounds);

    /// <summary>Ends the segment, and pushes what has not been pushed, but for some.</summary>
    public async Task PushAsync(Func<string, bool>? without = null, bool ends = true)
    {
        // No transaction ends by that; and at the very front of a segment the one before is said to be the current one.
        const string message = "select pg_logical_emit_message(false, 'x', 'y');";
        if (ends) Server.Sql("postgres", $"{message} select pg_switch_wal(); {message}");
        foreach (var file in Whole())
        {
            if (without?.Invoke(file) == true || !pushed.Add(file)) continue;
            await PushAsync(Server.Data, file);
        }
    }

    /// <summary>The segments that nothing is written to any more.</summary>
    public List<string> Whole()
    {
        var current = Server.Sql("postgres", "select pg_walfile_name(pg_current_wal_insert_lsn())");
        return [.. WalGround.Segments(Server).Where(f => Path.GetFileName(f)[..8] == current[..8]).Where(f => string.CompareOrdinal(Path.GetFileName(f), current) < 0)];
    }

    public async Task PushAsync(string data, string file) =>
        await new WalPush(await Bench.ArchiveAsync(), disk).RunAsync(new DiskPath(file), new DiskPath(data), None);

    public async Task<MomentOfPoint> FindAsync(MomentWish wish, PointManifest? named = null, MomentPath? path = null) =>
        await new MomentChoice(await Bench.ArchiveAsync(), Cpu.OfThisMachine())
            .FindAsync(Bench.Manifests, named, "orders", wish, path ?? new MomentPath(null, null), None);

    /// <summary>Restores to a moment into a folder.</summary>
    public async Task<(string Data, ReachedMoment Reached)> RestoreAsync(MomentWish wish, PointManifest? named = null, MomentPath? path = null)
    {
        var found = await FindAsync(wish, named, path);
        var folder = Directory.CreateDirectory(this["to" + Guid.NewGuid().ToString("N")[..6]]).FullName;
        var record = points[found.Point].Manifest.Assets.Single();
        var written = await ((IReplayable)await AssetAsync(Server)).MaterialiseAsync(
            record, points[found.Point], folder, found.Moment!, Bench.Progress, None); // There is WAL behind the point.
        return (Path.Combine(folder, "data"), written.Reached);
    }

    /// <summary>Brings tables back to a moment, into a folder or beside the live ones.</summary>
    public async Task<TableResult> TablesAsync(MomentWish wish, string? folder, params string[] names)
    {
        var found = await FindAsync(wish);
        var record = points[found.Point].Manifest.Assets.Single();
        var asked = new TableWish
        {
            Record = record,
            Point = points[found.Point],
            Moment = found.Moment,
            Tables = [.. names.Select(NamedTable.Parse)],
            Folder = folder is null ? null : new DiskPath(folder),
            Scratch = new DiskPath(this["scratch"]),
        };
        return await (await AssetAsync(Server)).Tables(Bench.Progress).RunAsync(asked, (_, _) => Task.CompletedTask, None);
    }

    /// <summary>Restores a point as it is.</summary>
    public async Task<string> RestoreOwnAsync(PointManifest point)
    {
        var folder = Directory.CreateDirectory(this["own" + Guid.NewGuid().ToString("N")[..6]]).FullName;
        var asset = await AssetAsync(Server);
        await asset.MaterialiseAsync(points[point.Id].Manifest.Assets.Single(), points[point.Id], folder, Survey.Intact, Bench.Progress, None);
        return Path.Combine(folder, "data");
    }

    /// <summary>Lets the server end its timeline and begin the next.</summary>
    public async Task PromoteAsync()
    {
        Server.Stop();
        File.WriteAllText(Path.Combine(Server.Data, "standby.signal"), "");
        PostgresCluster.Run("chown", ["postgres:", Path.Combine(Server.Data, "standby.signal")]);
        Server.StartServer();
        var promoted = WalGround.AsServer(Server, "pg_ctl", "-D", Server.Data, "-w", "promote");
        Assert.True(promoted.Exit == 0, promoted.Output);
        Server.Sql("postgres", "checkpoint");
        await PushAsync(Server.Data, WalGround.PgWal(Server, "00000002.history"));
    }

    private async Task<PostgresAsset> AssetAsync(PostgresCluster server)
    {
        var archive = await Bench.ArchiveAsync();
        return Bench.Asset(server, "postgres", s => s with { Method = PostgresMethod.Physical, DataFolder = IsStreamed ? null : server.Data, Archive = archive });
    }

    public void Dispose()
    {
        Server.Dispose();
        Bench.Dispose();
        Directory.Delete(place, recursive: true);
    }
}

/// <summary>Where a server was when it had written a row.</summary>
/// <param name="Before">before it.</param>
/// <param name="Transaction">which wrote it.</param>
/// <param name="Lsn">behind its commit.</param>
/// <param name="Time">and then.</param>
internal sealed record Mark(string Before, string Transaction, string Lsn, DateTimeOffset Time);

/// <summary>A restored server as its user starts it.</summary>
internal sealed class StartedCopy : IDisposable
{
    private readonly PostgresCluster like;
    private readonly string data;

    public StartedCopy(PostgresCluster like, string data)
    {
        (this.like, this.data) = (like, data);
        var started = WalGround.AsServer(like, "pg_ctl", "-D", data, "-l", Path.Combine(data, "copy.log"), "-w", "-t", "60", "start");
        Assert.True(started.Exit == 0, started.Output + File.ReadAllText(Path.Combine(data, "copy.log")));

        // Started is before recovered, where the user's start is what recovers.
        for (var i = 0; i < 600 && Tool("pg_isready", "-q").Exit != 0; i++) System.Threading.Thread.Sleep(100);
    }

    public string Sql(string sql)
    {
        var result = Tool("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-c", sql);
        Assert.True(result.Exit == 0, result.Output);
        return result.Output.TrimEnd('\n');
    }

    public (int Exit, string Output) Tool(string program, params string[] arguments) => PostgresCluster.Run(
        Path.Combine(like.Programs, program), ["-h", data, "-p", like.Port.ToString(CultureInfo.InvariantCulture), "-U", "postgres", .. arguments]);

    public void Dispose() => WalGround.AsServer(like, "pg_ctl", "-D", data, "-m", "fast", "-w", "stop");
}
