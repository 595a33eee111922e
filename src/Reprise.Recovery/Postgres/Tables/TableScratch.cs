using System.Globalization;
using System.Text;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Postgres.Physical;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres.Tables;

/// <summary>
/// The folder in which the server runs that tables are taken out of. Whoever holds the lock of the application's operations
/// owns it: what lies there when the lock was just taken was left by one who was killed, its server included.
/// </summary>
public sealed class TableScratch(PostgresHost host, DiskPath folder)
{
    // The server's user goes through it and sees nothing of it.
    private const int Passable = 0x1C9;
    private const int MaxFileBytes = 4096;
    private static readonly TimeSpan StopLimit = TimeSpan.FromMinutes(1);

    /// <summary>Whether something was left.</summary>
    public bool IsLeft => host.Disk.Stat(folder) is not null;

    /// <summary>Makes it, empty.</summary>
    public async Task MakeAsync(CancellationToken cancellationToken)
    {
        await ClearAsync(cancellationToken);
        host.Disk.MakeFolder(folder, Passable);
        RequireOurs();
        host.Disk.SetMode(folder, Passable);
    }

    /// <summary>Ends the server that still runs there, and deletes everything.</summary>
    /// <exception cref="RepriseException"><c>child-failed</c>: it does not end; <c>file-denied</c>: the folder is another user's.</exception>
    public async Task ClearAsync(CancellationToken cancellationToken)
    {
        RequireOurs();
        var data = folder / PhysicalRestore.DataName;
        if (Process(data) is { } process && IsServer(process, data)) await StopAsync(data, process, cancellationToken);
        Folders.DeleteTree(host.Disk, folder);
    }

    // It lies where everybody may write: what another user put there under its name is neither used nor deleted.
    private void RequireOurs()
    {
        if (host.Disk.Stat(folder) is not { } found) return;
        var self = host.Disk.Stat(new DiskPath("/proc/self/."));
        if (found.Type == FileType.Folder && (self is null || self.User == found.User)) return;
        throw new RepriseException(
            new Problem(
                StorageErrors.FileDenied,
                Severity.Error,
                $"{folder} is not a folder of this user; nothing was changed",
                "look at what it is and remove it, or name another folder for temporary files with --stage")
            {
                Where = folder.ToString(),
            });
    }

    private string? Process(DiskPath data) =>
        Text(data / "postmaster.pid") is { } text && text.Split('\n')[0].Trim() is { Length: > 0 } first && first.All(char.IsAsciiDigit) ? first : null;

    // The number may have become another's: a server works in its data directory.
    private bool IsServer(string process, DiskPath data)
    {
        var cwd = new DiskPath("/proc") / process / "cwd";
        return host.Disk.Stat(cwd) is not null && host.Disk.ReadSymbolicLink(cwd).ToString() == data.ToString();
    }

    private async Task StopAsync(DiskPath data, string process, CancellationToken cancellationToken)
    {
        var major = int.TryParse(Text(data / "PG_VERSION"), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var number) ? number : 0;
        var programs = await ServerPrograms.FindAsync(host, new PostgresSettings { ConnectionText = "" }, major, cancellationToken)
            ?? throw ServerPrograms.Missing(major);
        var owner = host.Disk.Stat(data) ?? throw new InvariantException($"{data} was just looked into");
        var stop = ServerPrograms.AsOwner(owner, [programs.PathOf("pg_ctl"), "-D", data.ToString(), "-m", "immediate", "-w", "-s", "stop"]);
        var result = await host.Children.RunAsync(stop with { Within = StopLimit }, cancellationToken);
        if (result.Exit == 0 || !IsServer(process, data)) return;
        throw new RepriseException(
            RecoveryErrors.ChildFailed,
            $"the server that a killed restore of a table left in {data} does not end: {result.LastError}",
            $"end process {process}, then run the command again");
    }

    private string? Text(DiskPath path)
    {
        if (host.Disk.Stat(path) is not { Type: FileType.Regular }) return null;
        using var file = host.Disk.OpenRead(path);
        var bytes = new byte[MaxFileBytes];
        return Encoding.ASCII.GetString(bytes, 0, file.Read(0, bytes));
    }
}
