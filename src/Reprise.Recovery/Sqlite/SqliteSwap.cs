using System.Text;
using Reprise.Recovery.Assets;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Sqlite;

/// <summary>
/// Exchanges a database for another one by renaming, never opening either.
/// <para>One rule holds at every instant: whenever the main file is there, exactly its own sidecars are beside it. So
/// the main file leaves first and arrives last. (A <c>-journal</c> that meets a restored file rolls old rows into it,
/// and <c>integrity_check</c> stays ok; a <c>-wal</c> does the same.)</para>
/// <para>A marker beside the database says which exchange is under way: <c>.reprise-swap-aside</c> while the live files
/// leave, renamed to <c>.reprise-swap-place</c> once they have left, so that a sidecar that is met later is known to be
/// one that has arrived. A call after a crash goes on from there; a call for another exchange finishes that one first.
/// Nothing is ever replaced: a file in the way is <c>file-exists</c>.</para>
/// </summary>
internal sealed class SqliteSwap(IDisk disk, SqlitePlace place, FileHolders holders)
{
    /// <summary>How the names of the markers begin, after the name of the database.</summary>
    public const string MarkerSuffix = ".reprise-swap-";

    private const int MaxMarkerBytes = 256;

    private readonly DiskPath leaving = place.Live.Main.WithSuffix(MarkerSuffix + "aside");
    private readonly DiskPath arriving = place.Live.Main.WithSuffix(MarkerSuffix + "place");

    /// <summary>With the processes of this machine.</summary>
    public SqliteSwap(IDisk disk, SqlitePlace place)
        : this(disk, place, new FileHolders(disk))
    {
    }

    /// <summary>The exchange that was begun and not finished, or null.</summary>
    public Swap? Unfinished()
    {
        if (disk.Stat(arriving) is not null)
        {
            return Read(arriving)
                ?? throw new RepriseException(
                    RecoveryErrors.OperationInterrupted,
                    $"{arriving} cannot be read, so that the exchange that it belongs to cannot be finished",
                    $"look which of {place.Live.Main}.* is the wanted one, name it back, and delete the marker");
        }

        // A marker without content was cut off while it was made: nothing had moved by then.
        return disk.Stat(leaving) is null ? null : Read(leaving);
    }

    /// <summary>What to say when something is asked of a database whose exchange was interrupted.</summary>
    public static Problem Interrupted(SqlitePlace place, Swap swap) => new(
        RecoveryErrors.OperationInterrupted,
        Severity.Error,
        $"an exchange of {place.Live.Main} with {swap.Incoming?.ToString() ?? "nothing"} was interrupted",
        "run 'reprise restore --continue' or 'reprise undo' first")
    {
        Where = place.Live.Main.ToString(),
    };

    /// <summary>
    /// Runs the exchange, or the rest of it; durable on return. <c>target-in-use</c> when a process has the live
    /// database open (nothing is changed then), <c>file-exists</c> when something is in the way, <c>staged-wrong</c>
    /// when there is nothing to exchange.
    /// </summary>
    public void Run(Swap swap)
    {
        if (Unfinished() is { } other && other != swap) Finish(other);
        Finish(swap);
    }

    private void Finish(Swap swap)
    {
        var outgoing = place.In(swap.Outgoing);
        SqliteSet? incoming = swap.Incoming is null ? null : place.In(swap.Incoming);
        if (disk.Stat(arriving) is null)
        {
            if (Unfinished() is null)
            {
                if (IsDone(incoming, swap))
                {
                    disk.DeleteFile(leaving);
                    disk.SyncFolder(place.Folder);
                    return;
                }

                RefuseWhenHeld(place.Live.Main);
                Mark(swap);
            }

            MoveAside(outgoing);
            disk.Rename(leaving, arriving);
            disk.SyncFolder(place.Folder);
        }

        if (incoming is { } set) MoveIn(set);
        disk.DeleteFile(arriving);
        disk.SyncFolder(place.Folder);
    }

    private bool IsDone(SqliteSet? incoming, Swap swap)
    {
        var isLive = place.Live.Exists(disk);
        if (incoming is not { } set) return !isLive;
        if (set.Exists(disk)) return false;
        return isLive
            ? true
            : throw new RepriseException(
                RecoveryErrors.StagedWrong,
                $"there is neither a database at {place.Live.Main} nor one in {swap.Incoming} to take its place",
                "run the restore again");
    }

    private void Mark(Swap swap)
    {
        disk.DeleteFile(leaving);
        using (var file = disk.CreateNew(leaving))
        {
            file.Write(0, Encoding.UTF8.GetBytes($"{swap.Incoming?.ToString() ?? "nothing"} {swap.Outgoing}\n"));
            file.Sync();
        }

        disk.SyncFolder(place.Folder);
    }

    private void MoveAside(SqliteSet outgoing)
    {
        Move(place.Live.Main, outgoing.Main);
        disk.SyncFolder(place.Folder);

        // Only now can nobody open it any more: whoever did so since the first look is seen by this one.
        if (disk.Stat(outgoing.Main) is not null && Holding(outgoing.Main) is { Holders.Count: > 0 } holding)
        {
            MoveIn(outgoing);
            disk.DeleteFile(leaving);
            disk.SyncFolder(place.Folder);
            throw InUse(holding);
        }

        foreach (var (from, to) in place.Live.Sidecars.Zip(outgoing.Sidecars)) Move(from, to);
        disk.SyncFolder(place.Folder);
    }

    private void MoveIn(SqliteSet incoming)
    {
        foreach (var (from, to) in incoming.Sidecars.Zip(place.Live.Sidecars)) Move(from, to);
        disk.SyncFolder(place.Folder);
        Move(incoming.Main, place.Live.Main);
        disk.SyncFolder(place.Folder);
    }

    /// <summary>Renames unless that was done before. Never replaces.</summary>
    private void Move(DiskPath from, DiskPath to)
    {
        if (disk.Stat(from) is not { } status || disk.RenameNew(from, to)) return;

        // Where the file system cannot refuse to replace, a rename is a link and an unlink: it may have got half-way.
        if (disk.Stat(to) is { Links: > 1 } other && other.Inode == status.Inode && other.Device == status.Device)
        {
            disk.DeleteFile(from);
            return;
        }

        throw new RepriseException(new Problem(
            StorageErrors.FileExists,
            Severity.Error,
            $"{to} exists already, so that {from} cannot be renamed to it",
            $"stop whatever makes {place.Live.Main}, move {to} to another folder, and continue")
        {
            Where = to.ToString(),
        });
    }

    private void RefuseWhenHeld(DiskPath path)
    {
        if (Holding(path) is { Holders.Count: > 0 } holding) throw InUse(holding);
    }

    private Holding Holding(DiskPath path) =>
        disk.Stat(path) is { } status ? holders.Find(status) : Sqlite.Holding.Nobody;

    private RepriseException InUse(Holding holding) => new(new Problem(
        RecoveryErrors.TargetInUse,
        Severity.Error,
        $"{place.Live.Main} is open in {holding}",
        "stop the application that uses it, then continue")
    {
        Where = place.Live.Main.ToString(),
    });

    private Swap? Read(DiskPath marker)
    {
        using var file = disk.OpenRead(marker);
        var buffer = new byte[MaxMarkerBytes];
        var text = Encoding.UTF8.GetString(buffer, 0, file.Read(0, buffer));
        if (!text.EndsWith('\n') || text.TrimEnd().Split(' ') is not [var from, var to]) return null;
        if (ParseSlot(to) is not { } outgoing) return null;
        if (from == "nothing") return new Swap(null, outgoing);
        return ParseSlot(from) is { } incoming ? new Swap(incoming, outgoing) : null;
    }

    private static Slot? ParseSlot(string text)
    {
        var dash = text.IndexOf('-', StringComparison.Ordinal);
        if (dash < 0 || !PointId.TryParse(text[(dash + 1)..], out var id)) return null;
        return text[..dash] switch
        {
            "new" => Slot.New(id),
            "before" => Slot.Before(id),
            _ => null,
        };
    }
}
