using Reprise.Json;
using Reprise.Recovery.State;
using Reprise.Repository.Checking;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary>
/// Which part <c>verify --read sample</c> reads, and what this host remembers of the parts. Where it remembers nothing,
/// because no configuration says which application it is or only one point was asked for, the day says which part it is.
/// </summary>
internal sealed class VerifyTurns
{
    private readonly StateFolder? state;
    private readonly DateTimeOffset now;
    private RememberedReads? reads;

    /// <param name="state">where it is remembered; null: nowhere.</param>
    /// <param name="repository">where the repository lies.</param>
    /// <param name="now">the time.</param>
    public VerifyTurns(StateFolder? state, string repository, DateTimeOffset now)
    {
        this.state = state;
        this.now = now;
        reads = state?.ReadReads(repository, SamplePart.Count);
        Part = reads switch
        {
            null => SamplePart.Of(now),
            { Last: { } last } => new SamplePart(last).Next,
            _ => new SamplePart(0),
        };
    }

    /// <summary>The part whose turn it is.</summary>
    public SamplePart Part { get; }

    /// <summary>Remembers what was read. Null, or a warning: what was read is proven all the same.</summary>
    public Problem? Remember(ReadDepth depth)
    {
        if (state is null || reads is null || depth == ReadDepth.None) return null;
        reads = depth == ReadDepth.All ? reads.WithAll(now) : reads.With(Part.Number, now);
        try
        {
            state.SaveReads(reads);
            return null;
        }
        catch (RepriseException e) when (e.Code.Exit == ExitCodes.Unavailable)
        {
            return e.Problem with
            {
                Severity = Severity.Warning,
                Message = $"this host cannot remember which part was read, so that the next run reads the same one: {e.Problem.Message}",
            };
        }
    }

    /// <summary>How far it is.</summary>
    public VerifyTurnJson ToJson() => new()
    {
        Part = Part.Number + 1,
        Parts = SamplePart.Count,
        Unread = reads?.Unread,
        Since = reads?.Since,
        By = reads?.By,
    };
}
