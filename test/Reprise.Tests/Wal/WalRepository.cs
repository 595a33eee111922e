using Reprise.Repository;
using Reprise.Repository.Wal;
using Reprise.Storage.Memory;
using Reprise.Storage.Runtime;

namespace Reprise.Tests.Wal;

/// <summary>A repository in memory that takes WAL, made anew for each test.</summary>
public abstract class WalRepository : IAsyncLifetime, IDisposable
{
    private protected static readonly CancellationToken None = CancellationToken.None;

    private protected MemoryStore Store { get; } = new();

    private protected PointRepository Repository { get; private set; } = null!; // InitializeAsync sets it before any test.

    private protected WalArchive Archive { get; private set; } = null!; // And this.

    public async ValueTask InitializeAsync()
    {
        var host = new RepositoryHost(Store, TimeProvider.System, Entropy.System, Cpu.OfThisMachine());
        Repository = (await PointRepository.CreateAsync(host, None)).Repository;
        Archive = await Repository.WriteWalAsync(None);
    }

    public ValueTask DisposeAsync()
    {
        // Where both are there, only this one is called.
        Dispose();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing) => Repository.Dispose();
}
