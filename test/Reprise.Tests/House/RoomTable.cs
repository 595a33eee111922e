using System.Text.RegularExpressions;

namespace Reprise.Tests.House;

/// <summary>
/// The tables of docs/architecture.md: which project and which room may know which. A room is the first folder in a
/// project; what lies beside the folders is the room that is called like the project.
/// </summary>
internal sealed partial class RoomTable
{
    private RoomTable(
        Dictionary<string, string[]> projects,
        Dictionary<string, string[]> packages,
        Dictionary<string, string[]> rooms)
    {
        Projects = projects;
        Packages = packages;
        Rooms = rooms;
    }

    /// <summary>Of each project, the projects that it refers to.</summary>
    public IReadOnlyDictionary<string, string[]> Projects { get; }

    /// <summary>Of each project, the packages that it refers to.</summary>
    public IReadOnlyDictionary<string, string[]> Packages { get; }

    /// <summary>
    /// Of each room, the rooms and the namespaces of packages that it may know, without those that all know.
    /// </summary>
    public IReadOnlyDictionary<string, string[]> Rooms { get; }

    /// <summary>Rooms whose folder does not have to exist yet; their row says *planned*.</summary>
    public required IReadOnlySet<string> Planned { get; init; }

    /// <summary>What every room above may know.</summary>
    public string[] KnownToAll => Rooms.GetValueOrDefault("*") ?? [];

    /// <summary>The namespaces of packages that appear anywhere.</summary>
    public IEnumerable<string> PackageNamespaces =>
        Rooms.Values.SelectMany(r => r).Where(r => !Rooms.ContainsKey(r)).Distinct();

    /// <summary>Reads both tables; a row is one whose first cell is a single name in backquotes.</summary>
    public static RoomTable Parse(string document)
    {
        Dictionary<string, string[]> projects = [], packages = [], rooms = [];
        HashSet<string> planned = [];
        var header = "";
        foreach (var cells in document.Split('\n').Where(l => l.StartsWith('|')).Select(Cells))
        {
            if (cells[0] is "project" or "room") header = cells[0];
            if (Name().Match(cells[0]) is not { Success: true, Length: var length } match || length != cells[0].Length)
                continue;
            var name = match.Groups["name"].Value;
            if (header == "project")
            {
                projects.Add(name, Names(cells[1]));
                packages.Add(name, Names(cells[2]));
            }
            else
            {
                rooms.Add(name, Names(cells[1]));
                if (cells is [_, _, var does, ..] && does.StartsWith("*planned*", StringComparison.Ordinal))
                    planned.Add(name);
            }
        }

        return new(projects, packages, rooms) { Planned = planned };
    }

    /// <summary>The room of a namespace, or null when it is not ours.</summary>
    public static string? RoomOf(string nameSpace)
    {
        var parts = nameSpace.Split('.');
        if (parts[0] != "Reprise") return null;
        if (parts.Length == 1) return "Reprise";
        if (parts[1] is not ("Storage" or "Repository" or "Recovery")) return parts[1];
        return parts.Length == 2 ? parts[1] : $"{parts[1]}.{parts[2]}";
    }

    /// <summary>The room of a file under src, or null.</summary>
    public static string? RoomOfFile(string path)
    {
        var parts = path.Split('/');
        if (parts is not ["src", _, _, ..]) return null;
        var folders = parts.Skip(1).SkipLast(1).Take(2);
        return RoomOf(string.Join('.', folders));
    }

    /// <summary>The room beside the rooms of the same project.</summary>
    public static string ProjectRoomOf(string room) =>
        room.Split('.')[0] is "Storage" or "Repository" or "Recovery" ? room.Split('.')[0] : "Reprise";

    /// <summary>The project of a room.</summary>
    public static string ProjectOf(string room) =>
        ProjectRoomOf(room) is "Reprise" ? "Reprise" : $"Reprise.{ProjectRoomOf(room)}";

    /// <summary>
    /// What is wrong with the tables themselves: arrows that point up, and rooms that know each other in a circle.
    /// <paramref name="excused"/> are arrows, written <c>From>To</c>, that do not count for circles.
    /// </summary>
    public IEnumerable<Finding> Faults(IReadOnlyCollection<string> excused)
    {
        foreach (var (room, known) in Rooms.Where(r => r.Key != "*"))
        {
            foreach (var other in known.Concat(KnownToAll).Where(Rooms.ContainsKey))
            {
                if (!Below(ProjectOf(room)).Contains(ProjectOf(other)) && !KnownToAll.Contains(room))
                {
                    yield return new(
                        "arrow", "docs/architecture.md", 0, $"{room} must not know {other}: it lies above");
                }
            }

            if (Reaches(room, room, [], excused))
            {
                yield return new("circle", "docs/architecture.md", 0, $"{room} knows itself by way of others");
            }
        }
    }

    /// <summary>Whether a room may know another room or the namespace of a package; a star in its row means all.</summary>
    public bool Allows(string room, string other) => room == other
        || KnownToAll.Contains(other)
        || (Rooms.TryGetValue(room, out var known) && (known.Contains(other) || known.Contains("*")));

    private IEnumerable<string> Below(string project) =>
        Projects.GetValueOrDefault(project, []).SelectMany(Below).Append(project);

    private bool Reaches(string from, string target, HashSet<string> seen, IReadOnlyCollection<string> excused)
    {
        foreach (var next in
            Rooms.GetValueOrDefault(from, []).Where(n => Rooms.ContainsKey(n) && !excused.Contains($"{from}>{n}")))
        {
            if (next == target || (seen.Add(next) && Reaches(next, target, seen, excused))) return true;
        }

        return false;
    }

    private static string[] Cells(string line) => [.. line.Trim('|').Split('|').Select(c => c.Trim())];

    private static string[] Names(string cell) => [.. Name().Matches(cell).Select(m => m.Groups["name"].Value)];

    [GeneratedRegex(@"`(?<name>[\w.*]+)`", RegexOptions.ExplicitCapture, 30_000)]
    private static partial Regex Name();
}
