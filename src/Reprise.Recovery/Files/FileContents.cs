using System.Runtime.CompilerServices;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;

namespace Reprise.Recovery.Files;

/// <summary>Every file of a record with its content: for whoever says what damage touches.</summary>
public static class FileContents
{
    /// <summary>
    /// Walks the list of <paramref name="record"/>, which is spooled to <paramref name="spool"/> meanwhile.
    /// </summary>
    public static async IAsyncEnumerable<(string Path, Content Content)> WalkAsync(
        AssetRecord record,
        PointReader point,
        IDisk disk,
        DiskPath spool,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (!record.Streams.TryGetValue(FilesAsset.StreamName, out var list)) yield break;
        try
        {
            using (var file = disk.CreateNew(spool))
            {
                await foreach (var block in point.ReadAsync(list, cancellationToken))
                    file.Write(block.OffsetBytes, block.Bytes.Span);
            }

            using var entries = new FileListReader(disk, spool, expected: list.Sha256);
            while (entries.Next() is { } entry)
            {
                if (entry.Content is { } content) yield return (entry.Path.ToString(), content);
            }
        }
        finally
        {
            disk.DeleteFile(spool);
        }
    }
}
