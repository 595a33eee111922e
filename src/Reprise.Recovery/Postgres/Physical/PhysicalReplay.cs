using System.Globalization;
using System.Text;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Moments;
using Reprise.Recovery.Wal;
using Reprise.Repository.Wal;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>What a server said when it had replayed what it was to.</summary>
/// <param name="Lsn">up to where.</param>
/// <param name="LastCommit">when the last transaction ended that was replayed, or null.</param>
/// <param name="Timeline">the timeline that it began there.</param>
internal sealed record ReplayEnd(Lsn Lsn, DateTimeOffset? LastCommit, uint Timeline);

/// <summary>
/// Takes a restored data directory on to its moment: a server that only we can reach replays the WAL that lies there, is asked
/// what it reached, is promoted, and stopped. That it paused, reached the place and left recovery is asked, never assumed:
/// PostgreSQL pauses for other reasons too, and promotes for none.
/// </summary>
internal sealed class PhysicalReplay(PostgresHost host, ClientSet programs, ClusterFacts cluster, ReplayTarget target, IProgressSink progress)
{
    /// <summary>Where the server runs, or null: as the owner of the files, here.</summary>
    public ReplayPlace? Place { get; init; }

    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(100);

    private const string TooFew = "insufficient parameter settings";

    private readonly string step = $"replay the WAL up to {target.At}";

    /// <summary>Replays; <c>replay-failed</c> when PostgreSQL does not get there.</summary>
    public async Task<ReplayEnd> RunAsync(DiskPath data, long bytes, CancellationToken cancellationToken)
    {
        progress.Begin(step, bytes);
        var end = await AttemptAsync(data, isWatched: true, cancellationToken);
        if (end is null)
        {
            // What the server of the source was told later may be more than this one began with; unasked, it does not mind.
            progress.Note("the settings of the source were raised meanwhile: replay goes on without being watched");
            end = await AttemptAsync(data, isWatched: false, cancellationToken)
                ?? throw Failed("it did not say why", data);
        }

        await host.Cpu.RunAsync(() => Leave(data), cancellationToken);
        return end;
    }

    /// <summary>
    /// Replays up to a place, asks there which transactions are committed, and stops without leaving recovery; null: the server cannot
    /// be asked while it replays.
    /// </summary>
    public async Task<IReadOnlyDictionary<uint, string>?> AskAtAsync(
        DiskPath data, Lsn place, IReadOnlyList<uint> transactions, CancellationToken cancellationToken)
    {
        var at = target with { At = place, Inclusive = false };
        var asking = new PhysicalReplay(host, programs, cluster, at, progress) { Place = Place };
        progress.Begin($"replay the WAL up to {place}", null);
        await host.Cpu.RunAsync(() => Configure(data, text => CopySettings.WithTarget(text, target, at)), cancellationToken);
        var said = await asking.AskAsync(data, transactions, cancellationToken);
        await host.Cpu.RunAsync(() => Configure(data, text => CopySettings.WithTarget(text, at, target)), cancellationToken);
        return said;
    }

    private async Task<IReadOnlyDictionary<uint, string>?> AskAsync(
        DiskPath data, IReadOnlyList<uint> transactions, CancellationToken cancellationToken)
    {
        await using var server = await StartAsync(data, isWatched: true, cancellationToken);
        while (true)
        {
            if (await SessionAsync(server, isWatched: true, data, cancellationToken) is not { } opened) return null;
            await using var session = opened;
            var state = await StateAsync(session, cancellationToken);
            if (state.IsPaused && !HasReached(state.Replayed)) return null;
            if (!state.IsPaused)
            {
                await Task.Delay(Glance, host.Clock, cancellationToken);
                continue;
            }

            var said = new SortedDictionary<uint, string>();
            foreach (var transaction in transactions) said[transaction] = await StatusAsync(session, transaction, cancellationToken);
            await server.StopAsync(cancellationToken);
            return said;
        }
    }

    // A number of the WAL lacks the upper half that the server counts with.
    private static async Task<string> StatusAsync(ISqlSession session, uint transaction, CancellationToken cancellationToken)
    {
        var next = ulong.Parse(
            await session.ScalarAsync("select pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text", cancellationToken) ?? "0",
            CultureInfo.InvariantCulture);
        const ulong epoch = 1UL << 32;
        var whole = (next & ~(epoch - 1)) | transaction;
        if (whole > next + (epoch / 2) && whole >= epoch) whole -= epoch;
        else if (whole + (epoch / 2) < next) whole += epoch;
        if (whole >= next) return "absent";
        return await session.ScalarAsync(
            string.Create(CultureInfo.InvariantCulture, $"select pg_catalog.pg_xact_status('{whole}'::pg_catalog.xid8)"), cancellationToken) ?? "unknown";
    }

    private Task<PrivateServer> StartAsync(DiskPath data, bool isWatched, CancellationToken cancellationToken) =>
        PrivateServer.StartAsync(host, programs, data, cluster.Superuser, isWatched, Place, cancellationToken);

    // Null: with hot standby it does not start.
    private async Task<ISqlSession?> SessionAsync(PrivateServer server, bool isWatched, DiskPath data, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (await server.TryOpenAsync(cancellationToken) is { } session) return session;
            if (!server.HasEnded)
            {
                await Task.Delay(Glance, host.Clock, cancellationToken);
                continue;
            }

            var end = await server.EndAsync();
            if (isWatched && end.Log.Contains(TooFew, StringComparison.Ordinal)) return null;
            throw Failed(end.Why, data);
        }
    }

    private async Task<ReplayEnd?> AttemptAsync(DiskPath data, bool isWatched, CancellationToken cancellationToken)
    {
        await using var server = await StartAsync(data, isWatched, cancellationToken);
        var at = cluster.Stop;
        DateTimeOffset? commit = null;
        while (true)
        {
            if (await SessionAsync(server, isWatched, data, cancellationToken) is not { } opened) return null;
            await using var session = opened;
            if (!await InRecoveryAsync(session, cancellationToken)) return await FinishAsync(server, session, data, at, commit, cancellationToken);
            var state = await StateAsync(session, cancellationToken);
            if (state.Replayed > at) progress.Advance(state.Replayed.Since(at));
            (at, commit) = (state.Replayed > at ? state.Replayed : at, state.Commit);
            if (state.IsPaused && !HasReached(at)) return null;
            if (state.IsPaused) await session.ScalarAsync("select pg_catalog.pg_promote(true, 86400)", cancellationToken);
            else await Task.Delay(Glance, host.Clock, cancellationToken);
        }
    }

    private async Task<ReplayEnd> FinishAsync(
        PrivateServer server, ISqlSession session, DiskPath data, Lsn seen, DateTimeOffset? commit, CancellationToken cancellationToken)
    {
        var name = await session.ScalarAsync("select pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn())", cancellationToken);
        var timeline = uint.Parse(name!.AsSpan(0, 8), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture); // A server that writes has one.
        await session.ExecuteAsync("checkpoint", cancellationToken);
        await server.StopAsync(cancellationToken);
        var left = await host.Cpu.RunAsync(() => Left(data, timeline), cancellationToken);
        if (left is not { } at || !HasReached(at)) throw Failed($"it began timeline {timeline} at {left?.ToString() ?? "an unknown place"}, not at {target.At}", data);
        if (at < seen) throw Failed($"it replayed up to {seen} and began timeline {timeline} at {at}", data);
        return new ReplayEnd(at, commit, timeline);
    }

    // The history of the new timeline says in one place where the old one was left, however it came to that.
    private Lsn? Left(DiskPath data, uint timeline)
    {
        using var file = host.Disk.OpenRead(data / "pg_wal" / string.Create(CultureInfo.InvariantCulture, $"{timeline:X8}.history"));
        var bytes = new byte[Math.Min(file.Stat().SizeBytes, Repository.Format.Limits.MaxWalFileBytes)];
        return WalHistory.Before(bytes.AsSpan(0, file.Read(0, bytes)))?.At;
    }

    // Replayed is up to the end of a record; the next begins behind the header of a page where one is in between.
    private bool HasReached(Lsn at) => target.Inclusive
        ? at > target.At
        : at <= target.At && target.At.Since(at) <= WalFormat.LongHeaderBytes;

    private static async Task<bool> InRecoveryAsync(ISqlSession session, CancellationToken cancellationToken) =>
        await session.ScalarAsync("select pg_catalog.pg_is_in_recovery()::text", cancellationToken) is "true" or "t";

    private static async Task<(bool IsPaused, Lsn Replayed, DateTimeOffset? Commit)> StateAsync(ISqlSession session, CancellationToken cancellationToken)
    {
        var text = await session.ScalarAsync(
            """
            select pg_catalog.pg_get_wal_replay_pause_state() || '|' || coalesce(pg_catalog.pg_last_wal_replay_lsn()::text, '0/0') || '|'
              || coalesce(pg_catalog.to_char(pg_catalog.pg_last_xact_replay_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '')
            """,
            cancellationToken);
        var parts = text!.Split('|'); // None of the three is null.
        return (parts[0] == "paused", Lsn.Parse(parts[1]), parts[2].Length == 0 ? null : DateTimeOffset.Parse(
            parts[2], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal));
    }

    // What is over must not begin again, and what describes the files of before must not be believed.
    private void Leave(DiskPath data)
    {
        Configure(data, text => CopySettings.AfterRecovery(text, target));
        foreach (var name in (string[])["backup_manifest", "backup_label.old", "tablespace_map.old"]) host.Disk.DeleteFile(data / name);
        host.Disk.SyncFileSystem(data);
    }

    // On a command line PostgreSQL would take it for a second target.
    private void Configure(DiskPath data, Func<string, string> change)
    {
        using var file = host.Disk.OpenWrite(data / "postgresql.auto.conf");
        var bytes = new byte[file.Stat().SizeBytes];
        var after = Encoding.UTF8.GetBytes(change(Encoding.UTF8.GetString(bytes, 0, file.Read(0, bytes))));
        file.SetLength(after.Length);
        file.Write(0, after);
    }

    private RepriseException Failed(string why, DiskPath data) => new(
        MomentErrors.ReplayFailed,
        $"PostgreSQL {programs.Version} did not replay {data} up to {target.At}: {why}",
        "correct what it says, or choose an earlier moment; nothing else was changed");
}
