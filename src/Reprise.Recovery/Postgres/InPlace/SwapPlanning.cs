using Reprise.Recovery.Assets;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres.InPlace;

/// <summary>Says which moves exchange a server with one in a slot. Changes nothing.</summary>
internal sealed class SwapPlanning(IDisk disk, ClusterPlace place, ClusterTree? live, ClusterTree? incoming, Swap swap)
{
    private const int PrivateFolder = 0x1C0;

    private readonly List<SwapMove> moves = [];
    private readonly List<SwapFolder> made = [];
    private readonly List<SwapFolder> emptied = [];
    private FileStatus? liveControl;
    private FileStatus? incomingControl;

    private DiskPath Outgoing => place.In(swap.Outgoing);

    public SwapMarker Marker => new()
    {
        Incoming = swap.Incoming?.ToString(),
        Outgoing = swap.Outgoing.ToString(),
        HadLive = live is not null,
        Moves = moves,
        Made = made,
        Emptied = emptied,
    };

    /// <summary>Neither side can be started from here on.</summary>
    public void Hold()
    {
        liveControl = Hold(live);
        incomingControl = Hold(incoming);
    }

    /// <summary>What is live leaves its tablespaces, what comes moves into its own.</summary>
    public void MoveTablespaces()
    {
        var left = new HashSet<DiskPath>();
        foreach (var (location, name) in Tablespaces(live))
        {
            var own = location / name;
            if (disk.Stat(own) is not { } status) continue;
            var slot = SlotOf(location, name, swap.Outgoing);
            made.Add(Folder(slot, disk.Stat(location)!)); // It holds what was just looked at.
            Rename(own, slot / name, status);
            left.Add(own);
        }

        foreach (var (location, name) in Tablespaces(incoming))
        {
            var slot = SlotOf(location, name, swap.Incoming!); // Something comes, so it lies somewhere.
            if (disk.Stat(slot / name) is not { } status) continue;
            if (disk.Stat(location / name) is not null && !left.Contains(location / name))
                throw ClusterTree.Cannot(location / name, $"it is there, but {place.Data} does not use it; it may be another server's");
            emptied.Add(Folder(slot, disk.Stat(slot)!)); // It holds what was just looked at.
            Rename(slot / name, location / name, status);
        }
    }

    /// <summary>One folder against the other, so that there is one at every instant.</summary>
    public void MoveFolders()
    {
        if (incoming is null && live is not null) Rename(place.Data, Outgoing, Status(place.Data));
        if (incoming is null) return;
        if (live is null)
        {
            Rename(incoming.Folder, place.Data, Status(incoming.Folder));
            return;
        }

        Exchange(place.Data, incoming.Folder);
        Rename(incoming.Folder, Outgoing, Status(place.Data));
    }

    /// <summary>What is in the folders, one name after the other.</summary>
    public void MoveEntries()
    {
        var (leaves, comes) = (live?.IsCluster == true, incoming?.IsCluster == true);
        if (live is not null) made.Add(Folder(Outgoing, Status(place.Data)));
        if (incoming is not null) emptied.Add(Folder(incoming.Folder, Status(incoming.Folder)));
        if (leaves && comes)
        {
            Exchange(place.Data / "PG_VERSION", incoming!.Version); // It comes.
            Rename(incoming.Version, Outgoing / "PG_VERSION", Status(place.Data / "PG_VERSION"));
        }

        foreach (var name in Others(live)) Rename(place.Data / name, Outgoing / name, Status(place.Data / name));
        foreach (var name in Others(incoming)) Rename(incoming!.Folder / name, place.Data / name, Status(incoming.Folder / name));
        if (leaves && !comes) Rename(place.Data / "PG_VERSION", Outgoing / "PG_VERSION", Status(place.Data / "PG_VERSION"));
        if (comes && !leaves) Rename(incoming!.Version, place.Data / "PG_VERSION", Status(incoming.Version));
    }

    /// <summary>What lies aside is as it was; then what is live can be started.</summary>
    public void Release()
    {
        if (liveControl is { } old) Rename(Control(Outgoing, ClusterTree.HeldName), Control(Outgoing, "pg_control"), old);
        if (incomingControl is { } now) Rename(Control(place.Data, ClusterTree.HeldName), Control(place.Data, "pg_control"), now);
    }

    private static DiskPath Control(DiskPath folder, string name) => folder / "global" / name;

    /// <summary>Where the files of a tablespace lie in a slot: in the tablespace, which may be a mount of its own.</summary>
    public static DiskPath SlotOf(DiskPath location, string name, Slot slot) => location / $"{name}.{slot}";

    private FileStatus? Hold(ClusterTree? tree)
    {
        if (tree is null || disk.Stat(tree.Control) is not { } status) return null;
        Rename(tree.Control, tree.Held, status);
        return status;
    }

    private static IEnumerable<DiskPath> Others(ClusterTree? tree) =>
        tree?.Entries().Where(name => name.ToString() != "PG_VERSION") ?? [];

    private IEnumerable<(DiskPath Location, string Name)> Tablespaces(ClusterTree? tree)
    {
        if (tree?.Tablespaces() is not { Count: > 0 } links) return [];
        if (links.FirstOrDefault(l => l.Location.IsWithin(place.Data)) is { Link.IsEmpty: false } inside)
            throw ClusterTree.Cannot(inside.Location, "a tablespace lies in the data directory, and is reached through a link");
        var name = tree.TablespaceName();
        return links.Select(l => l.Location).Distinct().Select(location => (location, name));
    }

    private FileStatus Status(DiskPath path) => disk.Stat(path) ?? throw new InvariantException($"{path} was just looked at");

    private static SwapFolder Folder(DiskPath path, FileStatus like) =>
        new(Text(path), like.Type == FileType.Folder ? like.Mode & 0x1FF : PrivateFolder, like.User, like.Group);

    private void Rename(DiskPath from, DiskPath to, FileStatus what) => moves.Add(new SwapMove(Text(from), Text(to), false, what.Device, what.Inode));

    private void Exchange(DiskPath one, DiskPath other)
    {
        var arrives = Status(other);
        moves.Add(new SwapMove(Text(one), Text(other), true, arrives.Device, arrives.Inode));
    }

    // A name that is no text would come back as another one.
    private static string Text(DiskPath path) =>
        new DiskPath(path.ToString()) == path ? path.ToString() : throw ClusterTree.Cannot(path, "its name is not UTF-8");
}
