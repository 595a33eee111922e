using System.Text.Json;
using Reprise.Cli;
using Reprise.Json;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Restoring;
using Reprise.Storage.Errors;
using Reprise.Tests.Json;
using Reprise.Wiring;

namespace Reprise.Tests.Cli;

/// <summary>With <c>--json</c>, standard output is one document that its schema accepts.</summary>
public class DocumentTests
{
    private readonly CommandBench bench = new();

    [Theory]
    [InlineData("backup", "backup")]
    [InlineData("points", "points")]
    [InlineData("points show latest", "points-show")]
    [InlineData("verify", "verify")]
    [InlineData("restore --yes", "restore")]
    [InlineData("restore forget x --yes", "restore-forget")]
    [InlineData("undo --yes", "undo")]
    [InlineData("check", "check")]
    [InlineData("doctor", "doctor")]
    [InlineData("init", "init")]
    [InlineData("status", "status")]
    [InlineData("", "status")]
    [InlineData("export latest --to x", "export")]
    [InlineData("recover --to x", "recover")]
    [InlineData("prune --plan", "prune")]
    [InlineData("store check s3://backups/shop", "store-check")]
    [InlineData("store recover --plan", "store-recover")]
    [InlineData("wal push x", "wal-push")]
    [InlineData("wal get x y", "wal-get")]
    [InlineData("wal adopt", "wal-adopt")]
    [InlineData("stream", "stream")]
    [InlineData("key list", "key-list")]
    [InlineData("key sheet", "key-sheet")]
    [InlineData("evidence list", "evidence-list")]
    [InlineData("evidence show latest", "evidence-show")]
    [InlineData("evidence verify", "evidence-verify")]
    [InlineData("drill note latest --gap x", "drill-note")]
    [InlineData("drill", "drill")]
    [InlineData("demo", "demo")]
    [InlineData("runbook list", "runbook-list")]
    [InlineData("runbook find database down", "runbook-find")]
    [InlineData("runbook show small", "runbook-show")]
    [InlineData("runbook check", "runbook-check")]
    [InlineData("runbook run small --yes", "runbook-run")]
    [InlineData("runbook resume", "runbook-resume")]
    [InlineData("runbook report", "runbook-report")]
    [InlineData("runbook export --to x", "runbook-export")]
    public async Task Every_command_prints_one_document_of_its_schema(string line, string schema)
    {
        var exit = await bench.RunAsync([.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--json"]);
        Assert.Equal(ExitCodes.Done, exit);
        var document = bench.Document();
        Assert.Equal($"reprise/{schema}/v1", document.GetProperty("schema").GetString());
        Assert.Equal("0.1.0", document.GetProperty("reprise").GetString());
        Assert.Equal("2026-11-22T03:57:02.000Z", document.GetProperty("started").GetString());
        Assert.Equal(0, document.GetProperty("exit").GetInt32());
        Assert.Equal("done", document.GetProperty("outcome").GetString());
        Assert.Equal(JsonValueKind.Object, document.GetProperty("result").ValueKind);
        Assert.Empty(bench.Error);
    }

    [Fact]
    public async Task Every_document_of_the_program_has_a_schema_and_the_other_way_round()
    {
        await Task.CompletedTask;
        var schemas = House.Clone.Files
            .Where(f => f.Path.StartsWith("docs/reference/schemas/", StringComparison.Ordinal))
            .Select(f => Path.GetFileNameWithoutExtension(f.Path))
            .Where(n => n != "common");
        string[] documents =
        [
            Documents.Backup.Command, Documents.Points.Command, Documents.PointsShow.Command, Documents.Verify.Command,
            Documents.Restore.Command, Documents.Undo.Command, Documents.RestoreForget.Command, Documents.Check.Command,
            Documents.Doctor.Command, Documents.Init.Command, Documents.Status.Command, Documents.Export.Command,
            Documents.Recover.Command, Documents.StoreCheck.Command, Documents.StoreRecover.Command, Documents.WalPush.Command, Documents.WalGet.Command, Documents.WalAdopt.Command, Documents.Stream.Command, Documents.KeyList.Command, Documents.KeySheet.Command, Documents.Prune.Command,
            Documents.KeyAdd.Command, Documents.KeyRotate.Command, Documents.KeyRevoke.Command, Documents.Demo.Command,
            Documents.EvidenceList.Command, Documents.EvidenceShow.Command, Documents.EvidenceVerify.Command,
            Documents.DrillNote.Command, Documents.Drill.Command,
            Documents.Error.Command, Documents.RunbookList.Command, Documents.RunbookFind.Command,
            Documents.RunbookShow.Command, Documents.RunbookCheck.Command, Documents.RunbookRun.Command,
            Documents.RunbookResume.Command, Documents.RunbookReport.Command, Documents.RunbookExport.Command,
        ];
        Assert.Equal(documents.Order(StringComparer.Ordinal), schemas.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("restore")]
    [InlineData("undo")]
    public void However_a_restore_ends_its_schema_has_a_word_for_it(string command)
    {
        var result = Property(SchemaValidator.Read(command), "result");
        var verdicts = Words(Property(result, "verdict"));
        var states = Words(Property(Property(result, "safety"), "state"));
        Assert.All(Enum.GetValues<RestoreOutcome>(), end => Assert.Contains(RestoreMapping.Word(end), verdicts));
        Assert.All(Enum.GetValues<SafetyKind>(), kind => Assert.Contains(RestoreMapping.Word(kind), states));
    }

    private static JsonElement Property(JsonElement schema, string name) =>
        schema.GetProperty("properties").GetProperty(name);

    private static List<string?> Words(JsonElement schema) =>
        [.. schema.GetProperty("enum").EnumerateArray().Select(w => w.GetString())];

    [Fact]
    public async Task Problems_and_a_partial_result_stand_in_the_document_whatever_the_exit()
    {
        Problem[] problems =
        [
            new(
                Reprise.Recovery.RecoveryErrors.FileUnreadable,
                Severity.Error,
                "uploads/1 could not be read",
                "chmod it")
            {
                Asset = "runtime", Where = "uploads/1",
            },
            new(Reprise.Recovery.RecoveryErrors.SourceShrunk, Severity.Warning, "less than before", "look"),
        ];
        bench.Operations = bench.Operations with
        {
            Backup = (_, _) => Task.FromResult(
                new CommandReport<BackupJson>(
                    new BackupJson { Point = Samples.Point("incomplete"), Taken = true }, problems)),
        };
        Assert.Equal(ExitCodes.Incomplete, await bench.RunAsync("backup", "--json"));
        var document = bench.Document();
        Assert.Equal("incomplete", document.GetProperty("outcome").GetString());
        Assert.Equal("file-unreadable", document.GetProperty("problems")[0].GetProperty("code").GetString());
        Assert.Equal("warning", document.GetProperty("problems")[1].GetProperty("severity").GetString());
        Assert.Equal(
            "incomplete", document.GetProperty("result").GetProperty("point").GetProperty("state").GetString());
    }

    [Fact]
    public async Task What_is_not_known_is_null_and_nothing_is_escaped_for_web_pages()
    {
        bench.Operations = bench.Operations with
        {
            Backup = (_, _) => Task.FromResult(
                new CommandReport<BackupJson>(new BackupJson { Point = null, Taken = false })),
            KeySheet = (_, _) => Task.FromResult(
                new CommandReport<KeySheetJson>(
                    new KeySheetJson { Path = "/srv/café & <co>/'sheet'", Confirmed = false })),
        };
        await bench.RunAsync("backup", "--json");
        Assert.Contains("\"point\": null", bench.Out, StringComparison.Ordinal);
        Assert.Equal("reprise/backup/v1", bench.Document().GetProperty("schema").GetString());
        await bench.RunAsync("key", "sheet", "--json");
        Assert.Contains("/srv/café & <co>/'sheet'", bench.Out, StringComparison.Ordinal);
    }
}
