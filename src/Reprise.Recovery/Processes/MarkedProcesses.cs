using System.Text;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Processes;

/// <summary>
/// Finds what a process that was killed has left running: a child keeps the variables with which it was started, and
/// hands them on to its own children.
/// </summary>
public static class MarkedProcesses
{
    /// <summary>At most so many bytes of the variables of a process are looked at.</summary>
    public const int MaxEnvironmentBytes = 1024 * 1024;

    private const int MaxNameBytes = 64;
    private const int MaxStateBytes = 4096;

    /// <summary>Each as <c>process 123 (name)</c>; none where there is no <c>/proc</c>.</summary>
    public static IReadOnlyList<string> Find(IDisk disk, string variable, string value) =>
        [.. All(disk, variable, value).Select(p => p.Words)];

    /// <summary>
    /// Those that are still at work, without servers that were started on purpose: whoever goes into the background begins a
    /// session of its own (<c>setsid</c>).
    /// </summary>
    public static IReadOnlyList<string> FindAtWork(IDisk disk, string variable, string value)
    {
        var all = All(disk, variable, value);
        return [.. all.Where(p => all.All(other => other.Id != p.Session)).Select(p => p.Words)];
    }

    private static List<Marked> All(IDisk disk, string variable, string value)
    {
        var processes = new DiskPath("/proc");
        if (disk.Stat(processes) is null) return [];
        var mark = Encoding.UTF8.GetBytes($"{variable}={value}\0");
        var buffer = new byte[MaxEnvironmentBytes];
        var found = new List<Marked>();
        foreach (var entry in disk.List(processes).ToList())
        {
            var id = entry.Name.ToString();
            if (!id.All(char.IsAsciiDigit)) continue;
            if (Read(disk, processes / id / "environ", buffer).IndexOf(mark) < 0) continue;
            var state = Encoding.UTF8.GetString(Read(disk, processes / id / "stat", buffer.AsSpan(0, MaxStateBytes)));
            var name = Encoding.UTF8.GetString(Read(disk, processes / id / "comm", buffer.AsSpan(0, MaxNameBytes)));
            found.Add(new Marked(id, SessionOf(state), $"process {id} ({name.Trim()})"));
        }

        return found;
    }

    // 123 (name) S parent group session: the name may hold blanks and brackets.
    private static string SessionOf(string state) =>
        state[(state.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, _, _, var session, ..] ? session : "";

    private static ReadOnlySpan<byte> Read(IDisk disk, DiskPath path, Span<byte> buffer)
    {
        try
        {
            using var file = disk.OpenRead(path);
            return buffer[..file.Read(0, buffer)];
        }
        catch (RepriseException)
        {
            // It belongs to another user, so that we did not start it, or it has ended meanwhile.
            return [];
        }
    }

    private sealed record Marked(string Id, string Session, string Words);
}
