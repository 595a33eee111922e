using System.Security.Cryptography;
using System.Text;
using Reprise.Repository.Format;
using Reprise.Repository.Sealing;
using Reprise.Storage;
using Reprise.Storage.Errors;

namespace Reprise.Repository.Wal;

/// <summary>What a check of the WAL found.</summary>
public sealed record WalReport
{
    /// <summary>Objects under <c>wal/</c>.</summary>
    public required int Objects { get; init; }

    /// <summary>Objects that were read whole.</summary>
    public required int ObjectsRead { get; init; }

    /// <summary>Bytes that were read.</summary>
    public required long BytesRead { get; init; }

    /// <summary>What is damaged, forged, foreign, or lacks what belongs to it.</summary>
    public required IReadOnlyList<Problem> Problems { get; init; }
}

/// <summary>Reads everything under <c>wal/</c>. One bad object stops nothing.</summary>
internal sealed class WalCheck(RepositoryHost host, Sealer sealer, Zstd zstd)
{
    private const string Hint =
        "while the server still has it in pg_wal, push it again: 'reprise wal push' replaces what is damaged; else recovery stops before it";

    private readonly List<Problem> problems = [];
    private int objects;
    private int read;
    private long bytes;

    /// <summary>Reads what <paramref name="reads"/> says of the SHA-256 of a name, and all that is small.</summary>
    public async Task<WalReport> RunAsync(Func<string, bool> reads, Action<long> progress, CancellationToken cancellationToken)
    {
        var names = new List<(ObjectInfo Info, WalName? Name)>();
        await foreach (var info in host.Store.ListAsync(new ObjectPrefix(WalName.Folder), cancellationToken))
            names.Add((info, WalName.Parse(info.Name)));
        var lineages = names.Select(n => n.Name).OfType<WalName.OfLineage>().Select(n => n.Lineage).ToHashSet(StringComparer.Ordinal);
        foreach (var (info, name) in names)
        {
            objects++;
            if (name is null) Add(RepositoryErrors.ObjectForeign, Severity.Warning, info, "is no object of a repository, and is ignored", "find out who put it there, then delete it");
            else if (name is WalName.OfRange && !reads(HashOf(info.Name))) continue;
            else await CheckAsync(info, name, progress, cancellationToken);
        }

        foreach (var group in names.Where(n => n.Name is not (null or WalName.OfLineage)).GroupBy(n => n.Name!.Lineage, StringComparer.Ordinal))
        {
            if (lineages.Contains(group.Key)) continue;
            Add(StorageErrors.ObjectMissing, Severity.Error, group.First().Info, $"belongs to lineage {group.Key}, whose object is gone", "find out who deleted it; nobody can tell of which cluster this WAL is");
        }

        return new WalReport { Objects = objects, ObjectsRead = read, BytesRead = bytes, Problems = problems };
    }

    private async Task CheckAsync(ObjectInfo info, WalName name, Action<long> progress, CancellationToken cancellationToken)
    {
        try
        {
            var plain = await SealedObjects.ReadAsync(host.Store, sealer, zstd, name.Kind, info.Name, name.MaxBytes, cancellationToken);
            if (plain is null) return; // A stream replaced it by a longer one since the listing.
            read++;
            bytes += info.SizeBytes;
            progress(info.SizeBytes);
            switch (name)
            {
                case WalName.OfLineage lineage: WalLineage.Decode(lineage.Lineage, plain); break;
                case WalName.OfClaim: WalArchive.DecodeClaim(plain); break;
                case WalName.OfRange range when plain.Length != range.Range.LengthBytes:
                    throw ByteReader.Broken($"it has {plain.Length} bytes of WAL instead of {range.Range.LengthBytes}");
                default: break;
            }
        }
        catch (RepriseException e) when (e.Code.Exit == ExitCodes.Damaged || e.Code == RepositoryErrors.FormatNewer)
        {
            var code = e.Code == RepositoryErrors.Malformed ? RepositoryErrors.ObjectDamaged : e.Code;
            Add(code, Severity.Error, info, $"({What(name)}) cannot be used: {e.Message}", Hint);
        }
    }

    private void Add(ErrorCode code, Severity severity, ObjectInfo info, string what, string hint) =>
        problems.Add(new Problem(code, severity, $"{info.Name} {what}", hint) { Where = info.Name.Value });

    private static string What(WalName name) => name switch
    {
        WalName.OfRange range => $"WAL of timeline {range.Timeline} from {range.Range}",
        WalName.OfClaim claim => $"the claim of timeline {claim.Timeline}",
        WalName.OfFile file => $"a file of timeline {file.Timeline}",
        _ => "a lineage",
    };

    private static string HashOf(ObjectName name) => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(name.Value)));
}
