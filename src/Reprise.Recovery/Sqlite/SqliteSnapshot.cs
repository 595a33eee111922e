using Reprise.Recovery.Assets;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;
using SQLitePCL;

namespace Reprise.Recovery.Sqlite;

/// <summary>How a private copy was taken.</summary>
internal sealed record SnapshotFacts
{
    /// <summary>An instant at which the database was exactly what the copy is.</summary>
    public required DateTimeOffset Moment { get; init; }

    /// <summary>
    /// The longest time for which we held a lock that makes writers wait: 0 in WAL mode. A writer may have waited as
    /// long, and then until its own next try.
    /// </summary>
    public required TimeSpan LongestHold { get; init; }

    /// <summary>How often a commit of somebody else made the copy start again.</summary>
    public required int Restarts { get; init; }

    /// <summary>Whether one lock was held from the first page to the last.</summary>
    public required bool OnePass { get; init; }
}

/// <summary>
/// Takes a private copy of one committed state of a database, whoever writes to it meanwhile.
/// <para>In WAL mode a read transaction pins the state, and writers never wait. In rollback mode a reader's lock stops
/// commits, so the pages are copied in small steps that let writers in between; their commits make the copy start
/// again, and after <see cref="MaxRestarts"/> of those one pass is made under one lock, for at most the bound.</para>
/// <para>One transaction over several steps sees what one step over all pages sees, but it can be cancelled and
/// bounded.</para>
/// </summary>
internal sealed class SqliteSnapshot(
    DiskPath source, DiskPath copy, TimeSpan bound, TimeProvider clock, Cpu cpu, IProgressSink progress)
{
    /// <summary>How often a stepwise copy starts again before one full pass is made.</summary>
    public const int MaxRestarts = 2;

    /// <summary>Copied under one lock when writers wait for it: about a millisecond.</summary>
    public const int SmallStepBytes = 1024 * 1024;

    /// <summary>
    /// Copied between two looks at clock and cancellation when nobody waits, or the lock is held anyway.
    /// </summary>
    public const int LargeStepBytes = 8 * 1024 * 1024;

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(5);

    private TimeSpan patience;
    private TimeSpan longestHold;
    private DateTimeOffset moment;
    private long copiedPages;
    private long shownPages;
    private int restarts;

    /// <summary>
    /// Fills the empty file <c>copy</c>. Throws <c>sqlite-busy</c> when a lock lasts longer than the bound,
    /// <c>sqlite-needs-recovery</c>, <c>sqlite-unreadable</c>, <c>file-denied</c>, <c>disk-full</c>; the file is then
    /// worthless.
    /// </summary>
    public async Task<SnapshotFacts> TakeAsync(CancellationToken cancellationToken)
    {
        patience = bound;
        using var from = await cpu.RunAsync(
            () => SqliteSession.OpenReadOnly(source, cancellationToken), cancellationToken);
        var (mode, pageBytes) = await PatientlyAsync(() => Shape(from), cancellationToken);
        using var to = await cpu.RunAsync(() => SqliteSession.OpenCopy(copy, cancellationToken), cancellationToken);
        var backup = raw.sqlite3_backup_init(to.Handle, "main", from.Handle, "main");
        if (backup is null || backup.IsInvalid) throw to.Failure(raw.sqlite3_extended_errcode(to.Handle));
        bool onePass;
        try
        {
            onePass = mode switch
            {
                // The schema is damaged: no transaction can be opened by statements, but pages can be copied.
                null => await BlindlyAsync(backup, cancellationToken),
                "wal" => await UnderOneTransactionAsync(from, backup, pageBytes, null, cancellationToken),
                _ => await InStepsAsync(from, backup, pageBytes, cancellationToken),
            };
        }
        finally
        {
            raw.sqlite3_backup_finish(backup);
        }

        return new SnapshotFacts
        {
            Moment = moment,
            LongestHold = longestHold,
            Restarts = restarts,
            OnePass = onePass,
        };
    }

    private static (string? Mode, int PageBytes) Shape(SqliteSession from)
    {
        try
        {
            return (from.Text("PRAGMA journal_mode"), (int)from.Number("PRAGMA page_size"));
        }
        catch (SqliteResultException e) when (e.IsCorrupt)
        {
            return (null, 0);
        }
    }

    private async Task<bool> BlindlyAsync(sqlite3_backup backup, CancellationToken cancellationToken)
    {
        while (true)
        {
            var (result, _) = await StepAsync(backup, -1, isHeld: false, cancellationToken);
            moment = clock.GetUtcNow();
            if (result == raw.SQLITE_DONE) return true;
            await AfterStepAsync(result, cancellationToken);
        }
    }

    private async Task<bool> InStepsAsync(
        SqliteSession from, sqlite3_backup backup, int pageBytes, CancellationToken cancellationToken)
    {
        var pages = Math.Max(1, SmallStepBytes / pageBytes);
        while (restarts <= MaxRestarts)
        {
            var (result, copied) = await StepAsync(backup, pages, isHeld: false, cancellationToken);
            if (result is raw.SQLITE_OK or raw.SQLITE_DONE) Advance(result, copied, pages, pageBytes);
            if (result == raw.SQLITE_DONE) return false;
            await AfterStepAsync(result, cancellationToken);
        }

        progress.Note($"{source} is written to all the time: one pass is made now, during which writers wait "
            + $"(at most {bound.TotalSeconds:0.#} s)");
        return await UnderOneTransactionAsync(from, backup, pageBytes, bound, cancellationToken);
    }

    private async Task<bool> UnderOneTransactionAsync(
        SqliteSession from, sqlite3_backup backup, int pageBytes, TimeSpan? limit, CancellationToken cancellationToken)
    {
        var began = await PatientlyAsync(() => Pin(from), cancellationToken);
        moment = clock.GetUtcNow();
        var pages = Math.Max(1, LargeStepBytes / pageBytes);
        while (true)
        {
            var (result, copied) = await StepAsync(backup, pages, isHeld: true, cancellationToken);
            copiedPages = copied;
            Show(pageBytes);
            if (result == raw.SQLITE_DONE) break;
            await AfterStepAsync(result, cancellationToken);
            if (limit is { } most && clock.GetElapsedTime(began) > most) throw TooLong(most);
        }

        await cpu.RunAsync(() => from.Execute("COMMIT"), cancellationToken);
        if (limit is not null) longestHold = Max(longestHold, clock.GetElapsedTime(began));
        return true;
    }

    private long Pin(SqliteSession from)
    {
        from.Execute("BEGIN");
        try
        {
            // A deferred transaction takes its lock, and chooses its state, with the first read.
            var began = clock.GetTimestamp();
            from.Number("SELECT count(*) FROM sqlite_schema");
            return began;
        }
        catch (SqliteResultException)
        {
            from.Execute("ROLLBACK");
            throw;
        }
    }

    private async Task<(int Result, long Copied)> StepAsync(
        sqlite3_backup backup, int pages, bool isHeld, CancellationToken cancellationToken)
    {
        var (result, elapsed, copied) = await cpu.RunAsync(
            () =>
            {
                var began = clock.GetTimestamp();
                var stepped = raw.sqlite3_backup_step(backup, pages);
                var held = clock.GetElapsedTime(began);
                return (stepped, held, raw.sqlite3_backup_pagecount(backup) - raw.sqlite3_backup_remaining(backup));
            },
            cancellationToken);
        if (SqliteResultException.IsBusyResult(result)) return (result, copied);
        patience = bound;
        if (!isHeld) longestHold = Max(longestHold, elapsed);
        return (result, copied);
    }

    /// <summary>
    /// A step that got less far than the one before it plus its own pages has begun again: somebody committed. A last
    /// step may be short, but it gets further than the one before.
    /// </summary>
    private void Advance(int result, long copied, int pages, int pageBytes)
    {
        var expected = result == raw.SQLITE_DONE ? copiedPages + 1 : copiedPages + pages;
        if (copied < expected) restarts++;
        if (copied < expected || copiedPages == 0) moment = clock.GetUtcNow();
        copiedPages = copied;
        Show(pageBytes);
    }

    /// <summary>Goes on, waits for somebody's lock, or throws.</summary>
    private async Task AfterStepAsync(int result, CancellationToken cancellationToken)
    {
        if (result == raw.SQLITE_OK) return;
        if (SqliteResultException.IsBusyResult(result))
        {
            await WaitAsync(cancellationToken);
            return;
        }

        var written = (result & 0xFF) == raw.SQLITE_FULL ? copy : source;
        throw SqliteResultException.Of(result, raw.sqlite3_errstr(result).utf8_to_string() ?? "", written);
    }

    private async Task<T> PatientlyAsync<T>(Func<T> work, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                var done = await cpu.RunAsync(work, cancellationToken);
                patience = bound;
                return done;
            }
            catch (SqliteResultException e) when (e.IsBusy)
            {
                await WaitAsync(cancellationToken);
            }
        }
    }

    private async Task WaitAsync(CancellationToken cancellationToken)
    {
        if (patience <= TimeSpan.Zero) throw Locked();
        var began = clock.GetTimestamp();
        await Task.Delay(PollInterval, clock, cancellationToken);
        patience -= clock.GetElapsedTime(began);
    }

    private static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;

    private void Show(int pageBytes)
    {
        if (copiedPages <= shownPages) return;
        progress.Advance((copiedPages - shownPages) * pageBytes);
        shownPages = copiedPages;
    }

    private RepriseException Locked() => Busy(
        $"{source} stayed locked by others for more than {bound.TotalSeconds:0.#} s",
        "end the transaction that holds it, capture at a quieter time, or wait longer for it");

    private RepriseException TooLong(TimeSpan most) => Busy(
        $"one full pass over {source} would make its writers wait for more than {most.TotalSeconds:0.#} s",
        "switch the database to WAL mode, in which nobody waits, or capture at a quieter time");

    private RepriseException Busy(string message, string hint) =>
        new(new Problem(RecoveryErrors.SqliteBusy, Severity.Error, message, hint) { Where = source.ToString() });
}
