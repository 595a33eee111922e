using System.Diagnostics;
using System.Text;
using Reprise.Tests.House;

namespace Reprise.Tests.Golden;

/// <summary>The reader of the kit, which shares nothing with the program but the document of the format.</summary>
internal static class StandAlone
{
    public static string Program => Path.Combine(Clone.Root, "kit/reprise_reader.py");

    /// <summary>What it says, and its exit code in the last line.</summary>
    public static Task<string> RunAsync(string repository, string key, params string[] arguments) => RunAsync(repository, key, null, arguments);

    public static async Task<string> RunAsync(string repository, string key, string? typed, string[] arguments)
    {
        // Debian's Python, because the packages are Debian's.
        var (exit, text) = await RunAsync("/usr/bin/python3", ["-B", Program, repository, key, .. arguments], typed);
        return text.Replace(repository, "REPOSITORY", StringComparison.Ordinal) + $"exit {exit}\n";
    }

    /// <summary>Runs any program; names that are no text come as Latin-1.</summary>
    public static async Task<(int Exit, string Text)> RunAsync(string program, string[] arguments, string? typed = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.Latin1,
            StandardErrorEncoding = Encoding.Latin1,
        };
        start.Environment["LC_ALL"] = "C";
        using var process = Process.Start(start)!; // Without a shell there is one.
        if (typed is not null) await process.StandardInput.WriteLineAsync(typed);
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await errors + output);
    }
}
