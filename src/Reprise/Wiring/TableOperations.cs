using System.Security.Cryptography;
using System.Text;
using Reprise.Cli;
using Reprise.Json;
using Reprise.Recovery;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Planning;
using Reprise.Recovery.Postgres;
using Reprise.Recovery.Postgres.Tables;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary><c>restore --table</c>: into files, or beside the live tables.</summary>
internal static class TableOperations
{
    /// <summary>The one PostgreSQL asset whose tables are meant.</summary>
    public static RestoreOptions WithAsset(Protection protection, RestoreOptions options)
    {
        if (options.Assets.Count > 1) throw Conflict("tables come back of one asset at a time", "name one --asset");
        var possible = protection.Assets.OfType<PostgresAsset>().Select(a => a.Name).ToList();
        var name = options.Assets is [var given] ? given : possible is [var only] ? only : throw Conflict(
            possible.Count == 0 ? "no asset of the configuration is a PostgreSQL database" : "several assets are PostgreSQL databases",
            possible.Count == 0 ? "--table is for PostgreSQL" : $"name one of {string.Join(", ", possible)} with --asset");
        if (possible.Contains(name, StringComparer.Ordinal)) return options with { Assets = [name] };
        throw Conflict($"{name} is no PostgreSQL database of the configuration", "--table is for PostgreSQL");
    }

    /// <summary>Brings tables back, or says what that would do.</summary>
    public static async Task<CommandReport<RestoreJson>> RunAsync(
        Protection protection,
        PointReader point,
        IReadOnlyDictionary<string, AssetMoment> moments,
        RestoreOptions options,
        RestoreConversation conversation,
        CommandContext context)
    {
        var name = options.Assets[0];
        var asset = protection.Assets.OfType<PostgresAsset>().First(a => a.Name == name);
        var record = point.Manifest.Assets.FirstOrDefault(a => a.Name == name) ?? throw new RepriseException(
            RecoveryErrors.AssetUnknown, $"point {point.Manifest.Id} has no asset {name}", $"see 'reprise points show {point.Manifest.Id}'");
        var wish = new TableWish
        {
            Record = record,
            Point = point,
            Moment = moments.GetValueOrDefault(name),
            Tables = [.. options.Tables.Select(NamedTable.Parse)],
            Database = options.Database,
            Folder = options.To is { } to ? new DiskPath(to) : null,
            Scratch = ScratchOf(protection, Machine.Of(context.Host) with { Stage = options.Stage }),
        };
        var restore = asset.Tables(context.Progress);
        if (options.Plan)
        {
            var plan = await restore.PlanAsync(wish, context.Cancellation);
            return new CommandReport<RestoreJson>(Planned(wish, plan), [.. Identity(wish, plan, options)]);
        }

        // Nobody waits for a recovery to be told then that it cannot be confirmed.
        if (wish.Folder is null && !options.Yes && !context.CanAsk) throw NotAsked();
        using var one = protection.State.Lock();
        if (protection.State.Interrupted() is [var open, ..]) throw Interrupted(open.Id);
        var result = await restore.RunAsync(wish, ConfirmAsync, context.Cancellation);
        return new CommandReport<RestoreJson>(Done(wish, result));

        async Task ConfirmAsync(TablePlan plan, CancellationToken cancellationToken)
        {
            if (Identity(wish, plan, options).FirstOrDefault() is { } refusal) throw new RepriseException(refusal);
            if (wish.Folder is not null) return;
            await conversation.ConfirmAsync(Planned(wish, plan), protection.Configuration.Application, cancellationToken);
        }
    }

    /// <summary>Throws away what a restore of tables left that was killed, its server included; whether something was.</summary>
    public static async Task<bool> ClearAsync(Protection protection, Machine machine, CancellationToken cancellationToken)
    {
        var scratch = new TableScratch(AssetFactory.PostgresHost(machine), ScratchOf(protection, machine));
        if (!scratch.IsLeft || protection.State.IsRunning()) return false;
        using var one = protection.State.Lock();
        await scratch.ClearAsync(cancellationToken);
        return true;
    }

    // One folder for each application on this host: whoever holds the lock of its operations owns it.
    private static DiskPath ScratchOf(Protection protection, Machine machine)
    {
        const int characters = 10;
        var configuration = protection.Configuration;
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(configuration.Application + "\n" + configuration.File));
        return new DiskPath(machine.TemporaryFolder) / ("reprise-table-" + Convert.ToHexStringLower(hash)[..characters]);
    }

    // Nothing is overwritten; but rows of one application have no business in another one's server.
    private static IEnumerable<Problem> Identity(TableWish wish, TablePlan plan, RestoreOptions options)
    {
        if (plan.Identity.Count == 0) yield break;
        var known = wish.Record.Identity.Where(i => i.Key is "system" or "server").ToDictionary(StringComparer.Ordinal);
        var target = new TargetState { Presence = Presence.Readable, HasData = true, Identity = plan.Identity, Where = plan.Where };
        if (TargetIdentity.Refuse(wish.Record.Name, target, [known], options.AcceptTargets) is { } refusal) yield return refusal;
    }

    private static RestoreJson Planned(TableWish wish, TablePlan plan) => RestoreMapping.Empty("planned") with
    {
        Point = wish.Point.Manifest.Id.Value,
        PointCreated = wish.Point.Manifest.Created,
        Sentences = Sentences(wish, plan),
        Plan = [.. Steps(wish, plan)],
        Moments = wish.Moment is { } moment ? [MomentChoices.Planned(wish.Record.Name, moment)] : [],
        Tables = [.. plan.Tables.Select(t => Table(wish, t, t.Rows, []))],
    };

    private static RestoreJson Done(TableWish wish, TableResult result) => RestoreMapping.Empty(wish.Folder is null ? "beside" : "written") with
    {
        Point = wish.Point.Manifest.Id.Value,
        PointCreated = wish.Point.Manifest.Created,
        Written = wish.Folder is null ? [] : [.. result.Tables.Select(t => t.Plan.Target)],
        WrittenCount = wish.Folder is null ? 0 : result.Tables.Count,
        Moments = result.Reached is { } reached && wish.Moment is { } moment ? [MomentChoices.Reached(reached, moment)] : [],
        Tables = [.. result.Tables.Select(t => Table(wish, t.Plan, t.Rows, t.LeftOut))],
    };

    private static IEnumerable<StepJson> Steps(TableWish wish, TablePlan plan)
    {
        if (wish.Moment is not null || plan.Tables.Any(t => t.Rows is null))
            yield return Step("start-copy", "reversible", $"a server on a copy of the files in {wish.Scratch}, deleted afterwards", wish.Record.SourceBytes);
        foreach (var table in plan.Tables)
        {
            yield return wish.Folder is null
                ? Step("create " + table.Table, "reversible", $"{table.Target} in {plan.Where}{Rows(table)}", table.Bytes)
                : Step("write " + table.Table, "reversible", $"{table.Target}{Rows(table)}", table.Bytes);
        }
    }

    private static StepJson Step(string id, string effect, string target, long? bytes) =>
        new() { Id = id, Effect = effect, Target = target, Bytes = bytes, EstimateSeconds = null };

    private static string Rows(PlannedTable table) => table.Rows is { } rows ? $", {Amounts.Count(rows, "row")}" : "";

    private static List<string> Sentences(TableWish wish, TablePlan plan)
    {
        var what = string.Join(", ", plan.Tables.Take(5).Select(t => $"{t.Table}{Rows(t)} as {t.Target}"));
        var more = plan.Tables.Count > 5 ? $" and {plan.Tables.Count - 5} more" : "";
        if (wish.Folder is not null) return [$"You get {what}{more}: SQL for psql. What is live is not touched."];
        var owner = plan.Owner is { } role ? $"belongs to {role}" : "belongs to the role of the connection";
        return
        [
            $"You get {what}{more} in {plan.Where}. The new table {owner} and is granted to nobody; it has its rows, indexes, keys and checks, "
                + "but no foreign keys, triggers, policies, comments, identities and defaults that a sequence gives.",
            "You lose nothing: no table that is there is changed.",
            $"To go back: {string.Join(" ", plan.Tables.Take(5).Select(t => $"drop table {t.Target};"))}",
        ];
    }

    private static TableJson Table(TableWish wish, PlannedTable table, long? rows, IReadOnlyList<string> leftOut) => new()
    {
        Asset = wish.Record.Name,
        Database = table.Database,
        Table = table.Table,
        Target = table.Target,
        Rows = rows,
        SizeBytes = table.Bytes,
        LeftOut = leftOut,
    };

    private static RepriseException Conflict(string what, string hint) => new(CliErrors.OptionConflict, what, hint);

    private static RepriseException NotAsked() => new(
        CliErrors.ConfirmationNeeded, "there is no terminal to confirm on; nothing was changed", "look at it with --plan, then give --yes");

    private static RepriseException Interrupted(PointId open) => new(
        RecoveryErrors.OperationInterrupted, $"{open} was interrupted and is neither done nor undone", "reprise restore --continue, or reprise undo");
}
