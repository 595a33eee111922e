using System.Globalization;
using Reprise.Recovery.Postgres;
using Reprise.Recovery.Wal;
using Reprise.Repository.Wal;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Windows;

/// <summary>Whether the WAL of a server comes into the repository.</summary>
public enum WalFlow
{
    /// <summary>It comes.</summary>
    Flowing,

    /// <summary>The server says that it comes, or should, and it does not.</summary>
    Stopped,

    /// <summary>The server does not answer.</summary>
    ServerAway,
}

/// <summary>What the comparison of a server with the repository gave.</summary>
/// <param name="Asset">of which asset.</param>
/// <param name="Flow">the verdict.</param>
/// <param name="By"><c>archive-command</c>, <c>stream</c>, or null: nothing brings it.</param>
/// <param name="Timeline">that the repository is on.</param>
/// <param name="Reached">how far the repository has it without a gap behind the last one.</param>
/// <param name="BehindBytes">how much the server has written since; null: it was not asked, or writes something else.</param>
/// <param name="Waiting">how many finished segments wait in <c>pg_wal</c>; null: nobody could look.</param>
public sealed record WalFlowState(string Asset, WalFlow Flow, string? By, uint Timeline, Lsn? Reached, long? BehindBytes, int? Waiting);

/// <summary>
/// Compares what a server says that it has archived with what the repository holds, also while the server is down: that
/// archiving has stopped and nobody noticed is the worst that can happen to it.
/// </summary>
public sealed class WalWatch(WalArchive archive, PostgresSettings settings, PostgresHost host, string asset)
{
    private const string StreamPlace = "slot ";
    private const string WalFolder = "pg_wal";
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(10);

    private readonly List<Problem> problems = [];
    private readonly List<Problem> advice = [];

    /// <summary>What weakens it although it works, after <see cref="LookAsync"/>: for <c>doctor</c>.</summary>
    public IReadOnlyList<Problem> Advice => advice;

    /// <summary>
    /// Looks. Null: nothing suggests that WAL of this asset is to come.
    /// </summary>
    /// <param name="bases">the points of this asset, for the case that the server does not answer.</param>
    /// <param name="cancellationToken">ends it.</param>
    public async Task<(WalFlowState? State, IReadOnlyList<Problem> Problems)> LookAsync(
        IReadOnlyList<WalBase> bases, CancellationToken cancellationToken)
    {
        var (server, why) = await AskAsync(cancellationToken);
        var identifier = server?.System is { } text ? ulong.Parse(text, CultureInfo.InvariantCulture) : bases.LastOrDefault()?.Identifier;
        var known = identifier is { } id ? await KnownAsync(id, cancellationToken) : null;
        if (server is { Recovery: true }) return (null, []);
        if (server is not null) Advise(server, known);
        if (known is null)
        {
            // Nothing of it ever came; that is a fault only where something of ours is to bring it.
            if (server is null || !IsOurs(server)) return (null, []);
            JudgeArchiver(server, null);
            Stopped("the server is set to archive with reprise, and nothing has come yet", "look into the log of the server; select pg_switch_wal() makes it archive at once");
            return (new WalFlowState(asset, WalFlow.Stopped, "archive-command", server.Timeline ?? 0, null, null, null), problems);
        }

        return server is null ? (Away(known, bases, why), problems) : (Judge(server, known), problems);
    }

    private async Task<(ServerArchiving? Server, string Why)> AskAsync(CancellationToken cancellationToken)
    {
        using var within = new CancellationTokenSource(AnswerWithin, host.Clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, within.Token);
        try
        {
            var server = new PostgresServer(settings, host);
            await using var session = await server.OpenAsync(server.Connection.Database, SessionUse.Ours, both.Token);
            return (await ServerArchiving.AskAsync(session, both.Token), "");
        }
        catch (RepriseException e)
        {
            return (null, e.Problem.Message);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return (null, $"no answer within {AnswerWithin.TotalSeconds:0} s");
        }
    }

    private async Task<Known?> KnownAsync(ulong identifier, CancellationToken cancellationToken)
    {
        Known? newest = null;
        var listings = await archive.ListAllAsync(cancellationToken);
        foreach (var lineage in await archive.LineagesAsync(identifier, cancellationToken))
        {
            var listing = listings.Where(l => l.Lineage == lineage.Id).MaxBy(l => l.Timeline);
            if (listing is null) continue;
            var claimant = await archive.ClaimantAsync(lineage.Id, listing.Timeline, cancellationToken);
            newest = new Known(lineage, listing, claimant);
        }

        return newest;
    }

    private void Advise(ServerArchiving server, Known? known)
    {
        const long unbounded = -1;
        if (server.KeepMegabytes == unbounded && server.Slots.Count > 0)
        {
            advice.Add(new Problem(
                WalErrors.KeepUnbounded,
                Severity.Warning,
                $"the server keeps WAL for the slots {string.Join(", ", server.Slots.Select(s => s.Name))} without a bound: while nothing streams, its disk fills up",
                "set max_slot_wal_keep_size on the server to what its disk can spare") { Asset = asset });
        }

        if (settings.Method != PostgresMethod.Physical || known is not null || server.IsArchiving || server.Slots.Any(s => s.Active)) return;
        advice.Add(new Problem(
            WalErrors.NotArchived,
            Severity.Warning,
            server.WalLevel == "minimal"
                ? "only the moments of points can be brought back: wal_level is minimal, with which no WAL can be archived"
                : $"only the moments of points can be brought back: nothing archives the WAL of {asset} (archive_mode is {server.ArchiveMode})",
            (server.WalLevel == "minimal" ? "set wal_level = replica, and then " : "")
                + "archive_mode = on with archive_command = 'reprise wal push %p --config FILE', or run reprise stream") { Asset = asset });
    }

    private WalFlowState Judge(ServerArchiving server, Known known)
    {
        var slot = known.Claimant?.Place is { } place && place.StartsWith(StreamPlace, StringComparison.Ordinal) ? place[StreamPlace.Length..] : null;
        if (slot is not null) JudgeSlot(server, slot);
        else JudgeArchiver(server, known);
        var isSame = server.Timeline == known.Listing.Timeline;
        long? behind = isSame && server.Flushed is { } text && Lsn.TryParse(text, out var flushed) && known.Reached is { } reached
            ? Math.Max(0, flushed > reached ? flushed.Since(reached) : 0)
            : null;
        return new WalFlowState(
            asset,
            problems.Count == 0 ? WalFlow.Flowing : WalFlow.Stopped,
            slot is not null ? "stream" : server.IsArchiving ? "archive-command" : null,
            known.Listing.Timeline,
            known.Reached,
            behind,
            null);
    }

    private void JudgeSlot(ServerArchiving server, string name)
    {
        var slot = server.Slots.FirstOrDefault(s => s.Name == name);
        if (slot is null)
            Stopped($"the slot {name} of the stream is gone: the server keeps no WAL for it any more", "reprise stream makes it anew and names what is missing; then: reprise backup");
        else if (slot.Status is "lost" or null)
            Stopped($"the server has given up the slot {name}: more WAL than max_slot_wal_keep_size had to be kept for it", "start reprise stream, which names what is missing; then: reprise backup");
        else if (!slot.Active)
            Stopped($"nothing streams from the slot {name}; the server keeps {slot.KeptBytes ?? 0} bytes of WAL for it", "start it again: reprise stream, under systemd so that it stays");
    }

    private void JudgeArchiver(ServerArchiving server, Known? known)
    {
        if (server.IsFailing)
        {
            Stopped(
                $"PostgreSQL cannot archive {server.LastFailed} since {Time(server.LastFailedAt)}: {server.Failures} attempts failed",
                "the log of the server says what 'reprise wal push' answered; until then its disk fills up");
            return;
        }

        if (known is null) return;
        if (!server.IsArchiving)
        {
            Stopped(
                $"nothing brings WAL of {asset} into the repository any more: archive_mode is {server.ArchiveMode}, and no stream has claimed timeline {known.Listing.Timeline}",
                "set archive_mode and archive_command again, or run reprise stream; then: reprise backup");
            return;
        }

        // A command that answers 0 and archives nothing, or somewhere else, is seen only so.
        if (server.LastArchived is { } name && WalFile.Parse(name) is WalFile.Segment { IsPartial: false } segment
            && segment.Start(known.Lineage.SegmentBytes) is { } start
            && segment.Timeline >= known.Listing.Timeline && !known.Holds(segment.Timeline, start))
        {
            Stopped(
                $"PostgreSQL says that {name} was archived at {Time(server.LastArchivedAt)}, and the repository does not hold it",
                "look at archive_command: it must be 'reprise wal push %p' with this repository; then: reprise backup");
        }
    }

    // From its files, as far as they can be read: what is finished and not archived waits there, and is lost with them.
    private WalFlowState Away(Known known, IReadOnlyList<WalBase> bases, string why)
    {
        var folder = settings.DataFolder ?? bases.LastOrDefault()?.DataFolder;
        var waiting = folder is null ? null : Waiting(new DiskPath(folder) / WalFolder / "archive_status", known);
        if (waiting is { Ready: > 0 } or { Missing: > 0 })
        {
            Stopped(
                $"the server does not answer ({why}), and {waiting.Value.Ready + waiting.Value.Missing} segments in {folder}/{WalFolder} are not in the repository",
                "before anything happens to that folder: reprise wal push FILE for each of them, as the server's user in the data directory");
        }

        return new WalFlowState(asset, WalFlow.ServerAway, null, known.Listing.Timeline, known.Reached, null, waiting?.Ready + waiting?.Missing);
    }

    private (int Ready, int Missing)? Waiting(DiskPath folder, Known known)
    {
        try
        {
            if (host.Disk.Stat(folder) is not { Type: FileType.Folder }) return null;
            var names = host.Disk.List(folder / ".").Select(e => e.Name.ToString()).ToList();
            return (
                names.Count(n => Segment(n, ".ready") is { } ready && !Holds(known, ready)),
                names.Count(n => Segment(n, ".done") is { } done && !Holds(known, done) && IsLater(known, done)));
        }
        catch (RepriseException)
        {
            // Another user's folder: then nobody can say, and the state says that.
            return null;
        }
    }

    private static WalFile.Segment? Segment(string name, string suffix) =>
        name.EndsWith(suffix, StringComparison.Ordinal) ? WalFile.Parse(name[..^suffix.Length]) as WalFile.Segment : null;

    private static bool Holds(Known known, WalFile.Segment segment) =>
        segment.IsPartial || (segment.Start(known.Lineage.SegmentBytes) is { } start && known.Holds(segment.Timeline, start));

    // What was archived before the repository began is of no interest.
    private static bool IsLater(Known known, WalFile.Segment segment) =>
        segment.Timeline == known.Listing.Timeline && known.Reached is { } reached && segment.Start(known.Lineage.SegmentBytes) >= reached;

    private static bool IsOurs(ServerArchiving server) =>
        server.IsArchiving && server.ArchiveCommand?.Contains("reprise", StringComparison.Ordinal) == true;

    private static string Time(DateTimeOffset? time) =>
        time is { } at ? at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture) : "an unknown time";

    private void Stopped(string message, string hint) =>
        problems.Add(new Problem(WalErrors.ArchivingStopped, Severity.Error, message, hint) { Asset = asset });

    private sealed record Known(WalLineage Lineage, WalListing Listing, WalOwner? Claimant)
    {
        public Lsn? Reached => Listing.Stretches is [.., var last] ? last.End : null;

        public bool Holds(uint timeline, Lsn start) =>
            timeline < Listing.Timeline
            || Listing.Stretches.Any(s => s.Start <= start && s.End >= start.Plus(Lineage.SegmentBytes));
    }
}
