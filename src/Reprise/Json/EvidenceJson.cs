using Reprise.Recovery.Evidence;

namespace Reprise.Json;

/// <summary>One piece of evidence.</summary>
internal sealed record EvidenceJson
{
    /// <summary>Its number in the chain, from 1.</summary>
    public required long Sequence { get; init; }

    /// <summary><c>drill</c> or <c>note</c>; null when nothing that is signed can be read.</summary>
    public required string? Kind { get; init; }

    /// <summary>When it was signed, by the clock of the host, or null.</summary>
    public required DateTimeOffset? Recorded { get; init; }

    /// <summary>The drill that it is about, or null.</summary>
    public required string? Drill { get; init; }

    /// <summary>The note, or null.</summary>
    public required string? Note { get; init; }

    /// <summary>The verdict of the drill, or null.</summary>
    public required string? Verdict { get; init; }

    /// <summary>The depth that the drill reached, or null.</summary>
    public required int? Level { get; init; }

    /// <summary>What the note says is not as it should be, or null.</summary>
    public required string? Gap { get; init; }

    /// <summary>The note that the note closes, or null.</summary>
    public required string? Closes { get; init; }

    /// <summary>SHA-256 of the envelope.</summary>
    public required string Sha256 { get; init; }

    /// <summary>SHA-256 of the envelope before it, or null.</summary>
    public required string? Previous { get; init; }

    /// <summary>The key that signed it, or says so; null when it cannot be read.</summary>
    public required string? KeyId { get; init; }

    /// <summary>The code of what is wrong with it, or null.</summary>
    public required string? Defect { get; init; }

    /// <summary>The piece as JSON has it.</summary>
    public static EvidenceJson From(EvidenceEntry entry) => new()
    {
        Sequence = entry.Sequence,
        Kind = entry.Statement?.Kind,
        Recorded = entry.Statement?.Recorded,
        Drill = entry.Statement?.DrillId,
        Note = entry.Statement?.Note?.Id,
        Verdict = entry.Statement?.Drill is { } drill ? Words.Of(drill.Verdict) : null,
        Level = entry.Statement?.Drill?.Level,
        Gap = entry.Statement?.Note?.Gap,
        Closes = entry.Statement?.Note?.Closes,
        Sha256 = entry.Sha256,
        Previous = entry.Statement?.Previous,
        KeyId = entry.KeyId,
        Defect = entry.Defect?.Name,
    };
}

/// <summary><c>reprise/evidence-list/v1</c>.</summary>
internal sealed record EvidenceListJson
{
    /// <summary>Every piece, in order.</summary>
    public required IReadOnlyList<EvidenceJson> Evidence { get; init; }
}

/// <summary><c>reprise/evidence-show/v1</c>.</summary>
internal sealed record EvidenceShowJson
{
    /// <summary>The piece.</summary>
    public required EvidenceJson Evidence { get; init; }

    /// <summary>Absolute path of the report that was written, or null.</summary>
    public required string? Report { get; init; }
}

/// <summary><c>reprise/evidence-verify/v1</c>.</summary>
internal sealed record EvidenceVerifyJson
{
    /// <summary>Every place that was verified.</summary>
    public required IReadOnlyList<EvidencePlaceJson> Places { get; init; }
}

/// <summary>Evidence in one place.</summary>
internal sealed record EvidencePlaceJson
{
    /// <summary>The folder, or the repository.</summary>
    public required string Where { get; init; }

    /// <summary><c>pass</c> or <c>fail</c>.</summary>
    public required string Verdict { get; init; }

    /// <summary>How many pieces are there.</summary>
    public required int Pieces { get; init; }

    /// <summary>The keys that count.</summary>
    public required IReadOnlyList<string> TrustedKeys { get; init; }

    /// <summary>Whether nothing but the evidence itself said which key counts.</summary>
    public required bool KeyTakenOnTrust { get; init; }

    /// <summary>Whether it is known which piece must be the newest.</summary>
    public required bool NewestKnown { get; init; }

    /// <summary>The pieces.</summary>
    public required IReadOnlyList<EvidenceJson> Evidence { get; init; }

    /// <summary>The place as JSON has it.</summary>
    public static EvidencePlaceJson From(EvidenceVerdict verdict) => new()
    {
        Where = verdict.Where,
        Verdict = verdict.IsIntact ? "pass" : "fail",
        Pieces = verdict.Entries.Count,
        TrustedKeys = verdict.TrustedKeys,
        KeyTakenOnTrust = verdict.KeyTakenOnTrust,
        NewestKnown = verdict.NewestKnown,
        Evidence = [.. verdict.Entries.Select(EvidenceJson.From)],
    };
}

/// <summary><c>reprise/drill-note/v1</c>.</summary>
internal sealed record DrillNoteJson
{
    /// <summary>The note that was added.</summary>
    public required string Note { get; init; }

    /// <summary>The drill that it adds to.</summary>
    public required string Drill { get; init; }

    /// <summary>The note whose action it closes, or null.</summary>
    public required string? Closed { get; init; }

    /// <summary>The evidence that holds it.</summary>
    public required EvidenceJson Evidence { get; init; }

    /// <summary>How many actions are open now.</summary>
    public required int Open { get; init; }
}

/// <summary>An action that nobody has closed.</summary>
internal sealed record ActionJson
{
    /// <summary>The note that opened it.</summary>
    public required string Note { get; init; }

    /// <summary>The drill that it adds to.</summary>
    public required string Drill { get; init; }

    /// <summary>What is not as it should be.</summary>
    public required string Gap { get; init; }

    /// <summary>What is done about it.</summary>
    public required string Action { get; init; }

    /// <summary>Who does it.</summary>
    public required string Owner { get; init; }

    /// <summary>By which day, e.g. <c>2026-12-31</c>.</summary>
    public required string Due { get; init; }

    /// <summary>Whether that day is over.</summary>
    public required bool Overdue { get; init; }

    /// <summary>When it was opened.</summary>
    public required DateTimeOffset Opened { get; init; }

    /// <summary>The action as JSON has it.</summary>
    public static ActionJson From(OpenAction action) => new()
    {
        Note = action.Note.Id,
        Drill = action.Note.Drill,
        Gap = action.Note.Gap ?? "",
        Action = action.Note.Action ?? "",
        Owner = action.Note.Owner ?? "",
        Due = action.Note.Due?.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture) ?? "",
        Overdue = action.IsOverdue,
        Opened = action.Opened,
    };
}
