using Reprise.Recovery.Assets;
using Reprise.Repository.Points;
using Reprise.Storage.Errors;
using Slot = Reprise.Recovery.Assets.Slot;

namespace Reprise.Tests.Drills;

/// <summary>
/// An asset to which something happens on the way: what it captured is told otherwise, or what came back is changed before
/// anybody looks at it.
/// </summary>
internal class HookedAsset(IRestorable inner) : IRestorable
{
    public Func<AssetRecord, CaptureContext, Task<AssetRecord>> Captured { get; init; } = (record, _) => Task.FromResult(record);

    public Action<RestoreItem> Staged { get; init; } = _ => { };

    public Action Swapped { get; init; } = () => { };

    public string Name => inner.Name;

    public string Kind => inner.Kind;

    public Task<IReadOnlyList<Problem>> DiagnoseAsync(CancellationToken cancellationToken) => inner.DiagnoseAsync(cancellationToken);

    public async Task<AssetRecord> CaptureAsync(CaptureContext context, CancellationToken cancellationToken) =>
        await Captured(await inner.CaptureAsync(context, cancellationToken), context);

    public Task<TargetState> InspectAsync(CancellationToken cancellationToken) => inner.InspectAsync(cancellationToken);

    public Task<IReadOnlyList<Problem>> PreflightAsync(RestoreItem item, CancellationToken cancellationToken) =>
        inner.PreflightAsync(item, cancellationToken);

    public async Task StageAsync(
        RestoreItem item, PointReader point, IProgressSink progress, CancellationToken cancellationToken)
    {
        await inner.StageAsync(item, point, progress, cancellationToken);
        Staged(item);
    }

    public Task<IReadOnlyList<CheckOutcome>> VerifyStagedAsync(
        RestoreItem item, IProgressSink progress, CancellationToken cancellationToken) =>
        inner.VerifyStagedAsync(item, progress, cancellationToken);

    public async Task SwapAsync(RestoreItem item, Swap swap, CancellationToken cancellationToken)
    {
        await inner.SwapAsync(item, swap, cancellationToken);
        Swapped();
    }

    public Task<SlotState> InspectSlotAsync(RestoreItem item, Slot slot, CancellationToken cancellationToken) =>
        inner.InspectSlotAsync(item, slot, cancellationToken);

    public Task DiscardAsync(RestoreItem item, Slot slot, CancellationToken cancellationToken) =>
        inner.DiscardAsync(item, slot, cancellationToken);

    public Task<WrittenPaths> MaterialiseAsync(
        AssetRecord record,
        PointReader point,
        string folder,
        Survey survey,
        IProgressSink progress,
        CancellationToken cancellationToken) =>
        inner.MaterialiseAsync(record, point, folder, survey, progress, cancellationToken);
}

/// <summary>Such an asset of a kind that is proven where it is live.</summary>
internal sealed class HookedDatabase(IRestorable inner) : HookedAsset(inner), IExaminable
{
    private readonly IExaminable examinable = (IExaminable)inner;

    public Task<IReadOnlyList<CheckOutcome>> ExamineAsync(
        RestoreItem item, PointReader point, CheckLevel upTo, IProgressSink progress, CancellationToken cancellationToken) =>
        examinable.ExamineAsync(item, point, upTo, progress, cancellationToken);
}
