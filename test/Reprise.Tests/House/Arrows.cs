using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Reprise.Tests.House;

/// <summary>
/// Finds what a room knows: by its usings, by qualified names, and by the types of the room around it.
/// </summary>
internal static partial class Arrows
{
    /// <summary>Every arrow in the sources that the tables do not allow.</summary>
    public static IEnumerable<Finding> Of(IReadOnlyList<CommittedFile> sources, RoomTable table)
    {
        var typesOfRooms = sources
            .Select(f => (Room: RoomTable.RoomOfFile(f.Path), Code: SourceText.CodeOf(f.Text)))
            .SelectMany(f => SourceMembers.TypesOf(f.Code).Select(t => (f.Room, t.Name)))
            .Where(t => t.Room is not null)
            .ToLookup(t => t.Room!, t => t.Name); // the filter above leaves no null
        var surfaces = Surfaces(sources, table, typesOfRooms);
        foreach (var file in sources)
        {
            if (RoomTable.RoomOfFile(file.Path) is not { } room) continue;
            foreach (var finding in OfFile(file, room, table, typesOfRooms, surfaces)) yield return finding;
        }
    }

    /// <summary>
    /// Every reference of a project file that the tables do not have, and every one that they have too many.
    /// </summary>
    public static IEnumerable<Finding> OfProject(CommittedFile project, RoomTable table)
    {
        var name = Path.GetFileNameWithoutExtension(project.Path);
        var root = XDocument.Parse(project.Text);
        var projects = Included(root, "ProjectReference")
            .Select(p => Path.GetFileNameWithoutExtension(p.Replace('\\', '/')));
        foreach (var finding in Differences(project.Path, projects, table.Projects.GetValueOrDefault(name) ?? []))
            yield return finding;
        var packages = Included(root, "PackageReference");
        foreach (var finding in Differences(project.Path, packages, table.Packages.GetValueOrDefault(name) ?? []))
            yield return finding;
    }

    /// <summary>Folders without a row and rows without a folder.</summary>
    public static IEnumerable<Finding> Unlisted(IReadOnlyList<CommittedFile> sources, RoomTable table)
    {
        var rooms = sources.Select(f => RoomTable.RoomOfFile(f.Path))
            .OfType<string>()
            .ToHashSet(StringComparer.Ordinal);
        var withoutRow = rooms.Except(table.Rooms.Keys).Select(r => $"the room {r} has no row");
        var withoutFolder = table.Rooms.Keys.Except(rooms)
            .Where(r => r != "*" && !table.Planned.Contains(r))
            .Select(r => $"the room {r} has no folder");
        return withoutRow.Concat(withoutFolder).Select(what => new Finding("arrow", "docs/architecture.md", 0, what));
    }

    private static IEnumerable<Finding> OfFile(
        CommittedFile file,
        string room,
        RoomTable table,
        ILookup<string, string> typesOfRooms,
        ILookup<string, string> surfaces)
    {
        var code = SourceText.CodeOf(file.Text);
        var declared = Namespace().Match(code).Groups["name"].Value;
        var expected = file.Folder["src/".Length..].Replace('/', '.');
        // A folder inside a room may share the namespace of the room.
        if (declared.Length > 0
            && !(RoomTable.RoomOf(declared) == room && $"{expected}.".StartsWith(declared + ".", StringComparison.Ordinal)))
        {
            yield return new("arrow", file.Path, 1, $"namespace {declared} does not match its folder");
        }

        var arrows = Usings(code, table)
            .Concat(Qualified(code, expected, typesOfRooms).Where(q => q.Target != RoomTable.ProjectRoomOf(room)))
            .Concat(Around(code, room, surfaces));
        foreach (var (target, line) in arrows.Select(a => (a.Target, SourceText.LineAt(code, a.At))).Distinct())
        {
            if (table.Allows(room, target)) continue;
            yield return new("arrow", file.Path, line, $"{room} must not know {target}");
        }
    }

    private static IEnumerable<(string Target, int At)> Usings(string code, RoomTable table)
    {
        foreach (var match in Using().Matches(code).Cast<Match>())
        {
            var name = match.Groups["name"].Value;
            var package = table.PackageNamespaces.FirstOrDefault(
                p => name == p || name.StartsWith(p + ".", StringComparison.Ordinal));
            if (package is not null) yield return (package, match.Index);
            else if (RoomTable.RoomOf(name) is { } room) yield return (room, match.Index);
            else if (!Framework().IsMatch(name)) yield return (name, match.Index);
        }
    }

    // Storage.Disk.IDisk inside Reprise.Recovery.Files is Reprise.Storage.Disk.IDisk: each namespace around the file is
    // tried, and only what really is a type there counts, since properties may be called like rooms.
    private static IEnumerable<(string Target, int At)> Qualified(
        string code, string nameSpace, ILookup<string, string> typesOfRooms)
    {
        foreach (var match in QualifiedName().Matches(code).Cast<Match>())
        {
            for (var around = nameSpace; ; around = around[..around.LastIndexOf('.')])
            {
                var full = match.Value.StartsWith("Reprise.", StringComparison.Ordinal)
                    ? match.Value
                    : $"{around}.{match.Value}";
                var parts = full.Split('.');
                var hit = Enumerable.Range(1, parts.Length - 1)
                    .Select(n => (Room: RoomTable.RoomOf(string.Join('.', parts.Take(n))), Type: parts[n]))
                    .FirstOrDefault(p => p.Room is not null && typesOfRooms[p.Room].Contains(p.Type));
                if (hit.Room is not null) yield return (hit.Room, match.Index);
                if (hit.Room is not null || !around.Contains('.', StringComparison.Ordinal)) break;
            }
        }
    }

    // What lies beside the rooms of a project and itself knows some of them is the surface of the project; what knows
    // none of them (a catalogue of codes, a record of what everything stands on) is a seam for all of them.
    private static ILookup<string, string> Surfaces(
        IReadOnlyList<CommittedFile> sources, RoomTable table, ILookup<string, string> typesOfRooms)
    {
        List<(string Room, string Type)> types = [];
        foreach (var file in sources)
        {
            if (RoomTable.RoomOfFile(file.Path) is not { } room || RoomTable.ProjectRoomOf(room) != room) continue;
            var code = SourceText.CodeOf(file.Text);
            var known = Usings(code, table).Concat(Qualified(code, file.Folder["src/".Length..], typesOfRooms));
            if (!known.Any(k => k.Target != room && RoomTable.ProjectOf(k.Target) == RoomTable.ProjectOf(room)))
                continue;
            types.AddRange(SourceMembers.TypesOf(code).Select(t => (room, t.Name)));
        }

        return types.ToLookup(t => t.Room, t => t.Type);
    }

    // The types beside the rooms of a project are in sight of every room without a using.
    private static IEnumerable<(string Target, int At)> Around(
        string code, string room, ILookup<string, string> surfaces)
    {
        var around = RoomTable.ProjectRoomOf(room);
        if (around == room) yield break;
        foreach (var type in surfaces[around])
        {
            var match = Regex.Match(code, $@"(?<![\w.]){type}\b", RegexOptions.None, TimeSpan.FromSeconds(30));
            if (match.Success) yield return (around, match.Index);
        }
    }

    private static IEnumerable<string> Included(XDocument project, string element) =>
        project.Descendants(element).Select(e => e.Attribute("Include")?.Value).OfType<string>();

    private static IEnumerable<Finding> Differences(string path, IEnumerable<string> real, IEnumerable<string> listed)
    {
        var found = real.ToList();
        var expected = listed.ToList();
        var more = found.Except(expected).Select(r => $"refers to {r}, which docs/architecture.md does not have");
        var less = expected.Except(found).Select(r => $"docs/architecture.md says that it refers to {r}");
        return more.Concat(less).Select(what => new Finding("arrow", path, 0, what));
    }

    [GeneratedRegex(@"^\s*namespace\s+(?<name>[\w.]+)", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 30_000)]
    private static partial Regex Namespace();

    [GeneratedRegex(
        @"^[ \t]*(global\s+)?using\s+(static\s+)?(\w+\s*=\s*)?(global::)?(?<name>[A-Z][\w.]*)",
        RegexOptions.ExplicitCapture | RegexOptions.Multiline, 30_000)]
    private static partial Regex Using();

    [GeneratedRegex(
        @"(?<![\w.])(?<!using\s+)(?<!namespace\s+)[A-Z]\w*(\.[A-Z]\w*)+", RegexOptions.ExplicitCapture, 30_000)]
    private static partial Regex QualifiedName();

    [GeneratedRegex(@"^(System|Microsoft\.Win32)(\.|$)", RegexOptions.ExplicitCapture, 30_000)]
    private static partial Regex Framework();
}
