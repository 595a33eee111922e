using Reprise.Recovery.Assets;
using Reprise.Recovery.Moments;
using Reprise.Recovery.Processes;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>
/// Takes a copy in a sandbox on to a moment, and asks on the way, right in front of a commit, whether the one before is there and
/// that one is not: so it is PostgreSQL that says that replay stops where it is told.
/// </summary>
internal sealed class MomentRehearsal(PostgresHost host, ClientSet programs, AssetRecord record, RehearsedMoment rehearsed, IProgressSink progress)
{
    private const string Committed = "committed";

    public async Task<MomentSeen> RunAsync(
        DiskPath folder, Func<ChildCommand, ChildCommand> enter, PhysicalRestore files, CancellationToken cancellationToken)
    {
        var began = host.Clock.GetTimestamp();
        var cluster = ClusterFacts.Of(record);
        var data = folder / PhysicalRestore.DataName;
        var target = ReplayTarget.Of(cluster, rehearsed.Moment);
        var replay = new PhysicalReplay(host, programs, cluster, target, progress) { Place = new ReplayPlace(folder, enter) };
        var said = rehearsed.Boundary is { } boundary
            ? await replay.AskAtAsync(data, boundary.At, Asked(boundary), cancellationToken)
            : null;
        var end = await replay.RunAsync(data, rehearsed.Moment.ReplayBytes, cancellationToken);
        var reached = MomentEnd.Of(record, rehearsed.Moment, files.Laid?.LastEnd, end);
        return new MomentSeen(
            reached,
            rehearsed.IsTime,
            Judge(said),
            Expected(),
            $"it was replayed to {end.Lsn}{Last(reached)}; {Said(said)}",
            files.LayElapsed + host.Clock.GetElapsedTime(began));
    }

    private static uint[] Asked(MomentBoundary boundary) => boundary.There is { } there ? [there, boundary.Missing] : [boundary.Missing];

    private Outcome Judge(IReadOnlyDictionary<uint, string>? said)
    {
        if (rehearsed.Boundary is not { } boundary) return Outcome.Pass; // No transaction was committed: there is no side.
        if (said is null) return Outcome.CouldNotVerify;
        var isThere = boundary.There is not { } there || said[there] == Committed;
        return isThere && said[boundary.Missing] != Committed ? Outcome.Pass : Outcome.Fail;
    }

    private string Expected() => rehearsed.Boundary is { } boundary
        ? $"the WAL is replayed to {rehearsed.Moment.Wish}; at {boundary.At}{There(boundary)} transaction {boundary.Missing} is not there"
        : $"the WAL is replayed to {rehearsed.Moment.Wish}";

    private static string There(MomentBoundary boundary) => boundary.There is { } there ? $" transaction {there} is there and" : "";

    private static string Last(ReachedMoment reached) => reached.LastCommit is { } commit ? $", last commit {Miss.Text(commit)}" : "";

    private string Said(IReadOnlyDictionary<uint, string>? said) =>
        rehearsed.Boundary is null ? "nothing was committed on the way"
        : said is null ? "it could not be asked on the way, because the source's settings were raised"
        : string.Join(", ", said.Select(s => $"{s.Key} is {s.Value}"));
}
