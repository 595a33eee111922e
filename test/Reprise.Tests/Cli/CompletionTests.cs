using System.Diagnostics;
using Reprise.Cli;

namespace Reprise.Tests.Cli;

/// <summary>What shells are given to complete.</summary>
public class CompletionTests
{
    private readonly CommandBench bench = new();

    [Theory]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    [InlineData("pwsh")]
    public async Task Every_command_and_option_is_completed(string shell)
    {
        Assert.Equal(0, await bench.RunAsync("completion", shell));
        string[] words = ["backup", "restore", "forget", "points", "show", "sheet", "completion", "doctor"];
        Assert.All(words, word => Assert.Contains(word, bench.Out, StringComparison.Ordinal));
        string[] options = ["without-safety", "if-older-than", "repository", "json", "sabotage"];
        Assert.All(options, option => Assert.Contains(option, bench.Out, StringComparison.Ordinal));
        Assert.DoesNotContain('\r', bench.Out);
    }

    [Theory]
    [InlineData("re", "recover restore")]
    [InlineData("restore --plan --s", "--salvage --server-is-stopped --skip-check --stage")]
    [InlineData("points sh", "show")]
    [InlineData("points show --js", "--json")]
    [InlineData("key ", "--config --help --json --key-file --no-color --quiet --repository add list revoke rotate sheet")]
    [InlineData("completion ", "--config --help --json --key-file --no-color --quiet --repository bash fish pwsh zsh")]
    [InlineData("backup --", "--config --force --help --if-older-than --json --key-file --no-color --quiet --repository")]
    public async Task Bash_completes(string typed, string expected)
    {
        await bench.RunAsync("completion", "bash");
        var words = ("reprise " + typed).Split(' ');
        var script = bench.Out + $$"""
            COMP_WORDS=({{string.Join(' ', words.Select(w => $"'{w}'"))}})
            COMP_CWORD={{words.Length - 1}}
            _reprise
            printf '%s\n' "${COMPREPLY[@]}" | sort
            """;
        var start = new ProcessStartInfo("bash", ["-c", script])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        start.Environment["LC_ALL"] = "C";
        using var bash = Process.Start(start) ?? throw new InvalidOperationException("bash did not start");
        var output = await bash.StandardOutput.ReadToEndAsync();
        await bash.WaitForExitAsync();
        Assert.Equal(0, bash.ExitCode);
        Assert.Equal(expected.Split(' '), output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task The_scripts_name_no_command_that_is_not_there()
    {
        bench.Operations = new Operations();
        await bench.RunAsync("completion", "bash");
        Assert.DoesNotContain("backup", bench.Out, StringComparison.Ordinal);
    }
}
