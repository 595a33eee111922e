using System.Security.Cryptography;
using Microsoft.Data.Sqlite;
using Reprise.Recovery;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Checks;
using Reprise.Recovery.Processes;
using Reprise.Recovery.Secrets;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;
using Reprise.Tests.Restoring;
using Reprise.Tests.Storage;

namespace Reprise.Tests.Checks;

/// <summary>Each kind of check passes, fails, and cannot be asked; the last is never a pass.</summary>
public sealed class CheckRunnerTests : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly ScratchFolder scratch = new();
    private readonly FolderAsset orders = new("orders", new MemoryFiles(), Steps.Untouched);
    private readonly Dictionary<string, ISqlQuestions> sql = new(StringComparer.Ordinal);

    public void Dispose() => scratch.Dispose();

    [Fact]
    public async Task Http_looks_at_status_text_and_json()
    {
        const string body = """{"status":"ok","queue":{"jobs":[3]},"broken":null}""";
        await using var server = new SmallServer(SmallServer.Answer(200, body));
        var good = Http(server.Url) with
        {
            Contains = "ok", Json = Json(("/status", "ok"), ("/queue/jobs/0", "< 10"), ("/broken", "empty")),
        };
        Assert.Equal(Outcome.Pass, (await AskAsync(good)).Outcome);
        var bad = await AskAsync(good with { Json = Json(("/status", "ok"), ("/queue/jobs/0", "> 10")) });
        Assert.Equal((Outcome.Fail, "200, /queue/jobs/0 3, /status ok"), (bad.Outcome, bad.Actual));
        Assert.Equal(Outcome.Fail, (await AskAsync(good with { Contains = "absent" })).Outcome);
        Assert.Equal(Outcome.Fail, (await AskAsync(Http(server.Url) with { Status = 204 })).Outcome);
        var beyond = Http(server.Url) with { Json = Json(("/queue/jobs/1", "not empty")) };
        Assert.Equal(Outcome.Fail, (await AskAsync(beyond)).Outcome);
    }

    [Fact]
    public async Task Http_does_not_follow_a_redirect_and_does_not_show_its_query()
    {
        await using var server = new SmallServer(SmallServer.Answer(302, "", "Location: /login?ticket=hidden\r\n"));
        var outcome = await AskAsync(Http(server.Url));
        Assert.Equal((Outcome.Fail, $"302 to http://127.0.0.1:{server.Port}/login"), (outcome.Outcome, outcome.Actual));
        Assert.Equal(Outcome.Pass, (await AskAsync(Http(server.Url) with { Status = 302 })).Outcome);
    }

    [Fact]
    public async Task Http_that_is_not_json_or_not_there_fails_and_an_unknown_name_cannot_be_asked()
    {
        await using (var server = new SmallServer(SmallServer.Answer(200, "<html>")))
        {
            var html = await AskAsync(Http(server.Url) with { Json = Json(("/a", "1")) });
            Assert.Equal("200, but the body is not JSON", html.Actual);
        }

        var closed = await AskAsync(Http(new Uri("http://127.0.0.1:1/")));
        Assert.Equal((Outcome.Fail, "no-answer"), (closed.Outcome, closed.Reason));
        var unknown = await AskAsync(Http(new Uri("http://no-such-host.invalid/")));
        Assert.Equal((Outcome.CouldNotVerify, "name-unknown"), (unknown.Outcome, unknown.Reason));
    }

    [Theory]
    [InlineData(0, Outcome.Pass)]
    [InlineData(40, Outcome.Fail)]
    [InlineData(-40, Outcome.Fail)]
    public async Task A_clock_is_compared_with_ours_whatever_the_status(int daysAhead, Outcome expected)
    {
        var date = DateTimeOffset.UtcNow.AddDays(daysAhead).ToString("R");
        await using var server = new SmallServer(SmallServer.Answer(503, "", $"Date: {date}\r\n"));
        var answer = await AskAsync(Http(server.Url) with { ClockWithin = TimeSpan.FromSeconds(30) });
        Assert.Equal(expected, answer.Outcome);
        if (daysAhead != 0) Assert.Contains(daysAhead > 0 ? "ahead" : "behind", answer.Actual, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_clock_that_is_not_told_cannot_be_compared()
    {
        await using var server = new SmallServer(SmallServer.Answer(200, ""));
        var answer = await AskAsync(Http(server.Url) with { ClockWithin = TimeSpan.FromSeconds(30) });
        Assert.Equal((Outcome.CouldNotVerify, "no-date"), (answer.Outcome, answer.Reason));
    }

    [Fact]
    public async Task Http_is_asked_again_until_it_passes_or_its_time_is_over()
    {
        await using var server =
            new SmallServer(SmallServer.Answer(503, ""), SmallServer.Answer(503, ""), SmallServer.Answer(200, ""));
        var check = Http(server.Url) with { Within = TimeSpan.FromSeconds(20) };
        Assert.Equal(Outcome.Fail, (await AskAsync(check)).Outcome);
        Assert.Equal(1, server.Requests);
        Assert.Equal(Outcome.Pass, (await AskAsync(check, Patience.UntilWithin)).Outcome);
        Assert.Equal(3, server.Requests);

        await using var silent = new SmallServer("silence");
        var late = await AskAsync(Http(silent.Url) with { Within = TimeSpan.FromSeconds(1) }, Patience.UntilWithin);
        Assert.Equal((Outcome.Fail, "no-answer"), (late.Outcome, late.Reason));
        Assert.InRange(late.Elapsed.TotalSeconds, 0.4, 15);
    }

    [Fact]
    public async Task Cancelling_ends_the_waiting()
    {
        await using var silent = new SmallServer("silence");
        using var cancelling = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        using var runner = Runner();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => runner.AskAsync(Http(silent.Url), CheckSubject.None, Patience.UntilWithin, cancelling.Token));
    }

    [Fact]
    public async Task Tcp_connects_or_fails()
    {
        await using var server = new SmallServer("");
        var check = new CheckDefinition.Tcp { Name = "port", Host = "127.0.0.1", Port = server.Port };
        Assert.Equal(Outcome.Pass, (await AskAsync(check)).Outcome);
        Assert.Equal(Outcome.Fail, (await AskAsync(check with { Port = 1 })).Outcome);
        Assert.Equal(Outcome.CouldNotVerify, (await AskAsync(check with { Host = "no-such-host.invalid" })).Outcome);
    }

    [Fact]
    public async Task A_command_passes_with_zero_and_shows_no_secret()
    {
        Assert.Equal(Outcome.Pass, (await AskAsync(Command("true"))).Outcome);
        var failed = await AskAsync(Command("sh", "-c", "echo using s3cr3t-value >&2; exit 3"));
        Assert.Equal((Outcome.Fail, $"exit 3: using {Redaction.Mark}"), (failed.Outcome, failed.Actual));
        var missing = await AskAsync(Command("no-such-program-anywhere"));
        Assert.Equal((Outcome.CouldNotVerify, "client-missing"), (missing.Outcome, missing.Reason));
        var slow = await AskAsync(Command("sleep", "60") with { Within = TimeSpan.FromMilliseconds(200) });
        Assert.Equal((Outcome.Fail, "too-slow"), (slow.Outcome, slow.Reason));
    }

    [Fact]
    public async Task Sqlite_is_asked_read_only()
    {
        var path = $"{scratch.Text}/shop.db";
        using (var connection = new SqliteConnection($"Data Source={path};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "create table orders(total real); insert into orders values (1.5), (2)";
            command.ExecuteNonQuery();
        }

        sql["lite"] = new SqliteQuestions(new Dictionary<string, string> { ["lite"] = path }, Cpu.OfThisMachine());
        Assert.Equal(Outcome.Pass, (await AskAsync(Lite("select sum(total) from orders", "= 3.5"))).Outcome);
        var fewer = await AskAsync(Lite("select count(*) from orders", "> 2"));
        Assert.Equal((Outcome.Fail, "> 2", "2"), (fewer.Outcome, fewer.Expected, fewer.Actual));
        Assert.Equal(Outcome.Pass, (await AskAsync(Lite("select total from orders where total > 9", "empty"))).Outcome);
        Assert.Equal(Outcome.CouldNotVerify, (await AskAsync(Lite("select * from nothing", "empty"))).Outcome);
        var written = await AskAsync(Lite("delete from orders", "empty"));
        Assert.Equal((Outcome.CouldNotVerify, "question-refused"), (written.Outcome, written.Reason));
        Assert.Equal(Outcome.Pass, (await AskAsync(Lite("select count(*) from orders", "2"))).Outcome);
        var unknown = await AskAsync(new CheckDefinition.Sql { Name = "q", Asset = "other", Query = "select 1" });
        Assert.Equal((Outcome.CouldNotVerify, "asset-unknown"), (unknown.Outcome, unknown.Reason));
        await File.WriteAllTextAsync(path, "this is not a database, however long one looks at it");
        Assert.Equal("sqlite-damaged", (await AskAsync(Lite("select 1 from sqlite_schema", "empty"))).Reason);
    }

    [Fact]
    public async Task A_question_that_nobody_can_answer_could_not_be_verified()
    {
        sql["down"] = new Down();
        var outcome = await AskAsync(new CheckDefinition.Sql { Name = "q", Asset = "down", Query = "select 1" });
        Assert.Equal((Outcome.CouldNotVerify, "database-unavailable"), (outcome.Outcome, outcome.Reason));
    }

    [Fact]
    public async Task Rows_are_compared_with_the_point_within_the_tolerance()
    {
        var check = new CheckDefinition.Rows { Name = "rows", Asset = "orders" };
        var subject = Subject(rows: 100);
        orders.State = State(rows: 100);
        Assert.Equal(Outcome.Pass, (await AskAsync(check, subject: subject)).Outcome);
        orders.State = State(rows: 98);
        var off = await AskAsync(check, subject: subject);
        Assert.Equal((Outcome.Fail, "t 98 instead of 100"), (off.Outcome, off.Actual));
        var wide = check with { Tolerance = new RowTolerance(0, 2) };
        Assert.Equal(Outcome.Pass, (await AskAsync(wide, subject: subject)).Outcome);
        var narrow = check with { Tolerance = new RowTolerance(1, 1) };
        Assert.Equal(Outcome.Fail, (await AskAsync(narrow, subject: subject)).Outcome);
        Assert.Equal(Outcome.NotApplicable, (await AskAsync(check)).Outcome);
        orders.State = State(rows: 100) with { RowsAreEstimates = true };
        Assert.Equal(Outcome.CouldNotVerify, (await AskAsync(check, subject: subject)).Outcome);
        orders.State = State(rows: 100) with { Presence = Presence.Unreadable };
        Assert.Equal(Outcome.CouldNotVerify, (await AskAsync(check, subject: subject)).Outcome);
        orders.State = State(rows: 100) with { Presence = Presence.Absent };
        Assert.Equal(Outcome.Fail, (await AskAsync(check, subject: subject)).Outcome);
    }

    [Fact]
    public async Task A_migration_is_compared_with_the_point_and_with_the_code()
    {
        var check = new CheckDefinition.Migration { Name = "head", Asset = "orders", Tool = "alembic" };
        var withHead = check with { Head = new ChildCommand(["echo", "0004 (head)"]) };
        orders.State = State(rows: 1) with { Migration = "alembic:0004" };
        Assert.Equal(Outcome.Pass, (await AskAsync(withHead, subject: Subject(1, "alembic:0004"))).Outcome);
        Assert.Equal(Outcome.Pass, (await AskAsync(withHead)).Outcome);
        Assert.Equal(Outcome.NotApplicable, (await AskAsync(check)).Outcome);
        var older = await AskAsync(check, subject: Subject(1, "alembic:0003"));
        Assert.Equal((Outcome.Fail, "alembic:0004"), (older.Outcome, older.Actual));
        Assert.Equal(
            Outcome.Fail, (await AskAsync(check with { Head = new ChildCommand(["echo", "0005 (head)"]) })).Outcome);
        Assert.Equal(
            Outcome.CouldNotVerify, (await AskAsync(check with { Head = new ChildCommand(["false"]) })).Outcome);
        orders.State = State(rows: 1) with { Migration = "flyway:4" };
        Assert.Equal(Outcome.Fail, (await AskAsync(withHead)).Outcome);
        orders.State = State(rows: 1) with { Migration = "alembic:a,b" };
        Assert.Equal(
            Outcome.Pass,
            (await AskAsync(check with { Head = new ChildCommand(["printf", "b (head)\na (head)\n"]) })).Outcome);
        orders.State = State(rows: 1);
        Assert.Equal("no revision of alembic", (await AskAsync(withHead)).Actual);
    }

    [Fact]
    public async Task A_file_is_there_with_its_hash_or_not()
    {
        var path = $"{scratch.Text}/file";
        await File.WriteAllTextAsync(path, "content");
        var hash = Convert.ToHexString(SHA256.HashData("content"u8));
        var check = new CheckDefinition.File { Name = "file", Path = path, Sha256 = hash };
        Assert.Equal(Outcome.Pass, (await AskAsync(check)).Outcome);
        Assert.Equal(Outcome.Pass, (await AskAsync(check with { Sha256 = null })).Outcome);
        Assert.Equal(Outcome.Fail, (await AskAsync(check with { Path = path + "x" })).Outcome);
        await File.AppendAllTextAsync(path, "x");
        Assert.Equal(Outcome.Fail, (await AskAsync(check)).Outcome);
        File.Delete(path);
        Directory.CreateDirectory(path);
        Assert.Equal(Outcome.CouldNotVerify, (await AskAsync(check)).Outcome);
    }

    [Fact]
    public void A_check_is_asked_when_its_kind_suggests_unless_it_is_said()
    {
        Assert.Equal(CheckTime.Application, Command("true").When);
        Assert.Equal(CheckTime.Data, (Command("true") with { Asked = CheckTime.Data }).When);
        Assert.Equal(CheckTime.Data, Lite("select 1", "1").When);
    }

    private static CheckDefinition.Http Http(Uri url) => new() { Name = "http", Url = url };

    private static CheckDefinition.Command Command(params string[] arguments) =>
        new() { Name = "command", Run = new ChildCommand(arguments) };

    private static CheckDefinition.Sqlite Lite(string query, string expect) =>
        new() { Name = "lite", Asset = "lite", Query = query, Expect = Expectation.TryParse(expect, out _) };

    private static SortedDictionary<string, Expectation> Json(params (string Pointer, string Expected)[] values) =>
        new(values.ToDictionary(v => v.Pointer, v => Expectation.TryParse(v.Expected, out _)!), StringComparer.Ordinal);

    private static CheckSubject Subject(long rows, string? migration = null) => new(
        new Dictionary<string, AssetRecord>
        {
            ["orders"] = FolderAsset.Record("orders", new Dictionary<string, string>()) with
            {
                Rows = new SortedDictionary<string, long> { ["t"] = rows },
                Migration = migration,
            },
        },
        World.PointName);

    private static TargetState State(long rows) => new()
    {
        Presence = Presence.Readable,
        HasData = true,
        Rows = new SortedDictionary<string, long> { ["t"] = rows },
        Where = "somewhere",
    };

    private CheckRunner Runner() => new(new CheckTools
    {
        Clock = TimeProvider.System,
        Disk = Disks.OfThisMachine(),
        Cpu = Cpu.OfThisMachine(),
        Children = new ChildProcesses(TimeProvider.System),
        Assets = [orders],
        Sql = sql,
        Redact = new Redaction(["s3cr3t-value"]).Apply,
    });

    private async Task<CheckOutcome> AskAsync(
        CheckDefinition check, Patience patience = Patience.Once, CheckSubject? subject = null)
    {
        using var runner = Runner();
        return await runner.AskAsync(check, subject ?? CheckSubject.None, patience, None);
    }

    private sealed class Down : ISqlQuestions
    {
        public Task<string?> AskAsync(string asset, string query, CancellationToken cancellationToken) =>
            throw new RepriseException(RecoveryErrors.DatabaseUnavailable, "down", "start it");
    }
}
