using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Reprise.Acceptance.Harness;

/// <summary>What surrounds one run of the program: nothing is inherited but the PATH.</summary>
public sealed record Surroundings
{
    /// <summary>Where it runs; null means the folder for temporary files.</summary>
    public string? Folder { get; init; }

    /// <summary>
    /// The user's home; null means the same as <see cref="Folder"/>, so that the real one is never touched.
    /// </summary>
    public string? Home { get; init; }

    /// <summary>Further variables.</summary>
    public IReadOnlyDictionary<string, string> Variables { get; init; } = new Dictionary<string, string>();

    /// <summary>What is typed or piped into it; null means an empty standard input.</summary>
    public string? Input { get; init; }

    /// <summary>How long it may take; then it is killed and the test fails.</summary>
    public TimeSpan Within { get; init; } = TimeSpan.FromSeconds(60);
}

/// <summary>
/// The native program that <c>./dev publish</c> made, and nothing else: these tests prove what is shipped.
/// <c>REPRISE_PROGRAM</c> names another one. A missing program is a failure, never a skip.
/// </summary>
public static class PublishedProgram
{
    /// <summary>The program.</summary>
    public static string File { get; } = Find();

    /// <summary>The folder that is shipped: the program and its native libraries.</summary>
    public static string Folder => Path.GetDirectoryName(File)!; // Find returns a full path

    /// <summary>Runs the program to its end.</summary>
    public static Task<ProgramRun> RunAsync(params string[] arguments) => RunAsync(new Surroundings(), arguments);

    /// <summary>Runs the program to its end.</summary>
    public static async Task<ProgramRun> RunAsync(Surroundings surroundings, params string[] arguments)
    {
        using var running = Start(surroundings, arguments);
        return await running.EndAsync();
    }

    /// <summary>Starts the program, for tests that signal or kill it.</summary>
    public static RunningProgram Start(Surroundings surroundings, params string[] arguments) =>
        RunningProgram.Start(surroundings, [File, .. arguments]);

    /// <summary>
    /// Runs the program on a terminal of its own, 80 columns wide, where it may ask. Output and errors both arrive in
    /// <see cref="ProgramRun.Output"/>, with the escape sequences that a terminal gets.
    /// </summary>
    public static async Task<ProgramRun> RunInTerminalAsync(Surroundings surroundings, params string[] arguments)
    {
        var command = string.Join(' ', new[] { File }.Concat(arguments).Select(Quote));
        using var running = RunningProgram.Start(
            surroundings,
            ["script", "-q", "-e", "-f", "-c", $"stty cols 80 rows 40; exec {command}", "/dev/null"]);
        return await running.EndAsync();
    }

    private static string Quote(string argument) => $"'{argument.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private static string Find()
    {
        var file = Environment.GetEnvironmentVariable("REPRISE_PROGRAM")
            ?? Path.Combine(House.Root, "out", "reprise-linux-x64", "reprise");
        return System.IO.File.Exists(file)
            ? Path.GetFullPath(file)
            : throw new InvalidOperationException($"{file} does not exist: run ./dev publish, or set REPRISE_PROGRAM");
    }
}

/// <summary>A program that is running. Disposing kills it with all its children.</summary>
public sealed class RunningProgram : IDisposable
{
    private readonly Process process;
    private readonly Surroundings surroundings;
    private readonly string command;
    private readonly Stopwatch watch = Stopwatch.StartNew();
    private readonly Task<string> output;
    private readonly Task<string> errors;
    private readonly Task feeding;

    private RunningProgram(Process process, Surroundings surroundings, string command)
    {
        this.process = process;
        this.surroundings = surroundings;
        this.command = command;
        output = process.StandardOutput.ReadToEndAsync();
        errors = process.StandardError.ReadToEndAsync();
        feeding = FeedAsync();
    }

    /// <summary>Its process id.</summary>
    public int Id => process.Id;

    /// <summary>Whether it has ended.</summary>
    public bool HasEnded => process.HasExited;

    /// <summary>Starts <paramref name="command"/> with exactly these surroundings.</summary>
    public static RunningProgram Start(Surroundings surroundings, IReadOnlyList<string> command)
    {
        var folder = surroundings.Folder ?? Path.GetTempPath();
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            WorkingDirectory = folder,
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        var path = start.Environment["PATH"];
        start.Environment.Clear();
        start.Environment["PATH"] = path;
        start.Environment["HOME"] = surroundings.Home ?? folder;
        start.Environment["LANG"] = "C.UTF-8";
        foreach (var (name, value) in surroundings.Variables) start.Environment[name] = value;
        var started = Process.Start(start) ?? throw new InvalidOperationException($"{command[0]} was not started");
        return new RunningProgram(started, surroundings, string.Join(' ', command));
    }

    /// <summary>Waits for its end, at most <see cref="Surroundings.Within"/> since the start.</summary>
    public async Task<ProgramRun> EndAsync()
    {
        using var limit = new CancellationTokenSource(surroundings.Within);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException e) when (limit.IsCancellationRequested)
        {
            process.Kill(entireProcessTree: true);
            var late = new ProgramRun(command, -1, await output, await errors, watch.Elapsed);
            throw new TimeoutException($"it did not end within {surroundings.Within}:\n{late}", e);
        }

        await feeding;
        return new ProgramRun(command, process.ExitCode, await output, await errors, watch.Elapsed);
    }

    /// <summary>Sends Ctrl-C.</summary>
    public void Interrupt() => Send(2);

    /// <summary>Sends what systemd sends to end it.</summary>
    public void Terminate() => Send(15);

    /// <summary>Sends what the kernel sends when its terminal is gone.</summary>
    public void HangUp() => Send(1);

    /// <summary>Ends it as a power cut would: SIGKILL, to it alone.</summary>
    public void Kill() => Send(9);

    /// <summary>Stops it where it is, as Ctrl-Z or a full host does: SIGSTOP.</summary>
    public void Pause() => Send(19);

    /// <summary>Lets it go on.</summary>
    public void Continue() => Send(18);

    /// <summary>
    /// Kills it at a moment between now and <paramref name="within"/> that <paramref name="seed"/> decides; false when
    /// it had ended before, so that a test can say how many of its kills really struck.
    /// </summary>
    public async Task<bool> KillAtRandomAsync(TimeSpan within, int seed)
    {
        await Task.WhenAny(process.WaitForExitAsync(), Task.Delay(within * new Random(seed).NextDouble()));
        if (process.HasExited) return false;
        Kill();
        await process.WaitForExitAsync();
        return process.ExitCode == 128 + 9;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (!process.HasExited) process.Kill(entireProcessTree: true);
        process.Dispose();
    }

    private void Send(int signal)
    {
        // ESRCH (3) means that it has ended meanwhile, which the caller sees by its exit.
        if (kill(process.Id, signal) != 0 && Marshal.GetLastPInvokeError() != 3)
        {
            throw new InvalidOperationException($"signal {signal} could not be sent to {process.Id}");
        }
    }

    private async Task FeedAsync()
    {
        try
        {
            if (surroundings.Input is { } input) await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading everything; whether that is right, the test judges by exit and output.
        }
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int kill(int processId, int signal);
}
