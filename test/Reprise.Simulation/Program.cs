using System.Diagnostics;
using System.Reflection;
using Reprise.Simulation;

// sim SEED [--verbose] replays one seed; sim [SEED] --count N runs N seeds from it on; sim --for 30m runs fresh seeds
// so long; sim alone runs 20 fresh ones; sim --steps[=NAME] [SEED] fails every step of every workload. With --soak only
// failures are printed, and what was seen too seldom fails the run; --output FILE keeps the figures. Exit 1 when a seed
// failed, 2 when the command line is not understood.
if (!CommandLine.TryParse(args, out var command))
{
    Console.Error.WriteLine(
        "usage: sim [SEED] [--steps[=NAME] [--stride N] | --count N | --for DURATION such as 90s, 30m, 2h] [--soak] [--output FILE] [--verbose]");
    return 2;
}

if (command.Steps is { } only) return AllSteps.Run(command.Seed, only, command.Stride, Console.Out) ? 0 : 1;

const int seedsBetweenReports = 500;
var commit = typeof(SeedRun).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()
    ?.InformationalVersion.Split('+').Last() ?? "unknown";
var report = new SoakReport("./dev sim " + string.Join(' ', args), commit, command.Seed);
var watch = Stopwatch.StartNew();
var next = command.Seed;
var one = new Lock();

// Each seed is a world of its own: a soak takes every core, and everything else keeps its order.
if (command.Soak) Parallel.For(0, Environment.ProcessorCount, _ => RunSeeds());
else RunSeeds();

report.WriteTable(Console.Out);
Say();
if (!command.Soak) return report.Failed.Count == 0 ? 0 : 1;
foreach (var seldom in report.TooSeldom()) Console.WriteLine("too seldom: " + seldom);
return report.Failed.Count == 0 && report.TooSeldom().Count == 0 ? 0 : 1;

void RunSeeds()
{
    while (Take() is { } seed) Keep(SeedRun.Run(seed, command.Verbose ? Console.Out : null));
}

ulong? Take()
{
    lock (one)
    {
        var isMore = next == command.Seed || (command.For is { } limit ? watch.Elapsed < limit : next - command.Seed < (ulong)command.Count);
        return isMore ? next++ : null;
    }
}

void Keep(SeedResult result)
{
    lock (one)
    {
        report.Add(result);
        if (!command.Soak || result.Failure is not null)
            Console.WriteLine($"seed {result.Seed} commit {commit} {(result.Failure is null ? "pass" : "FAIL")} {result.Line}");
        if (result.Failure is not null) Console.WriteLine($"  {result.Failure}\n  next: ./dev sim {result.Seed} --verbose");
        if (report.Seeds % seedsBetweenReports == 0 && command.Soak) Say();
    }
}

void Say()
{
    // Kept on the way too: what ran before an interruption counts.
    if (command.Output is { } file) File.WriteAllText(file, report.ToJson(watch.Elapsed));
    Console.WriteLine($"{report.Seeds} seeds, {report.Failed.Count} failed, {watch.Elapsed.TotalSeconds:F1} s");
}
