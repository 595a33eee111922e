#pragma warning disable RS0030 // The one place that speaks to the console: everybody else is given a Terminal.
using System.Text;

namespace Reprise.Cli;

/// <summary>
/// Where a person reads and types. Tests give it text instead. Documents and answers go to <see cref="Out"/>; progress,
/// questions and errors to <see cref="Error"/>.
/// </summary>
internal sealed class Terminal
{
    /// <summary>The width when there is no terminal, in columns.</summary>
    public const int UsualWidth = 80;

    private const int LeastWidth = 40;
    private const int MostWidth = 120;

    /// <summary>Answers.</summary>
    public required TextWriter Out { get; init; }

    /// <summary>Progress, questions and errors.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>What is typed.</summary>
    public required TextReader In { get; init; }

    /// <summary>Whether somebody can be asked: input and errors are both a terminal.</summary>
    public bool CanAsk { get; init; }

    /// <summary>Whether answers are read by a person.</summary>
    public bool OutIsTerminal { get; init; }

    /// <summary>Whether progress can be drawn over.</summary>
    public bool ErrorIsTerminal { get; init; }

    /// <summary>How wide it is, 40 to 120 columns.</summary>
    public int Width { get; init; } = UsualWidth;

    /// <summary>Whether a question stands at the beginning of the line, so that whoever writes now begins another.</summary>
    public bool IsAsking { get; private set; }

    /// <summary>Reads a line that is not shown while it is typed; null at the end of input.</summary>
    public Func<string?>? ReadSecret { get; init; }

    /// <summary>The console of this process.</summary>
    public static Terminal OfThisProcess()
    {
        // UTF-8 whatever the locale says; without the mark that would be a part of a document.
        var plain = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        var isTerminal = !Console.IsErrorRedirected;
        var error = new StreamWriter(Stream(Console.OpenStandardError(), isTerminal), plain) { AutoFlush = true };
        return new Terminal
        {
            Out = new StreamWriter(Stream(Console.OpenStandardOutput(), !Console.IsOutputRedirected), plain)
            {
                AutoFlush = true,
            },
            Error = error,
            In = Console.In,
            CanAsk = !Console.IsInputRedirected && isTerminal,
            OutIsTerminal = !Console.IsOutputRedirected,
            ErrorIsTerminal = isTerminal,
            Width = isTerminal || !Console.IsOutputRedirected ? WidthOfConsole() : UsualWidth,
            ReadSecret = () => ReadHidden(error),
        };
    }

    /// <summary>
    /// Asks a question and reads a line; null at the end of input. Cancelling leaves the reader behind.
    /// </summary>
    public async Task<string?> AskAsync(string question, CancellationToken cancellationToken)
    {
        await Error.WriteAsync(question.AsMemory(), cancellationToken);
        await Error.FlushAsync(cancellationToken);
        IsAsking = true;
        // A read of the console cannot be cancelled, so that it waits on a thread of its own, which dies with us.
        var typed = await Task.Run(() => OrEnd(In.ReadLine), cancellationToken).WaitAsync(cancellationToken);
        IsAsking = false;
        return typed;
    }

    /// <summary>Asks for something that must not be seen.</summary>
    public async Task<string?> AskSecretAsync(string question, CancellationToken cancellationToken)
    {
        await Error.WriteAsync(question.AsMemory(), cancellationToken);
        return await Task.Run(() => OrEnd(ReadSecret ?? In.ReadLine), cancellationToken).WaitAsync(cancellationToken);
    }

    // A terminal that was closed while it was asked has nothing more to say.
    private static string? OrEnd(Func<string?> read)
    {
        try
        {
            return read();
        }
        catch (IOException)
        {
            return null;
        }
    }

    // A document that cannot be written into a file is an error; a terminal that was closed is not ours to wait for.
    private static Stream Stream(Stream console, bool isTerminal) =>
        isTerminal ? new TerminalStream(console) : console;

    private static int WidthOfConsole()
    {
        try
        {
            return Console.WindowWidth is > 0 and var width ? Math.Clamp(width, LeastWidth, MostWidth) : UsualWidth;
        }
        catch (IOException)
        {
            // Some terminals have no size (a serial line).
            return UsualWidth;
        }
    }

    private static string? ReadHidden(TextWriter error)
    {
        var typed = new StringBuilder();
        while (true)
        {
            var key = Console.ReadKey(intercept: true);
            switch (key.Key)
            {
                case ConsoleKey.Enter:
                    error.WriteLine();
                    return typed.ToString();
                case ConsoleKey.Backspace when typed.Length > 0:
                    typed.Length--;
                    break;
                default:
                    if (!char.IsControl(key.KeyChar)) typed.Append(key.KeyChar);
                    break;
            }
        }
    }
}
