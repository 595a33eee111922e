using System.Text;
using Reprise.Recovery.Assets;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Tests.Restoring;

/// <summary>
/// A small asset that works: a folder of files, swapped one file after another, so that there are many half-way states.
/// A mark in a slot says that it is whole. What a point holds of it stands in the facts of its record.
/// </summary>
public sealed class FolderAsset(string name, MemoryFiles medium, Steps steps) : IRestorable
{
    private static readonly DiskPath Mark = new(".whole");

    private readonly MemoryDisk disk = new(medium, steps);

    public string Name => name;

    public string Kind => AssetKinds.Files;

    public DiskPath Live { get; } = new DiskPath("/data") / name;

    public TargetState? State { get; set; }

    public List<Problem> Preflight { get; } = [];

    public CheckOutcome? StagedOutcome { get; set; }

    public static AssetRecord Record(string name, IReadOnlyDictionary<string, string> files) => new()
    {
        Name = name,
        Kind = AssetKinds.Files,
        Method = "files",
        Moment = new DateTimeOffset(2026, 11, 22, 3, 0, 0, TimeSpan.Zero),
        State = AssetStates.Complete,
        SourceBytes = files.Sum(f => f.Value.Length),
        StoredBytes = 0,
        Sha256 = default,
        Facts = new SortedDictionary<string, string>(files.ToDictionary()),
        Rows = new SortedDictionary<string, long> { ["files"] = files.Count },
        Identity = new SortedDictionary<string, string> { ["volume"] = "one" },
    };

    public Task<IReadOnlyList<Problem>> DiagnoseAsync(CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<Problem>>([]);

    public Task<AssetRecord> CaptureAsync(CaptureContext context, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public Task<TargetState> InspectAsync(CancellationToken cancellationToken)
    {
        var files = Files(Live);
        return Task.FromResult(State ?? new TargetState
        {
            Presence = files.Count > 0 ? Presence.Readable : Presence.Absent,
            HasData = files.Count > 0,
            Identity = new SortedDictionary<string, string> { ["volume"] = "one" },
            Rows = new SortedDictionary<string, long> { ["files"] = files.Count },
            Where = Live.ToString(),
        });
    }

    public Task<IReadOnlyList<Problem>> PreflightAsync(RestoreItem item, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<Problem>>([.. Preflight]);

    public Task StageAsync(
        RestoreItem item, PointReader point, IProgressSink progress, CancellationToken cancellationToken)
    {
        var slot = At(Slot.New(item.RestoreId));
        Delete(slot);
        disk.MakeFolder(slot);
        foreach (var (file, content) in item.Record.Facts)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Write(slot / file, content);
        }

        Write(slot / Mark, "");
        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<CheckOutcome>> VerifyStagedAsync(
        RestoreItem item, IProgressSink progress, CancellationToken cancellationToken)
    {
        var good = Files(At(Slot.New(item.RestoreId))).Count == item.Record.Facts.Count;
        return Task.FromResult<IReadOnlyList<CheckOutcome>>(
        [
            StagedOutcome ?? new CheckOutcome
            {
                Name = name + "-files", Level = CheckLevel.Data, Outcome = good ? Outcome.Pass : Outcome.Fail,
            },
        ]);
    }

    public Task SwapAsync(RestoreItem item, Swap swap, CancellationToken cancellationToken)
    {
        var outgoing = At(swap.Outgoing);
        var incoming = swap.Incoming is { } slot ? At(slot) : (DiskPath?)null;
        if (incoming is { } from && disk.Stat(from) is null) return Task.CompletedTask;
        if (disk.Stat(outgoing / Mark) is null && (incoming is not { } whole || disk.Stat(whole / Mark) is not null))
        {
            disk.MakeFolder(outgoing);
            MoveAll(Live, outgoing);
            Write(outgoing / Mark, "");
        }

        if (incoming is not { } path) return Task.CompletedTask;
        disk.DeleteFile(path / Mark);
        MoveAll(path, Live);
        disk.DeleteFolder(path);
        return Task.CompletedTask;
    }

    public Task<SlotState> InspectSlotAsync(RestoreItem item, Slot slot, CancellationToken cancellationToken)
    {
        var path = At(slot);
        return Task.FromResult(new SlotState(Files(path).Count > 0, path.ToString(), Files(path).Count));
    }

    public Task DiscardAsync(RestoreItem item, Slot slot, CancellationToken cancellationToken)
    {
        Delete(At(slot));
        return Task.CompletedTask;
    }

    public Task<WrittenPaths> MaterialiseAsync(
        AssetRecord record,
        PointReader point,
        string folder,
        Survey survey,
        IProgressSink progress,
        CancellationToken cancellationToken)
    {
        foreach (var (file, content) in record.Facts) Write(new DiskPath(folder) / file, content);
        return Task.FromResult(WrittenPaths.Of(record.Facts.Keys));
    }

    private DiskPath At(Slot slot) => Live.WithSuffix("." + slot);

    private List<DiskPath> Files(DiskPath folder) => steps.Do("look into", folder, () =>
        medium.Files.Keys.Where(p => p.Parent == folder && p.Name != Mark).ToList());

    private void MoveAll(DiskPath from, DiskPath to)
    {
        disk.MakeFolder(to);
        foreach (var file in Files(from)) disk.Rename(file, to / file.Name);
    }

    private void Write(DiskPath path, string content)
    {
        disk.DeleteFile(path);
        using var file = disk.CreateNew(path);
        file.Write(0, Encoding.UTF8.GetBytes(content));
    }

    private void Delete(DiskPath folder)
    {
        foreach (var file in Files(folder)) disk.DeleteFile(file);
        disk.DeleteFile(folder / Mark);
        disk.DeleteFolder(folder);
    }
}
