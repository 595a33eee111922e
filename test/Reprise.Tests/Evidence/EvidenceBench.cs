using Reprise.Recovery.Evidence;
using Reprise.Repository;
using Reprise.Storage;
using Reprise.Storage.Disk;
using Reprise.Storage.Memory;
using Reprise.Storage.Runtime;
using Reprise.Tests.Fixtures;
using Reprise.Tests.Storage;

namespace Reprise.Tests.Evidence;

/// <summary>A host with its state folder and key, and a repository in memory.</summary>
internal sealed class EvidenceBench : IDisposable
{
    private readonly PointRepository repository;

    public EvidenceBench(IStore? store = null)
    {
        Store = store ?? new MemoryStore();
        repository = PointRepository.CreateAsync(
            new RepositoryHost(Store, TimeProvider.System, Entropy.System, Cpu.OfThisMachine()), default).GetAwaiter().GetResult().Repository;
    }

    public ScratchFolder Scratch { get; } = new(memory: true);

    public IStore Store { get; }

    public SteppedClock Clock { get; } = new(Drills.Now);

    public DiskPath Folder => Scratch / "state" / "evidence";

    public EvidenceObjects Objects => repository.Evidence;

    public EvidenceFolder Client => new(Disks.OfThisMachine(), Folder);

    /// <summary>The log of a host; each name has its own folder and key.</summary>
    public EvidenceLog Log(string host = "state", bool withRepository = true, IDisk? disk = null) => new(new EvidenceHost
    {
        Disk = disk ?? Disks.OfThisMachine(),
        Folder = Scratch / host / "evidence",
        KeyFile = Scratch / host / "shop.evidence.key",
        Repository = withRepository ? repository.Evidence : null,
        Clock = Clock,
        Application = "shop",
        Author = "ada",
    });

    /// <summary>Two drills and a note: three pieces.</summary>
    public async Task<EvidenceSet> ThreeAsync()
    {
        await Log().KeepAsync(Drills.Passed(), default);
        Clock.Advance(TimeSpan.FromDays(7));
        await Log().KeepAsync(Drills.Failed(), default);
        await Log().NoteAsync(Note(), default);
        return Client.Read();
    }

    public static NoteRequest Note(string drill = "latest") => new()
    {
        Drill = drill,
        Gap = "rows are missing",
        Action = "find out why",
        Owner = "Ada",
        Due = new DateOnly(2026, 12, 1),
    };

    public void Dispose()
    {
        repository.Dispose();
        Scratch.Dispose();
    }
}
