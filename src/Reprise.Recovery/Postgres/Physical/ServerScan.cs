using System.Globalization;
using System.Runtime.CompilerServices;
using Reprise.Repository.Pages;
using Reprise.Storage.Disk;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>Whom the files of a server belong to, and what is allowed with them there.</summary>
/// <param name="User">numeric.</param>
/// <param name="Group">numeric.</param>
/// <param name="FolderMode">permission bits of folders.</param>
internal sealed record ServerOwner(uint User, uint Group, int FolderMode)
{
    private const int FileBits = 0x1B6;

    /// <summary>An entry of theirs.</summary>
    public PagedEntry Of(DiskPath path, PagedEntryType type, ServerEntry found) => new()
    {
        Type = type,
        Path = path,
        Mode = type == PagedEntryType.File ? FolderMode & FileBits : FolderMode,
        User = User,
        Group = Group,
        Modified = found.Modified,
        LengthBytes = type == PagedEntryType.File ? found.SizeBytes : 0,
    };
}

/// <summary>
/// Walks a data directory through its server, by the rules of <see cref="ClusterScan"/> and in the same order. The server
/// follows links: what lies behind one that is not a tablespace's is taken where the link is.
/// </summary>
internal sealed class ServerScan(
    ServerFiles files, ServerOwner owner, ServerFacts server, IReadOnlyList<ClusterTablespace> tablespaces)
{
    // A link that leads back to a folder above it would never end.
    private const int MaxDepth = 32;

    private readonly string tablespaceFolder = $"PG_{server.Major}_{server.Catalog}";

    public async IAsyncEnumerable<ScannedEntry> EntriesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var root = await files.LookAsync(default, cancellationToken) ?? throw PhysicalErrors.Impossible(
            $"{server.DataFolder} is not there", "look at the log and the disk of the server");
        yield return new ScannedEntry(owner.Of(default, PagedEntryType.Folder, root), default);
        await foreach (var entry in BelowAsync(default, 0, cancellationToken)) yield return entry;
    }

    private async IAsyncEnumerable<ScannedEntry> BelowAsync(
        DiskPath folder, int depth, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (depth > MaxDepth)
            throw PhysicalErrors.Impossible($"{folder} is {depth} folders deep", "look for a link in the data directory that leads back into it");
        var listed = await files.ListAsync(folder, cancellationToken);
        var kept = ClusterRules.KeptIn(folder, [.. listed.Select(entry => entry.Name.ToString())]);
        foreach (var found in listed.Where(entry => kept.Contains(entry.Name.ToString())).OrderBy(entry => entry.Name))
        {
            var path = folder / found.Name;
            if (!found.IsFolder)
            {
                yield return new ScannedEntry(owner.Of(path, PagedEntryType.File, found), path);
                continue;
            }

            if (folder.ToString() == "pg_tblspc")
            {
                await foreach (var entry in TablespaceAsync(path, found, depth, cancellationToken)) yield return entry;
                continue;
            }

            yield return new ScannedEntry(owner.Of(path, PagedEntryType.Folder, found), path);
            foreach (var inner in path.ToString() == "pg_wal" ? ClusterRules.WalFolders(server.Major) : [])
                yield return new ScannedEntry(owner.Of(path / inner, PagedEntryType.Folder, found), path / inner);
            if (ClusterRules.IsEmptied(path)) continue;
            await foreach (var entry in BelowAsync(path, depth + 1, cancellationToken)) yield return entry;
        }
    }

    // Those that were there when the backup began; its folder may hold those of other servers and versions.
    private async IAsyncEnumerable<ScannedEntry> TablespaceAsync(
        DiskPath path, ServerEntry found, int depth, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (tablespaces.FirstOrDefault(t => t.Oid.ToString(CultureInfo.InvariantCulture) == path.Name.ToString()) is not { } tablespace) yield break;
        yield return new ScannedEntry(
            owner.Of(path, PagedEntryType.LinkedFolder, found) with { Mode = ServerSource.PrivateFolder, Target = new DiskPath(tablespace.Location) }, path);
        var own = path / tablespaceFolder;
        if (await files.LookAsync(own, cancellationToken) is not { IsFolder: true } inside) yield break;
        yield return new ScannedEntry(owner.Of(own, PagedEntryType.Folder, inside), own);
        await foreach (var entry in BelowAsync(own, depth + 1, cancellationToken)) yield return entry;
    }
}
