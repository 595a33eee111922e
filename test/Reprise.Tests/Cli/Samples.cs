using Reprise.Json;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Evidence;

namespace Reprise.Tests.Cli;

/// <summary>One result of each kind, as an operator of the shop would get it.</summary>
internal static class Samples
{
    public static readonly DateTimeOffset Now = new(2026, 11, 22, 3, 57, 2, TimeSpan.Zero);
    public static readonly DateTimeOffset Created = new(2026, 11, 22, 3, 15, 2, 250, TimeSpan.Zero);
    public const string Id = "20261122T031502Z-7f3a";
    public const string RestoreId = "20261122T035000Z-00ff";

    public static PointJson Point(string state = "complete") => new()
    {
        Id = Id,
        State = state,
        Kind = "manual",
        Created = Created,
        SkewSeconds = 0.412,
        Release = new ReleaseJson
        {
            Commit = "3f2a9c0", Dirty = true, ComposeSha256 = null, Images = ["backend=shop-backend@sha256:ab"],
        },
        Assets =
        [
            Asset("orders", "postgres", "logical", new() { ["orders"] = 41_202, ["users"] = 5 }, "alembic:0004") with
            {
                Versions = new SortedDictionary<string, string> { ["server"] = "15.14" },
            },
            Asset("sessions", "sqlite", "pages", new() { ["sessions"] = 1 }, null),
            Asset("runtime", "files", "files", new() { ["file"] = 22, ["folder"] = 3 }, null) with { State = state },
            Asset("secrets", "secrets", "references", new() { ["names"] = 2 }, null),
        ],
        SourceBytes = 1_181_116_006,
        StoredBytes = 41_943_040,
        Signature = "valid",
    };

    public static StreamJson Stream() => new()
    {
        Asset = "orders",
        Lineage = "0123456789abcdef",
        Timeline = 1,
        From = "0/3000000",
        Confirmed = "0/4000028",
        Connections = 1,
        Heartbeats = 0,
    };

    public static WalPushJson WalPush() => new()
    {
        File = "000000010000000000000003",
        Lineage = "0123456789abcdef",
        Timeline = 1,
        From = "0/3000000",
        To = "0/4000000",
        Stored = "new",
    };

    public static WalGetJson WalGet(string answer) => new()
    {
        File = "000000010000000000000003", Answer = answer, ProcessExit = answer == "end" ? 1 : 0,
    };

    public static WalAdoptJson WalAdopt() => new()
    {
        Lineage = "fedcba9876543210",
        Timeline = 2,
        Adopted = true,
        Parent = "0123456789abcdef",
        ForkedAt = "0/3000000",
        ForkedOn = 1,
    };

    public static CheckJson Check(string name, string outcome, string? expected = null, string? actual = null) => new()
    {
        Name = name,
        Level = 5,
        Outcome = outcome,
        Expected = expected,
        Actual = actual,
        Seconds = 0.25,
        Required = true,
        Asset = null,
        Reason = outcome == "fail" ? "other-answer" : null,
    };

    public static RestoreJson Restore(string? verdict = "restored") => new()
    {
        RestoreId = verdict == "planned" ? null : RestoreId,
        Moments = verdict != "written" ? [] :
        [
            new MomentJson
            {
                Asset = "orders", Wish = "2026-11-22 03:14:00Z", Lineage = "0123456789abcdef", Timeline = 1, Lsn = "16/B374D848", LastCommit = Created,
                Transaction = "4711", NextCommit = null, NewTimeline = 2, Replayed = true,
            },
        ],
        Point = Id,
        PointCreated = Created,
        Verdict = verdict,
        Plan =
        [
            Step("stage orders", "costly", "database shop__new_x", 1 << 30, 31),
            Step("swap orders", "reversible", "database shop", null, null),
        ],
        Changes =
        [
            new ChangeJson { Asset = "orders", Table = "orders", Now = 41_202, Then = 40_950 },
            new ChangeJson { Asset = "orders", Table = "users", Now = 5, Then = 5 },
            new ChangeJson { Asset = "sessions", Table = "sessions", Now = null, Then = 1 },
        ],
        Secrets =
        [
            new SecretJson { Name = "JWT_SECRET", Outcome = "fail" },
            new SecretJson { Name = "DATABASE_URL", Outcome = "pass" },
        ],
        Safety = verdict == "planned"
            ? new SafetyJson { State = "planned", Id = null }
            : new SafetyJson { State = "taken", Id = "20261122T035001Z-0a0b" },
        Checks = verdict == "planned"
            ? []
            :
            [
                Check("orders-rows", "pass"),
                Check("backend-healthy", verdict == "rolled-back" ? "fail" : "pass", "/status = ok", "503"),
                Check("migrations-at-head", "not-run", null, "skipped: known"),
            ],
        Former =
        [
            new FormerJson { Asset = "orders", Where = "database shop__before_x", Until = Now.AddHours(
                72), SizeBytes = 1 << 30, RestoreId = RestoreId },
        ],
        Phases = [new PhaseJson { Name = "stage", Seconds = 31.5 }, new PhaseJson { Name = "publish", Seconds = 0.4 }],
        Sentences =
        [
            "You get back shop as of 2026-11-22 03:15:02 UTC, 42 minutes ago: orders 41,202 → 40,950.",
            "You lose what was written in these 42 minutes; shop is down meanwhile.",
            "To go back, 'reprise undo': what is live now is kept.",
        ],
    };

    private static WindowJson Replayable() => new()
    {
        From = Created.AddDays(-2), To = Created, Asset = "orders", Point = Id, Timeline = 1, ToLsn = "0/9000028",
    };

    public static StatusJson Status() => new()
    {
        Rpo = new RpoJson { ObjectiveSeconds = 3600, ExposureSeconds = 2520 },
        Rto = new RtoJson { ObjectiveSeconds = 900, MeasuredSeconds = 41 },
        LastPoint = new LastPointJson { Id = Id, Created = Created, Assets = 4, SourceBytes = 1_181_116_006 },
        LastProof = new LastProofJson { Point = Id, At = Created.AddMinutes(5), Level = 4, By = "restore" },
        Stale = [],
        Former = [new FormerJson { Asset = "orders", Where = "database shop__before_x", Until = null }],
        Interrupted = [],
        Wal =
        [
            new WalStateJson
            {
                Lineage = "0123456789abcdef",
                Timeline = 1,
                From = "0/3000000",
                To = "0/9000028",
                LastCommit = Created,
                Gaps = [new WalGapJson { From = "0/5000000", To = "0/6000000" }],
                StoredBytes = 20_000_000,
            },
        ],
        Points = 3,
        Window = new WindowJson { From = Created.AddDays(-2), To = Created },
        Windows = [Replayable()],
        Gaps = [new GapJson { From = Created, To = Created.AddMinutes(9), Cause = "WAL from 0/5000000 to 0/6000000 is missing", Asset = "orders" }],
        Archiving =
        [
            new WalFlowJson { Asset = "orders", State = "flowing", By = "stream", Timeline = 1, To = "0/9000028", BehindBytes = 96, WaitingSegments = null },
            new WalFlowJson { Asset = "ledger", State = "server-away", By = null, Timeline = 2, To = "0/9000028", BehindBytes = null, WaitingSegments = 3 },
        ],
        KeyElsewhere = false,
        Scheduled = false,
        Actions =
        [
            new ActionJson
            {
                Note = "20261122T091500Z-0001",
                Drill = Id,
                Gap = "no second key",
                Action = "print the sheet",
                Owner = "Ada",
                Due = "2026-11-21",
                Overdue = true,
                Opened = Created,
            },
        ],
        Next = "reprise verify",
    };

    public static Reprise.Json.EvidenceJson Evidence(int sequence = 1) => new()
    {
        Sequence = sequence,
        Kind = sequence == 1 ? "drill" : "note",
        Recorded = Created,
        Drill = Id,
        Note = sequence == 1 ? null : "20261122T091500Z-0001",
        Verdict = sequence == 1 ? "pass" : null,
        Level = sequence == 1 ? 5 : null,
        Gap = sequence == 1 ? null : "no second key",
        Closes = null,
        Sha256 = new string('a', 64),
        Previous = sequence == 1 ? null : new string('b', 64),
        KeyId = new string('c', 64),
        Defect = sequence == 1 ? null : "evidence-altered",
    };

    public static EvidenceVerifyJson EvidenceVerify() => new()
    {
        Places =
        [
            new EvidencePlaceJson
            {
                Where = "/home/ada/.local/state/reprise/shop/evidence",
                Verdict = "pass",
                Pieces = 2,
                TrustedKeys = [new string('c', 64)],
                KeyTakenOnTrust = true,
                NewestKnown = false,
                Evidence = [Evidence(), Evidence(2) with { Defect = null }],
            },
        ],
    };

    public static DrillNoteJson DrillNote() => new()
    {
        Note = "20261122T091500Z-0001",
        Drill = Id,
        Closed = null,
        Evidence = Evidence(2) with { Defect = null },
        Open = 1,
    };

    public static PointsJson Points() => new()
    {
        Points = [Point() with { Id = "20261120T031502Z-0001", Created = Created.AddDays(
            -2), Kind = "safety" }, Point()],
        Window = [new WindowJson { From = Created.AddDays(-2), To = Created }],
        Gaps = [new GapJson { From = Created.AddDays(-1), To = Created, Cause = "no WAL" }],
    };

    public static PointsShowJson PointsShow() => new()
    {
        Point = Point("incomplete"),
        Recorded =
        [
            new RecordedProblemJson
            {
                Code = "file-unreadable", Message = "a file could not be read", Asset = "runtime", Where = "uploads/1",
            },
        ],
    };

    public static VerifyJson Verify(string verdict = "fail") => new()
    {
        Read = "all",
        Points = 2,
        Objects = 12,
        ObjectsRead = 12,
        BytesRead = 123_456_789,
        Coverage = 1,
        Verdict = verdict,
        Damage = verdict == "fail"
            ? [new DamageJson { Object = "packs/ab12", Asset = "runtime", Path = "uploads/1", Points = [Id] }]
            : [],
    };

    public static DoctorJson Doctor() => new()
    {
        Examined =
        [
            new ExaminedJson { Name = "configuration", Outcome = "pass", Seen = "/srv/shop/reprise.yaml" },
            new ExaminedJson { Name = "orders", Outcome = "fail", Seen = "the server does not answer" },
        ],
    };

    public static InitJson Init() => new()
    {
        Configuration = "/srv/shop/reprise.yaml",
        Found = [new FoundJson { Kind = "sqlite", What = "sessions", Where = "data/sessions.db" }],
        Created = ["/srv/shop/reprise.yaml"],
        Kept = [],
        RecoverySheet = "/srv/shop/shop-recovery-sheet.txt",
        Schedule = new ScheduleJson
        {
            SystemdService = "[Unit]", SystemdTimer = "[Timer]", Cron = "* * * * *", TaskScheduler = "schtasks",
        },
    };

    public static ExportJson Export() => new()
    {
        Point = Id,
        Folder = "/mnt/usb/shop",
        Files = [new ExportedFileJson { Path = "metadata.json", SizeBytes = 1234, Sha256 = new string('a', 64) }],
        Signed = true,
    };

    public static DrillJson Drill(Outcome verdict = Outcome.Pass) => DrillJson.From(Record(verdict), null, null);

    /// <summary>A drill as its room hands it over.</summary>
    public static DrillRecord Record(Outcome verdict = Outcome.Pass)
    {
        var began = new DateTimeOffset(2026, 11, 22, 3, 57, 2, TimeSpan.Zero);
        var moment = began - TimeSpan.FromMinutes(41);
        var rows = new CheckOutcome
        {
            Name = "orders-rows",
            Level = CheckLevel.Data,
            Outcome = verdict,
            Expected = "41202 rows in 4 tables",
            Actual = verdict == Outcome.Pass ? "41202 rows in 4 tables" : "public.orders is missing",
            Asset = "orders",
            Reason = verdict == Outcome.Pass ? null : "table-missing",
        };
        return new DrillRecord
        {
            Id = "20261122T035702Z-0000",
            Application = "shop",
            ToolVersion = "0.1.0",
            Environment = new SortedDictionary<string, string> { ["system"] = "Linux" },
            Scenario = new DrillScenario("recovery", "shop comes back", null, null, null, []),
            Objectives = new DrillObjectives(TimeSpan.FromHours(1), TimeSpan.FromMinutes(15), TimeSpan.FromDays(7)),
            InScope = ["orders", "runtime"],
            OutOfScope = [new LeftOut("secrets", "the point holds names and fingerprints only")],
            Input = new DrillInput(
                new string('0', 32), "/srv/recovery", "20261122T031502Z-7f3a", new string('a', 64), moment, 1),
            Separation = new DrillSeparation(Outcome.Pass, ["orders of production (127.0.0.1:5432) tried from inside: not reached"]),
            Executor = "ada, unattended",
            Moments = new SortedDictionary<string, DateTimeOffset>
            {
                ["T0"] = began, ["T3"] = began, ["T4"] = began.AddSeconds(9), ["T7"] = began.AddSeconds(12.5),
            },
            Phases =
            [
                new DrillPhase("detect", "excluded", null, "nobody was alarmed"),
                new DrillPhase("restore", "measured", TimeSpan.FromSeconds(9), null),
                new DrillPhase("verify", "measured", TimeSpan.FromSeconds(3.5), null),
            ],
            TechnicalRecovery = TimeSpan.FromSeconds(12.5),
            Rpo = [new DrillLoss("orders", moment, began - moment)],
            RpoOfSet = began - moment,
            Skew = TimeSpan.FromSeconds(1.25),
            Checks = [new DrillCheck(rows, true)],
            Level = verdict == Outcome.Pass ? 4 : 3,
            WantedLevel = 4,
            Verdict = verdict,
            Findings = verdict == Outcome.Pass
                ? []
                : [new DrillFinding("error", "table-missing", "orders", "orders-rows: public.orders is missing", "take a new point")],
            NotProven = ["that people notice"],
            CleanUp = new DrillCleanUp(Outcome.Pass, ["/tmp/reprise-drill-x is gone"]),
            Fingerprint = new SortedDictionary<string, string> { ["tool"] = "reprise 0.1.0" },
        };
    }

    public static RecoverJson Recover() => new()
    {
        Point = Id,
        Folder = "/srv/shop",
        Written = ["reprise.yaml", "uploads/1"],
        WrittenCount = 2,
        Secrets = [new SecretJson { Name = "JWT_SECRET", Outcome = "could-not-verify" }],
        Adapt = [],
        Next = ["cd /srv/shop", "reprise restore --yes"],
    };

    public static PruneJson Prune() => new()
    {
        Plan = true,
        Points =
        [
            new PrunedPointJson
            {
                Id = "20261101T031500Z-7f3a", State = "complete", Kind = "scheduled", Stays = false,
                Created = new DateTimeOffset(2026, 11, 1, 3, 15, 0, TimeSpan.Zero),
                Why = ["another point stands for its day, week and month"],
            },
            new PrunedPointJson
            {
                Id = "20261122T031500Z-1c02", State = "complete", Kind = "safety", Stays = true,
                Created = new DateTimeOffset(2026, 11, 22, 3, 15, 0, TimeSpan.Zero),
                Why = ["the newest", "safety point, until 2026-12-06 03:15"],
            },
        ],
        Dropped = ["20261101T031500Z-7f3a"],
        DeletedPacks = 0,
        FreedBytes = 0,
        FreedNextBytes = 734_003_200,
        WalBytes = 52_428_800,
        Wal =
        [
            new PrunedWalJson
            {
                Lineage = "7f3a0123456789ab", Timeline = 1, Start = "0/1000000", End = "0/5000000", StoredBytes = 20_971_520, Stays = false,
                Why = "no point needs what lies before 0/5000000, where point 20261122T031500Z-1c02 begins",
            },
            new PrunedWalJson
            {
                Lineage = "7f3a0123456789ab", Timeline = 1, Start = "0/5000000", End = "0/9000000", StoredBytes = 31_457_280, Stays = true,
                Why = "point 20261122T031500Z-1c02 needs timeline 1 from 0/5000000 on",
            },
        ],
        Waiting = [],
        Expelled = [],
    };

    public static StoreCheckJson StoreCheck() => new()
    {
        Location = "s3://backups/shop",
        Kind = "s3",
        AtomicCreate = false,
        Checks =
        [
            new StoreSentenceJson { Name = "put-then-read", Outcome = "pass", Detail = null },
            new StoreSentenceJson { Name = "create-new-one-winner", Outcome = "waived", Detail = "2 of 8 clients created the same name" },
        ],
    };

    public static KeyListJson KeyList() => new()
    {
        Keys = [new KeyJson { Id = "file-1a2b", Kind = "file", State = "active", OpensUpTo = 1, InUse = true }],
        Epoch = 1,
        KeyFileLacks = [],
        SheetConfirmed = false,
    };

    public static KeyChangeJson KeyChange() => new()
    {
        Keys = KeyList().Keys,
        Epoch = 2,
        Rotated = true,
        Added = null,
        Revoked = null,
        Path = null,
        KeyFile = "/home/ada/shop.key",
        Expelled = [],
    };

    public static DemoJson Demo() => new()
    {
        Folder = "/tmp/reprise-demo",
        Kept = false,
        Sabotage = null,
        Phases = [new PhaseJson { Name = "backup", Seconds = 0.5 }],
        Hashes = [new RowHashJson { Asset = "orders", Recompute = "sqlite3 …", Before = new string(
            'b', 64), After = new string('b', 64) }],
        Lost = 0,
        Point = Id,
        Checks = [Check("orders-rows", "pass")],
    };

    private static StepJson Step(string id, string effect, string target, long? bytes, double? seconds) =>
        new() { Id = id, Effect = effect, Target = target, Bytes = bytes, EstimateSeconds = seconds };

    private static AssetJson Asset(
        string name, string kind, string method, SortedDictionary<string, long> rows, string? migration) => new()
        {
            Name = name,
            Kind = kind,
            Method = method,
            Moment = Created,
            State = "complete",
            SourceBytes = 295_279_001,
            StoredBytes = 10_485_760,
            Sha256 = new string('c', 64),
            Versions = new SortedDictionary<string, string>(),
            Rows = rows,
            Migration = migration,
        };
}
