using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Tests.Restoring;

/// <summary>What happens at the Nth step.</summary>
public enum StepFault
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>It fails once, and nothing happened.</summary>
    FailBefore,

    /// <summary>It takes effect and fails once.</summary>
    FailAfter,

    /// <summary>
    /// The process dies before it: every later step fails too, so that no cleaning up can do anything.
    /// </summary>
    CrashBefore,

    /// <summary>The process dies after it took effect.</summary>
    CrashAfter,

    /// <summary>A person presses Ctrl-C just before it.</summary>
    Cancel,
}

/// <summary>The process is dead. Not an exception of ours, so that nobody can take it for an answer.</summary>
public sealed class DeadException(string where) : Exception($"dead at {where}");

/// <summary>Counts everything that reaches the world outside, and lets the Nth fail.</summary>
public sealed class Steps(StepFault fault, int number)
{
    private readonly CancellationTokenSource cancellation = new();
    private bool dead;

    public static Steps Untouched => new(StepFault.None, 0);

    public int Count { get; private set; }

    public bool Reached => Count >= number;

    public string Where { get; private set; } = "";

    public CancellationToken Token => cancellation.Token;

    public T Do<T>(string what, DiskPath path, Func<T> effect)
    {
        if (dead) throw new DeadException(what);
        var hit = ++Count == number;
        if (hit) Where = $"{what} {path}";
        switch (hit ? fault : StepFault.None)
        {
            case StepFault.FailBefore:
                throw Failure(what);
            case StepFault.CrashBefore:
                dead = true;
                throw new DeadException(what);
            case StepFault.Cancel:
                cancellation.Cancel();
                break;
        }

        var result = effect();
        switch (hit ? fault : StepFault.None)
        {
            case StepFault.FailAfter:
                throw Failure(what);
            case StepFault.CrashAfter:
                dead = true;
                throw new DeadException(what);
        }

        return result;
    }

    public void Do(string what, DiskPath path, Action effect) => Do(what, path, () =>
    {
        effect();
        return true;
    });

    private RepriseException Failure(string what) =>
        new(StorageErrors.MediumFailed, $"injected at {what}, step {number}", "none");
}
