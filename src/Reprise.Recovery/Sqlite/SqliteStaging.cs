using System.Globalization;
using System.Security.Cryptography;
using Reprise.Recovery.Assets;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;

namespace Reprise.Recovery.Sqlite;

/// <summary>Builds a database file from a point, and proves it, where nobody uses it yet.</summary>
internal sealed class SqliteStaging(IDisk disk, Cpu cpu, TimeProvider clock)
{
    private const int BlockBytes = 1024 * 1024;

    /// <summary>
    /// Writes the database to <paramref name="path"/>, which must not exist; durable but for the name.
    /// </summary>
    public async Task WriteAsync(
        DiskPath path, Content content, PointReader point, IProgressSink progress, CancellationToken cancellationToken)
    {
        progress.Begin("write " + path.Name, content.LengthBytes);
        using var file = disk.CreateNew(path);
        file.Reserve(content.LengthBytes);
        await foreach (var block in point.ReadAsync(content, cancellationToken))
        {
            if (!block.Bytes.IsEmpty)
                await cpu.RunAsync(() => file.Write(block.OffsetBytes, block.Bytes.Span), cancellationToken);
            progress.Advance(block.Bytes.Length + block.HoleBytes);
        }

        await cpu.RunAsync(
            () =>
            {
                // A hole at the end is not written by anybody.
                file.SetLength(content.LengthBytes);
                file.Sync();
            },
            cancellationToken);
    }

    /// <summary>Gives the staged file mode and owner of the source; says so when it may not.</summary>
    public void SetPermissions(DiskPath path, AssetRecord record, IProgressSink progress) =>
        Apply(path, record, SqliteFacts.User, SqliteFacts.Group, SqliteFacts.Mode, progress);

    /// <summary>Gives a folder that had to be made mode and owner of the source's folder.</summary>
    public void SetFolderPermissions(DiskPath path, AssetRecord record, IProgressSink progress) =>
        Apply(path, record, SqliteFacts.FolderUser, SqliteFacts.FolderGroup, SqliteFacts.FolderMode, progress);

    /// <summary>Bytes, structure and rows of the staged file against the record.</summary>
    public async Task<IReadOnlyList<CheckOutcome>> VerifyAsync(
        SqliteSet staged, AssetRecord record, IProgressSink progress, CancellationToken cancellationToken)
    {
        if (disk.Stat(staged.Main) is not { } status)
        {
            throw new RepriseException(
                RecoveryErrors.StagedWrong, $"nothing is staged at {staged.Main}", "run the restore again");
        }

        progress.Begin("verify " + staged.Main.Name, status.SizeBytes);
        var bytes = await VerifyBytesAsync(staged.Main, record, progress, cancellationToken);
        var rest = await cpu.RunAsync(() => VerifyContent(staged, record, cancellationToken), cancellationToken);
        return [bytes, .. rest];
    }

    private void Apply(
        DiskPath path, AssetRecord record, string userFact, string groupFact, string modeFact, IProgressSink progress)
    {
        if (disk.Stat(path) is { } status
            && Number(record, userFact) is { } user
            && Number(record, groupFact) is { } group
            && (status.User != user || status.Group != group))
        {
            try
            {
                disk.SetOwner(path, user, group);
            }
            catch (RepriseException e) when (
                e.Code == StorageErrors.FileDenied || e.Code == StorageErrors.DiskUnsupported)
            {
                progress.Note($"{path} belongs to {status.User}:{status.Group} instead of {user}:{group}: "
                    + $"run 'chown {user}:{group}' on it as root after the restore");
            }
        }

        // After the owner: a change of owner clears bits.
        if (record.Facts.TryGetValue(modeFact, out var mode)) disk.SetMode(path, Mode(mode));
    }

    private async Task<CheckOutcome> VerifyBytesAsync(
        DiskPath path, AssetRecord record, IProgressSink progress, CancellationToken cancellationToken)
    {
        var began = clock.GetTimestamp();
        var actual = await HashAsync(path, progress, cancellationToken);
        var (expected, found) = ($"sha256 {record.Sha256}", $"sha256 {actual}");
        return Outcome(record, "bytes", CheckLevel.Bytes, expected, found, actual == record.Sha256, began);
    }

    private async Task<Sha256Digest> HashAsync(
        DiskPath path, IProgressSink progress, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var file = disk.OpenRead(path);
        var buffer = new byte[BlockBytes];
        for (var offset = 0L; ;)
        {
            var at = offset;
            var count = await cpu.RunAsync(
                () =>
                {
                    var read = file.Read(at, buffer);
                    hash.AppendData(buffer.AsSpan(0, read));
                    return read;
                },
                cancellationToken);
            progress.Advance(count);
            offset += count;
            if (count < buffer.Length) return new Sha256Digest(hash.GetHashAndReset());
        }
    }

    private List<CheckOutcome> VerifyContent(SqliteSet staged, AssetRecord record, CancellationToken cancellationToken)
    {
        try
        {
            using var session = SqliteSession.OpenReadOnly(staged.Main, cancellationToken);
            return [VerifyIntegrity(session, record), VerifyRows(session, record)];
        }
        finally
        {
            staged.DeleteEmptySidecars(disk);
        }
    }

    private CheckOutcome VerifyIntegrity(SqliteSession session, AssetRecord record)
    {
        var began = clock.GetTimestamp();
        var (integrity, detail) = SqliteExamination.CheckIntegrity(session);
        var outcome = Outcome(
            record, "integrity", CheckLevel.Structure, "ok", detail ?? "ok", integrity == Integrity.Ok, began);
        return integrity == Integrity.CouldNotVerify
            ? outcome with
            {
                Outcome = Reprise.Recovery.Assets.Outcome.CouldNotVerify,
                Reason = "integrity-check-impossible",

                // It could not be asked of the source either; the bytes are proven to be the source's.
                Required = record.Facts.GetValueOrDefault(SqliteFacts.Integrity) != SqliteFacts.CouldNotVerify,
            }
            : outcome;
    }

    private CheckOutcome VerifyRows(SqliteSession session, AssetRecord record)
    {
        var began = clock.GetTimestamp();
        var (rows, _) = SqliteExamination.CountRows(session);
        var differing = rows.Keys.Union(record.Rows.Keys, StringComparer.Ordinal)
            .Order(StringComparer.Ordinal)
            .FirstOrDefault(t => rows.GetValueOrDefault(t, -1) != record.Rows.GetValueOrDefault(t, -1));
        return differing is null
            ? Outcome(record, "rows", CheckLevel.Data, Total(record.Rows), Total(rows), true, began)
            : Outcome(
                record, "rows", CheckLevel.Data, Of(differing, record.Rows), Of(differing, rows), false, began);

        static string Total(IReadOnlyDictionary<string, long> counted) =>
            $"{counted.Values.Sum()} rows in {counted.Count} tables";

        static string Of(string table, IReadOnlyDictionary<string, long> counted) =>
            counted.TryGetValue(table, out var count) ? $"{count} rows in {table}" : $"no table {table}";
    }

    private CheckOutcome Outcome(
        AssetRecord record,
        string question,
        CheckLevel level,
        string expected,
        string actual,
        bool passes,
        long began) =>
        new()
        {
            Name = $"{record.Name}-{question}",
            Level = level,
            Outcome = passes ? Assets.Outcome.Pass : Assets.Outcome.Fail,
            Expected = expected,
            Actual = actual,
            Elapsed = clock.GetElapsedTime(began),
            Asset = record.Name,
            Reason = passes ? null : $"staged-{question}-differ",
        };

    // A file whose mode makes no sense stays closed to everybody but its owner.
    private static int Mode(string octal) => octal.Length is > 0 and <= 4 && octal.All(c => c is >= '0' and <= '7')
        ? Convert.ToInt32(octal, 8)
        : 0x180;

    private static uint? Number(AssetRecord record, string fact) =>
        record.Facts.TryGetValue(fact, out var text)
        && uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;
}
