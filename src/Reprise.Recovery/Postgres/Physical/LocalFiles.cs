using Reprise.Repository.Pages;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>The files of a server where they lie.</summary>
internal sealed class LocalFiles(IDisk disk, Cpu cpu) : IClusterFiles
{
    public int BlocksInFlight => cpu.Degree + 2;

    public async ValueTask<IClusterFile?> OpenAsync(ScannedEntry found, CancellationToken cancellationToken) =>
        await cpu.RunAsync(() => Open(found), cancellationToken);

    private LocalFile? Open(ScannedEntry found)
    {
        IDiskFile? handle = null;
        try
        {
            handle = disk.OpenRead(found.Place);
            var status = handle.Stat();
            return new LocalFile(handle, cpu, found.Entry with { Modified = status.Modified }, status);
        }
        catch (RepriseException e) when (e.Code == StorageErrors.FileMissing)
        {
            return null;
        }
        catch
        {
            handle?.Dispose();
            throw;
        }
    }

    private sealed class LocalFile(IDiskFile handle, Cpu cpu, PagedEntry entry, FileStatus status) : IClusterFile
    {
        public PagedEntry Entry => entry;

        public long SizeBytes => status.SizeBytes;

        public Task<bool> IsThereAsync() => Task.FromResult(true);

        // Whole pages of a hole need not be read.
        public async ValueTask<long?> NextDataAsync(long from, CancellationToken cancellationToken) =>
            status.AllocatedBytes < status.SizeBytes ? await cpu.RunAsync(() => handle.NextData(from), cancellationToken) : from;

        public Task<T> ReadAsync<T>(long offset, Memory<byte> into, Func<int, T> judge, CancellationToken cancellationToken) =>
            cpu.RunAsync(() => judge(handle.Read(offset, into.Span)), cancellationToken);

        public Task<int> ReadAgainAsync(long offset, Memory<byte> into, CancellationToken cancellationToken) =>
            cpu.RunAsync(() => handle.Read(offset, into.Span), cancellationToken);

        public void Dispose() => handle.Dispose();
    }
}
