using System.Text;
using Reprise.Cli;
using Reprise.Json;
using Reprise.Repository;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary><c>key list|add|rotate|revoke|sheet</c>.</summary>
internal static class KeyOperations
{
    private const string NewPassphrase = "REPRISE_NEW_PASSPHRASE";
    private const int LeastLength = 12;

    /// <summary>Who can open the repository.</summary>
    public static async Task<CommandReport<KeyListJson>> ListAsync(NoOptions options, CommandContext context)
    {
        var machine = Machine.Of(context.Host);
        using var repository = await Protection.OpenRepositoryAsync(machine, context, context.Cancellation);
        var confirmed = context.Access.Configuration is { } configuration
            && machine.State(configuration.Application, configuration.File).ReadAnswers().KeySheetConfirmed is not null;
        return new CommandReport<KeyListJson>(
            new KeyListJson
            {
                Keys = Slots(repository.Keys),
                Epoch = repository.Keys.Epoch,
                KeyFileLacks = repository.Keys.FileLacks,
                SheetConfirmed = confirmed,
            },
            repository.Keys.Problems);
    }

    /// <summary>Adds a key.</summary>
    public static async Task<CommandReport<KeyChangeJson>> AddAsync(KeyAddOptions options, CommandContext context)
    {
        var machine = Machine.Of(context.Host);
        using var repository = await Protection.OpenRepositoryAsync(machine, context, context.Cancellation);
        if (options.Kind == "passphrase")
        {
            var passphrase = await NewPassphraseAsync(context);
            var name = await repository.Keys.AddPassphraseAsync(passphrase, context.Cancellation);
            return Changed(repository, machine, context, change => change with { Added = name });
        }

        var isSheet = options.Kind == "sheet";
        var path = new DiskPath(options.To ?? context.FullPath(isSheet ? "recovery-sheet.txt" : "reprise.key"));

        // The name is taken first: a key that cannot be written down would be one that nobody has.
        using var file = machine.Disk.CreateNew(path);
        var key = await repository.Keys.AddAsync(isSheet, context.Cancellation);
        file.Write(0, Encoding.UTF8.GetBytes(isSheet
            ? RecoverySheet.Text(
                context.Access.Configuration?.Application ?? "the application", context.Access.Repository.Location.ToString() ?? "", key, machine.Clock.GetUtcNow())
            : key.Format()));
        file.Sync();
        machine.Disk.SyncFolder(path.Parent);
        return Changed(repository, machine, context, change => change with { Added = key.Slot, Path = path.ToString() });
    }

    /// <summary>A new master key.</summary>
    public static async Task<CommandReport<KeyChangeJson>> RotateAsync(NoOptions options, CommandContext context)
    {
        var machine = Machine.Of(context.Host);
        using var repository = await Protection.OpenRepositoryAsync(machine, context, context.Cancellation);
        var done = await repository.Keys.RotateAsync(null, context.Cancellation);
        return Changed(repository, machine, context, change => Rotated(change, done));
    }

    /// <summary>A new master key that one slot does not open.</summary>
    public static async Task<CommandReport<KeyChangeJson>> RevokeAsync(KeyRevokeOptions options, CommandContext context)
    {
        var machine = Machine.Of(context.Host);
        using var repository = await Protection.OpenRepositoryAsync(machine, context, context.Cancellation);
        var isMine = options.Slot == repository.Keys.InUse;
        if (isMine && !options.Yes) await ConfirmAsync(options.Slot, context);
        var done = await repository.Keys.RotateAsync(options.Slot, context.Cancellation);
        return Changed(repository, machine, context, change => Rotated(change, done) with { Revoked = options.Slot }, isMine);
    }

    /// <summary>Writes a printable sheet, or notes that one lies elsewhere now.</summary>
    public static Task<CommandReport<KeySheetJson>> SheetAsync(KeySheetOptions options, CommandContext context)
    {
        var machine = Machine.Of(context.Host);
        var configuration = context.Configuration;
        var state = machine.State(configuration.Application, configuration.File);
        if (options.Confirm)
        {
            state.SaveAnswers(state.ReadAnswers() with { KeySheetConfirmed = machine.Clock.GetUtcNow() });
            return Report(new KeySheetJson { Path = null, Confirmed = true });
        }

        var key = machine.ReadKey(context.Access.Repository.KeyFile ?? throw new RepriseException(
            Configuration.ConfigurationErrors.Value, "there is no key file to print", "reprise key add sheet makes a sheet of its own"));
        var path = options.To ?? Path.Combine(configuration.Folder, configuration.Application + "-recovery-sheet.txt");
        using (var file = machine.Disk.CreateNew(new DiskPath(path)))
        {
            file.Write(0, Encoding.UTF8.GetBytes(RecoverySheet.Text(
                configuration.Application, context.Access.Repository.Location.ToString() ?? "", key, machine.Clock.GetUtcNow())));
            file.Sync();
        }

        machine.Disk.SyncFolder(new DiskPath(path).Parent);
        return Report(new KeySheetJson { Path = path, Confirmed = state.ReadAnswers().KeySheetConfirmed is not null });
    }

    private static Task<CommandReport<KeySheetJson>> Report(KeySheetJson result) =>
        Task.FromResult(new CommandReport<KeySheetJson>(result));

    private static KeyChangeJson Rotated(KeyChangeJson change, KeyRotation done) =>
        change with { Rotated = true, Epoch = done.Epoch, Expelled = [.. done.Expelled.Select(p => p.Value)] };

    private static IReadOnlyList<KeyJson> Slots(RepositoryKeys keys) =>
    [
        .. keys.Slots.Select(s => new KeyJson
        {
            Id = s.Name,
            Kind = s.Kind,
            State = s.State switch { KeySlotState.InForce => "active", KeySlotState.Revoked => "revoked", _ => "damaged" },
            OpensUpTo = s.OpensUpTo,
            InUse = s.InUse,
        }),
    ];

    private static CommandReport<KeyChangeJson> Changed(
        PointRepository repository, Machine machine, CommandContext context, Func<KeyChangeJson, KeyChangeJson> what, bool isMineRevoked = false)
    {
        var (written, problem) = isMineRevoked ? (null, null) : Rewrite(repository.Keys, machine, context);
        var change = what(new KeyChangeJson
        {
            Keys = isMineRevoked ? [] : Slots(repository.Keys),
            Epoch = repository.Keys.Epoch,
            Added = null,
            Revoked = null,
            Path = null,
            KeyFile = written,
            Expelled = [],
        });
        return new CommandReport<KeyChangeJson>(change, [.. repository.Keys.Problems, .. problem is null ? Array.Empty<Problem>() : [problem]]);
    }

    // The change is done by now, and the repository has it: a key file that stays as it was still opens everything.
    private static (string? Path, Problem? Problem) Rewrite(RepositoryKeys keys, Machine machine, CommandContext context)
    {
        if (keys.File is not { } key || context.Access.Repository.KeyFile is not { } path) return (null, null);
        var (file, next) = (new DiskPath(path), new DiskPath(path + ".next"));
        try
        {
            // What an interrupted write left under this name is incomplete by definition.
            if (machine.Disk.Stat(next) is not null) machine.Disk.DeleteFile(next);
            using (var writing = machine.Disk.CreateNew(next))
            {
                writing.Write(0, Encoding.UTF8.GetBytes(key.Format()));
                writing.Sync();
            }

            machine.Disk.Rename(next, file);
            machine.Disk.SyncFolder(file.Parent);
            return (path, null);
        }
        catch (RepriseException e)
        {
            return (null, e.Problem with
            {
                Severity = Severity.Warning,
                Message = $"the keys were changed, but the key file {path} could not be brought up to date: {e.Message}",
                Hint = "it goes on working; run 'reprise key rotate' where it can be written",
                Where = path,
            });
        }
    }

    private static async Task<string> NewPassphraseAsync(CommandContext context)
    {
        var passphrase = context.Host.Environment.GetValueOrDefault(NewPassphrase) is { Length: > 0 } given ? given : null;
        if (passphrase is null && context.CanAsk)
        {
            passphrase = await context.Host.Terminal.AskSecretAsync("New passphrase: ", context.Cancellation);
            if (passphrase != await context.Host.Terminal.AskSecretAsync("Once more: ", context.Cancellation))
                throw new RepriseException(CliErrors.OptionValue, "the two are not the same; nothing was changed", "type it again");
        }

        return passphrase?.Length >= LeastLength
            ? passphrase
            : throw new RepriseException(
                CliErrors.OptionValue,
                passphrase is null ? "there is no terminal to ask for the new passphrase" : $"a passphrase has {LeastLength} characters or more; several words are easy to keep",
                $"type it in a terminal, or set {NewPassphrase}");
    }

    private static async Task ConfirmAsync(string slot, CommandContext context)
    {
        context.Prose.Paragraph($"{slot} is the key that is used now: this host could take no backup with it any more.");
        var typed = context.CanAsk
            ? await context.Host.Terminal.AskAsync($"Type {slot} to go on: ", context.Cancellation)
            : null;
        if (typed?.Trim() != slot)
            throw new RepriseException(CliErrors.ConfirmationNeeded, $"{slot} was not revoked; nothing was changed", "type its name, or give --yes");
    }
}
