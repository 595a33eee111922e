using Reprise.Recovery.Assets;
using Reprise.Storage.Disk;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>
/// Proves a server that was made of the files of a point: that it is that server, recovered to where the backup ended, and
/// its structure in every database. For servers of our own only: it installs amcheck.
/// </summary>
internal sealed class PhysicalExamination(PostgresServer server, PostgresHost host, RestoreItem item)
{
    private static readonly TimeSpan AmcheckLimit = TimeSpan.FromHours(2);

    private readonly ClusterFacts cluster = ClusterFacts.Of(item.Record);
    private readonly List<CheckOutcome> outcomes = [];

    public async Task<IReadOnlyList<CheckOutcome>> RunAsync(
        CheckLevel upTo, IProgressSink progress, CancellationToken cancellationToken)
    {
        await AskAsync("digest", CheckLevel.Bytes, () => Task.FromResult(Digest()));
        await using var session = await server.OpenAsync(server.Connection.Database, SessionUse.Ours, cancellationToken);
        var facts = await session.AskAsync(CatalogSql.Server, CatalogJson.Default.CatalogServer, cancellationToken);
        await AskAsync("engine", CheckLevel.Engine, () => EngineAsync(session, facts, cancellationToken));
        if (upTo < CheckLevel.Structure) return outcomes;
        progress.Begin($"examine the structure of {item.Record.Name}", null);
        await AskAsync("catalogue", CheckLevel.Structure, () => CatalogueAsync(session, cancellationToken));
        await AskAsync("amcheck", CheckLevel.Structure, () => AmcheckAsync(facts, cancellationToken));
        return outcomes;
    }

    private async Task AskAsync(string question, CheckLevel level, Func<Task<PostgresAnswer>> ask)
    {
        var started = host.Clock.GetTimestamp();
        PostgresAnswer answer;
        try
        {
            answer = await ask();
        }
        catch (SqlException e)
        {
            answer = new PostgresAnswer(Outcome.CouldNotVerify, null, e.Problem.Message, e.Code.Name);
        }

        outcomes.Add(new CheckOutcome
        {
            Name = $"{item.Record.Name}-{question}",
            Level = level,
            Outcome = answer.Outcome,
            Expected = answer.Expected,
            Actual = answer.Actual,
            Elapsed = host.Clock.GetElapsedTime(started),
            Asset = item.Record.Name,
            Reason = answer.Outcome == Outcome.Pass ? null : answer.Reason,
        });
    }

    private PostgresAnswer Digest()
    {
        var actual = PostgresRecord.PhysicalDigest(item.Record.Streams);
        var isSame = actual == item.Record.Sha256;
        return new PostgresAnswer(
            isSame ? Outcome.Pass : Outcome.Fail,
            $"the files are those that the point describes, sha256 {item.Record.Sha256}",
            $"sha256 {actual}",
            "content-differs");
    }

    private async Task<PostgresAnswer> EngineAsync(ISqlSession session, CatalogServer facts, CancellationToken cancellationToken)
    {
        var system = await session.ScalarAsync(CatalogSql.SystemIdentifier, cancellationToken);
        var isSound = system == cluster.System && !facts.Recovery;
        return new PostgresAnswer(
            isSound ? Outcome.Pass : Outcome.Fail,
            $"server {cluster.System}, recovered to {cluster.Stop}",
            $"PostgreSQL {facts.Version} of server {system ?? "unknown"} answers" + (facts.Recovery ? ", still in recovery" : ", recovered"),
            "other-server");
    }

    private async Task<PostgresAnswer> CatalogueAsync(ISqlSession first, CancellationToken cancellationToken)
    {
        const string expected = "every index is valid";
        var invalid = new List<string>();
        var databases = await first.AskAsync(CatalogSql.Databases, CatalogJson.Default.IReadOnlyListString, cancellationToken);
        foreach (var database in databases)
        {
            await using var session = await server.OpenAsync(database, SessionUse.Ours, cancellationToken);
            var names = await session.AskAsync(
                CatalogSql.InvalidIndexes, CatalogJson.Default.IReadOnlyListString, cancellationToken);
            invalid.AddRange(names.Select(name => $"{name} of {database}"));
        }

        return invalid.Count == 0
            ? new PostgresAnswer(Outcome.Pass, expected, $"every one in {databases.Count} databases is", null)
            : new PostgresAnswer(Outcome.Fail, expected, $"{string.Join(", ", invalid.Take(5))} invalid", "index-invalid");
    }

    private async Task<PostgresAnswer> AmcheckAsync(CatalogServer facts, CancellationToken cancellationToken)
    {
        const string expected = "pg_amcheck finds nothing";
        var programs = await server.ProgramsAsync(facts.Major, cancellationToken);
        if (programs.Clients.Folder is { } bin && host.Disk.Stat(new DiskPath(bin) / "pg_amcheck") is null)
            return new PostgresAnswer(Outcome.CouldNotVerify, expected, $"there is no pg_amcheck in {bin}", "amcheck-missing");
        using var limit = new CancellationTokenSource(AmcheckLimit, host.Clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        var result = await programs.RunAsync(
            "pg_amcheck", ["--all", "--install-missing", "--heapallindexed", "-w"], server.Connection.Database, null, null, both.Token);
        return PostgresExamination.Judge(result);
    }
}
