using System.Globalization;
using Reprise.Acceptance.BadInput;
using Reprise.Acceptance.Shop;

namespace Reprise.Acceptance.Runbooks.Causes;

/// <summary>The database does not answer: stopped, disk full, wrong password, crash recovery failing, dropped.</summary>
internal sealed class DatabaseIncident(string cause) : Incident(cause)
{
    // A new server with its first log of changes takes about 60 MB, the shop's data little.
    private const long DiskBytes = 160L << 20;

    // It fills the log of changes without changing data; sooner or later the server cannot answer.
    private const string Writing =
        "echo \"select pg_logical_emit_message(false, 'x', repeat('x', 6000000)); select pg_switch_wal()\""
        + " | psql -X -q -h \"$1\" -p \"$2\" -U postgres -d postgres >/dev/null 2>&1; sleep 0.2";

    private TinyDisk? disk;

    /// <summary>What can be injected.</summary>
    public static IReadOnlyList<string> Causes { get; } = ["stopped", "disk-full", "wrong-password", "recovery-fails", "dropped"];

    /// <inheritdoc />
    protected override IReadOnlyList<string> Way => Cause switch
    {
        "stopped" => ["cause=stopped"],
        "disk-full" => ["cause=disk-full"],
        "wrong-password" => ["cause=password"],
        "recovery-fails" => ["cause=stopped", "server-stays-down=data-lost", "how-much=everything"],
        _ => ["cause=data-lost", "how-much=everything"],
    };

    /// <inheritdoc />
    public override Task<RunView> FollowAsync() => new DatabaseOperator(Machine).FollowAsync();

    /// <inheritdoc />
    protected override async Task BeforeShopAsync(ShopHost empty)
    {
        if (Cause == "disk-full") disk = await TinyDisk.MountAsync(empty.Path("pg"), DiskBytes);
    }

    /// <inheritdoc />
    protected override async Task BreakAsync()
    {
        switch (Cause)
        {
            case "mistaken":
                // Whoever sees the errors takes the database for lost; only the backend does not run.
                await Shop.RunAsync("run/backend", "stop");
                break;
            case "stopped":
                await Shop.RunAsync("run/postgres", "stop", Machine.Server);
                break;
            case "disk-full":
                await FillAsync();
                break;
            case "wrong-password":
                await Machine.SuperuserAsync("alter role shop password 'another one of somebody'");
                await Machine.SuperuserAsync("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'shop'");
                break;
            case "recovery-fails":
                await KillAsync();
                Damage();
                break;
            default:
                await Machine.SuperuserAsync("drop database shop with (force)");
                break;
        }
    }

    /// <inheritdoc />
    protected override async Task CleanAsync()
    {
        await Shop.RunAsync("run/postgres", "stop", Machine.Server);
        disk?.Dispose();
    }

    private int ServerProcess =>
        int.Parse(File.ReadLines(Machine.Server + "/data/postmaster.pid").First(), CultureInfo.InvariantCulture);

    // The server ends by itself when it needs the next file of its log of changes: that is how a full disk kills it.
    private async Task FillAsync()
    {
        Assert.NotNull(disk);
        var server = ServerProcess;
        disk.Fill();
        for (var i = 0; i < 60 && IsAlive(server); i++)
        {
            await Shop.ProgramAsync("sh", "-c", Writing, "sh", Machine.Server, Machine.Port);
        }

        Assert.False(IsAlive(server), "the server lives on without room");
    }

    private async Task KillAsync()
    {
        var server = ServerProcess;
        await Shop.ProgramAsync("kill", "-9", server.ToString(CultureInfo.InvariantCulture));
        for (var i = 0; i < 100 && IsAlive(server); i++) await Task.Delay(50);

        // Its children notice by themselves; the next server waits for the memory that they share.
        await Task.Delay(500);
    }

    // A process that ended and was not waited for has no program any more.
    private static bool IsAlive(int process) => File.Exists($"/proc/{process}/exe");

    // What the disk lost: the log of changes that crash recovery needs reads as zeros.
    private void Damage()
    {
        foreach (var file in Directory.GetFiles(Machine.Server + "/data/pg_wal"))
        {
            using var segment = new FileStream(file, FileMode.Open, FileAccess.Write);
            var length = segment.Length;
            segment.SetLength(0);
            segment.SetLength(length);
        }
    }
}
