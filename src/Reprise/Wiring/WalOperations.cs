using Reprise.Cli;
using Reprise.Json;
using Reprise.Recovery.Wal;
using Reprise.Repository;
using Reprise.Repository.Wal;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary><c>wal push</c>, <c>wal get</c>, <c>wal adopt</c>. They need the repository only: no asset, no connection.</summary>
internal static class WalOperations
{
    /// <summary>What the commands do.</summary>
    public static WalOperationSet Set => new() { Push = PushAsync, Get = GetAsync, Adopt = AdoptAsync };

    private static async Task<CommandReport<WalPushJson>> PushAsync(WalPushOptions options, CommandContext context)
    {
        var machine = Machine.Of(context.Host);
        var file = new DiskPath(context.FullPath(options.File));
        var cluster = ClusterFolder.Find(machine.Disk, file, new DiskPath(context.Host.WorkingFolder));
        using var repository = await Protection.OpenRepositoryAsync(machine, context, context.Cancellation);
        var pushed = await new WalPush(await repository.WriteWalAsync(context.Cancellation), machine.Disk)
            .RunAsync(file, cluster, context.Cancellation);
        var result = new WalPushJson
        {
            File = pushed.Name,
            Lineage = pushed.Lineage,
            Timeline = pushed.Timeline,
            From = pushed.Range?.Start.ToString(),
            To = pushed.Range?.End.ToString(),
            Stored = Words.Of(pushed.Stored),
        };
        return new CommandReport<WalPushJson>(result, pushed.Stored == WalStored.Again ? [Again(pushed)] : []);
    }

    private static async Task<CommandReport<WalGetJson>> GetAsync(WalGetOptions options, CommandContext context)
    {
        var machine = Machine.Of(context.Host);
        var target = new DiskPath(context.FullPath(options.Target));
        var cluster = ClusterFolder.Find(machine.Disk, target, new DiskPath(context.Host.WorkingFolder));
        using var repository = await Protection.OpenRepositoryAsync(machine, context, context.Cancellation);
        var answer = await new WalGet(repository.Wal, machine.Disk, machine.Entropy)
            .RunAsync(options.Name, target, cluster, options.Lineage, context.Cancellation);
        return new CommandReport<WalGetJson>(new WalGetJson
        {
            File = options.Name,
            Answer = answer == WalAnswer.Fetched ? WalCommand.Fetched : WalCommand.End,
            ProcessExit = answer == WalAnswer.Fetched ? ExitCodes.Done : WalCommand.NoLater,
        });
    }

    private static async Task<CommandReport<WalAdoptJson>> AdoptAsync(WalAdoptOptions options, CommandContext context)
    {
        var machine = Machine.Of(context.Host);
        var folder = new DiskPath(options.DataFolder is { } named ? context.FullPath(named) : context.Host.WorkingFolder);
        var cluster = ClusterFolder.Find(machine.Disk, folder / "pg_wal/x", folder);
        using var repository = await Protection.OpenRepositoryAsync(machine, context, context.Cancellation);
        var adopted = await new WalAdopt(await repository.WriteWalAsync(context.Cancellation), machine.Disk)
            .RunAsync(cluster, context.Cancellation);
        return new CommandReport<WalAdoptJson>(new WalAdoptJson
        {
            Lineage = adopted.Lineage,
            Timeline = adopted.Timeline,
            Adopted = adopted.Fork is not null,
            Parent = adopted.Fork?.Lineage,
            ForkedAt = adopted.Fork?.At.ToString(),
            ForkedOn = adopted.Fork?.Timeline,
        });
    }

    private static Problem Again(WalPushed pushed) => new(
        RepositoryErrors.WalStoredAgain,
        Severity.Warning,
        $"{pushed.Name} was in the repository and could not be read; it was stored again",
        "find out what damages objects in the repository, then run 'reprise verify --read all'");
}
