using System.Globalization;
using Reprise.Repository.Points;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Evidence;

/// <summary>What <c>drill note</c> was asked.</summary>
public sealed record NoteRequest
{
    /// <summary>A drill's id, a unique beginning of at least four characters, or <c>latest</c>.</summary>
    public required string Drill { get; init; }

    /// <summary>What is not as it should be.</summary>
    public string? Gap { get; init; }

    /// <summary>What is done about it.</summary>
    public string? Action { get; init; }

    /// <summary>Who does it.</summary>
    public string? Owner { get; init; }

    /// <summary>By which day.</summary>
    public DateOnly? Due { get; init; }

    /// <summary>The note whose action is done: its id or a unique beginning.</summary>
    public string? Close { get; init; }

    /// <summary>What came of it.</summary>
    public string? Result { get; init; }
}

/// <summary>The evidence after it was judged, with what follows from it. What is defective counts for nothing.</summary>
/// <param name="Verdict">every piece and every defect.</param>
public sealed record EvidenceHistory(EvidenceVerdict Verdict)
{
    /// <summary>The longest text in a note, in characters.</summary>
    public const int MaxText = 2000;

    private IEnumerable<EvidenceStatement> Good =>
        Verdict.Entries.Where(e => e.Defect is null).Select(e => e.Statement).OfType<EvidenceStatement>();

    /// <summary>Drills, oldest first.</summary>
    public IReadOnlyList<DrillRecord> Drills => [.. Good.Select(s => s.Drill).OfType<DrillRecord>()];

    /// <summary>Notes, oldest first.</summary>
    public IReadOnlyList<DrillNote> Notes => [.. Good.Select(s => s.Note).OfType<DrillNote>()];

    /// <summary>Actions that nobody has closed, the one that is due first in front.</summary>
    public IReadOnlyList<OpenAction> OpenActions(DateTimeOffset now)
    {
        var today = DateOnly.FromDateTime(now.UtcDateTime);
        var closed = Notes.Select(n => n.Closes).OfType<string>().ToHashSet(StringComparer.Ordinal);
        return [.. Good
            .Where(s => s.Note is { Closes: null } note && !closed.Contains(note.Id))
            .Select(s => new OpenAction(s.Note!, s.Recorded, s.Note!.Due < today)) // The filter demands a note.
            .OrderBy(a => a.Note.Due ?? DateOnly.MaxValue)
            .ThenBy(a => a.Note.Id, StringComparer.Ordinal)];
    }

    /// <summary>
    /// The piece that is meant: its number, the id of a drill or a note or a unique beginning of at least four
    /// characters, or <c>latest</c>, the newest drill. <c>evidence-unknown</c>, <c>evidence-none</c>.
    /// </summary>
    public EvidenceEntry Find(string name)
    {
        if (name == "latest") return Newest();
        if (long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && Verdict.Entries.FirstOrDefault(e => e.Sequence == number) is { } numbered)
            return numbered;
        var found = Named(name, _ => true);
        return found is [var one] ? one : throw new RepriseException(
            EvidenceErrors.Unknown,
            found.Count == 0 ? $"no evidence is called '{name}'" : $"{found.Count} pieces of evidence begin with '{name}'",
            "name one of those that 'reprise evidence list' shows, or latest");
    }

    /// <summary>The drill before this one, for comparison; null when there is none.</summary>
    public DrillRecord? Before(DrillRecord drill) =>
        Drills.LastOrDefault(d => string.CompareOrdinal(d.Id, drill.Id) < 0);

    /// <summary>The note that a request makes, after it was checked.</summary>
    internal DrillNote Note(NoteRequest request, string author, DateTimeOffset now)
    {
        var entry = FindDrill(request.Drill);
        var note = new DrillNote
        {
            Id = NewId(now),
            Drill = entry.Statement?.DrillId ?? throw new InvariantException("evidence without a statement"),
            About = entry.Sequence,
            AboutSha256 = entry.Sha256,
            Author = author,
        };
        if (request.Close is { } name) return Closing(note, name, request);
        return note with
        {
            Gap = Text(request.Gap, "--gap"),
            Action = Text(request.Action, "--action"),
            Owner = Text(request.Owner, "--owner"),
            Due = request.Due ?? throw Invalid("a note needs --due", "say by which day the action is done: --due 2026-12-31"),
        };
    }

    private DrillNote Closing(DrillNote note, string name, NoteRequest request)
    {
        var entry = Find(name);
        if (entry is not { Defect: null, Statement.Note: { Closes: null } opened } || opened.Drill != note.Drill)
            throw Invalid($"'{name}' is no action of drill {note.Drill}", "reprise status lists those that are open");
        if (Notes.Any(n => n.Closes == opened.Id))
            throw Invalid($"the action of note {opened.Id} is closed already", "reprise evidence list shows by which note");
        return note with
        {
            About = entry.Sequence,
            AboutSha256 = entry.Sha256,
            Closes = opened.Id,
            Result = Text(request.Result, "--result"),
        };
    }

    private EvidenceEntry FindDrill(string name)
    {
        // A note of the same day begins like its drill.
        var entry = Named(name, e => e.Statement?.Drill is not null) is [var drilled] ? drilled : Find(name);
        if (entry is { Defect: null, Statement.Drill: not null }) return entry;

        // A note's name stands for its drill as well.
        return entry is { Defect: null, Statement.Note: { } note }
            && Verdict.Entries.FirstOrDefault(e => e is { Defect: null, Statement.Drill: { } drill } && drill.Id == note.Drill) is { } about
                ? about
                : throw new RepriseException(
                    EvidenceErrors.Unknown,
                    $"the evidence of '{name}' is defective: {entry.Defect}",
                    "reprise evidence verify");
    }

    private EvidenceEntry Newest() =>
        Verdict.Entries.LastOrDefault(e => e is { Defect: null, Statement.Drill: not null }) ?? throw new RepriseException(
            EvidenceErrors.None, "there is no evidence of any drill", "reprise drill");

    private List<EvidenceEntry> Named(string name, Func<EvidenceEntry, bool> isMeant) =>
        name.Length < 4 ? [] : [.. Verdict.Entries.Where(e => isMeant(e) && IsNamed(e, name))];

    private static bool IsNamed(EvidenceEntry entry, string name)
    {
        var own = entry.Statement?.Drill?.Id ?? entry.Statement?.Note?.Id;
        return own is not null
            && (own.StartsWith(name, StringComparison.Ordinal) || name == $"{entry.Sequence:D8}-{own}");
    }

    private string NewId(DateTimeOffset now)
    {
        var id = PointId.At(now);
        while (Verdict.Entries.Any(e => e.Statement?.Drill?.Id == id.Value || e.Statement?.Note?.Id == id.Value)) id = id.Next();
        return id.Value;
    }

    private static string Text(string? text, string option) => text switch
    {
        null => throw Invalid($"a note needs {option}", "write --gap T --action T --owner WHO --due DATE, or --close NOTE --result T"),
        { Length: > MaxText } => throw Invalid($"{option} has {text.Length} characters", $"write at most {MaxText}"),
        _ when string.IsNullOrWhiteSpace(text) => throw Invalid($"{option} is empty", "say it in a few words"),
        _ => text,
    };

    private static RepriseException Invalid(string message, string hint) => new(EvidenceErrors.NoteInvalid, message, hint);
}
