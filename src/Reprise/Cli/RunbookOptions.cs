namespace Reprise.Cli;

/// <summary>What <c>runbook list</c>, <c>find</c>, <c>show</c> and <c>check</c> were asked.</summary>
/// <param name="Words">names, or words to look for.</param>
/// <param name="Language">of the text.</param>
internal sealed record RunbookListOptions(IReadOnlyList<string> Words, string Language);

/// <summary>An answer that was given beforehand.</summary>
/// <param name="Step">to which step.</param>
/// <param name="Option">what.</param>
/// <param name="Reason">why, or null.</param>
internal sealed record GivenAnswer(string Step, string Option, string? Reason);

/// <summary>What <c>runbook run</c> and <c>runbook resume</c> were asked.</summary>
internal sealed record RunbookRunOptions
{
    /// <summary>The runbook, or the run.</summary>
    public string? Name { get; init; }

    /// <summary>Of the text.</summary>
    public required string Language { get; init; }

    /// <summary>Values of inputs.</summary>
    public required IReadOnlyList<KeyValuePair<string, string>> Inputs { get; init; }

    /// <summary>Decisions.</summary>
    public required IReadOnlyList<GivenAnswer> Decisions { get; init; }

    /// <summary>Typed identities of targets.</summary>
    public required IReadOnlyList<GivenAnswer> Confirmations { get; init; }

    /// <summary>Steps that can be taken back need no asking.</summary>
    public bool Yes { get; init; }

    /// <summary>Take back what was done.</summary>
    public bool Undo { get; init; }

    /// <summary>Ask each verification before its act too.</summary>
    public bool RedFirst { get; init; }
}

/// <summary>What <c>runbook report</c> was asked.</summary>
/// <param name="Run">its identifier or its beginning, or null: the newest.</param>
/// <param name="To">absolute path of the file to write, or null.</param>
internal sealed record RunbookReportOptions(string? Run, string? To);

/// <summary>What <c>runbook export</c> was asked.</summary>
/// <param name="Names">which; empty: all.</param>
/// <param name="Folder">absolute path.</param>
/// <param name="Format"><c>markdown</c>, <c>html</c> or <c>print</c>.</param>
/// <param name="Language">of the text.</param>
internal sealed record RunbookExportOptions(IReadOnlyList<string> Names, string Folder, string Format, string Language);
