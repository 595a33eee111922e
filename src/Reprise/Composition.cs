using Reprise.Cli;
using Reprise.Wiring;

namespace Reprise;

/// <summary>Puts the program together by hand: what each command does stands here, and only here.</summary>
internal static class Composition
{
    /// <summary>What the commands do. One that is not set does not exist.</summary>
    public static Operations Operations(Host host)
    {
        _ = host;
        return new Operations
        {
            Status = StatusOperation.RunAsync,
            Init = InitOperation.RunAsync,
            Doctor = DoctorOperation.RunAsync,
            Check = PointOperations.CheckAsync,
            Backup = PointOperations.BackupAsync,
            Points = PointOperations.PointsAsync,
            PointsShow = PointOperations.ShowAsync,
            Verify = PointOperations.VerifyAsync,
            Restore = RestoreOperations.RestoreAsync,
            RestoreForget = RestoreOperations.ForgetAsync,
            Undo = RestoreOperations.UndoAsync,
            Drill = DrillOperation.RunAsync,
            Prune = PruneOperation.RunAsync,
            Recover = PointOperations.RecoverAsync,
            StoreCheck = StoreOperation.CheckAsync,
            StoreRecover = StoreOperation.RecoverAsync,
            Export = PointOperations.ExportAsync,
            KeyList = KeyOperations.ListAsync,
            KeyAdd = KeyOperations.AddAsync,
            KeyRotate = KeyOperations.RotateAsync,
            KeyRevoke = KeyOperations.RevokeAsync,
            KeySheet = KeyOperations.SheetAsync,
            EvidenceList = EvidenceOperations.ListAsync,
            EvidenceShow = EvidenceOperations.ShowAsync,
            EvidenceVerify = EvidenceOperations.VerifyAsync,
            DrillNote = EvidenceOperations.NoteAsync,
            Demo = DemoOperation.RunAsync,
            Wal = WalOperations.Set,
            Stream = StreamOperation.RunAsync,
            Runbook = new RunbookOperationSet
            {
                List = RunbookOperations.ListAsync,
                Find = RunbookOperations.FindAsync,
                Show = RunbookOperations.ShowAsync,
                Check = RunbookOperations.CheckAsync,
                Run = RunbookRuns.RunAsync,
                Resume = RunbookRuns.ResumeAsync,
                Report = RunbookRuns.ReportAsync,
                Export = RunbookOperations.ExportAsync,
            },
        };
    }
}
