using System.Text;
using System.Text.Json;
using Reprise.Cli;
using Reprise.Json;
using Reprise.Storage.Disk;
using Reprise.Tests.Fixtures;
using Reprise.Tests.Json;

namespace Reprise.Tests.Cli;

/// <summary>
/// Runs commands in process, with operations that remember what they were asked and answer with samples.
/// </summary>
internal sealed class CommandBench
{
    private readonly StringBuilder standardOutput = new();
    private readonly StringBuilder standardError = new();

    public CommandBench() => Operations = Answering();

    public SteppedClock Clock { get; } = new(Samples.Now);

    public Operations Operations { get; set; }

    /// <summary>What the operations were asked, in order.</summary>
    public List<object> Asked { get; } = [];

    /// <summary>What somebody types; null: there is no terminal.</summary>
    public string? Typed { get; set; }

    public bool IsTerminal { get; set; }

    public Dictionary<string, string> Environment { get; } = new() { ["HOME"] = "/home/ada" };

    public string WorkingFolder { get; set; } = "/srv/shop";

    public string Out => standardOutput.ToString();

    public string Error => standardError.ToString();

    public Host Host => new()
    {
        Terminal = new Terminal
        {
            Out = new StringWriter(standardOutput) { NewLine = "\n" },
            Error = new StringWriter(standardError) { NewLine = "\n" },
            In = new StringReader(Typed ?? ""),
            CanAsk = Typed is not null,
            OutIsTerminal = IsTerminal,
            ErrorIsTerminal = IsTerminal,
        },
        Disk = Disks.OfThisMachine(),
        Clock = Clock,
        Environment = Environment,
        WorkingFolder = WorkingFolder,
        Version = "0.1.0",
    };

    public async Task<int> RunAsync(params string[] arguments)
    {
        standardOutput.Clear();
        standardError.Clear();
        Asked.Clear();
        return await new CommandLine(Host, Operations).RunAsync(arguments);
    }

    /// <summary>The one document on standard output, after its schema has accepted it.</summary>
    public JsonElement Document()
    {
        // Parse refuses anything before or after the one document.
        var document = JsonDocument.Parse(Out).RootElement;
        Assert.Empty(SchemaValidator.Faults(document, SchemaValidator.SchemaOf(document)));
        return document;
    }

    private Operation<TOptions, TResult> Answer<TOptions, TResult>(TResult result)
        where TResult : class => (options, _) =>
        {
            Asked.Add(options!); // Options are records, never null.
            return Task.FromResult(new CommandReport<TResult>(result));
        };

    private RestoreOperation<TOptions> AnswerRestore<TOptions>(RestoreJson result) => (options, _, _) =>
    {
        Asked.Add(options!); // Options are records, never null.
        return Task.FromResult(new CommandReport<RestoreJson>(result));
    };

    private Operations Answering() => new()
    {
        Status = Answer<NoOptions, StatusJson>(Samples.Status()),
        Init = Answer<InitOptions, InitJson>(Samples.Init()),
        Doctor = Answer<NoOptions, DoctorJson>(Samples.Doctor()),
        Check = Answer<CheckOptions, ChecksJson>(
            new ChecksJson { Checks = [Samples.Check("backend-healthy", "pass")] }),
        Backup = Answer<BackupOptions, BackupJson>(new BackupJson { Point = Samples.Point(), Taken = true }),
        Points = Answer<NoOptions, PointsJson>(Samples.Points()),
        PointsShow = Answer<PointOptions, PointsShowJson>(Samples.PointsShow()),
        Verify = Answer<VerifyOptions, VerifyJson>(Samples.Verify()),
        Restore = AnswerRestore<RestoreOptions>(Samples.Restore()),
        RestoreForget = Answer<ForgetOptions, RestoreJson>(Samples.Restore("forgotten")),
        Undo = AnswerRestore<UndoOptions>(Samples.Restore()),
        Drill = Answer<DrillOptions, DrillJson>(Samples.Drill()),
        Recover = Answer<RecoverOptions, RecoverJson>(Samples.Recover()),
        Export = Answer<ExportOptions, ExportJson>(Samples.Export()),
        Prune = Answer<PruneOptions, PruneJson>(Samples.Prune()),
        StoreCheck = Answer<StoreCheckOptions, StoreCheckJson>(Samples.StoreCheck()),
        StoreRecover = Answer<StoreRecoverOptions, StoreRecoverJson>(
            new StoreRecoverJson { Plan = true, Needed = 41, Uncovered = 12, PutBack = 1, Lost = [] }),
        KeyList = Answer<NoOptions, KeyListJson>(Samples.KeyList()),
        KeyAdd = Answer<KeyAddOptions, KeyChangeJson>(Samples.KeyChange()),
        KeyRotate = Answer<NoOptions, KeyChangeJson>(Samples.KeyChange()),
        KeyRevoke = Answer<KeyRevokeOptions, KeyChangeJson>(Samples.KeyChange()),
        KeySheet = Answer<KeySheetOptions, KeySheetJson>(
            new KeySheetJson { Path = "/srv/shop/sheet.txt", Confirmed = false }),
        EvidenceList = Answer<EvidenceOptions, EvidenceListJson>(new EvidenceListJson { Evidence = [Samples.Evidence(), Samples.Evidence(2)] }),
        EvidenceShow = Answer<EvidenceShowOptions, EvidenceShowJson>(
            new EvidenceShowJson { Evidence = Samples.Evidence(), Report = "/srv/shop/drill.html" }),
        EvidenceVerify = Answer<EvidenceOptions, EvidenceVerifyJson>(Samples.EvidenceVerify()),
        DrillNote = Answer<DrillNoteOptions, DrillNoteJson>(Samples.DrillNote()),
        Wal = new WalOperationSet
        {
            Push = Answer<WalPushOptions, WalPushJson>(Samples.WalPush()),
            Get = Answer<WalGetOptions, WalGetJson>(Samples.WalGet("fetched")),
            Adopt = Answer<WalAdoptOptions, WalAdoptJson>(Samples.WalAdopt()),
        },
        Stream = Answer<StreamOptions, StreamJson>(Samples.Stream()),
        Demo = Answer<DemoOptions, DemoJson>(Samples.Demo()),
        Runbook = new RunbookOperationSet
        {
            List = Answer<RunbookListOptions, RunbookListJson>(RunbookSamples.List()),
            Find = Answer<RunbookListOptions, RunbookListJson>(RunbookSamples.List()),
            Show = Answer<RunbookListOptions, RunbookShowJson>(RunbookSamples.Show()),
            Check = Answer<RunbookListOptions, RunbookCheckJson>(RunbookSamples.Check()),
            Run = Answer<RunbookRunOptions, RunbookRunJson>(RunbookSamples.Run()),
            Resume = Answer<RunbookRunOptions, RunbookRunJson>(RunbookSamples.Run()),
            Report = Answer<RunbookReportOptions, RunbookRunJson>(RunbookSamples.Run()),
            Export = Answer<RunbookExportOptions, RunbookExportJson>(
                new RunbookExportJson { Files = ["/srv/shelf/small.md"] }),
        },
    };
}
