using Reprise.Recovery.Assets;

namespace Reprise.Json;

/// <summary><c>reprise/restore/v1</c> and <c>reprise/undo/v1</c>.</summary>
internal sealed record RestoreJson
{
    /// <summary>Its identifier; null when it was only planned.</summary>
    public required string? RestoreId { get; init; }

    /// <summary>What it brings back, or null for data that was never a point.</summary>
    public required string? Point { get; init; }

    /// <summary>When that point was taken.</summary>
    public required DateTimeOffset? PointCreated { get; init; }

    /// <summary>
    /// <c>planned</c>, <c>restored</c>, <c>rolled-back</c>, <c>written</c> (with <c>--to</c>), <c>beside</c>
    /// (new tables beside the live ones), <c>forgotten</c>,
    /// <c>unchanged</c> (refused, or taken back), <c>interrupted</c> (to be continued), or null when nothing is known.
    /// </summary>
    public required string? Verdict { get; init; }

    /// <summary>What is done, in order.</summary>
    public required IReadOnlyList<StepJson> Plan { get; init; }

    /// <summary>What changes in rows, by asset and table.</summary>
    public required IReadOnlyList<ChangeJson> Changes { get; init; }

    /// <summary>The secrets against those of the point.</summary>
    public required IReadOnlyList<SecretJson> Secrets { get; init; }

    /// <summary>The way back.</summary>
    public required SafetyJson Safety { get; init; }

    /// <summary>The questions that were asked.</summary>
    public required IReadOnlyList<CheckJson> Checks { get; init; }

    /// <summary>What was live before, and is kept.</summary>
    public required IReadOnlyList<FormerJson> Former { get; init; }

    /// <summary>How long each phase took.</summary>
    public required IReadOnlyList<PhaseJson> Phases { get; init; }

    /// <summary>What was written below <c>--to</c>, of each asset the first ten thousand files; empty otherwise.</summary>
    public IReadOnlyList<string> Written { get; init; } = [];

    /// <summary>How many files were written below <c>--to</c>, named or not.</summary>
    public long WrittenCount { get; init; }

    /// <summary>What you get back, what you lose, how to go back; empty when nothing was planned.</summary>
    public IReadOnlyList<string> Sentences { get; init; } = [];

    /// <summary>What <c>--salvage</c> leaves out because it is damaged, the first ten thousand.</summary>
    public IReadOnlyList<MissingJson> Missing { get; init; } = [];

    /// <summary>How much it leaves out, named or not.</summary>
    public long MissingCount { get; init; }

    /// <summary>Moments behind that of the point to which assets were taken on; empty: none was asked for.</summary>
    public IReadOnlyList<MomentJson> Moments { get; init; } = [];

    /// <summary>Single tables (with <c>--table</c>), in the order in which they were named; empty otherwise.</summary>
    public IReadOnlyList<TableJson> Tables { get; init; } = [];
}

/// <summary>One table that comes back alone.</summary>
internal sealed record TableJson
{
    /// <summary>Of which asset.</summary>
    public required string Asset { get; init; }

    /// <summary>Of which database; null: not looked for yet.</summary>
    public required string? Database { get; init; }

    /// <summary>Its name, as it would have to be typed.</summary>
    public required string Table { get; init; }

    /// <summary>The new table as it would have to be typed, or the path of the file.</summary>
    public required string Target { get; init; }

    /// <summary>How many rows; null: not known before the copy of its server runs.</summary>
    public required long? Rows { get; init; }

    /// <summary>How much they take, as text in a dump or on the disk of a server; null likewise.</summary>
    public required long? SizeBytes { get; init; }

    /// <summary>What belongs to the table and did not come with it; empty for a file, which has everything.</summary>
    public required IReadOnlyList<string> LeftOut { get; init; }
}

/// <summary>Where the recovery of a server ended.</summary>
internal sealed record MomentJson
{
    /// <summary>Which asset.</summary>
    public required string Asset { get; init; }

    /// <summary>What was asked for.</summary>
    public required string Wish { get; init; }

    /// <summary>Whose WAL was followed.</summary>
    public required string Lineage { get; init; }

    /// <summary>Which timeline was followed.</summary>
    public required long Timeline { get; init; }

    /// <summary>Up to where.</summary>
    public required string Lsn { get; init; }

    /// <summary>When the last transaction was committed that came back; null: none after the point, or only planned.</summary>
    public required DateTimeOffset? LastCommit { get; init; }

    /// <summary>That transaction.</summary>
    public required string? Transaction { get; init; }

    /// <summary>When the first one was committed that did not come back; null: none is known nearby.</summary>
    public required DateTimeOffset? NextCommit { get; init; }

    /// <summary>The timeline on which the server goes on; null: it was not started.</summary>
    public required long? NewTimeline { get; init; }

    /// <summary>Whether it was started, reached the moment and was stopped.</summary>
    public required bool Replayed { get; init; }
}

/// <summary>Something that cannot be brought back.</summary>
internal sealed record MissingJson
{
    /// <summary>Of which asset.</summary>
    public required string Asset { get; init; }

    /// <summary>Which file of it, or null: nothing of the asset.</summary>
    public required string? Path { get; init; }

    /// <summary>The damaged object of the repository, or null when that is not known.</summary>
    public required string? Object { get; init; }
}

/// <summary>One step of a plan.</summary>
internal sealed record StepJson
{
    /// <summary>Its name in the plan.</summary>
    public required string Id { get; init; }

    /// <summary><c>read</c>, <c>reversible</c>, <c>costly</c> or <c>irreversible</c>.</summary>
    public required string Effect { get; init; }

    /// <summary>What it changes, as a person says it.</summary>
    public required string Target { get; init; }

    /// <summary>How much it moves, or null.</summary>
    public required long? Bytes { get; init; }

    /// <summary>How long it may take, or null.</summary>
    public required double? EstimateSeconds { get; init; }
}

/// <summary>The rows of one table, live and restored.</summary>
internal sealed record ChangeJson
{
    /// <summary>Which asset.</summary>
    public required string Asset { get; init; }

    /// <summary>Which table.</summary>
    public required string Table { get; init; }

    /// <summary>What is live now; null when it cannot be read or does not exist.</summary>
    public required long? Now { get; init; }

    /// <summary>What the point holds; null when it has no such table.</summary>
    public required long? Then { get; init; }
}

/// <summary>One secret against the point.</summary>
internal sealed record SecretJson
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary><c>pass</c> (the same), <c>fail</c> (another one), <c>could-not-verify</c> (not set).</summary>
    public required string Outcome { get; init; }
}

/// <summary>The way back from a restore.</summary>
internal sealed record SafetyJson
{
    /// <summary><c>taken</c>, <c>moved-aside</c>, <c>not-applicable</c>, <c>waived</c> or <c>planned</c>.</summary>
    public required string State { get; init; }

    /// <summary>The safety point, or null.</summary>
    public required string? Id { get; init; }
}

/// <summary>One check and its answer.</summary>
internal record CheckJson
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>1 bytes, 2 engine, 3 structure, 4 data, 5 application.</summary>
    public required int Level { get; init; }

    /// <summary><c>pass</c>, <c>fail</c>, <c>could-not-verify</c>, <c>not-run</c>, <c>not-applicable</c>.</summary>
    public required string Outcome { get; init; }

    /// <summary>What was expected.</summary>
    public required string? Expected { get; init; }

    /// <summary>What was answered, or why nothing was.</summary>
    public required string? Actual { get; init; }

    /// <summary>How long it took.</summary>
    public required double Seconds { get; init; }

    /// <summary>Whether a restore is rolled back unless it passes, and whether the verdict of a drill depends on it.</summary>
    public required bool Required { get; init; }

    /// <summary>Which asset was asked, or null.</summary>
    public required string? Asset { get; init; }

    /// <summary>Why it did not pass, kebab-case, or null.</summary>
    public required string? Reason { get; init; }

    /// <summary>The outcome as JSON has it.</summary>
    public static CheckJson From(CheckOutcome check) => new()
    {
        Name = check.Name,
        Level = (int)check.Level,
        Outcome = Words.Of(check.Outcome),
        Expected = check.Expected,
        Actual = check.Actual,
        Seconds = Math.Round(check.Elapsed.TotalSeconds, 3),
        Required = check.Required,
        Asset = check.Asset,
        Reason = check.Reason,
    };
}

/// <summary><c>reprise/check/v1</c>.</summary>
internal sealed record ChecksJson
{
    /// <summary>Every check that was asked.</summary>
    public required IReadOnlyList<CheckJson> Checks { get; init; }
}

/// <summary>Data that a restore or an undo replaced.</summary>
internal sealed record FormerJson
{
    /// <summary>Which asset.</summary>
    public required string Asset { get; init; }

    /// <summary>Where it lies.</summary>
    public required string Where { get; init; }

    /// <summary>Until when it is kept.</summary>
    public required DateTimeOffset? Until { get; init; }

    /// <summary>Its size, or null.</summary>
    public long? SizeBytes { get; init; }

    /// <summary>The restore that replaced it, or null.</summary>
    public string? RestoreId { get; init; }
}

/// <summary>One phase of a restore.</summary>
internal sealed record PhaseJson
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>How long it took.</summary>
    public required double Seconds { get; init; }
}

/// <summary><c>reprise/recover/v1</c>.</summary>
internal sealed record RecoverJson
{
    /// <summary>The point that it was read from.</summary>
    public required string Point { get; init; }

    /// <summary>Absolute path of the folder.</summary>
    public required string Folder { get; init; }

    /// <summary>What was written there, from the folder; of each asset, the first ten thousand files.</summary>
    public required IReadOnlyList<string> Written { get; init; }

    /// <summary>How many files were written there, named or not.</summary>
    public long WrittenCount { get; init; }

    /// <summary>The secrets that have to be set before the application works.</summary>
    public required IReadOnlyList<SecretJson> Secrets { get; init; }

    /// <summary>What of the configuration is another on this host, one sentence each; also the beginning of <see cref="Next"/>.</summary>
    public required IReadOnlyList<string> Adapt { get; init; }

    /// <summary>The commands to type next, in order.</summary>
    public required IReadOnlyList<string> Next { get; init; }
}
