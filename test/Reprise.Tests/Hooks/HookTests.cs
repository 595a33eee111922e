using System.Text;
using Microsoft.Extensions.Time.Testing;
using Reprise.Recovery;
using Reprise.Recovery.Hooks;
using Reprise.Recovery.Processes;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Tests.Storage;

namespace Reprise.Tests.Hooks;

/// <summary>Hooks hear the result and never change it.</summary>
public sealed class HookTests : IDisposable
{
    private readonly ScratchFolder scratch = new();

    public void Dispose() => scratch.Dispose();

    [Fact]
    public async Task A_hook_gets_result_variables_arguments_and_folder()
    {
        Script("notify", "cat > got; echo \"$REPRISE_COMMAND $REPRISE_EXIT $1 $(pwd)\" >> got");
        Assert.Null(await RunAsync(r => r with { Arguments = ["./notify", "an argument; rm -rf /"] }));
        Assert.Equal(
            $"{{\"exit\":7}}backup 7 an argument; rm -rf / {scratch.Text}\n",
            await File.ReadAllTextAsync(Path.Combine(scratch.Text, "got")));
    }

    [Fact]
    public async Task A_failing_hook_is_a_warning_that_names_it()
    {
        Script("notify", "echo first >&2; echo 'mail server refused' >&2; exit 3");
        AssertWarning(await RunAsync(), "hook after-backup ended with exit 3: mail server refused");
        Script("notify", "echo only this; exit 4");
        AssertWarning(await RunAsync(), "hook after-backup ended with exit 4: only this");
        Script("notify", "exit 5");
        AssertWarning(await RunAsync(), "hook after-backup ended with exit 5");
    }

    [Fact]
    public async Task A_hook_that_is_not_there_or_may_not_run_is_a_warning()
    {
        var missing = await RunAsync();
        Assert.Equal(RecoveryErrors.HookFailed, missing!.Code);
        await File.WriteAllTextAsync(Path.Combine(scratch.Text, "notify"), "no program");
        Assert.Equal(RecoveryErrors.HookFailed, (await RunAsync())!.Code);
    }

    [Fact]
    public async Task Secrets_and_control_characters_are_not_repeated()
    {
        const string said = @"at postgres://shop:hunter2@db/x with key-0815 API_KEY=abcdef \033[2J"
            + "password: geheim %0400d";
        Script("notify", $"printf '{said}' 1 >&2; exit 1");
        var problem = (await RunAsync(r => r with { Secrets = ["key-0815", ""] }))!;
        foreach (var secret in new[] { "hunter2", "key-0815", "abcdef", "geheim", "\u001b" })
            Assert.DoesNotContain(secret, problem.Message, StringComparison.Ordinal);
        Assert.Contains("postgres://shop:***@db/x", problem.Message, StringComparison.Ordinal);
        Assert.True(problem.Message.Length < 260);
    }

    [Fact]
    public async Task A_hook_that_does_not_read_a_large_result_is_fine()
    {
        Script("notify", "exit 0");
        Assert.Null(await RunAsync(r => r with { Result = new byte[5_000_000] }));
    }

    [Fact]
    public async Task A_hook_that_hangs_is_ended_with_its_children()
    {
        Script("notify", "echo $$ > pid; sleep 300");
        var clock = new FakeTimeProvider();
        var running = RunAsync(children: new ChildProcesses(clock));
        var pid = Path.Combine(scratch.Text, "pid");
        await UntilAsync(() => File.Exists(pid) && File.ReadAllText(pid).Length > 0);
        clock.Advance(HookRun.Limit - TimeSpan.FromSeconds(1));
        Assert.False(running.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(2));
        AssertWarning(await running.WaitAsync(TimeSpan.FromSeconds(30)), "was ended after 60 s: killed after 00:01:00");
        Assert.False(Directory.Exists("/proc/" + (await File.ReadAllTextAsync(pid)).Trim()));
    }

    [Fact]
    public async Task An_interruption_is_a_warning_because_the_backup_is_done()
    {
        Script("notify", "sleep 300");
        using var source = new CancellationTokenSource(TimeSpan.FromMilliseconds(500));
        AssertWarning(await RunAsync(cancellationToken: source.Token), "was interrupted");
    }

    private static void AssertWarning(Problem? problem, string told)
    {
        Assert.NotNull(problem);
        Assert.Equal(RecoveryErrors.HookFailed, problem.Code);
        Assert.Equal(ExitCodes.Done, problem.Code.Exit);
        Assert.Equal(Severity.Warning, problem.Severity);
        Assert.EndsWith(told, problem.Message, StringComparison.Ordinal);
    }

    private static async Task UntilAsync(Func<bool> holds)
    {
        for (var tries = 0; !holds(); tries++)
        {
            Assert.True(tries < 1000, "it never came true");
            await Task.Delay(20);
        }
    }

    private void Script(string name, string body)
    {
        var path = Path.Combine(scratch.Text, name);
        File.WriteAllText(path, "#!/bin/sh\n" + body + "\n");
        Disks.OfThisMachine().SetMode(new DiskPath(path), 0x1C0);
    }

    private Task<Problem?> RunAsync(
        Func<HookRequest, HookRequest>? change = null,
        ChildProcesses? children = null,
        CancellationToken cancellationToken = default)
    {
        var request = new HookRequest
        {
            Name = "after-backup",
            Arguments = ["./notify"],
            Folder = scratch.Text,
            Command = "backup",
            Exit = 7,
            Result = Encoding.UTF8.GetBytes("{\"exit\":7}"),
        };
        return new HookRun(children ?? new ChildProcesses(TimeProvider.System)).RunAsync(
            change is null ? request : change(request), cancellationToken);
    }
}
