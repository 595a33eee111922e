using Reprise.Recovery.Processes;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Demo;

/// <summary>
/// A PostgreSQL server of the demo's own: in its folder, on a socket only. As root it runs as the user
/// <c>postgres</c>, because PostgreSQL refuses to run as root.
/// </summary>
internal sealed class DemoPostgres
{
    /// <summary>What is hashed to say that all rows are the same: the output of <c>psql -At -c QUERY</c>.</summary>
    public const string RowsQuery = "select id || '|' || note from visits order by id";

    private const int Visits = 2000;

    private readonly ChildProcesses children;
    private readonly DiskPath folder;
    private readonly string programs;
    private readonly IReadOnlyList<string> prefix;

    private DemoPostgres(ChildProcesses children, DiskPath folder, string programs, IReadOnlyList<string> prefix)
    {
        this.children = children;
        this.folder = folder;
        this.programs = programs;
        this.prefix = prefix;
    }

    /// <summary>The connection, as the configuration writes it.</summary>
    public string Connection => $"host={folder} port=5432 user=demo dbname=visits";

    /// <summary>Makes and starts a server in <paramref name="folder"/>, or null when its programs are not on this machine.</summary>
    public static async Task<DemoPostgres?> TryStartAsync(
        IDisk disk, ChildProcesses children, DiskPath folder, bool isRoot, CancellationToken cancellationToken)
    {
        if (Find(disk) is not { } programs) return null;
        if (isRoot && disk.Stat(new DiskPath("/usr/sbin/runuser")) is null) return null;
        string[] asPostgres = isRoot ? ["runuser", "-u", "postgres", "--"] : [];
        var postgres = new DemoPostgres(children, folder, programs, asPostgres);
        disk.MakeFolder(folder);
        if (isRoot)
        {
            disk.SetMode(folder.Parent, 0x1ED);
            await postgres.RunAsync(["chown", "postgres", folder.ToString()], cancellationToken);
        }

        await postgres.RunAsync(
            [.. asPostgres, $"{programs}/initdb", "-D", $"{folder}/data", "-U", "demo", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            cancellationToken);
        await postgres.ControlAsync(["start", "-w", "-l", $"{folder}/log", "-o", $"-k '{folder}' -c listen_addresses=''"], cancellationToken);
        await postgres.PsqlAsync("postgres", "create database visits", cancellationToken);
        await postgres.PsqlAsync(
            "visits",
            $"create table visits(id int primary key, note text not null);"
            + $"insert into visits select i, md5(i::text) from generate_series(1, {Visits}) i",
            cancellationToken);
        return postgres;
    }

    /// <summary>The disaster.</summary>
    public Task RuinAsync(CancellationToken cancellationToken) =>
        PsqlAsync("visits", "update visits set note = 'undefined'; delete from visits where id > 10", cancellationToken);

    /// <summary>SHA-256 over the lines of <see cref="RowsQuery"/>.</summary>
    public async Task<string> HashRowsAsync(CancellationToken cancellationToken) => DemoShop.Hash(
        (await PsqlAsync("visits", RowsQuery, cancellationToken)).Split('\n', StringSplitOptions.RemoveEmptyEntries));

    /// <summary>How to stop it, for somebody who keeps the folder.</summary>
    public string StopCommand => new ChildCommand(Control(["stop", "-m", "fast"])).ToString();

    /// <summary>Stops it.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => ControlAsync(["stop", "-m", "immediate"], cancellationToken);

    private static string? Find(IDisk disk)
    {
        var root = new DiskPath("/usr/lib/postgresql");
        if (disk.Stat(root) is null) return null;
        return disk.List(root)
            .Select(e => e.Name.ToString())
            .OrderByDescending(name => int.TryParse(name, out var major) ? major : 0)
            .Select(name => $"{root}/{name}/bin")
            .FirstOrDefault(bin => disk.Stat(new DiskPath(bin) / "initdb") is not null && disk.Stat(new DiskPath(bin) / "pg_dump") is not null);
    }

    private Task<string> PsqlAsync(string database, string sql, CancellationToken cancellationToken) =>
        RunAsync([$"{programs}/psql", "-X", "-At", "-q", "-v", "ON_ERROR_STOP=1", "-h", folder.ToString(), "-U", "demo", "-d", database, "-c", sql], cancellationToken);

    private string[] Control(IEnumerable<string> arguments) => [.. prefix, $"{programs}/pg_ctl", "-D", $"{folder}/data", "-s", .. arguments];

    private Task ControlAsync(IEnumerable<string> arguments, CancellationToken cancellationToken) => RunAsync(Control(arguments), cancellationToken);

    private async Task<string> RunAsync(IReadOnlyList<string> command, CancellationToken cancellationToken)
    {
        // All of it, however long: what is captured by default ends at 64 KiB, and a hash of a part proves nothing.
        var output = new MemoryStream();
        var result = await children.RunAsync(
            new ChildCommand(command) { Folder = "/", Within = TimeSpan.FromSeconds(60) },
            null,
            (block, _) =>
            {
                output.Write(block.Span);
                return ValueTask.CompletedTask;
            },
            cancellationToken);
        return result.Exit == 0 ? System.Text.Encoding.UTF8.GetString(output.ToArray()) : throw new RepriseException(
            Recovery.RecoveryErrors.ChildFailed,
            $"{command[^1]}: {result.LastError}",
            "run the demo again with --no-postgres, or look at the message above");
    }
}
