namespace Reprise.Simulation.Faults;

/// <summary>
/// Every way back from something that went wrong, or from something that another client did meanwhile. A soak in which
/// one of them was never gone proves nothing of it, and fails.
/// </summary>
public enum RecoveryBranch
{
    /// <summary>A creation that was cut off was begun again, and made the repository.</summary>
    CreationRepeated,

    /// <summary>A creation had come to its last step, and its answer was lost.</summary>
    CreationFoundDone,

    /// <summary>A point whose backup heard nothing at the end is there.</summary>
    UnheardPointThere,

    /// <summary>A point whose backup heard nothing at the end is not there.</summary>
    UnheardPointAbsent,

    /// <summary>A backup ended because a prune or a rotation had taken its writer for dead.</summary>
    WriterGaveUp,

    /// <summary>A writer could not read a list of a prune, and relied on nothing that was stored.</summary>
    WriterReliedOnNothing,

    /// <summary>A writer could not read an index object, and stored again what it spoke of.</summary>
    IndexUnread,

    /// <summary>A prune took a writer for dead.</summary>
    PruneExpelled,

    /// <summary>A prune left packs to the next one, because a writer was at work.</summary>
    PruneWaited,

    /// <summary>A prune refused, because of a point that it could not read.</summary>
    PruneHeld,

    /// <summary>A prune completed the drop of a point that another one had decided.</summary>
    DropCompleted,

    /// <summary>A point stayed for one more prune, because a list condemns one of its packs.</summary>
    DropPutOff,

    /// <summary>A prune made a list again that it could not read.</summary>
    ListMadeAgain,

    /// <summary>A rotation expelled a backup.</summary>
    RotationExpelled,

    /// <summary>Of two rotations at once, one gave way.</summary>
    RotationGaveWay,

    /// <summary>A rotation proved what one that was cut off had left unproven.</summary>
    RotationProvedAgain,

    /// <summary>A key that was revoked was refused.</summary>
    RevokedKeyRefused,

    /// <summary>Files that did not change were taken from the last point.</summary>
    FilesAdopted,

    /// <summary>Files that did not change were read, because the last point could not be relied on.</summary>
    FilesReadAgain,

    /// <summary>A swap of files that was cut off was gone on with.</summary>
    SwapContinued,

    /// <summary>A swap of files that was cut off was taken back.</summary>
    SwapTakenBack,

    /// <summary>What was staged was not what the point holds, and nothing was touched.</summary>
    StagedWrong,

    /// <summary>A restore ended with an error, and production was as before.</summary>
    RestoreUnchanged,

    /// <summary>A restore was rolled back.</summary>
    RestoreRolledBack,

    /// <summary>An operation that was cut off in <c>Staging</c> was gone on with; the others as they are called.</summary>
    ContinuedFromStaging,

    /// <inheritdoc cref="ContinuedFromStaging" />
    ContinuedFromStopping,

    /// <inheritdoc cref="ContinuedFromStaging" />
    ContinuedFromSecuring,

    /// <inheritdoc cref="ContinuedFromStaging" />
    ContinuedFromPublishing,

    /// <inheritdoc cref="ContinuedFromStaging" />
    ContinuedFromCheckingData,

    /// <inheritdoc cref="ContinuedFromStaging" />
    ContinuedFromStarting,

    /// <inheritdoc cref="ContinuedFromStaging" />
    ContinuedFromCheckingApplication,

    /// <inheritdoc cref="ContinuedFromStaging" />
    ContinuedFromRollingBack,

    /// <summary>An operation that was cut off in <c>Staging</c> was taken back; the others as they are called.</summary>
    TakenBackFromStaging,

    /// <inheritdoc cref="TakenBackFromStaging" />
    TakenBackFromStopping,

    /// <inheritdoc cref="TakenBackFromStaging" />
    TakenBackFromSecuring,

    /// <inheritdoc cref="TakenBackFromStaging" />
    TakenBackFromPublishing,

    /// <inheritdoc cref="TakenBackFromStaging" />
    TakenBackFromCheckingData,

    /// <inheritdoc cref="TakenBackFromStaging" />
    TakenBackFromStarting,

    /// <inheritdoc cref="TakenBackFromStaging" />
    TakenBackFromCheckingApplication,

    /// <inheritdoc cref="TakenBackFromStaging" />
    TakenBackFromRollingBack,

    /// <summary>With an object damaged at rest, a point that needs it named it.</summary>
    DamageNamed,

    /// <summary>With an object damaged at rest, a point that does not need it came back whole.</summary>
    DamageElsewhere,
}
