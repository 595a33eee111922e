using Reprise.Recovery.Assets;
using Reprise.Recovery.Evidence;

namespace Reprise.Tests.Evidence;

/// <summary>Drills as they could have been.</summary>
internal static class Drills
{
    public static readonly DateTimeOffset Now = new(2026, 11, 22, 3, 15, 2, 120, TimeSpan.Zero);

    public static string Hash(char digit) => new(digit, 64);

    /// <summary>Everything worked.</summary>
    public static DrillRecord Passed(string id = "20261122T031502Z-7f3a") => new()
    {
        Id = id,
        Application = "shop",
        ToolVersion = "0.1.0",
        ToolSha256 = Hash('a'),
        Environment = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["kernel"] = "Linux 6.1.0",
            ["machine"] = "4f1d",
            ["memory"] = "4 GiB",
            ["processors"] = "2",
            ["system"] = "Debian 12",
        },
        Scenario = new DrillScenario(
            "recovery",
            "the shop comes back from its newest point on a host without production",
            null,
            null,
            null,
            ["the change of DNS"]),
        Objectives = new DrillObjectives(TimeSpan.FromHours(1), TimeSpan.FromMinutes(15), TimeSpan.FromDays(7)),
        InScope = ["orders", "sessions", "runtime", "secrets"],
        OutOfScope = [new LeftOut("frontend", "is built from the commit, and holds no data")],
        Input = new DrillInput("9d0c", "/srv/recovery", "20261122T025900Z-01ab", Hash('b'), Now.AddMinutes(-16), 1),
        Separation = new DrillSeparation(
            Outcome.Pass,
            [
                "own network namespace without routes",
                "from inside, 10.0.0.5:5432 and the address of the shop could not be reached",
            ]),
        Executor = "root, nobody at a terminal",
        Moments = new SortedDictionary<string, DateTimeOffset>(StringComparer.Ordinal)
        {
            ["T0"] = Now, ["T2"] = Now, ["T3"] = Now.AddSeconds(0.4), ["T4"] = Now.AddSeconds(6.2),
            ["T5"] = Now.AddSeconds(6.2), ["T6"] = Now.AddSeconds(9.8), ["T7"] = Now.AddSeconds(14.1),
        },
        Phases = PassedPhases(),
        TechnicalRecovery = TimeSpan.FromSeconds(13.7),
        Rpo =
        [
            new DrillLoss("orders", Now.AddMinutes(-16.2), TimeSpan.FromMinutes(16.2)),
            new DrillLoss("sessions", Now.AddMinutes(-16.1), TimeSpan.FromMinutes(16.1)),
            new DrillLoss("runtime", Now.AddMinutes(-16), TimeSpan.FromMinutes(16)),
        ],
        RpoOfSet = TimeSpan.FromMinutes(16.2),
        Skew = TimeSpan.FromSeconds(12),
        Checks = PassedChecks(),
        Level = 5,
        WantedLevel = 5,
        Verdict = Outcome.Pass,
        Findings = [],
        NotProven =
        [
            "that people notice a failure, decide, and are reached in time",
            "that production hosts have the capacity of this one",
        ],
        CleanUp = new DrillCleanUp(
            Outcome.Pass, ["the folder /var/tmp/reprise-drill-7f3a is gone", "3 processes and 1 server ended"]),
        Fingerprint = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["configuration"] = Hash('c'),
            ["images"] = Hash('d'),
            ["key"] = Hash('e'),
            ["schema/orders"] = "f3a9",
            ["server/orders"] = "15.18",
            ["tool"] = Hash('a'),
        },
    };

    /// <summary>The data came back with rows missing, too late, and something was left behind.</summary>
    public static DrillRecord Failed(string id = "20261129T031502Z-10c4") => Passed(id) with
    {
        Verdict = Outcome.Fail,
        Level = 3,
        TechnicalRecovery = TimeSpan.FromMinutes(18.5),
        Phases =
        [
            .. Passed().Phases.Take(3),
            new DrillPhase("restore", "measured", TimeSpan.FromMinutes(12), null),
            new DrillPhase("replay", "measured", TimeSpan.Zero, null),
            new DrillPhase("start", "measured", TimeSpan.FromSeconds(5.1), null),
            new DrillPhase("verify", "measured", TimeSpan.FromMinutes(6.4), null),
            Passed().Phases[^1],
        ],
        Checks =
        [
            .. Passed().Checks.Take(4),
            Check("orders-rows", CheckLevel.Data, Outcome.Fail, "40,950 rows", "38,112 rows", true, "rows-differ"),
            Check("uploads-match-rows", CheckLevel.Data, Outcome.Pass, "every row has its file", "every row has its file", false),
            Check("migrations-at-head", CheckLevel.Data, Outcome.CouldNotVerify, "f3a9", "alembic was not found", null, "program-missing"),
            Check("backend-healthy", CheckLevel.Application, Outcome.NotRun, "200, /status ok", "the data was wrong already", null),
        ],
        Findings =
        [
            new DrillFinding("error", "check-failed", "orders", "2,838 rows of orders are missing", "compare the points with 'reprise points', and drill an older one"),
            new DrillFinding("error", "objective-missed", null, "18 min 30 s to be back; 15 min was promised", "use a faster disk, or promise less"),
            new DrillFinding("warning", "check-green-on-empty", "runtime", "uploads-match-rows passes on an empty target as well, so that it proves nothing", "ask something that an empty shop cannot answer"),
        ],
        Fingerprint = new SortedDictionary<string, string>(Passed().Fingerprint.ToDictionary(), StringComparer.Ordinal)
        {
            ["configuration"] = Hash('9'),
            ["server/orders"] = "15.19",
        },
    };

    /// <summary>The repository could not be opened: nothing was proven, and nothing was found wrong either.</summary>
    public static DrillRecord Unsure(string id = "20261206T031502Z-3b01") => Passed(id) with
    {
        Verdict = Outcome.CouldNotVerify,
        Level = 0,
        Input = null,
        ToolSha256 = null,
        Separation = new DrillSeparation(Outcome.CouldNotVerify, ["this kernel gives no network namespaces to this user"]),
        Moments = new SortedDictionary<string, DateTimeOffset>(StringComparer.Ordinal) { ["T0"] = Now, ["T2"] = Now },
        Phases = [new DrillPhase("restore", "excluded", null, "the repository could not be opened")],
        TechnicalRecovery = null,
        Rpo = [],
        RpoOfSet = null,
        Skew = TimeSpan.Zero,
        Checks = [],
        Findings = [new DrillFinding("error", "repository-missing", null, "there is no repository at /srv/recovery", "mount the disk that holds it")],
        Objectives = new DrillObjectives(null, null, null),
    };

    /// <summary>Every text wants to be more than text.</summary>
    public static DrillRecord Hostile()
    {
        const string evil = "</style><script>alert(1)</script>\"'&<b onload=x>\u0007]]>\ud800\u202e";
        var failed = Failed() with
        {
            Application = evil,
            Executor = evil,
            InScope = [evil],
            OutOfScope = [new LeftOut(evil, evil)],
            NotProven = [evil],
            Environment = new SortedDictionary<string, string> { [evil] = evil },
            Fingerprint = new SortedDictionary<string, string> { [evil] = evil },
            Scenario = new DrillScenario(evil, evil, evil, evil, evil, [evil]),
            Separation = new DrillSeparation(Outcome.Fail, [evil]),
            CleanUp = new DrillCleanUp(Outcome.Fail, [evil]),
            Input = new DrillInput(evil, evil, evil, evil, Now, 1),
            Phases = [new DrillPhase(evil, evil, TimeSpan.FromSeconds(3), evil), new DrillPhase(evil, "excluded", null, evil)],
            Rpo = [new DrillLoss(evil, Now, TimeSpan.FromHours(3))],
            Checks = [Check(evil, CheckLevel.Data, Outcome.Fail, evil, evil, false, evil)],
            Findings = [new DrillFinding(evil, evil, evil, evil, evil)],
            ToolVersion = evil,
            ToolSha256 = evil,
        };
        return failed with { Id = evil };
    }

    public static OpenAction Action(bool isOverdue, string gap = "rows of orders are missing") => new(
        new DrillNote
        {
            Id = isOverdue ? "20261129T091500Z-0001" : "20261129T091600Z-0002",
            Drill = "20261129T031502Z-10c4",
            About = 2,
            AboutSha256 = Hash('1'),
            Author = "ada",
            Gap = gap,
            Action = "compare the dump with the source and drill again",
            Owner = "Ada",
            Due = isOverdue ? new DateOnly(2026, 12, 1) : new DateOnly(2027, 1, 31),
        },
        Now.AddDays(7),
        isOverdue);

    private static IReadOnlyList<DrillPhase> PassedPhases() =>
    [
        new DrillPhase("detect", "excluded", null, "nobody had to notice anything"),
        new DrillPhase("decide", "simulated", TimeSpan.Zero, "the newest complete point was taken"),
        new DrillPhase("mobilise", "excluded", null, "the drill was scheduled"),
        new DrillPhase("restore", "measured", TimeSpan.FromSeconds(5.8), null),
        new DrillPhase("replay", "measured", TimeSpan.Zero, null),
        new DrillPhase("start", "measured", TimeSpan.FromSeconds(3.6), null),
        new DrillPhase("verify", "measured", TimeSpan.FromSeconds(4.3), null),
        new DrillPhase("cut-over", "excluded", null, "nobody was served from the sandbox"),
    ];

    private static IReadOnlyList<DrillCheck> PassedChecks() =>
    [
        Check("orders-bytes", CheckLevel.Bytes, Outcome.Pass, "41 objects as written", "41 objects as written", null),
        Check("orders-starts", CheckLevel.Engine, Outcome.Pass, "PostgreSQL 15 answers", "15.18", null),
        Check("sessions-integrity", CheckLevel.Structure, Outcome.Pass, "ok", "ok", null),
        Check("orders-amcheck", CheckLevel.Structure, Outcome.Pass, "no damage in 38 indexes", "no damage in 38 indexes", null),
        Check("orders-rows", CheckLevel.Data, Outcome.Pass, "40,950 rows", "40,950 rows", true),
        Check("migrations-at-head", CheckLevel.Data, Outcome.Pass, "f3a9", "f3a9", true),
        Check("backend-healthy", CheckLevel.Application, Outcome.Pass, "200, /status ok", "200, /status ok", true),
    ];

    private static DrillCheck Check(
        string name, CheckLevel level, Outcome outcome, string expected, string actual, bool? discriminates, string? reason = null) =>
        new(
            new CheckOutcome
            {
                Name = name,
                Level = level,
                Outcome = outcome,
                Expected = expected,
                Actual = actual,
                Elapsed = TimeSpan.FromMilliseconds(340),
                Reason = reason,
            },
            discriminates);
}
