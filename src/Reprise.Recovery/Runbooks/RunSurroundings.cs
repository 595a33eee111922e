namespace Reprise.Recovery.Runbooks;

/// <summary>
/// On what a run stands besides its own text: each under a name, as a word that is another one when it has changed. A run
/// that somebody goes on with hours later, after a restart or an edit, says so instead of going on silently.
/// </summary>
public static class RunSurroundings
{
    /// <summary>The configuration: SHA-256 of its text.</summary>
    public const string Configuration = "configuration";

    /// <summary>This machine.</summary>
    public const string Machine = "machine";

    /// <summary>This start of the machine.</summary>
    public const string Boot = "boot";

    /// <summary>What has changed since somebody last worked on the run, each as a sentence without a full stop.</summary>
    /// <param name="events">of the run.</param>
    /// <param name="now">what it stands on now.</param>
    public static IReadOnlyList<string> Changes(IReadOnlyList<RunEvent> events, IReadOnlyDictionary<string, string> now)
    {
        if (events.LastOrDefault(e => e.Surroundings is not null)?.Surroundings is not { } then) return [];
        return [.. Sentences.Where(s => then.GetValueOrDefault(s.Name) != now.GetValueOrDefault(s.Name)).Select(s => s.Text)];
    }

    private static readonly (string Name, string Text)[] Sentences =
    [
        (Configuration, "the configuration has changed since: steps do what it says now"),
        (Machine, "this is another machine: what was done before was done elsewhere"),
        (Boot, "the machine was started anew since: what ran only in memory is gone"),
    ];
}
