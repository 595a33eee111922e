using System.Diagnostics;
using System.Globalization;

namespace Reprise.Simulation;

/// <summary>What was asked for.</summary>
internal sealed record CommandLine(ulong Seed, int Count, TimeSpan? For, bool Verbose, string? Steps, int Stride, bool Soak, string? Output)
{
    public static bool TryParse(string[] args, out CommandLine command)
    {
        command = new CommandLine((ulong)Stopwatch.GetTimestamp() % 1_000_000_000, 20, null, false, null, 1, false, null);
        var given = false;
        for (var i = 0; i < args.Length; i++)
        {
            if (args[i] == "--verbose") command = command with { Verbose = true };
            else if (args[i] == "--soak") command = command with { Soak = true };
            else if (args[i] == "--output" && i + 1 < args.Length) command = command with { Output = args[++i] };
            else if (args[i] == "--steps") command = command with { Steps = "" };
            else if (args[i].StartsWith("--steps=", StringComparison.Ordinal)) command = command with { Steps = args[i][8..] };
            else if (args[i] == "--count" && i + 1 < args.Length && int.TryParse(args[++i], CultureInfo.InvariantCulture, out var count))
                (command, given) = (command with { Count = count }, true);
            else if (args[i] == "--stride" && i + 1 < args.Length && int.TryParse(args[++i], CultureInfo.InvariantCulture, out var stride))
                command = command with { Stride = Math.Max(1, stride) };
            else if (args[i] == "--for" && i + 1 < args.Length && TryDuration(args[++i]) is { } duration)
                command = command with { For = duration };
            else if (ulong.TryParse(args[i], CultureInfo.InvariantCulture, out var seed))
                command = command with { Seed = seed, Count = given ? command.Count : 1 };
            else
                return false;
        }

        return true;
    }

    private static TimeSpan? TryDuration(string text)
    {
        if (text.Length < 2 || !int.TryParse(text[..^1], CultureInfo.InvariantCulture, out var number)) return null;
        return text[^1] switch
        {
            's' => TimeSpan.FromSeconds(number),
            'm' => TimeSpan.FromMinutes(number),
            'h' => TimeSpan.FromHours(number),
            _ => null,
        };
    }
}
