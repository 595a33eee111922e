using Reprise.Simulation;
using Reprise.Simulation.Workloads;

foreach (var medium in Enum.GetValues<Medium>())
{
    var watch = System.Diagnostics.Stopwatch.StartNew();
    try
    {
        var report = FailEveryStep.Run(
            s => new BackupWorkload(s, 2),
            new WorldOptions { Medium = medium },
            medium == Medium.Local ? FailEveryStep.OfDisks : FailEveryStep.OfStores,
            1);
        Console.WriteLine($"{medium} {watch.Elapsed}: {report}");
        foreach (var f in report.Failures) Console.WriteLine("  " + f);
    }
    catch (Exception e)
    {
        Console.WriteLine($"{medium} {watch.Elapsed}\n{e}");
    }
}
