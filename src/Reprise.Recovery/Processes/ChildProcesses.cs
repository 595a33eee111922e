#pragma warning disable RS0030 // The room that starts children: everybody else asks it.
using System.Buffers;
using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Processes;

/// <summary>
/// The only place that starts a child. Whoever calls judges by exit code and by standard error; on cancellation the
/// child and its children are killed and waited for, so that nothing of it is left when the call returns.
/// </summary>
public sealed class ChildProcesses(TimeProvider clock)
{
    /// <summary>How much of an output is kept, in bytes.</summary>
    public const int MaxCaptureBytes = 64 * 1024;

    private const int BlockBytes = 64 * 1024;

    /// <summary>Runs a program with nothing on its standard input and captures both outputs.</summary>
    public Task<ChildResult> RunAsync(ChildCommand command, CancellationToken cancellationToken) =>
        RunAsync(command, null, null, cancellationToken);

    /// <summary>
    /// Runs a program. <paramref name="writeInput"/> feeds its standard input (closed when it returns; a child that
    /// stops reading or ends also ends the feeding, quietly, since its exit code tells why).
    /// <paramref name="readOutput"/> is given
    /// its standard output in blocks that are valid during the call only.
    /// </summary>
    public async Task<ChildResult> RunAsync(
        ChildCommand command,
        Func<Stream, CancellationToken, Task>? writeInput,
        Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask>? readOutput,
        CancellationToken cancellationToken)
    {
        var started = clock.GetTimestamp();
        using var process = Start(command);
        using var limit = command.Within is { } within
            ? new CancellationTokenSource(within, clock)
            : new CancellationTokenSource();
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(both.Token);
        var output = new Capture(keepLast: false);
        var errors = new Capture(keepLast: true);
        try
        {
            var reading = readOutput is null
                ? DrainAsync(process.StandardOutput.BaseStream, output.TakeAsync, both.Token)
                : OutputPump.RunAsync(process.StandardOutput.BaseStream, readOutput, both.Token);
            var complaining = DrainAsync(process.StandardError.BaseStream, errors.TakeAsync, both.Token);
            var feeding = FeedAsync(process, writeInput, ended.Token);
            await FirstFailureAsync([reading, complaining, feeding, ExitAsync(process, ended, both.Token)]);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested
            && !cancellationToken.IsCancellationRequested)
        {
            Kill(process);
            return new ChildResult(
                -1, output.Text, $"{errors.Text}\nkilled after {command.Within}", clock.GetElapsedTime(started));
        }
        finally
        {
            Kill(process);
        }

        return new ChildResult(process.ExitCode, output.Text, errors.Text, clock.GetElapsedTime(started));
    }

    private static Process Start(ChildCommand command)
    {
        var start = new ProcessStartInfo(command.Arguments[0], command.Arguments.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            CreateNoWindow = true,
            WorkingDirectory = command.Folder ?? "",
        };
        foreach (var (name, value) in command.Environment) start.Environment[name] = value;
        try
        {
            return Process.Start(start) ?? throw new InvariantException("no process was started");
        }
        catch (Win32Exception e)
        {
            throw new RepriseException(
                RecoveryErrors.ClientMissing,
                $"{command.Program} cannot be started: {e.Message}",
                $"install it, or put it on the PATH ({command})",
                e);
        }
    }

    // All tasks are awaited, but the first failure ends the waiting for the others: a consumer that throws must not
    // wait for a child that is blocked on a full pipe.
    private static async Task FirstFailureAsync(List<Task> tasks)
    {
        while (tasks.Count > 0)
        {
            var done = await Task.WhenAny(tasks);
            tasks.Remove(done);
            await done;
        }
    }

    private static async Task DrainAsync(
        Stream stream,
        Func<ReadOnlyMemory<byte>,
        CancellationToken,
        ValueTask> take,
        CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BlockBytes);
        try
        {
            int got;
            while ((got = await stream.ReadAsync(buffer, cancellationToken)) > 0)
            {
                await take(buffer.AsMemory(0, got), cancellationToken);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // Whoever feeds a child may be waiting for something to feed it with; that is over when the child is.
    private static async Task ExitAsync(
        Process process, CancellationTokenSource ended, CancellationToken cancellationToken)
    {
        await process.WaitForExitAsync(cancellationToken);
        ended.Cancel();
    }

    private static async Task FeedAsync(
        Process process, Func<Stream, CancellationToken, Task>? write, CancellationToken cancellationToken)
    {
        try
        {
            if (write is not null) await write(process.StandardInput.BaseStream, cancellationToken);
            process.StandardInput.Close();
        }
        catch (OperationCanceledException) when (process.HasExited)
        {
            // It ended while it was being fed, or while something to feed it with was awaited; its exit code says why.
        }
        catch (IOException)
        {
            // The child closed its input before everything was written. Its exit code and its standard error say why,
            // and the caller judges both.
        }
    }

    private static void Kill(Process process)
    {
        try
        {
            if (process.HasExited) return;
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
        }
        catch (InvalidOperationException)
        {
            // It ended between the question and the kill, which is what was wanted.
        }
    }

    private sealed class Capture(bool keepLast)
    {
        private readonly List<byte> kept = [];

        public string Text => Encoding.UTF8.GetString(kept.ToArray());

        public ValueTask TakeAsync(ReadOnlyMemory<byte> block, CancellationToken cancellationToken)
        {
            if (keepLast)
            {
                kept.AddRange(block.Span);
                if (kept.Count > MaxCaptureBytes) kept.RemoveRange(0, kept.Count - MaxCaptureBytes);
            }
            else
            {
                kept.AddRange(block.Span[..Math.Min(block.Length, MaxCaptureBytes - kept.Count)]);
            }

            return ValueTask.CompletedTask;
        }
    }
}
