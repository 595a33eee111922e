using Reprise.Recovery.Planning;
using Reprise.Recovery.State;
using Reprise.Repository.Points;

namespace Reprise.Recovery.Restoring;

/// <summary>
/// Brings a point back, or brings back what was there before. Whatever ends badly is a <see cref="RestoreException"/>
/// with the report so far, or <see cref="OperationCanceledException"/>; production is then as it was, unless the code is
/// <c>put-back-failed</c>.
/// </summary>
public sealed class RestoreRun(RestoreApplication application, RestoreHost host)
{
    /// <summary>What a restore would do. Changes nothing; refusals are in the plan's problems.</summary>
    public Task<RestorePlan> PlanAsync(RestoreRequest request, CancellationToken cancellationToken) =>
        throw Pending();

    /// <summary>Restores: plan, confirm, stage, verify, stop, safety, publish, check, keep or roll back.</summary>
    public Task<RestoreReport> RunAsync(RestoreRequest request, CancellationToken cancellationToken) =>
        throw Pending();

    /// <summary>
    /// Finishes an interrupted operation in its own direction. <paramref name="openPoint"/> is asked only when it was
    /// interrupted while production was untouched: everything is then planned, confirmed and staged anew.
    /// </summary>
    public Task<RestoreReport> ContinueAsync(
        Func<PointId, CancellationToken, Task<PointReader>> openPoint, RestoreChoices choices, CancellationToken cancellationToken) =>
        throw Pending();

    /// <summary>What an undo would do. Changes nothing.</summary>
    public Task<RestorePlan> PlanUndoAsync(string? restore, RestoreChoices choices, CancellationToken cancellationToken) =>
        throw Pending();

    /// <summary>
    /// Takes an operation back: an interrupted one is put back, a finished one has its former data swapped in again
    /// under the same safeguards. <paramref name="restore"/> null means the interrupted one, else the newest.
    /// </summary>
    public Task<RestoreReport> UndoAsync(string? restore, RestoreChoices choices, CancellationToken cancellationToken) =>
        throw Pending();

    /// <summary>Deletes the data that a finished operation keeps. Returns what was deleted.</summary>
    public Task<IReadOnlyList<FormerData>> ForgetAsync(string restore, CancellationToken cancellationToken) =>
        throw Pending();

    /// <summary>The data that is kept beside the live data (for <c>status</c>).</summary>
    public Task<IReadOnlyList<FormerData>> FormerAsync(CancellationToken cancellationToken) =>
        throw Pending();

    /// <summary>Operations that were interrupted (for <c>status</c>, and before every command that changes something).</summary>
    public IReadOnlyList<OperationJournal> Interrupted() => host.State.Interrupted();

    /// <summary>Writes assets into sub-folders of <paramref name="folder"/>, which must be absent or empty (<c>--to</c>).</summary>
    public Task<IReadOnlyList<MaterialisedAsset>> MaterialiseAsync(
        RestoreRequest request, string folder, CancellationToken cancellationToken) =>
        throw Pending();

    private InvalidOperationException Pending() => new($"being written for {application.Name}");
}

/// <summary>One asset as <c>restore --to</c> wrote it.</summary>
/// <param name="Name">its name.</param>
/// <param name="Folder">where.</param>
/// <param name="Paths">what, relative to the folder.</param>
public sealed record MaterialisedAsset(string Name, string Folder, IReadOnlyList<string> Paths);
