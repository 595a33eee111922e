using Reprise.Recovery.Assets;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Restoring;

/// <summary>
/// Reads all that a salvage would bring back before anything is planned, so that what is damaged is named, left out and
/// confirmed, instead of ending the restore half-way.
/// </summary>
internal sealed class Surveying(RestoreApplication application, RestoreHost host)
{
    /// <summary>What is damaged of what <paramref name="request"/> asks for; nothing unless it salvages.</summary>
    public async Task<Survey> RunAsync(RestoreRequest request, CancellationToken cancellationToken)
    {
        if (!request.Salvage) return Survey.Intact;
        var scratch = host.Scratch / $"survey-{request.Point.Manifest.Id}-{Environment.ProcessId}";
        var parts = new List<DamagedPart>();
        var asked = 0;
        host.Disk.MakeFolder(scratch);
        try
        {
            foreach (var record in request.Point.Manifest.Assets)
            {
                if (request.OnlyAssets.Count > 0 && !request.OnlyAssets.Contains(record.Name)) continue;
                if (record.Kind == AssetKinds.Secrets && !request.RestoreSecrets) continue;
                if (Operation.Restorable(application, record.Name) is not { } asset || asset.Kind != record.Kind) continue;
                asked++;
                host.Progress.Begin($"reading what is left of {record.Name}", record.SourceBytes);
                var found = asset.SurveyAsync(record, request.Point, scratch.ToString(), host.Progress, cancellationToken);
                await foreach (var part in found) parts.Add(part);
            }
        }
        finally
        {
            Folders.DeleteTree(host.Disk, scratch);
        }

        var lost = parts.Where(part => part.Path is null).ToList();
        if (asked > 0 && lost.Count == asked) throw new RepriseException(lost[0].Why with
        {
            Message = $"nothing of point {request.Point.Manifest.Id} can be salvaged: {lost[0].Why.Message}",
            Asset = lost[0].Asset,
            Hint = "restore another point",
        });
        return new Survey(parts);
    }
}
