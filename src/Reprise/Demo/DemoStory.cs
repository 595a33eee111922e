using System.Text.Json;
using Reprise.Recovery.Processes;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Demo;

/// <summary>How the demo is asked to go wrong.</summary>
internal enum Sabotage
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>A byte of the repository is flipped before the restore, which must end with 5 and change nothing.</summary>
    Pack,

    /// <summary>A source cannot be captured: the backup must end with 4 and commit nothing.</summary>
    Dump,

    /// <summary>A secret is another one than at the point: the restore must end with 0 and a warning.</summary>
    Secret,
}

/// <summary>How one of our own commands ended, run exactly as a user runs it.</summary>
/// <param name="Exit">its exit code.</param>
/// <param name="Json">its document.</param>
internal sealed record CommandEnd(int Exit, JsonElement Json)
{
    /// <summary>The worst problem that it named, for a sentence.</summary>
    public string Problem => Json.GetProperty("problems").EnumerateArray()
        .Select(p => $"{p.GetProperty("code").GetString()}: {p.GetProperty("message").GetString()}")
        .FirstOrDefault("it named no problem");
}

/// <summary>One thing whose rows are hashed.</summary>
/// <param name="Asset">its name.</param>
/// <param name="Recompute">the command that computes the same hash.</param>
/// <param name="Before">before the disaster.</param>
/// <param name="After">after the restore, or null when there was none.</param>
internal sealed record RowHash(string Asset, string Recompute, string Before, string? After);

/// <summary>What the demo did.</summary>
internal sealed record DemoResult
{
    /// <summary>Where the application is, or was.</summary>
    public required string Folder { get; init; }

    /// <summary>The exit code of the demo.</summary>
    public required int Exit { get; init; }

    /// <summary>How long each phase took.</summary>
    public required IReadOnlyList<(string Name, TimeSpan Elapsed)> Phases { get; init; }

    /// <summary>The hashes before and after.</summary>
    public required IReadOnlyList<RowHash> Hashes { get; init; }

    /// <summary>Orders that are missing after the restore.</summary>
    public required long Lost { get; init; }

    /// <summary>The point that was taken, or null.</summary>
    public required string? Point { get; init; }

    /// <summary>What the commands warned of or failed with.</summary>
    public required IReadOnlyList<string> Problems { get; init; }

    /// <summary>How to stop the PostgreSQL that was kept, or null.</summary>
    public string? StopCommand { get; init; }

    /// <summary>The restore's document, for its checks; null when there was none.</summary>
    public JsonElement? Restore { get; init; }
}

/// <summary>
/// The whole story on a small application: data, a point, a disaster, a restore with its checks. Every step is one of our
/// own commands, run as a user runs it; nothing is taken for granted that is not hashed before and after.
/// </summary>
internal sealed class DemoStory(
    IDisk disk,
    ChildProcesses children,
    TimeProvider clock,
    Func<DiskPath, string[], CancellationToken, Task<CommandEnd>> reprise,
    Action<string> tell)
{
    private readonly List<(string Name, TimeSpan Elapsed)> phases = [];

    /// <summary>Plays the story in <paramref name="folder"/>, which is new and ours.</summary>
    public async Task<DemoResult> PlayAsync(
        DiskPath folder, Sabotage sabotage, bool isRoot, bool keep, CancellationToken cancellationToken)
    {
        var shop = new DemoShop(disk, folder);
        tell($"A small application opens in {folder}: orders in SQLite, receipts as files, a secret.");
        var postgres = await PhaseAsync("prepare", () =>
            DemoPostgres.TryStartAsync(disk, children, folder / "pg", isRoot, cancellationToken));
        try
        {
            shop.Open(postgres is null ? "" : $"  visits:   {{ postgres: {{ connection: \"{postgres.Connection}\" }} }}");
            tell(postgres is null
                ? "PostgreSQL's programs were not found here, so the story is told with SQLite and files alone."
                : "PostgreSQL was found here: its visits are part of the story.");
            var result = await TellAsync(shop, postgres, sabotage, cancellationToken);
            return keep && postgres is not null ? result with { StopCommand = postgres.StopCommand } : result;
        }
        finally
        {
            if (postgres is not null && !keep) await postgres.StopAsync(CancellationToken.None);
        }
    }

    private async Task<DemoResult> TellAsync(
        DemoShop shop, DemoPostgres? postgres, Sabotage sabotage, CancellationToken cancellationToken)
    {
        var before = await HashAsync(shop, postgres, cancellationToken);
        await RunAsync("init", shop, ["init"], cancellationToken);
        if (sabotage == Sabotage.Dump) return await FailTheBackupAsync(shop, before, cancellationToken);

        var backup = await RunAsync("backup", shop, ["backup"], cancellationToken);
        var point = backup.Json.GetProperty("result").GetProperty("point").GetProperty("id").GetString();
        tell($"Point {point} holds {DemoShop.Orders:N0} orders and {DemoShop.Receipts} receipts.");

        shop.Ruin();
        if (postgres is not null) await postgres.RuinAsync(cancellationToken);
        tell($"Disaster: {DemoShop.Orders - shop.CountOrders():N0} orders are deleted, the others overwritten, the receipts are gone.");
        if (sabotage == Sabotage.Secret) shop.SetSecret("somebody-rotated-it");
        if (sabotage == Sabotage.Pack) FlipByte(shop.Folder / "recovery" / "packs");

        var ruined = await HashAsync(shop, postgres, cancellationToken);
        var restore = await TryAsync("restore", shop, ["restore", "latest", "--yes"], cancellationToken);
        var after = await HashAsync(shop, postgres, cancellationToken);
        var same = after.SequenceEqual(before);
        if (restore.Exit != 0 && !after.SequenceEqual(ruined))
            throw new InvariantException("the restore failed, and production is not as it was before it");
        return new DemoResult
        {
            Folder = shop.Folder.ToString(),
            Exit = restore.Exit == 0 && !same ? ExitCodes.Damaged : restore.Exit,
            Phases = phases,
            Hashes = [.. Hashes(shop, postgres, before, after)],
            Lost = same ? 0 : DemoShop.Orders - shop.CountOrders(),
            Point = point,
            Problems = Problems(restore),
            Restore = restore.Json,
        };
    }

    private async Task<DemoResult> FailTheBackupAsync(DemoShop shop, List<string> before, CancellationToken cancellationToken)
    {
        shop.RuinSource();
        tell("Sabotage: the database is no database any more, so it cannot be captured.");
        var backup = await TryAsync("backup", shop, ["backup"], cancellationToken);
        return new DemoResult
        {
            Folder = shop.Folder.ToString(),
            Exit = backup.Exit,
            Phases = phases,
            Hashes = [new RowHash("orders", Recompute(shop), before[0], null)],
            Lost = 0,
            Point = null,
            Problems = Problems(backup),
        };
    }

    private static IEnumerable<RowHash> Hashes(DemoShop shop, DemoPostgres? postgres, List<string> before, List<string> after)
    {
        yield return new RowHash("orders", Recompute(shop), before[0], after[0]);
        yield return new RowHash("runtime", $"cd '{shop.ReceiptFolder}' && sha256sum * | sha256sum", before[1], after[1]);
        if (postgres is not null)
        {
            var psql = $"psql -At '{postgres.Connection}' -c \"{DemoPostgres.RowsQuery}\" | sha256sum";
            yield return new RowHash("visits", psql, before[2], after[2]);
        }
    }

    private static string Recompute(DemoShop shop) => $"sqlite3 '{shop.Database}' \"{DemoShop.RowsQuery}\" | sha256sum";

    private static List<string> Problems(CommandEnd end) => [.. end.Json.GetProperty("problems").EnumerateArray()
        .Where(p => p.GetProperty("severity").GetString() != "note")
        .Select(p => $"{p.GetProperty("code").GetString()}: {p.GetProperty("message").GetString()}")];

    private static async Task<List<string>> HashAsync(DemoShop shop, DemoPostgres? postgres, CancellationToken cancellationToken)
    {
        var hashes = new List<string> { shop.HashRows(), shop.HashReceipts() };
        if (postgres is not null) hashes.Add(await postgres.HashRowsAsync(cancellationToken));
        return hashes;
    }

    private async Task<CommandEnd> RunAsync(string phase, DemoShop shop, string[] arguments, CancellationToken cancellationToken)
    {
        var end = await TryAsync(phase, shop, arguments, cancellationToken);
        return end.Exit == 0 ? end : throw new RepriseException(
            Recovery.RecoveryErrors.CheckFailed,
            $"reprise {string.Join(' ', arguments)} ended with {end.Exit}: {end.Problem}",
            "run the demo with --keep and look into its folder");
    }

    private Task<CommandEnd> TryAsync(string phase, DemoShop shop, string[] arguments, CancellationToken cancellationToken)
    {
        tell($"$ reprise {string.Join(' ', arguments)}");
        return PhaseAsync(phase, () => reprise(shop.Folder, arguments, cancellationToken));
    }

    private async Task<T> PhaseAsync<T>(string name, Func<Task<T>> work)
    {
        var started = clock.GetTimestamp();
        var result = await work();
        phases.Add((name, clock.GetElapsedTime(started)));
        return result;
    }

    // The largest pack holds the orders: a flip in its middle hits data, not padding.
    private void FlipByte(DiskPath packs)
    {
        var pack = disk.List(packs)
            .Select(e => packs / e.Name)
            .OrderByDescending(p => disk.Stat(p)?.SizeBytes ?? 0)
            .First();
        tell($"Sabotage: one bit of {pack} is flipped.");
        disk.SetMode(pack, 0x180);
        using var file = disk.OpenWrite(pack);
        var at = file.Stat().SizeBytes / 4;
        var one = new byte[1];
        file.Read(at, one);
        one[0] ^= 1;
        file.Write(at, one);
    }
}
