using Reprise.Simulation.Runtime;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Tests.Simulation;

/// <summary>One random call of a disk, which can be asked of two disks to compare their answers.</summary>
internal sealed class DiskCall
{
    private static readonly string[] Names = ["a", "b", "f", "f/a", "f/b", "f/g", "f/g/a", "link", "link/a", "a/x", "none/x"];
    private static readonly string[] Calls =
    [
        "stat", "list", "create", "write", "read", "rename", "rename-new", "exchange", "symlink",
        "readlink", "delete", "delete-folder", "mode", "time", "attribute", "truncate", "sync",
    ];

    private readonly string call;
    private readonly string one;
    private readonly string other;
    private readonly int number;

    public DiskCall(Chance chance)
    {
        call = chance.Pick(Calls);
        one = chance.Pick(Names);
        other = chance.Pick(Names);
        number = chance.Below(3000);
    }

    public override string ToString() => $"{call} {one} {other} {number}";

    /// <summary>What the call answers, in words that are the same for every disk.</summary>
    public string On(IDisk disk, DiskPath root)
    {
        try
        {
            return Ask(disk, root / one, root / other);
        }
        catch (RepriseException e)
        {
            return e.Code.Name;
        }
    }

    private string Ask(IDisk disk, DiskPath path, DiskPath second)
    {
        switch (call)
        {
            case "stat": return $"{Say(disk.Stat(path))}, {Say(disk.Stat(path / "."))}";
            case "list": return string.Join(' ', disk.List(path).OrderBy(e => e.Name).Select(e => $"{e.Name}={e.Type}"));
            case "create": return With(disk.CreateNew(path), file => file.Write(number, new byte[number]));
            case "write": return With(disk.OpenWrite(path), file => file.Write(number, [1, 2, 3]));
            case "truncate": return With(disk.OpenWrite(path), file => file.SetLength(number));
            case "read": return Read(disk, path);
            case "folder": disk.MakeFolder(path); break;
            case "rename": disk.Rename(path, second); break;
            case "rename-new": return disk.RenameNew(path, second).ToString();
            case "exchange": disk.Exchange(path, second); break;
            case "link": return disk.Link(path, second).ToString();
            case "symlink": disk.MakeSymbolicLink(path, new DiskPath("f")); break;
            case "readlink": return disk.ReadSymbolicLink(path).ToString();
            case "delete": disk.DeleteFile(path); break;
            case "delete-folder": disk.DeleteFolder(path); break;
            case "mode": disk.SetMode(path, 0x1C0 | (number & 0x3F)); break;
            case "time": disk.SetModified(path, new UnixTime(number, number)); break;
            case "attribute": return Attribute(disk, path);
            default: disk.SyncFolder(path); break;
        }

        return "done";
    }

    private string Attribute(IDisk disk, DiskPath path)
    {
        // The kernel keeps the attributes of users off symbolic links; what it answers depends on who asks.
        if (disk.Stat(path)?.Type != FileType.Regular) return "";
        disk.SetAttribute(path, new ExtendedAttribute("user.a" + (number % 3), new byte[number % 50]));
        return string.Join(' ', disk.ReadAttributes(path).Where(a => a.Name.StartsWith("user.", StringComparison.Ordinal))
            .Select(a => $"{a.Name}={a.Value.Length}"));
    }

    private static string With(IDiskFile file, Action<IDiskFile> action)
    {
        using (file)
        {
            action(file);
            return file.Stat().SizeBytes.ToString(System.Globalization.CultureInfo.InvariantCulture);
        }
    }

    private static string Read(IDisk disk, DiskPath path)
    {
        using var file = disk.OpenRead(path);
        var bytes = new byte[10_000];
        var read = file.Read(100, bytes);
        return $"{read} {bytes.Sum(b => b)}";
    }

    private static string Say(FileStatus? status)
    {
        if (status is null) return "nothing";
        var size = status.Type == FileType.Folder ? 0 : status.SizeBytes;
        var links = status.Type == FileType.Folder ? 0 : status.Links;
        return $"{status.Type} {Convert.ToString(status.Mode, 8)} {size} {links}";
    }
}
