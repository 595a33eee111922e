using Reprise.Recovery.Assets;
using Reprise.Repository.Pages;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>The files of the server as the last point has them: what did not change since is not stored again.</summary>
internal sealed class LastTree : IAsyncDisposable
{
    private readonly CaptureContext context;
    private readonly string asset;
    private KnownTree? known;

    private LastTree(CaptureContext context, string asset) => (this.context, this.asset) = (context, asset);

    /// <summary>Writes the tree of this point.</summary>
    public required PagesWriter Pages { get; init; }

    /// <summary>
    /// Opens it, and begins this point's tree beside it. When there is none, when it is of a time before increments, or when it
    /// cannot be used (a warning in the context), every page is stored.
    /// </summary>
    public static async Task<LastTree> OpenAsync(
        CaptureContext context, string asset, int pageBytes, CancellationToken cancellationToken)
    {
        if (context is { Previous: { Method: PostgresRecord.PhysicalMethod } record, PreviousPoint: { } point })
        {
            KnownTree? tree = null;
            try
            {
                var contents = PagedContents.Of(record.Streams, ClusterFacts.DataTree);
                tree = await KnownTree.OpenAsync(context.Writer, point, contents, pageBytes, cancellationToken);
                if (tree is not null)
                {
                    var pages = await PagesWriter.BesideAsync(context.Writer, tree, cancellationToken);
                    return new LastTree(context, asset) { Pages = pages, known = tree };
                }
            }
            catch (RepriseException e) when (e.Code.Exit is ExitCodes.Damaged or ExitCodes.Unavailable)
            {
                if (tree is not null) await tree.DisposeAsync();
                context.Problems.Add(Unusable(e.Problem, context, asset));
            }
        }

        return new LastTree(context, asset) { Pages = new PagesWriter(context.Writer, pageBytes) };
    }

    /// <summary>Says so when it turned out to be damaged on the way. Called when the tree of this point is complete.</summary>
    public void Judge()
    {
        if (known?.Damage is { } damage) context.Problems.Add(Unusable(damage, context, asset));
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (known is not null) await known.DisposeAsync();
    }

    private static Problem Unusable(Problem why, CaptureContext context, string asset) => why with
    {
        Severity = Severity.Warning,
        Message = $"what point {context.PreviousPoint?.Manifest.Id} remembers of the pages cannot be used, so they are stored anew: {why.Message}",
        Asset = asset,
    };
}
