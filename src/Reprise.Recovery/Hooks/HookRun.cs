using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Reprise.Recovery.Processes;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Hooks;

/// <summary>One hook to run.</summary>
public sealed record HookRequest
{
    /// <summary>Its name in the configuration: <c>after-backup</c>, <c>on-failure</c>.</summary>
    public required string Name { get; init; }

    /// <summary>
    /// The program and its arguments, never a shell string. A program with a slash starts at <see cref="Folder"/>.
    /// </summary>
    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary>The folder of the configuration, absolute; the hook runs in it.</summary>
    public required string Folder { get; init; }

    /// <summary>The command that is over (<c>REPRISE_COMMAND</c>).</summary>
    public required string Command { get; init; }

    /// <summary>How it ended (<c>REPRISE_EXIT</c>).</summary>
    public required int Exit { get; init; }

    /// <summary>Its JSON result, for the hook's standard input.</summary>
    public required ReadOnlyMemory<byte> Result { get; init; }

    /// <summary>Values that must not appear in what is told of the hook, whatever it prints.</summary>
    public IReadOnlyList<string> Secrets { get; init; } = [];
}

/// <summary>Runs hooks. A hook never changes the outcome of what it follows.</summary>
public sealed partial class HookRun(ChildProcesses children)
{
    private const int MaxToldCharacters = 200;
    private const int MinSecretLength = 4;

    /// <summary>How long a hook may take before it is ended with all its children.</summary>
    public static TimeSpan Limit { get; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Runs a hook; null when it ended with 0, else the warning <c>hook-failed</c>. Cancellation ends the hook and is
    /// such a warning too: what came before it is done, and "interrupted, the state is as before" would be untrue.
    /// </summary>
    public async Task<Problem?> RunAsync(HookRequest request, CancellationToken cancellationToken)
    {
        var program = request.Arguments[0];
        if (program.Contains('/', StringComparison.Ordinal)) program = Path.Combine(request.Folder, program);
        var command = new ChildCommand([program, .. request.Arguments.Skip(1)])
        {
            Folder = request.Folder,
            Within = Limit,
            Environment = new Dictionary<string, string?>
            {
                ["REPRISE_COMMAND"] = request.Command,
                ["REPRISE_EXIT"] = request.Exit.ToString(CultureInfo.InvariantCulture),
            },
        };
        try
        {
            var result = await children.RunAsync(
                command, async (input, ct) => await input.WriteAsync(request.Result, ct), null, cancellationToken);
            return result.Exit switch
            {
                0 => null,
                -1 => Failed(request, $"was ended after {Limit.TotalSeconds:0} s", result),
                _ => Failed(request, $"ended with exit {result.Exit}", result),
            };
        }
        catch (OperationCanceledException)
        {
            return Failed(request, "was interrupted", null);
        }
        catch (RepriseException e)
        {
            return Failed(request, Told(e.Message, request.Secrets), null);
        }
    }

    private static Problem Failed(HookRequest request, string how, ChildResult? result)
    {
        var said = result is null || result.Errors.Length + result.Output.Length == 0
            ? ""
            : ": " + Told(result.Errors.Trim().Length > 0 ? result.LastError : Last(result.Output), request.Secrets);
        return new Problem(
            RecoveryErrors.HookFailed,
            Severity.Warning,
            $"hook {request.Name} {how}{said}",
            $"the {request.Command} itself is not affected; run the hook by hand in {request.Folder} to see why")
        {
            Where = $"hooks.{request.Name}",
        };
    }

    private static string Last(string text) =>
        text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .LastOrDefault("it said nothing");

    // A hook prints what it likes: its variables when it is debugged, a URL with a password when that fails.
    private static string Told(string text, IReadOnlyList<string> secrets)
    {
        foreach (var secret in secrets.Where(s => s.Length >= MinSecretLength).OrderByDescending(s => s.Length))
            text = text.Replace(secret, "***", StringComparison.Ordinal);
        text = PasswordInUrl().Replace(text, "${start}***@");
        text = Assignment().Replace(text, "${name}***");
        var told = new StringBuilder();
        foreach (var rune in text.EnumerateRunes().Take(MaxToldCharacters))
            told.Append(Rune.IsControl(rune) ? " " : rune.ToString());
        return told.ToString() + (text.EnumerateRunes().Count() > MaxToldCharacters ? "…" : "");
    }

    [GeneratedRegex(@"(?<start>[A-Za-z][A-Za-z0-9+.-]*://[^\s/@:]*:)[^\s@]+@", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex PasswordInUrl();

    [GeneratedRegex(
        @"(?<name>\b[\w-]*(password|passwd|secret|token|api[-_]?key)[\w-]*\s*[=:]\s*)\S+",
        RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase,
        1000)]
    private static partial Regex Assignment();
}
