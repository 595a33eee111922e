using System.Diagnostics;
using System.Reflection;
using Reprise.Simulation;
using Reprise.Simulation.Faults;
using Reprise.Simulation.Workloads;

// sim SEED [--verbose] replays one seed; sim [SEED] --count N runs N seeds from it on; sim --for 30m runs fresh seeds
// so long; sim alone runs 20 fresh ones; sim --steps[=NAME] [SEED] fails every step of every workload. Exit 1 when a seed failed, 2 when the command line is not understood.
if (!CommandLine.TryParse(args, out var command))
{
    Console.Error.WriteLine("usage: sim [SEED] [--steps[=NAME] [--stride N] | --count N | --for DURATION such as 90s, 30m, 2h] [--verbose]");
    return 2;
}

if (command.Steps is { } only) return AllSteps.Run(command.Seed, only, command.Stride, Console.Out) ? 0 : 1;

var commit = typeof(SeedRun).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()
    ?.InformationalVersion.Split('+').Last() ?? "unknown";
var counters = new FaultCounters();
var prunes = new PruneCounters();
var (runs, failures) = (0, 0);
var watch = Stopwatch.StartNew();
var seed = command.Seed;
do
{
    var result = SeedRun.Run(seed, command.Verbose ? Console.Out : null);
    counters.Add(result.Counters);
    prunes.Add(result.Prunes);
    runs++;
    if (result.Failure is not null) failures++;
    Console.WriteLine($"seed {seed} commit {commit} {(result.Failure is null ? "pass" : "FAIL")} {result.Line}");
    if (result.Failure is not null) Console.WriteLine($"  {result.Failure}\n  next: ./dev sim {seed} --verbose");
    seed++;
}
while (command.For is { } limit ? watch.Elapsed < limit : runs < command.Count);

Console.WriteLine($"{runs} seeds, {failures} failed, {watch.Elapsed.TotalSeconds:F1} s; fired: {counters}; prunes: {prunes}");
return failures == 0 ? 0 : 1;
