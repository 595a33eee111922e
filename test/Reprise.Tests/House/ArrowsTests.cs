namespace Reprise.Tests.House;

/// <summary>
/// The arrows of docs/architecture.md held against the code, and the finder of arrows held against bad code.
/// </summary>
public class ArrowsTests
{
    private const string Tables = """
        | project | refers to | packages |
        |---|---|---|
        | `Reprise.Storage` | | |
        | `Reprise.Recovery` | `Reprise.Storage` | `Npgsql` |

        | room | knows | does |
        |---|---|---|
        | `*` | `Storage.Errors` | what all know |
        | `Storage` | | stores |
        | `Storage.Errors` | | codes |
        | `Storage.Disk` | `Storage` | files |
        | `Recovery` | | |
        | `Recovery.Files` | `Storage.Disk`, `Recovery` | |
        | `Recovery.Postgres` | `Npgsql` | |
        """;

    private static readonly CommittedFile[] World =
    [
        new("src/Reprise.Storage/IStore.cs", "namespace Reprise.Storage;\npublic interface IStore;"),
        new("src/Reprise.Storage/Errors/ErrorCode.cs", "namespace Reprise.Storage.Errors;\npublic class ErrorCode;"),
        new("src/Reprise.Storage/Disk/IDisk.cs", "namespace Reprise.Storage.Disk;\npublic interface IDisk;"),
        new("src/Reprise.Recovery/Plan.cs", "namespace Reprise.Recovery;\npublic class Plan;"),
        new("src/Reprise.Recovery/Files/Tree.cs", "namespace Reprise.Recovery.Files;\npublic class Tree;"),
        new("src/Reprise.Recovery/Postgres/Dump.cs", "namespace Reprise.Recovery.Postgres;\npublic class Dump;"),
    ];

    [Fact]
    public void The_code_has_no_arrow_that_the_tables_do_not_have()
    {
        var table = RoomTable.Parse(Clone.Get("docs/architecture.md").Text);
        var sources = Clone.Sources.Where(f => f.Path.StartsWith("src/", StringComparison.Ordinal)).ToList();
        Assert.True(sources.Count > 20 && table.Rooms.Count > 10, "the sources or the tables were not found");
        var projects = Clone.Files
            .Where(
                f => f.Path.StartsWith("src/", StringComparison.Ordinal)
                    && f.Path.EndsWith(".csproj", StringComparison.Ordinal));
        var excused = TidyException.All.Where(e => e.Rule == "circle").Select(e => e.Path).ToList();
        var findings = Arrows.Of(sources, table)
            .Concat(Arrows.Unlisted(sources, table))
            .Concat(projects.SelectMany(p => Arrows.OfProject(p, table)))
            .Concat(table.Faults(excused))
            .ToList();
        Assert.True(findings.Count == 0, $"{findings.Count} breaches:\n{string.Join('\n', findings)}");
        Assert.All(excused, e => Assert.NotEmpty(table.Faults([.. excused.Where(o => o != e)])));
    }

    [Theory]
    [InlineData("using Reprise.Storage.Disk;", null)]
    [InlineData("using Reprise.Storage.Errors;", null)]
    [InlineData("using System.Text;", null)]
    [InlineData("// using Npgsql;", null)]
    [InlineData("using Npgsql;", "Npgsql")]
    [InlineData("using Npgsql.Replication;", "Npgsql")]
    [InlineData("using Unheard.Of;", "Unheard.Of")]
    [InlineData("using Reprise.Storage;", "Storage")]
    [InlineData("using static Reprise.Recovery.Postgres.Dump;", "Recovery.Postgres")]
    [InlineData("using D = Reprise.Recovery.Postgres.Dump;", "Recovery.Postgres")]
    [InlineData("global using Reprise.Recovery.Postgres;", "Recovery.Postgres")]
    public void A_using_is_an_arrow(string line, string? forbidden) =>
        AssertArrow($"{line}\nnamespace Reprise.Recovery.Files;", forbidden);

    [Theory]
    [InlineData("Reprise.Recovery.Postgres.Dump x;", "Recovery.Postgres")]
    [InlineData("Recovery.Postgres.Dump x;", "Recovery.Postgres")]
    [InlineData("Postgres.Dump x;", "Recovery.Postgres")]
    [InlineData("Storage.IStore x;", "Storage")]
    [InlineData("Storage.Disk.IDisk x;", null)]
    [InlineData("Storage.Errors.ErrorCode x;", null)]
    [InlineData("Postgres.Count x;", null)]
    [InlineData("// Postgres.Dump x;", null)]
    [InlineData("Plan x;", null)]
    public void A_qualified_name_is_an_arrow(string member, string? forbidden) =>
        AssertArrow($"namespace Reprise.Recovery.Files;\nclass C {{ {member} }}", forbidden);

    [Fact]
    public void The_surface_of_a_project_is_not_known_inside_and_a_seam_is()
    {
        CommittedFile inside = new(
            "src/Reprise.Recovery/Postgres/A.cs", "namespace Reprise.Recovery.Postgres;\nclass C { Plan x; }");
        var table = RoomTable.Parse(Tables);
        Assert.Empty(Arrows.Of([.. World, inside], table));
        CommittedFile surface = new(
            "src/Reprise.Recovery/Plan.cs", "using Reprise.Recovery.Files;\nnamespace Reprise.Recovery;\nclass Plan;");
        var world = World.Where(f => f.Path != surface.Path).Append(surface);
        Assert.Equal(
            ["Recovery must not know Recovery.Files", "Recovery.Postgres must not know Recovery"],
            Arrows.Of([.. world, inside], table).Select(f => f.What));
    }

    [Theory]
    [InlineData("src/Reprise.Recovery/Files/A.cs", "Reprise.Recovery.Files", true)]
    [InlineData("src/Reprise.Recovery/Files/Deep/A.cs", "Reprise.Recovery.Files.Deep", true)]
    [InlineData("src/Reprise.Recovery/Files/Deep/A.cs", "Reprise.Recovery.Files", true)]
    [InlineData("src/Reprise.Recovery/Files/A.cs", "Reprise.Recovery", false)]
    [InlineData("src/Reprise.Recovery/Files/A.cs", "Reprise.Recovery.Postgres", false)]
    public void A_namespace_matches_its_folder(string path, string nameSpace, bool good)
    {
        CommittedFile file = new(path, $"namespace {nameSpace};\nclass C;");
        var findings = Arrows.Of([.. World, file], RoomTable.Parse(Tables));
        Assert.Equal(good ? 0 : 1, findings.Count(f => f.What.Contains("does not match", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_room_without_a_row_and_a_row_without_a_room_are_named()
    {
        var table = RoomTable.Parse(Tables);
        Assert.Empty(Arrows.Unlisted(World, table));
        CommittedFile more = new("src/Reprise.Recovery/Shed/A.cs", "namespace Reprise.Recovery.Shed;");
        Assert.Equal(
            ["the room Recovery.Shed has no row"], Arrows.Unlisted([.. World, more], table).Select(f => f.What));
        Assert.Equal(
            ["the room Recovery.Postgres has no folder"], Arrows.Unlisted(World[..5], table).Select(f => f.What));
        var planned = RoomTable.Parse(
            Tables.Replace("| `Npgsql` | |", "| `Npgsql` | *planned* |", StringComparison.Ordinal));
        Assert.Empty(Arrows.Unlisted(World[..5], planned));
    }

    [Fact]
    public void A_project_refers_to_what_the_table_has_and_to_nothing_else()
    {
        var table = RoomTable.Parse(Tables);
        static CommittedFile Project(string references) => new(
            "src/Reprise.Recovery/Reprise.Recovery.csproj", $"<Project><ItemGroup>{references}</ItemGroup></Project>");
        const string storage = "<ProjectReference Include=\"../Reprise.Storage/Reprise.Storage.csproj\" />";
        const string npgsql = "<PackageReference Include=\"Npgsql\" />";
        Assert.Empty(Arrows.OfProject(Project(storage + npgsql), table));
        Assert.Single(Arrows.OfProject(Project(storage), table));
        Assert.Single(
            Arrows.OfProject(
                Project(storage + npgsql + npgsql.Replace("Npgsql", "Dapper", StringComparison.Ordinal)), table));
        Assert.Single(Arrows.OfProject(Project(npgsql), table));
    }

    [Fact]
    public void The_tables_themselves_point_down_and_never_in_a_circle()
    {
        Assert.Empty(RoomTable.Parse(Tables).Faults([]));
        var up = RoomTable.Parse(
            Tables.Replace(
                "| `Storage.Disk` | `Storage` |", "| `Storage.Disk` | `Recovery` |", StringComparison.Ordinal));
        Assert.Equal(["arrow"], up.Faults([]).Select(f => f.Rule));
        var circle = RoomTable.Parse(
            Tables.Replace("| `Storage` | |", "| `Storage` | `Storage.Disk` |", StringComparison.Ordinal));
        Assert.Equal(["circle", "circle"], circle.Faults([]).Select(f => f.Rule));
        Assert.Empty(circle.Faults(["Storage>Storage.Disk"]));
        Assert.NotEmpty(circle.Faults(["Storage.Disk>Storage.Errors"]));
    }

    [Fact]
    public void A_star_allows_everything_and_only_to_its_room()
    {
        var table = RoomTable.Parse(Tables.Replace("| `Npgsql` | |", "| `*` | |", StringComparison.Ordinal));
        CommittedFile wiring = new("src/Reprise.Recovery/Postgres/A.cs", "using Reprise.Recovery.Files;");
        CommittedFile other = new("src/Reprise.Recovery/Files/A.cs", "using Reprise.Recovery.Postgres;");
        Assert.Empty(Arrows.Of([.. World, wiring], table));
        Assert.Single(Arrows.Of([.. World, other], table));
    }

    private static void AssertArrow(string source, string? forbidden)
    {
        var findings = Arrows.Of(
            [.. World, new("src/Reprise.Recovery/Files/A.cs", source)], RoomTable.Parse(Tables)).ToList();
        if (forbidden is null) Assert.Empty(findings);
        else Assert.Equal($"Recovery.Files must not know {forbidden}", Assert.Single(findings).What);
    }
}
