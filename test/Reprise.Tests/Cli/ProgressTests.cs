using Microsoft.Extensions.Time.Testing;
using Reprise.Cli;

namespace Reprise.Tests.Cli;

/// <summary>How far a long operation is, and what a signal does to it.</summary>
public sealed class ProgressTests : IDisposable
{
    private readonly FakeTimeProvider clock = new();
    private readonly StringWriter error = new() { NewLine = "\n" };
    private ProgressLine? line;

    public void Dispose() => line?.Dispose();

    [Fact]
    public void Without_a_terminal_every_step_has_a_line()
    {
        var progress = Make(isTerminal: false);
        progress.Begin("dump orders", 1024 * 1024);
        clock.Advance(TimeSpan.FromSeconds(65));
        progress.Advance(512 * 1024);
        progress.Begin("commit", null);
        progress.Note("something to know");
        progress.Dispose();
        Assert.Equal("   0:00  dump orders (1.00 MiB)\n   1:05  commit\nsomething to know\n", error.ToString());
    }

    [Fact]
    public void On_a_terminal_the_line_has_part_rate_and_an_estimate_once_it_can_be_told()
    {
        var progress = Make(isTerminal: true);
        progress.Begin("dump orders", 100 * 1024 * 1024);
        Assert.Equal("\r   0:00  dump orders (100 MiB)\u001b[K", Last());
        clock.Advance(TimeSpan.FromSeconds(2));
        progress.Advance(20 * 1024 * 1024);
        Assert.Equal("\r   0:02  dump orders  20 % of 100 MiB  10.0 MiB/s\u001b[K", Last());
        clock.Advance(TimeSpan.FromSeconds(2));
        progress.Advance(20 * 1024 * 1024);
        Assert.Equal("\r   0:04  dump orders  40 % of 100 MiB  10.0 MiB/s  about 7.0 s left\u001b[K", Last());
        clock.Advance(TimeSpan.FromSeconds(6));
        progress.Advance(60 * 1024 * 1024);
        Assert.StartsWith("\r   0:10  dump orders  99 % of 100 MiB", Last(), StringComparison.Ordinal);
        progress.Dispose();
        Assert.EndsWith("   0:10  dump orders, 100 MiB in 10 s\n", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_known_size_nothing_is_promised()
    {
        var progress = Make(isTerminal: true);
        progress.Begin("dump orders", null);
        clock.Advance(TimeSpan.FromSeconds(10));
        progress.Advance(10 * 1024 * 1024);
        Assert.Equal("\r   0:10  dump orders  10.0 MiB  1.00 MiB/s\u001b[K", Last());
    }

    [Fact]
    public void The_clock_goes_on_while_nothing_is_heard()
    {
        var progress = Make(isTerminal: true);
        progress.Begin("wait for a lock", null);
        clock.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal("\r   0:03  wait for a lock\u001b[K", Last());
        Assert.Equal("wait for a lock", progress.Current);
    }

    [Fact]
    public void A_phase_says_how_long_and_what_ctrl_c_does()
    {
        var progress = Make(isTerminal: false);
        progress.Phase("publish", TimeSpan.FromSeconds(12), "puts everything back");
        Assert.Equal("   0:00  publish, about 12 s (Ctrl-C: puts everything back)\n", error.ToString());
    }

    [Fact]
    public void On_a_terminal_what_took_no_time_leaves_no_line()
    {
        var progress = Make(isTerminal: true);
        progress.Phase("stage", null, "safe");
        progress.Begin("dump orders", null);
        clock.Advance(TimeSpan.FromSeconds(0.9));
        progress.Begin("commit", null);
        clock.Advance(TimeSpan.FromSeconds(2));
        progress.Dispose();
        Assert.DoesNotContain("dump orders, ", error.ToString(), StringComparison.Ordinal);
        Assert.EndsWith("   0:02  commit, 2.0 s\n", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Quiet_shows_nothing()
    {
        var progress = Make(isTerminal: true, quiet: true);
        progress.Begin("dump orders", 5);
        progress.Advance(5);
        progress.Note("x");
        progress.Dispose();
        Assert.Empty(error.ToString());
    }

    [Fact]
    public void A_long_step_stays_on_one_line()
    {
        var progress = Make(isTerminal: true);
        progress.Begin(new string('x', 200), null);
        Assert.True(Last().Length <= 80 + "\r\u001b[K".Length);
    }

    [Fact]
    public void The_first_signal_cancels_and_every_further_one_is_answered()
    {
        var said = new List<string>();
        using var interruption = new Interruption(said.Add, () => "putting back orders");
        Assert.False(interruption.Token.IsCancellationRequested);
        interruption.Arrive("Ctrl-C");
        Assert.True(interruption.Token.IsCancellationRequested);
        Assert.True(interruption.Happened);
        interruption.Arrive("Ctrl-C");
        interruption.Arrive("SIGTERM");
        Assert.Equal("Ctrl-C: stopping (putting back orders); what is half-done is put back first", said[0]);
        Assert.Equal("Ctrl-C: still putting back, at: putting back orders; it ends by itself", said[1]);
        Assert.Equal(3, said.Count);
    }

    [Fact]
    public async Task A_signal_ends_the_command_with_130_after_a_clean_up_of_any_length()
    {
        // SIGHUP: the test runner itself listens to the others.
        var bench = new CommandBench();
        var cleaned = false;
        bench.Operations = bench.Operations with
        {
            Backup = async (_, context) =>
            {
                using var kill = System.Diagnostics.Process.Start("kill", ["-HUP", $"{Environment.ProcessId}"]);
                try
                {
                    await Task.Delay(TimeSpan.FromSeconds(60), context.Cancellation);
                }
                finally
                {
                    // Longer than the two seconds after which System.CommandLine would have ended us.
                    await Task.Delay(TimeSpan.FromSeconds(3), CancellationToken.None);
                    cleaned = true;
                }

                throw new InvalidOperationException("the signal did not arrive");
            },
        };
        var exit = await new CommandLine(
            bench.Host with { ListensToSignals = true }, bench.Operations).RunAsync(["backup", "--json"]);
        Assert.Equal(130, exit);
        Assert.True(cleaned);
        Assert.Equal("interrupted", bench.Document().GetProperty("outcome").GetString());
        Assert.Contains("SIGHUP: stopping", bench.Error, StringComparison.Ordinal);
        Assert.Contains("next: ", bench.Error, StringComparison.Ordinal);
    }

    private ProgressLine Make(bool isTerminal, bool quiet = false)
    {
        var terminal = new Terminal
        {
            Out = TextWriter.Null, Error = error, In = TextReader.Null, ErrorIsTerminal = isTerminal,
        };
        return line = new ProgressLine(terminal, clock, quiet);
    }

    private string Last() => "\r" + error.ToString().Split('\r')[^1];
}
