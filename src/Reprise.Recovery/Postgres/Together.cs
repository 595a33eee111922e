namespace Reprise.Recovery.Postgres;

/// <summary>Several pieces of work that are only worth anything together.</summary>
internal static class Together
{
    /// <summary>
    /// Runs them at once. The first failure is the one that is told; it ends the others, which are waited for.
    /// </summary>
    public static async Task RunAsync(
        IEnumerable<Func<CancellationToken, Task>> works, CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var running = works.Select(work => work(ending.Token)).ToList();
        while (running.Count > 0)
        {
            var done = await Task.WhenAny(running);
            running.Remove(done);
            if (done.IsCompletedSuccessfully) continue;
            ending.Cancel();
            await Task.WhenAny(Task.WhenAll(running));
            await done;
        }
    }
}
