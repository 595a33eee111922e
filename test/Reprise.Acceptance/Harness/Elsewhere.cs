namespace Reprise.Acceptance.Harness;

/// <summary>What a machine is known by, replaced for one run of the program in a mount namespace of its own.</summary>
public sealed record Elsewhere
{
    /// <summary>The identifier of the machine, 32 hexadecimal digits; null: as it is.</summary>
    public string? MachineId { get; init; }

    /// <summary>The identifier of this start of the machine; null: as it is.</summary>
    public string? BootId { get; init; }

    /// <summary>Runs the published program there.</summary>
    public static async Task<ProgramRun> RunAsync(Surroundings surroundings, Elsewhere machine, params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        var binds = new[] { (machine.MachineId, "/etc/machine-id"), (machine.BootId, "/proc/sys/kernel/random/boot_id") }
            .Where(b => b.Item1 is not null)
            .Select((b, i) => $"mount --bind {folder.File($"{i}", b.Item1 + "\n")} {b.Item2} && ");
        string[] enter = Environment.UserName == "root" ? ["unshare", "--mount"] : ["unshare", "--map-root-user", "--mount"];
        using var running = RunningProgram.Start(
            surroundings,
            [.. enter, "sh", "-c", string.Concat(binds) + "exec \"$@\"", "sh", PublishedProgram.File, .. arguments]);
        return await running.EndAsync();
    }
}
