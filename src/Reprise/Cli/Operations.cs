using Reprise.Json;
using Reprise.Storage.Errors;

namespace Reprise.Cli;

/// <summary>What a command came to.</summary>
/// <param name="Result">what was done, as the JSON document has it; null when it came to nothing.</param>
/// <param name="Problems">everything that went wrong or needs attention; the exit code is decided from it.</param>
internal sealed record CommandReport<T>(T? Result, IReadOnlyList<Problem> Problems)
    where T : class
{
    /// <summary>
    /// Whether its errors are findings about something else, as the doctor's are: then the exit is 6 whatever their
    /// codes
    /// say, because the command itself did what was asked.
    /// </summary>
    public bool IsDiagnosis { get; init; }

    /// <summary>A result without problems.</summary>
    public CommandReport(T result)
        : this(result, [])
    {
    }
}

/// <summary>What a command does with its options once they are understood.</summary>
internal delegate Task<CommandReport<TResult>> Operation<in TOptions, TResult>(TOptions options, CommandContext context)
    where TResult : class;

/// <summary>A restore or an undo, which may ask.</summary>
internal delegate Task<CommandReport<RestoreJson>> RestoreOperation<in TOptions>(
    TOptions options, RestoreConversation conversation, CommandContext context);

/// <summary>
/// What the commands call: composed in one place. A command whose operation is null does not exist, so that nothing is
/// offered that does not work.
/// </summary>
internal sealed record Operations
{
    public Operation<NoOptions, StatusJson>? Status { get; init; }

    public Operation<InitOptions, InitJson>? Init { get; init; }

    public Operation<NoOptions, DoctorJson>? Doctor { get; init; }

    public Operation<CheckOptions, ChecksJson>? Check { get; init; }

    public Operation<BackupOptions, BackupJson>? Backup { get; init; }

    public Operation<NoOptions, PointsJson>? Points { get; init; }

    public Operation<PointOptions, PointsShowJson>? PointsShow { get; init; }

    public Operation<VerifyOptions, VerifyJson>? Verify { get; init; }

    public RestoreOperation<RestoreOptions>? Restore { get; init; }

    public Operation<ForgetOptions, RestoreJson>? RestoreForget { get; init; }

    public RestoreOperation<UndoOptions>? Undo { get; init; }

    public Operation<DrillOptions, DrillJson>? Drill { get; init; }

    public Operation<PruneOptions, PruneJson>? Prune { get; init; }

    public Operation<RecoverOptions, RecoverJson>? Recover { get; init; }

    public Operation<StoreCheckOptions, StoreCheckJson>? StoreCheck { get; init; }

    public Operation<StoreRecoverOptions, StoreRecoverJson>? StoreRecover { get; init; }

    public Operation<ExportOptions, ExportJson>? Export { get; init; }

    public Operation<NoOptions, KeyListJson>? KeyList { get; init; }

    public Operation<KeyAddOptions, KeyChangeJson>? KeyAdd { get; init; }

    public Operation<NoOptions, KeyChangeJson>? KeyRotate { get; init; }

    public Operation<KeyRevokeOptions, KeyChangeJson>? KeyRevoke { get; init; }

    public Operation<KeySheetOptions, KeySheetJson>? KeySheet { get; init; }

    public Operation<EvidenceOptions, EvidenceListJson>? EvidenceList { get; init; }

    public Operation<EvidenceShowOptions, EvidenceShowJson>? EvidenceShow { get; init; }

    public Operation<EvidenceOptions, EvidenceVerifyJson>? EvidenceVerify { get; init; }

    public Operation<DrillNoteOptions, DrillNoteJson>? DrillNote { get; init; }

    public Operation<DemoOptions, DemoJson>? Demo { get; init; }

    public RunbookOperationSet? Runbook { get; init; }

    public WalOperationSet? Wal { get; init; }

    public Operation<StreamOptions, StreamJson>? Stream { get; init; }
}

/// <summary>Everything that <c>wal</c> does.</summary>
internal sealed record WalOperationSet
{
    public required Operation<WalPushOptions, WalPushJson> Push { get; init; }

    public required Operation<WalGetOptions, WalGetJson> Get { get; init; }

    public required Operation<WalAdoptOptions, WalAdoptJson> Adopt { get; init; }
}

/// <summary>Everything that <c>runbook</c> does.</summary>
internal sealed record RunbookOperationSet
{
    public required Operation<RunbookListOptions, RunbookListJson> List { get; init; }

    public required Operation<RunbookListOptions, RunbookListJson> Find { get; init; }

    public required Operation<RunbookListOptions, RunbookShowJson> Show { get; init; }

    public required Operation<RunbookListOptions, RunbookCheckJson> Check { get; init; }

    public required Operation<RunbookRunOptions, RunbookRunJson> Run { get; init; }

    public required Operation<RunbookRunOptions, RunbookRunJson> Resume { get; init; }

    public required Operation<RunbookReportOptions, RunbookRunJson> Report { get; init; }

    public required Operation<RunbookExportOptions, RunbookExportJson> Export { get; init; }
}

/// <summary>A command without options of its own.</summary>
internal sealed record NoOptions;
