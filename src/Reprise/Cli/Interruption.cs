using System.Runtime.InteropServices;

namespace Reprise.Cli;

/// <summary>
/// Ctrl-C, SIGTERM and SIGHUP. The first one cancels; what is half-done is then put back, however long that takes.
/// Every
/// further one is answered with what is still being put back. Nothing ends the process before that but <c>kill -9</c>.
/// </summary>
internal sealed class Interruption : IDisposable
{
    // Never disposed: a signal may arrive while we are. It holds no handle.
    private readonly CancellationTokenSource source = new();
    private readonly List<PosixSignalRegistration> registrations = [];
    private readonly Action<string> say;
    private readonly Func<string?> current;
    private int count;
    private volatile bool ended;

    /// <summary>
    /// Says what happens through <paramref name="say"/>; <paramref name="current"/> names the step going on.
    /// </summary>
    public Interruption(Action<string> say, Func<string?> current)
    {
        this.say = say;
        this.current = current;
    }

    /// <summary>Cancelled at the first signal.</summary>
    public CancellationToken Token => source.Token;

    /// <summary>Whether a signal arrived.</summary>
    public bool Happened => Volatile.Read(ref count) > 0;

    /// <summary>Listens to the signals of this process until disposed.</summary>
    public void Listen()
    {
        foreach (var signal in (PosixSignal[])[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP])
        {
            registrations.Add(PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                Arrive(signal switch
                {
                    PosixSignal.SIGINT => "Ctrl-C",
                    PosixSignal.SIGTERM => "SIGTERM",
                    _ => "SIGHUP",
                });
            }));
        }
    }

    /// <summary>
    /// The command is decided. Signals are swallowed from here on, not let go: one that killed the process behind its
    /// answer would make 130 of a restore that is done, and 130 promises that everything is as before.
    /// </summary>
    public void End() => ended = true;

    /// <summary>What a signal does.</summary>
    public void Arrive(string signal)
    {
        if (ended) return;
        var step = current();
        if (Interlocked.Increment(ref count) > 1)
        {
            say($"{signal}: still putting back{(step is null ? "" : $", at: {step}")}; it ends by itself");
            return;
        }

        say($"{signal}: stopping{(step is null ? "" : $" ({step})")}; what is half-done is put back first");
        source.Cancel();
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var registration in registrations) registration.Dispose();
    }
}
