namespace Reprise.Json;

/// <summary><c>reprise/init/v1</c>.</summary>
internal sealed record InitJson
{
    /// <summary>Absolute path of the configuration.</summary>
    public required string Configuration { get; init; }

    /// <summary>What was looked at and found.</summary>
    public required IReadOnlyList<FoundJson> Found { get; init; }

    /// <summary>What was made, as absolute paths.</summary>
    public required IReadOnlyList<string> Created { get; init; }

    /// <summary>What was there already and was left as it is.</summary>
    public required IReadOnlyList<string> Kept { get; init; }

    /// <summary>Where the recovery sheet lies, or null when none was made.</summary>
    public required string? RecoverySheet { get; init; }

    /// <summary>How backups are scheduled.</summary>
    public required ScheduleJson Schedule { get; init; }
}

/// <summary>Something that <c>init</c> found.</summary>
internal sealed record FoundJson
{
    /// <summary>
    /// <c>compose</c>, <c>postgres</c>, <c>volume</c>, <c>sqlite</c>, <c>files</c>, <c>secrets</c>,
    /// <c>migration</c>, <c>health</c>.
    /// </summary>
    public required string Kind { get; init; }

    /// <summary>What it became in the configuration, or what it is.</summary>
    public required string What { get; init; }

    /// <summary>Where it was found.</summary>
    public required string Where { get; init; }
}

/// <summary>Three ways to start <c>backup</c> by itself; one suffices.</summary>
internal sealed record ScheduleJson
{
    /// <summary>A unit of systemd.</summary>
    public required string SystemdService { get; init; }

    /// <summary>Its timer.</summary>
    public required string SystemdTimer { get; init; }

    /// <summary>A line of a crontab.</summary>
    public required string Cron { get; init; }

    /// <summary>A command for the Task Scheduler of Windows.</summary>
    public required string TaskScheduler { get; init; }
}

/// <summary><c>reprise/doctor/v1</c>.</summary>
internal sealed record DoctorJson
{
    /// <summary>Everything that was looked at.</summary>
    public required IReadOnlyList<ExaminedJson> Examined { get; init; }
}

/// <summary>One thing that the doctor looked at.</summary>
internal sealed record ExaminedJson
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary><c>pass</c>, <c>fail</c>, <c>could-not-verify</c>, <c>not-applicable</c>.</summary>
    public required string Outcome { get; init; }

    /// <summary>What was seen, or null.</summary>
    public required string? Seen { get; init; }
}

/// <summary><c>reprise/key-sheet/v1</c>.</summary>
internal sealed record KeySheetJson
{
    /// <summary>Absolute path of the sheet, or null when it was not written now.</summary>
    public required string? Path { get; init; }

    /// <summary>Whether it was confirmed to lie elsewhere.</summary>
    public required bool Confirmed { get; init; }
}

/// <summary><c>reprise/demo/v1</c>.</summary>
internal sealed record DemoJson
{
    /// <summary>Where the demonstration took place; it is gone unless <see cref="Kept"/>.</summary>
    public required string Folder { get; init; }

    /// <summary>Whether the folder is still there.</summary>
    public required bool Kept { get; init; }

    /// <summary>What was spoilt on purpose: <c>pack</c>, <c>dump</c>, <c>secret</c>, or null.</summary>
    public required string? Sabotage { get; init; }

    /// <summary>What of the demonstration ran.</summary>
    public required IReadOnlyList<PhaseJson> Phases { get; init; }

    /// <summary>Hashes of all rows by asset, before the disaster and after the restore.</summary>
    public required IReadOnlyList<RowHashJson> Hashes { get; init; }

    /// <summary>How many rows and files were lost.</summary>
    public required long Lost { get; init; }

    /// <summary>The point that was restored, or null.</summary>
    public required string? Point { get; init; }

    /// <summary>The questions that were asked at the end.</summary>
    public required IReadOnlyList<CheckJson> Checks { get; init; }

    /// <summary>How to stop the PostgreSQL server that was kept, or null.</summary>
    public string? StopCommand { get; init; }
}

/// <summary>The hash of all rows of an asset.</summary>
internal sealed record RowHashJson
{
    /// <summary>Which asset.</summary>
    public required string Asset { get; init; }

    /// <summary>How it is recomputed, as a command.</summary>
    public required string Recompute { get; init; }

    /// <summary>Before the disaster.</summary>
    public required string Before { get; init; }

    /// <summary>After the restore, or null.</summary>
    public required string? After { get; init; }
}
