using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Data.Sqlite;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Sqlite;
using Reprise.Repository;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Storage.Disk;
using Reprise.Storage.Local;
using Reprise.Storage.Runtime;
using Reprise.Tests.Storage;

namespace Reprise.Tests.Sqlite;

/// <summary>A folder with a database, a scratch folder and a repository, and the asset between them.</summary>
internal sealed class SqliteBench : IProgressSink, IAsyncDisposable
{
    public static readonly CancellationToken None = CancellationToken.None;

    private readonly ScratchFolder folder = new();
    private readonly Cpu cpu = Cpu.OfThisMachine();
    private readonly List<IDisposable> owned = [];
    private PointRepository? repository;

    public SqliteBench()
    {
        Disk = Disks.OfThisMachine();
        foreach (var name in new[] { "app", "scratch", "store" }) Disk.MakeFolder(folder / name);
    }

    public IDisk Disk { get; set; }

    public TimeSpan BusyBound { get; set; } = TimeSpan.FromSeconds(20);

    public string Database => folder.Text + "/app/shop.db";

    public string AppFolder => folder.Text + "/app";

    public string ScratchText => folder.Text + "/scratch";

    /// <summary>Called at every progress, on the thread of the capture, between two of its steps.</summary>
    public Action<long> OnAdvance { get; set; } = _ => { };

    public List<string> Notes { get; } = [];

    public SqliteAsset Asset => AssetAt(Database);

    public SqliteAsset AssetAt(string path) =>
        new("orders", new SqliteSettings { Path = path, BusyBound = BusyBound }, Disk, cpu, TimeProvider.System);

    /// <summary>A connection of the application: read-write, like everybody's.</summary>
    public SqliteConnection Open(string? path = null, int busySeconds = 30)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = path ?? Database,
            Pooling = false,
            DefaultTimeout = busySeconds,
        }.ToString());
        connection.Open();
        owned.Add(connection);
        return connection;
    }

    /// <summary>A database with rows in a journal mode; the connection that made it stays open.</summary>
    public SqliteConnection Create(string mode, int rows = 2000)
    {
        var connection = Open();
        Run(connection, $"PRAGMA journal_mode = {mode}");
        Run(connection, "CREATE TABLE orders(id INTEGER PRIMARY KEY, note TEXT); CREATE TABLE empty(x)");
        Fill(connection, rows);
        return connection;
    }

    public static void Fill(SqliteConnection connection, int rows) => Run(
        connection,
        $"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < {rows}) "
        + "INSERT INTO orders(note) SELECT hex(randomblob(100)) FROM c");

    public static void Run(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    public static string Ask(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return Convert.ToString(command.ExecuteScalar(), CultureInfo.InvariantCulture) ?? "";
    }

    /// <summary>Asks a file that nobody else uses, and leaves nothing beside it.</summary>
    public static string AskFile(string path, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        return Ask(connection, sql);
    }

    /// <summary>Captures into a point that is committed.</summary>
    public async Task<Captured> CaptureAsync(CancellationToken cancellationToken = default)
    {
        repository ??= (await PointRepository.CreateAsync(Host(), None)).Repository;
        await using var writer = await repository.BeginPointAsync(SigningKeys.None, None);
        var context = Context(writer);
        var record = await Asset.CaptureAsync(context, cancellationToken);
        await writer.CommitAsync(
            new PointManifest
            {
                Id = writer.Id,
                Application = "shop",
                Created = DateTimeOffset.UnixEpoch,
                Kind = PointKind.Manual,
                State = PointState.Complete,
                SkewSeconds = 0,
                Writer = "test",
                Assets = [record],
            },
            None);
        var catalog = await repository.ListPointsAsync(SigningKeys.None, None);
        var reader = repository.OpenPoint(catalog.Points.Single(p => p.Id == writer.Id));
        owned.Add(reader);
        return new Captured(reader.Manifest.Assets.Single(), reader, context);
    }

    public CaptureContext Context(PointWriter writer) => new()
    {
        Writer = writer,
        Clock = TimeProvider.System,
        Progress = this,
        ScratchFolder = ScratchText,
    };

    /// <summary>Writes a captured database to a fresh folder and says where.</summary>
    public async Task<string> MaterialiseAsync(Captured captured)
    {
        var target = folder / Guid.NewGuid().ToString("n");
        Disk.MakeFolder(target);
        var files = await Asset.MaterialiseAsync(captured.Record, captured.Reader, target.ToString(), Survey.Intact, this, None);
        return target + "/" + files.Named.Single();
    }

    /// <summary>The size of the repository.</summary>
    public long StoredBytes() => new DirectoryInfo(folder.Text + "/store")
        .EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => f.Length);

    /// <summary>The names in the application's folder.</summary>
    public string[] AppFiles() =>
        [.. Directory.GetFiles(AppFolder).Select(p => Path.GetFileName(p)!).Order(StringComparer.Ordinal)];

    /// <summary>A copy of database and sidecars as a crash would leave them, in a folder of its own.</summary>
    public string CrashCopy()
    {
        var target = folder.Text + "/crash-" + Guid.NewGuid().ToString("n");
        Directory.CreateDirectory(target);
        foreach (var suffix in new[] { "", "-wal", "-journal" })
        {
            if (File.Exists(Database + suffix)) File.Copy(Database + suffix, target + "/shop.db" + suffix);
        }

        return target + "/shop.db";
    }

    public static string Hash(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }

    public void Begin(string step, long? totalBytes) => OnAdvance(0);

    public void Advance(long bytes) => OnAdvance(bytes);

    public void Note(string line) => Notes.Add(line);

    public ValueTask DisposeAsync()
    {
        foreach (var one in owned) one.Dispose();
        repository?.Dispose();
        folder.Dispose();
        return ValueTask.CompletedTask;
    }

    private RepositoryHost Host() => new(
        LocalStore.Create(Disks.OfThisMachine(), folder / "store", cpu, Entropy.System),
        TimeProvider.System,
        Entropy.System,
        cpu);
}

/// <summary>A committed capture.</summary>
internal sealed record Captured(AssetRecord Record, PointReader Reader, CaptureContext Context)
{
    public string Fact(string name) => Record.Facts[name];
}
