using System.Text.Json;
using Reprise.Cli;
using Reprise.Configuration;
using Reprise.Recovery.Evidence;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Tests.Cli;
using Reprise.Tests.Storage;
using Reprise.Wiring;

namespace Reprise.Tests.Evidence;

/// <summary>The commands on a real folder: keep, list, show, verify, note, status.</summary>
public sealed class EvidenceCommandTests : IDisposable
{
    private readonly ScratchFolder scratch = new(memory: true);
    private readonly CommandBench bench = new();
    private readonly Machine machine;

    public EvidenceCommandTests()
    {
        bench.Operations = Composition.Operations(bench.Host);
        bench.WorkingFolder = scratch.Text;
        bench.Environment["HOME"] = scratch.Text;
        machine = Machine.Of(bench.Host);
        Directory.CreateDirectory(Path.Combine(scratch.Text, "uploads"));
        File.WriteAllText(
            Path.Combine(scratch.Text, "reprise.yaml"),
            """
            application: shop
            repository: { location: ./recovery, key: { file: ./keys/shop.key } }
            assets:
              runtime: { files: { include: ["uploads/**"] } }
            """);
    }

    private string State => Assert.Single(Directory.GetDirectories(Path.Combine(scratch.Text, ".local/state/reprise")));

    public void Dispose() => scratch.Dispose();

    [Fact]
    public async Task From_the_first_drill_to_a_closed_action()
    {
        await KeepAsync(Drills.Passed(), Drills.Failed());
        Assert.True(File.Exists(Path.Combine(scratch.Text, "keys/shop.evidence.key")));
        Assert.Equal(0, await bench.RunAsync("evidence", "verify", "--json"));
        var places = bench.Document().GetProperty("result").GetProperty("places");
        Assert.Equal(2, places.GetArrayLength());
        Assert.All(places.EnumerateArray(), p => Assert.Equal(("pass", 2), (Text(p, "verdict"), p.GetProperty("pieces").GetInt32())));
        Assert.Equal(0, await bench.RunAsync(
            "drill", "note", "latest", "--gap", "no key", "--action", "print it", "--owner", "Ada", "--due", "2026-11-21", "--json"));
        var note = Text(bench.Document().GetProperty("result"), "note");
        Assert.Equal(0, await bench.RunAsync("evidence", "list"));
        Assert.Equal(3, bench.Out.Trim().Split('\n').Count(l => l.StartsWith("ok", StringComparison.Ordinal)));

        // No point was ever taken here, which is what status fails for; the action is only a warning.
        Assert.Equal(ExitCodes.CheckFailed, await bench.RunAsync("status", "--json"));
        var status = bench.Document();
        var action = Assert.Single(status.GetProperty("result").GetProperty("actions").EnumerateArray());
        Assert.True(action.GetProperty("overdue").GetBoolean());
        Assert.Contains(status.GetProperty("problems").EnumerateArray(), p => Text(p, "code") == "action-overdue");
        await bench.RunAsync("status");
        Assert.Contains("overdue", bench.Out, StringComparison.Ordinal);
        Assert.Equal(0, await bench.RunAsync("drill", "note", "latest", "--close", note ?? "", "--result", "done"));
        await bench.RunAsync("status", "--json");
        Assert.Empty(bench.Document().GetProperty("result").GetProperty("actions").EnumerateArray());
        Assert.Equal(0, await bench.RunAsync("evidence", "verify", "--offline"));
    }

    [Fact]
    public async Task A_copy_in_a_folder_is_verified_without_configuration_and_against_a_key()
    {
        await KeepAsync(Drills.Passed(), Drills.Failed());
        var copy = Path.Combine(scratch.Text, "recovery/evidence");
        bench.WorkingFolder = "/";
        Assert.Equal(0, await bench.RunAsync("evidence", "verify", "--from", copy, "--json"));
        var place = bench.Document().GetProperty("result").GetProperty("places")[0];
        Assert.True(place.GetProperty("keyTakenOnTrust").GetBoolean());
        var key = Assert.Single(Directory.GetFiles(Path.Combine(copy, "keys")));
        Assert.Equal(0, await bench.RunAsync("evidence", "verify", "--from", copy, "--key", key, "--json"));
        place = bench.Document().GetProperty("result").GetProperty("places")[0];
        Assert.False(place.GetProperty("keyTakenOnTrust").GetBoolean());
        Assert.Equal(ExitCodes.Unavailable, await bench.RunAsync("evidence", "verify", "--from", copy, "--key", Path.Combine(copy, "00000001.json")));
        Assert.Equal(ExitCodes.Unavailable, await bench.RunAsync("evidence", "verify", "--from", "/nowhere"));
        Assert.Equal(ExitCodes.CheckFailed, await bench.RunAsync("evidence", "verify", "--from", Path.Combine(scratch.Text, "uploads")));
        Assert.Equal(ExitCodes.Usage, await bench.RunAsync("evidence", "verify", "--from", copy, "--offline"));
    }

    [Theory]
    [InlineData("recovery/evidence/00000001.json", "evidence-altered")]
    [InlineData("recovery/evidence/00000002.json", "evidence-altered")]
    public async Task What_was_changed_is_exit_5_with_its_code(string file, string code)
    {
        await KeepAsync(Drills.Passed(), Drills.Failed());
        var path = Path.Combine(scratch.Text, file);
        var bytes = await File.ReadAllBytesAsync(path);
        bytes[bytes.Length / 2] ^= 1;
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await File.WriteAllBytesAsync(path, bytes);
        Assert.Equal(ExitCodes.Damaged, await bench.RunAsync("evidence", "verify", "--json"));
        Assert.Contains(bench.Document().GetProperty("problems").EnumerateArray(), p => Text(p, "code") == code);
        Assert.Contains("next:", bench.Error, StringComparison.Ordinal);
        Assert.Equal(0, await bench.RunAsync("evidence", "verify", "--offline"));
    }

    [Fact]
    public async Task What_was_removed_is_exit_5_everywhere_it_was()
    {
        await KeepAsync(Drills.Passed(), Drills.Failed());
        File.Delete(Path.Combine(State, "evidence/00000002.json"));
        Assert.Equal(ExitCodes.Damaged, await bench.RunAsync("evidence", "verify", "--offline", "--json"));
        Assert.Contains("evidence-newest-missing", bench.Out, StringComparison.Ordinal);
        File.Delete(Path.Combine(scratch.Text, "recovery/evidence/00000002.json"));
        Assert.Equal(ExitCodes.Damaged, await bench.RunAsync("evidence", "verify"));
        Assert.Equal(ExitCodes.Damaged, await bench.RunAsync("status"));
        Assert.Contains("evidence-newest-missing", bench.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Show_writes_the_page_in_the_language_that_is_asked_for()
    {
        await KeepAsync(Drills.Passed(), Drills.Failed());
        Assert.Equal(0, await bench.RunAsync("evidence", "show", "latest", "--report", "out.html", "--language", "fr"));
        var html = await File.ReadAllTextAsync(Path.Combine(scratch.Text, "out.html"));
        Assert.Contains("n&#39;est pas revenu comme promis", html, StringComparison.Ordinal);
        Assert.Contains("20261122T031502Z-7f3a", html, StringComparison.Ordinal);
        bench.Environment["LANG"] = "en_GB.UTF-8";
        Assert.Equal(0, await bench.RunAsync("evidence", "show", "1", "--report", "out.html"));
        Assert.Contains("came back", await File.ReadAllTextAsync(Path.Combine(scratch.Text, "out.html")), StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Usage, await bench.RunAsync("evidence", "show", "latest", "--language", "de"));
        Assert.Equal(ExitCodes.Usage, await bench.RunAsync("evidence", "show", "nothing"));
    }

    [Theory]
    [InlineData("drill note latest --gap x --close y")]
    [InlineData("drill note latest --due tomorrow")]
    [InlineData("drill note latest --gap x --action y --owner z")]
    [InlineData("drill note latest")]
    public async Task A_note_that_says_too_little_or_too_much_is_exit_2(string line)
    {
        await KeepAsync(Drills.Passed());
        Assert.Equal(ExitCodes.Usage, await bench.RunAsync(line.Split(' ')));
    }

    [Fact]
    public async Task Before_the_first_drill_there_is_nothing_to_verify()
    {
        await KeepAsync();
        Assert.Equal(ExitCodes.CheckFailed, await bench.RunAsync("evidence", "verify"));
        Assert.Contains("evidence-none", bench.Error, StringComparison.Ordinal);
        Assert.Equal(0, await bench.RunAsync("evidence", "list"));
    }

    [Fact]
    public void The_key_never_lies_in_the_repository()
    {
        var state = new DiskPath("/state");
        Assert.Equal("/keys/shop.evidence.key", Place("/recovery", "/keys/shop.key"));
        Assert.Equal("/state/shop.evidence.key", Place("/recovery", "/recovery/shop.key"));
        Assert.Equal("/state/shop.evidence.key", Place("/recovery", "/recovery/keys/shop.key"));
        Assert.Equal("/state/shop.evidence.key", Place("/recovery", null));

        string Place(string folder, string? key) => EvidenceOperations.KeyFile(
            new RepositoryConfiguration { Location = new RepositoryLocation.Folder(folder), KeyFile = key }, "shop", state).ToString();
    }

    // As the drill does it.
    private async Task KeepAsync(params DrillRecord[] drills)
    {
        var configuration = ConfigurationFile.Load(
            machine.Disk, "reprise.yaml", scratch.Text, new Dictionary<string, string> { ["HOME"] = scratch.Text });
        await new RepositoryMaker(machine).MakeAsync("shop", configuration.Repository, Path.Combine(scratch.Text, "sheet.txt"), default);
        using var repository = await machine.OpenRepositoryAsync(
            configuration.Repository.Location, configuration.Repository.KeyFile ?? "", default);
        using var progress = new ProgressLine(bench.Host.Terminal, bench.Clock, quiet: true);
        var context = new CommandContext(bench.Host, new GlobalOptions(), default)
        {
            Progress = progress,
            Prose = new Output(TextWriter.Null, 80, colour: false, quiet: true),
            Calendar = new Calendar(TimeZoneInfo.Utc, Language.English),
        };
        foreach (var drill in drills)
            Assert.Empty((await EvidenceOperations.Log(machine, context, repository).KeepAsync(drill, default)).Problems);
    }

    private static string? Text(JsonElement element, string name) => element.GetProperty(name).GetString();
}
