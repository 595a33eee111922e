using System.Text;
using Reprise.Configuration;
using Reprise.Repository;
using Reprise.Storage;
using Reprise.Storage.Conformance;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Local;

namespace Reprise.Wiring;

/// <summary>Makes a repository with its key file and its recovery sheet, and never overwrites any of them.</summary>
internal sealed class RepositoryMaker(Machine machine)
{
    private const int FolderMode = 0x1C0;

    /// <summary>What was made and what was there.</summary>
    /// <param name="Created">paths that are new.</param>
    /// <param name="Kept">paths that were there.</param>
    /// <param name="Sheet">the new recovery sheet, or null.</param>
    public sealed record Made(IReadOnlyList<string> Created, IReadOnlyList<string> Kept, string? Sheet);

    /// <summary>
    /// Makes what is missing. A key without its repository, or a repository without its key, is an error that says which
    /// of them has to be brought back: making a new one would look like success.
    /// </summary>
    public async Task<Made> MakeAsync(
        string application, RepositoryConfiguration repository, string sheetPath, CancellationToken cancellationToken)
    {
        var place = repository.Location.ToString();
        var keyFile = repository.KeyFile ?? throw new RepriseException(
            ConfigurationErrors.Value, "there is no key file in the configuration", "write repository: { key: { file: … } }");
        var key = new DiskPath(keyFile);
        var hasRepository = repository.Location is RepositoryLocation.Folder folder
            ? Exists(new DiskPath(folder.Path) / "repository")
            : await machine.Store(repository.Location).StatAsync(new ObjectName("repository"), cancellationToken) is not null;
        var hasKey = Exists(key);
        if (hasRepository && !hasKey) throw Lost(RepositoryErrors.KeyMissing, $"the repository {place} is there, its key {keyFile} is not", "put a copy of the key there, or use the recovery sheet as the key file");
        if (hasKey && !hasRepository) throw Lost(RepositoryErrors.RepositoryMissing, $"the key {keyFile} is there, its repository {place} is not", "mount the disk that holds it; for a new repository move the old key away first");
        if (hasKey)
        {
            using var opened = await machine.OpenRepositoryAsync(repository.Location, keyFile, cancellationToken);
            return new Made([], [place, keyFile], null);
        }

        var made = await PointRepository.CreateAsync(
            machine.RepositoryOn(await NewStoreAsync(repository.Location, cancellationToken)), cancellationToken);
        made.Repository.Dispose();
        WritePrivate(key, made.File.Format());
        WritePrivate(new DiskPath(sheetPath), RecoverySheet.Text(application, place, made.Sheet, machine.Clock.GetUtcNow()));
        return new Made([place, keyFile, sheetPath], [], sheetPath);
    }

    // A folder is made; a bucket is not: whoever owns it decides where it lies and what it costs.
    private async Task<IStore> NewStoreAsync(RepositoryLocation location, CancellationToken cancellationToken)
    {
        if (location is RepositoryLocation.Folder folder)
            return LocalStore.Create(machine.Disk, new DiskPath(folder.Path), machine.Cpu, machine.Entropy);
        var store = machine.Store(location);
        if (await CreationProbe.IsRefusedAsync(store, machine.Entropy, cancellationToken)) return store;
        throw StoreOperation.NotAtomic(
            "nothing was made", "add conditional-writes=no to the location; 'reprise prune' then needs --exclusive");
    }

    private static RepriseException Lost(ErrorCode code, string message, string hint) => new(code, message, hint);

    private bool Exists(DiskPath path) => machine.Disk.Stat(path) is not null;

    private void WritePrivate(DiskPath path, string text)
    {
        machine.Disk.MakeFolderDurably(path.Parent, FolderMode);
        using (var file = machine.Disk.CreateNew(path))
        {
            file.Write(0, Encoding.UTF8.GetBytes(text));
            file.Sync();
        }

        machine.Disk.SyncFolder(path.Parent);
    }
}
