using System.Text;
using Reprise.Recovery.Assets;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Files;

/// <summary>How far a swap is. Each phase may be repeated; the next begins when the one before is durable.</summary>
internal enum SwapPhase
{
    /// <summary>What is live moves into the outgoing slot.</summary>
    Out,

    /// <summary>What is in the incoming slot becomes live.</summary>
    In,

    /// <summary>Folders are made or removed, and get their modes, owners and times.</summary>
    Folders,

    /// <summary>Nothing is left to do.</summary>
    Done,

    /// <summary>Given up: what had become live moves back into the incoming slot.</summary>
    BackIn,

    /// <summary>Given up: what had been set aside becomes live again.</summary>
    BackOut,
}

/// <summary>The journal of a swap: a small file in the outgoing slot, replaced atomically with every phase.</summary>
internal sealed record SwapPlan(string Incoming, SwapPhase Phase)
{
    private const string Start = "reprise swap 1";
    private const int MaxBytes = 4096;

    /// <summary>The plan of a swap that begins.</summary>
    public static SwapPlan For(Slot? incoming) => new(NameOf(incoming), SwapPhase.Out);

    /// <summary>How a plan names a slot.</summary>
    public static string NameOf(Slot? slot) => slot?.ToString() ?? "nothing";

    /// <summary>The plan in a slot, or null when no swap into it began.</summary>
    public static SwapPlan? Read(IDisk disk, FilesSlot slot)
    {
        if (disk.Stat(slot.Plan) is null) return null;
        using var file = disk.OpenRead(slot.Plan);
        var bytes = new byte[MaxBytes];
        var lines = Encoding.UTF8.GetString(bytes, 0, file.Read(0, bytes)).Split('\n');
        if (lines is [Start, var incoming, var phase, ""] && Enum.TryParse<SwapPhase>(phase, out var known))
            return new SwapPlan(incoming, known);
        throw new RepriseException(new Problem(
            RecoveryErrors.OperationInterrupted,
            Severity.Error,
            $"the journal of an interrupted swap cannot be read: {slot.Plan}",
            "nothing was deleted: compare the slots beside the live files with them, by hand")
        {
            Where = slot.Plan.ToString(),
        });
    }

    /// <summary>Makes this plan the one of the slot, durably.</summary>
    public SwapPlan Write(IDisk disk, FilesSlot slot)
    {
        var next = slot.Folder / "plan-next";
        disk.DeleteFile(next);
        using (var file = disk.CreateNew(next))
        {
            file.Write(0, Encoding.UTF8.GetBytes($"{Start}\n{Incoming}\n{Phase}\n"));
            file.Sync();
        }

        disk.Rename(next, slot.Plan);
        disk.SyncFolder(slot.Folder);
        return this;
    }
}
