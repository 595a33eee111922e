using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Reprise.Recovery.Assets;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;

namespace Reprise.Recovery.Sqlite;

/// <summary>
/// Copies one committed state of a database into a private file, proves it, and stores it. The live file is opened by
/// SQLite only: if we opened and closed it ourselves, every POSIX lock that our process has on it would be gone.
/// </summary>
internal sealed class SqliteCapture(string name, SqliteSettings settings, IDisk disk, Cpu cpu)
{
    /// <summary>Pages have 512 bytes to 64 KiB, all powers of two: cuts never split one.</summary>
    public const int CutBytes = 64 * 1024;

    private const int BlockBytes = 1024 * 1024;

    /// <summary>Runs the capture; see <see cref="IAsset.CaptureAsync"/>.</summary>
    public async Task<AssetRecord> RunAsync(
        SqlitePlace place, CaptureContext context, CancellationToken cancellationToken)
    {
        var status = Require(place);
        var folder = disk.Stat(place.Folder);
        var sharedBefore = disk.Stat(place.SharedMemory);
        var copy = new SqliteSet(new DiskPath(context.ScratchFolder) / CopyName());
        RequireRoom(place, copy);
        copy.Delete(disk);
        disk.CreateNew(copy.Main).Dispose();

        context.Progress.Begin("copy " + place.Live.Main, status.SizeBytes);
        var began = context.Clock.GetTimestamp();
        var snapshot = await new SqliteSnapshot(
                place.Live.Main, copy.Main, settings.BusyBound, context.Clock, cpu, context.Progress)
            .TakeAsync(cancellationToken);
        var copied = context.Clock.GetElapsedTime(began);
        if (sharedBefore is null) WarnOfOwner(place, status, context);

        context.Progress.Begin("check the copy of " + place.Live.Main.Name, null);
        var findings = await cpu.RunAsync(() => Examine(copy, context.Clock, cancellationToken), cancellationToken);
        var storedBefore = context.Writer.StoredBytes;
        var content = await StoreAsync(copy.Main, context, cancellationToken);
        copy.Delete(disk);
        if (findings.Integrity != Integrity.Ok) Report(place, findings, context);
        return new AssetRecord
        {
            Name = name,
            Kind = SqliteAsset.KindName,
            Method = "pages",
            Moment = snapshot.Moment,
            State = findings.Integrity == Integrity.Damaged ? "damaged" : "complete",
            SourceBytes = content.LengthBytes,
            StoredBytes = context.Writer.StoredBytes - storedBefore,
            Sha256 = content.Sha256,
            Versions = new SortedDictionary<string, string> { ["sqlite"] = SqliteEngine.Version },
            Rows = findings.Rows,
            Migration = findings.Migration,
            Identity = IdentityOf(disk, place, status, findings.Shape.GetValueOrDefault("applicationId")),
            Facts = FactsOf(status, folder, snapshot, findings, copied),
            Streams = new SortedDictionary<string, Content>(StringComparer.Ordinal) { [SqliteFacts.Stream] = content },
        };
    }

    /// <summary>Who a database is: machine, device, path, and the number that its application wrote into it.</summary>
    public static SortedDictionary<string, string> IdentityOf(
        IDisk disk, SqlitePlace place, FileStatus? status, string? applicationId)
    {
        var identity = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["path"] = place.Live.Main.ToString(),
        };
        if (Machine.Fingerprint(disk) is { } machine) identity[Machine.IdentityKey] = machine;
        if (status is not null) identity["device"] = Text(status.Device);
        if (applicationId is not null) identity["applicationId"] = applicationId;
        return identity;
    }

    /// <summary>The live file, or why there is none to read.</summary>
    public FileStatus Require(SqlitePlace place)
    {
        var path = place.Live.Main;
        if (disk.Stat(path) is { } status)
        {
            return status.Type == FileType.Regular
                ? status
                : throw Fault(
                    StorageErrors.FileDenied, $"{path} is no file ({status.Type})", "correct the path of this asset");
        }

        throw new SqliteSwap(disk, place).Unfinished() is { } swap
            ? new RepriseException(SqliteSwap.Interrupted(place, swap))
            : Fault(
                StorageErrors.FileMissing,
                $"{path} does not exist",
                "correct the path of this asset; a database that its application has not made yet cannot be captured");

        RepriseException Fault(ErrorCode code, string message, string hint) =>
            new(new Problem(code, Severity.Error, message, hint) { Asset = name, Where = path.ToString() });
    }

    private void RequireRoom(SqlitePlace place, SqliteSet copy)
    {
        var needed = place.Live.SizeBytes(disk);
        var free = disk.Space(copy.Main.Parent).FreeBytes;
        if (free >= needed) return;
        throw new RepriseException(new Problem(
            StorageErrors.DiskFull,
            Severity.Error,
            $"the private copy of {place.Live.Main} needs {needed} bytes in {copy.Main.Parent}, where {free} are free",
            "free some room there, or choose a larger place for temporary files")
        {
            Asset = name,
            Where = copy.Main.Parent.ToString(),
        });
    }

    private SqliteFindings Examine(SqliteSet copy, TimeProvider clock, CancellationToken cancellationToken)
    {
        SqliteFindings findings;
        using (var session = SqliteSession.OpenReadOnly(copy.Main, cancellationToken))
            findings = SqliteExamination.Examine(session, clock);
        copy.DeleteEmptySidecars(disk);
        return findings;
    }

    private async Task<Content> StoreAsync(DiskPath copy, CaptureContext context, CancellationToken cancellationToken)
    {
        using var file = disk.OpenRead(copy);
        context.Progress.Begin("store " + name, file.Stat().SizeBytes);
        var writer = context.Writer.Begin(Cutting.Every(CutBytes));
        var buffer = new byte[BlockBytes];
        while (true)
        {
            var offset = writer.LengthBytes;
            var count = await cpu.RunAsync(() => file.Read(offset, buffer), cancellationToken);
            await writer.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
            context.Progress.Advance(count);
            if (count < buffer.Length) return await writer.CompleteAsync(cancellationToken);
        }
    }

    /// <summary>
    /// Reading a database in WAL mode that nobody has open makes SQLite create <c>-wal</c> and <c>-shm</c>. As root it
    /// gives them to the owner of the database; as anybody else they are ours, and the application may be locked out.
    /// They cannot be deleted again: the application may have opened them in the meantime.
    /// </summary>
    private void WarnOfOwner(SqlitePlace place, FileStatus database, CaptureContext context)
    {
        if (disk.Stat(place.SharedMemory) is not { } shared || shared.User == database.User) return;
        context.Problems.Add(new Problem(
            StorageErrors.FileDenied,
            Severity.Warning,
            $"{place.SharedMemory} now belongs to user {shared.User}, the database to user {database.User}: "
            + "its application may not be able to open it",
            $"run 'chown --reference={place.Live.Main} {place.Live.Main}-wal {place.SharedMemory}', "
            + "and run reprise as root or as the user of the application")
        {
            Asset = name,
            Where = place.SharedMemory.ToString(),
        });
    }

    private void Report(SqlitePlace place, SqliteFindings findings, CaptureContext context)
    {
        if (findings.Integrity == Integrity.CouldNotVerify)
        {
            context.Progress.Note($"{place.Live.Main}: integrity_check cannot run here ({findings.Detail})");
            return;
        }

        context.Problems.Add(new Problem(
            RecoveryErrors.SqliteDamaged,
            Severity.Error,
            $"{place.Live.Main} is damaged: integrity_check says '{findings.Detail}'",
            "restore the last point in which it was ok (see 'reprise points'); this one keeps what is there now")
        {
            Asset = name,
            Where = place.Live.Main.ToString(),
        });
    }

    private static SortedDictionary<string, string> FactsOf(
        FileStatus file, FileStatus? folder, SnapshotFacts snapshot, SqliteFindings findings, TimeSpan copied)
    {
        var facts = findings.Shape;
        facts[SqliteFacts.Mode] = Octal(file.Mode);
        facts[SqliteFacts.User] = Text(file.User);
        facts[SqliteFacts.Group] = Text(file.Group);
        if (folder is not null)
        {
            facts[SqliteFacts.FolderMode] = Octal(folder.Mode);
            facts[SqliteFacts.FolderUser] = Text(folder.User);
            facts[SqliteFacts.FolderGroup] = Text(folder.Group);
        }

        facts[SqliteFacts.Integrity] = findings.Integrity switch
        {
            Integrity.Ok => SqliteFacts.Ok,
            Integrity.Damaged => SqliteFacts.Damaged,
            _ => SqliteFacts.CouldNotVerify,
        };
        if (findings.Detail is not null) facts[SqliteFacts.IntegrityDetail] = findings.Detail;
        facts[SqliteFacts.ForeignKeyViolations] =
            findings.ForeignKeyViolations is { } violations ? Text(violations) : "unknown";
        facts[SqliteFacts.AllRowsCounted] = findings.AllRowsCounted ? "true" : "false";
        facts[SqliteFacts.RowsSeconds] = Seconds(findings.RowsElapsed);
        facts[SqliteFacts.CopySeconds] = Seconds(copied);
        facts[SqliteFacts.LongestWriterWaitSeconds] = Seconds(snapshot.LongestHold);
        facts[SqliteFacts.Restarts] = Text(snapshot.Restarts);
        facts[SqliteFacts.OnePass] = snapshot.OnePass ? "true" : "false";
        return facts;
    }

    /// <summary>Several databases may share a scratch folder, and a name is not always a good file name.</summary>
    private string CopyName() =>
        "sqlite-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)).AsSpan(0, 8));

    private static string Octal(int mode) => Convert.ToString(mode, 8);

    private static string Seconds(TimeSpan elapsed) =>
        elapsed.TotalSeconds.ToString("0.######", CultureInfo.InvariantCulture);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
