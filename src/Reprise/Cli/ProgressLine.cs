using Reprise.Recovery.Assets;

namespace Reprise.Cli;

/// <summary>
/// Shows how far a long operation is. On a terminal one line is drawn over: elapsed time, amount, rate, and how long it
/// will take once that can be told; elsewhere every step gets a line of its own. All of it goes to standard error.
/// </summary>
internal sealed class ProgressLine : IProgressSink, IDisposable
{
    // An estimate from the first moments is a guess: caches are cold, connections are being made.
    private static readonly TimeSpan BeforeEstimate = TimeSpan.FromSeconds(3);
    // What was over before it could be read leaves no line: what matters would scroll away.
    private static readonly TimeSpan WorthALine = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan BetweenDrawings = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    private readonly Lock gate = new();
    private readonly Terminal terminal;
    private readonly TimeProvider clock;
    private readonly bool quiet;
    private readonly bool live;
    private readonly long started;
    private readonly ITimer? timer;
    private string? step;
    private long? total;
    private long done;
    private long stepStarted;
    private long lastDrawn;
    private bool drawn;

    /// <summary>
    /// Writes to the error side of <paramref name="terminal"/>; nothing at all when <paramref name="quiet"/>.
    /// </summary>
    public ProgressLine(Terminal terminal, TimeProvider clock, bool quiet)
    {
        this.terminal = terminal;
        this.clock = clock;
        this.quiet = quiet;
        live = terminal.ErrorIsTerminal && !quiet;
        started = clock.GetTimestamp();
        timer = live ? clock.CreateTimer(_ => Redraw(), null, Tick, Tick) : null;
    }

    /// <summary>The step that is going on, or null: what a second Ctrl-C is answered with.</summary>
    public string? Current
    {
        get
        {
            lock (gate) return step;
        }
    }

    /// <inheritdoc />
    public void Begin(string step, long? totalBytes)
    {
        lock (gate)
        {
            FinishStep();
            this.step = step;
            total = totalBytes is > 0 ? totalBytes : null;
            done = 0;
            stepStarted = clock.GetTimestamp();
            lastDrawn = 0;
            if (live) Draw();
            else Write($"{Amounts.Clock(clock.GetElapsedTime(started)),7}  {step}{Size()}");
        }
    }

    /// <summary>
    /// A phase of something dangerous begins: how long it may take, and whether Ctrl-C is safe now.
    /// </summary>
    /// <param name="name">what is done.</param>
    /// <param name="estimate">how long it may take, or null.</param>
    /// <param name="onInterrupt">what Ctrl-C does now, as half a sentence: <c>nothing has changed</c>.</param>
    public void Phase(string name, TimeSpan? estimate, string onInterrupt)
    {
        var about = estimate is { } time ? $", about {Amounts.Time(time)}" : "";
        lock (gate)
        {
            FinishStep();
            step = name;
            total = null;
            done = 0;
            stepStarted = clock.GetTimestamp();
            Write($"{Amounts.Clock(clock.GetElapsedTime(started)),7}  {name}{about} (Ctrl-C: {onInterrupt})");
        }
    }

    /// <inheritdoc />
    public void Advance(long bytes)
    {
        lock (gate)
        {
            done += bytes;
            if (live && (lastDrawn == 0 || clock.GetElapsedTime(lastDrawn) >= BetweenDrawings)) Draw();
        }
    }

    /// <inheritdoc />
    public void Note(string line)
    {
        lock (gate) Write(line);
    }

    /// <summary>Clears the line for something that somebody else writes.</summary>
    public void Clear()
    {
        lock (gate) Erase();
    }

    /// <summary>The last step is over: what follows is not a part of it, and is not named after it.</summary>
    public void End()
    {
        lock (gate)
        {
            FinishStep();
            Erase();
            step = null;
        }
    }

    /// <summary>Ends the last step.</summary>
    public void Dispose()
    {
        timer?.Dispose();
        End();
    }

    // On a terminal the line that was drawn over is replaced by what the step came to.
    private void FinishStep()
    {
        if (!live || step is null || !drawn) return;
        Erase();
        var elapsed = clock.GetElapsedTime(stepStarted);
        if (elapsed < WorthALine) return;
        var amount = done > 0 ? $", {Amounts.Bytes(done)} in {Amounts.Time(elapsed)}" : $", {Amounts.Time(elapsed)}";
        Write($"{Amounts.Clock(clock.GetElapsedTime(started)),7}  {step}{amount}");
    }

    private void Redraw()
    {
        lock (gate)
        {
            if (step is null || !drawn) return;
            Draw();

            // The tick says that time passes; what is heard next is shown at once.
            lastDrawn = 0;
        }
    }

    private void Draw()
    {
        if (step is null) return;
        lastDrawn = clock.GetTimestamp();
        var elapsed = clock.GetElapsedTime(stepStarted);
        var text = $"{Amounts.Clock(clock.GetElapsedTime(started)),7}  {step}{Amount(elapsed)}";
        if (text.Length >= terminal.Width) text = text[..(terminal.Width - 1)];
        terminal.Error.Write($"\r{text}\u001b[K");
        terminal.Error.Flush();
        drawn = true;
    }

    private string Amount(TimeSpan elapsed)
    {
        if (done == 0) return Size();
        var rate = elapsed.TotalSeconds > 0.5 ? $"  {Amounts.Bytes((long)(done / elapsed.TotalSeconds))}/s" : "";
        if (total is not { } all) return $"  {Amounts.Bytes(done)}{rate}";
        var part = Math.Min(1, (double)done / all);
        var left = elapsed >= BeforeEstimate && part is >= 0.05 and < 1
            ? $"  about {Amounts.Seconds(Math.Round(elapsed.TotalSeconds * (1 - part) / part) + 1)} left"
            : "";
        // 100 % is said by the end of the step only: what follows the last byte also takes its time.
        return $"  {Math.Min(99, (int)(part * 100))} % of {Amounts.Bytes(all)}{rate}{left}";
    }

    private string Size() => total is { } bytes ? $" ({Amounts.Bytes(bytes)})" : "";

    private void Erase()
    {
        if (!drawn) return;
        terminal.Error.Write("\r\u001b[K");
        drawn = false;
    }

    private void Write(string line)
    {
        if (quiet) return;
        Erase();
        terminal.Error.WriteLine(line);
    }
}
