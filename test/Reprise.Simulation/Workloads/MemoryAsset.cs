using System.Security.Cryptography;
using Reprise.Recovery.Assets;
using Reprise.Repository.Points;
using Reprise.Storage.Errors;

namespace Reprise.Simulation.Workloads;

/// <summary>
/// An asset that lies in memory: its streams are captured one after another, in both ways of cutting.
/// <paramref name="during"/> runs in the middle of the capture.
/// </summary>
public sealed class MemoryAsset(
    string name, string kind, IReadOnlyDictionary<string, byte[]> streams, Func<Task>? during = null) : IAsset
{
    /// <inheritdoc />
    public string Name => name;

    /// <inheritdoc />
    public string Kind => kind;

    /// <inheritdoc />
    public Task<IReadOnlyList<Problem>> DiagnoseAsync(CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<Problem>>([]);

    /// <inheritdoc />
    public async Task<AssetRecord> CaptureAsync(CaptureContext context, CancellationToken cancellationToken)
    {
        var captured = new SortedDictionary<string, Content>(StringComparer.Ordinal);
        using var all = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (stream, bytes) in streams.OrderBy(s => s.Key, StringComparer.Ordinal))
        {
            var cutting = captured.Count % 2 == 0 ? Cutting.ContentDefined : Cutting.Every(4096);
            var content = context.Writer.Begin(cutting);
            for (var at = 0; at < bytes.Length; at += 10_000)
                await content.WriteAsync(bytes.AsMemory(at, Math.Min(10_000, bytes.Length - at)), cancellationToken);
            captured[stream] = await content.CompleteAsync(cancellationToken);
            all.AppendData(bytes);
            if (during is not null && captured.Count == 1) await during();
        }

        return new AssetRecord
        {
            Name = name,
            Kind = kind,
            Method = "memory",
            Moment = context.Clock.GetUtcNow(),
            State = AssetStates.Complete,
            SourceBytes = streams.Values.Sum(s => (long)s.Length),
            StoredBytes = 0,
            Sha256 = new Sha256Digest(all.GetHashAndReset()),
            Streams = captured,
        };
    }

    /// <inheritdoc />
    public Task<TargetState> InspectAsync(CancellationToken cancellationToken) =>
        Task.FromResult(new TargetState { Presence = Presence.Absent, HasData = false, Where = "memory" });
}

/// <summary>Hears nothing.</summary>
public sealed class SilentProgress : IProgressSink
{
    /// <inheritdoc />
    public void Begin(string step, long? totalBytes)
    {
    }

    /// <inheritdoc />
    public void Advance(long bytes)
    {
    }

    /// <inheritdoc />
    public void Note(string line)
    {
    }
}
