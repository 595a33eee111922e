using System.Collections;
using Reprise;
using Reprise.Cli;
using Reprise.Storage.Disk;

var variables = Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
    .ToDictionary(e => (string)e.Key, e => (string?)e.Value ?? "", StringComparer.Ordinal);
var host = new Host
{
    Terminal = Terminal.OfThisProcess(),
    Disk = Disks.OfThisMachine(),
    Clock = TimeProvider.System,
    Environment = variables,
    WorkingFolder = Environment.CurrentDirectory,
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
