using Reprise.Cli;
using Reprise.Json;

namespace Reprise.Wiring;

/// <summary><c>init</c></summary>
internal static class InitOperation
{
    /// <summary>Makes what is missing.</summary>
    public static async Task<CommandReport<InitJson>> RunAsync(InitOptions options, CommandContext context)
    {
        _ = options;
        var machine = Machine.Of(context.Host);
        var configuration = context.Configuration;
        var sheet = Path.Combine(configuration.Folder, configuration.Application + "-recovery-sheet.txt");
        var made = await new RepositoryMaker(machine).MakeAsync(
            configuration.Application, configuration.Repository, sheet, context.Cancellation);
        return new CommandReport<InitJson>(new InitJson
        {
            Configuration = configuration.File,
            Found = [],
            Created = made.Created,
            Kept = [configuration.File, .. made.Kept],
            RecoverySheet = made.Sheet,
            Schedule = new ScheduleJson { SystemdService = "", SystemdTimer = "", Cron = "", TaskScheduler = "" },
        });
    }
}
