using System.Collections;
using Reprise;
using Reprise.Cli;
using Reprise.Recovery.Checks;
using Reprise.Recovery.Processes;
using Reprise.Rehearsing;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

var variables = Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
    .ToDictionary(e => (string)e.Key, e => (string?)e.Value ?? "", StringComparer.Ordinal);
var terminal = Terminal.OfThisProcess();
string folder;
try
{
    folder = Environment.CurrentDirectory;
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException)
{
    terminal.Error.WriteLine(
        $"error: the current folder cannot be read, it was deleted perhaps [{StorageErrors.FileMissing.Name}]\n"
        + "  change to another folder, then run the command again");
    return WalCommand.IsGet(args) ? WalCommand.RecoveryMustNotGoOn : StorageErrors.FileMissing.Exit;
}

// Not a command: a drill calls it for the door into its sandbox.
if (args is [Gateway.Command, var door])
{
    terminal.Error.WriteLine(await Gateway.ServeAsync(door, CancellationToken.None));
    return ExitCodes.Unavailable;
}

// Nor is this: a rehearsal calls it for the programs of the application.
if (args is [SandboxProgram.Command, _, _, _, ..])
{
    return await SandboxProgram.RunAsync(
        Disks.OfThisMachine(),
        new ChildProcesses(TimeProvider.System),
        args[1..],
        terminal.Out,
        terminal.Error,
        CancellationToken.None);
}

var host = new Host
{
    Terminal = terminal,
    Disk = Disks.OfThisMachine(),
    Clock = TimeProvider.System,
    Environment = variables,
    WorkingFolder = folder,
    Version = typeof(Terminal).Assembly.GetName().Version?.ToString(3) ?? "0.0.0",
    // Under dotnet run the process is dotnet's.
    ProgramPath = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "reprise"
        ? path
        : "reprise",
    ListensToSignals = true,
};
var exit = await new CommandLine(host, Composition.Operations(host)).RunAsync(args);
GC.KeepAlive(host);
return exit;
