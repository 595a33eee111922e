using Reprise.Storage.Runtime;

namespace Reprise.Repository.Points;

/// <summary>
/// Short contents that are being prepared on the machine's cores. Shares are equal in bytes, not in number, and there are
/// more of them than cores: one long file among a hundred short ones would otherwise leave a core idle at each turn.
/// </summary>
public sealed class ContentBatch : IAsyncDisposable
{
    private const int SharesPerCore = 2;

    internal ContentBatch(
        ChunkPreparer preparer, Cpu cpu, IReadOnlyList<ReadOnlyMemory<byte>> contents, CancellationToken cancellationToken)
    {
        var most = 1 + (contents.Sum(content => content.Length) / (cpu.Degree * SharesPerCore));
        var shares = new List<Task<PreparedShare>>();
        for (var first = 0; first < contents.Count;)
        {
            var bytes = contents[first].Length;
            var next = first + 1;
            for (; next < contents.Count && bytes + contents[next].Length <= most; next++) bytes += contents[next].Length;
            var share = contents.Skip(first).Take(next - first).ToArray();
            shares.Add(cpu.ComputeAsync(() => preparer.PrepareShare(share), cancellationToken));
            first = next;
        }

        Shares = shares;
    }

    internal IReadOnlyList<Task<PreparedShare>> Shares { get; }

    /// <summary>Waits for what is still at work, and gives the buffers back.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var share in Shares)
        {
            await Task.WhenAny(share);
            if (share.IsCompletedSuccessfully) BlockBuffers.Program.Return((await share).Room);
            else _ = share.Exception;
        }
    }
}
