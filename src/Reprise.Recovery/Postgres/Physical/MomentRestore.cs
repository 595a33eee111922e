using Reprise.Recovery.Assets;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>
/// Writes the files of a server and the WAL behind them, and takes them on to a moment where its programs are installed. Else
/// the files are ready for a server that is started on them elsewhere, which then does the same by itself.
/// </summary>
internal sealed class MomentRestore(PostgresHost host, PostgresSettings settings, AssetRecord record, PointReader point, IProgressSink progress)
{
    private readonly ClusterFacts cluster = ClusterFacts.Of(record);

    public async Task<WrittenMoment> RunAsync(DiskPath folder, AssetMoment moment, CancellationToken cancellationToken)
    {
        var archive = settings.Archive ?? throw new InvariantException($"a moment of {record.Name} was found in no archive");
        var free = host.Disk.Space(folder).FreeBytes;
        if (free < record.SourceBytes + moment.ReplayBytes)
        {
            throw new RepriseException(
                RecoveryErrors.TargetTooSmall,
                $"{folder} has room for {free:N0} bytes; the files need {record.SourceBytes:N0}, the WAL up to that moment {moment.ReplayBytes:N0}",
                "choose another folder, or a point nearer to the moment");
        }

        var files = new PhysicalRestore(host, settings, record, point, progress) { Beyond = (moment, archive) };
        var paths = await files.RunAsync(folder, cancellationToken);
        var target = ReplayTarget.Of(cluster, moment);
        if (await ProgramsAsync(cancellationToken) is not { } programs)
            return new WrittenMoment(paths, MomentEnd.Of(record, moment, files.Laid?.LastEnd, null));
        var end = await new PhysicalReplay(host, programs, cluster, target, progress)
            .RunAsync(folder / PhysicalRestore.DataName, moment.ReplayBytes, cancellationToken);
        return new WrittenMoment(paths, MomentEnd.Of(record, moment, files.Laid?.LastEnd, end));
    }

    private async Task<ClientSet?> ProgramsAsync(CancellationToken cancellationToken)
    {
        var major = PhysicalRestore.Major(record);
        var set = await ServerPrograms.FindAsync(host, settings, major, cancellationToken);
        if (set is null)
            progress.Note($"no server of PostgreSQL {major} is installed here: what was written replays its WAL when it is first started");
        return set;
    }
}
