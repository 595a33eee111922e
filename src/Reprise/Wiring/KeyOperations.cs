using System.Text;
using Reprise.Cli;
using Reprise.Json;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary><c>key sheet</c>.</summary>
internal static class KeyOperations
{
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
            Configuration.ConfigurationErrors.Value, "there is no key file to print", "write repository: { key: { file: … } }"));
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
}
