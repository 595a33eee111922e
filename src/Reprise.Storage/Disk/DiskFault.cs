using Reprise.Storage.Errors;

namespace Reprise.Storage.Disk;

/// <summary>Turns what an operating system answers into our codes, with the path and the next step.</summary>
internal static class DiskFault
{
    /// <summary>An error with this code about <paramref name="path"/>.</summary>
    public static RepriseException Of(ErrorCode code, string message, DiskPath path, Exception? inner = null) =>
        new(new Problem(code, Severity.Error, message, HintFor(code)) { Where = path.ToString() }, inner);

    private static string HintFor(ErrorCode code) => code.Name switch
    {
        "disk-full" => "free some room there, or choose another place",
        "file-denied" => "run as a user who may do that, or correct owner and mode",
        "file-missing" => "check the path, and that its file system is mounted",
        "file-exists" => "move away what is there, or choose another place",
        "crosses-file-systems" => "choose two places on one file system",
        "disk-unsupported" => "use another file system or platform for this",
        _ => "look at the kernel's messages (dmesg) and at the health of the disk, then try again",
    };
}
