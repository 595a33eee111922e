using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Sqlite;

/// <summary>A short look into a live database.</summary>
internal sealed record Look
{
    /// <summary>Why it cannot be read, or null.</summary>
    public Problem? Problem { get; init; }

    /// <summary>Rows by table; empty when counting took too long.</summary>
    public SortedDictionary<string, long> Rows { get; init; } = new(StringComparer.Ordinal);

    /// <summary>Whether any table has a row, or may have one.</summary>
    public bool HasData { get; init; }

    /// <summary>The migration that it is at, or null.</summary>
    public string? Migration { get; init; }

    /// <summary>What its application wrote into the header.</summary>
    public string? ApplicationId { get; init; }

    /// <summary>
    /// Looks, read-only. Each statement is a transaction of its own, so that in rollback mode writers get in between.
    /// Counting ends when <paramref name="limit"/> is cancelled; everything when <paramref name="cancellationToken"/>
    /// is.
    /// </summary>
    public static Look Into(DiskPath path, bool countRows, CancellationToken limit, CancellationToken cancellationToken)
    {
        using var session = SqliteSession.OpenReadOnly(path, limit);
        var tables = session.Number("SELECT count(*) FROM sqlite_schema");
        var look = new Look
        {
            ApplicationId = session.Text("PRAGMA application_id"),
            HasData = tables > 0,
            Migration = SqliteExamination.FindMigration(session),
        };
        if (!countRows) return look;
        try
        {
            var (rows, all) = SqliteExamination.CountRows(session);
            return look with { Rows = rows, HasData = !all || rows.Values.Any(count => count > 0) };
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return look;
        }
    }
}
