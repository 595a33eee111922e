namespace Reprise.Storage.S3;

/// <summary>One call of the package with a limit of ours, whose failures are told in our words.</summary>
internal sealed class S3Calls(S3Faults faults, TimeProvider clock)
{
    private volatile bool bucketSeen;

    /// <summary>Whether any call was answered as only a bucket that is there answers; that changes once at most.</summary>
    public bool BucketSeen => bucketSeen;

    /// <summary>Runs it.</summary>
    public async ValueTask<T> RunAsync<T>(
        ObjectName? name, string what, TimeSpan limit, Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var late = new CancellationTokenSource(limit, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, late.Token);
        try
        {
            var answer = await call(either.Token);
            bucketSeen = true;
            return answer;
        }
        catch (Exception e) when (e is OperationCanceledException || S3Faults.IsKnown(e))
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw e is OperationCanceledException || late.IsCancellationRequested
                ? faults.Late(name, what, limit, e)
                : faults.Of(e, name, what);
        }
    }
}
