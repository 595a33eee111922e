using System.Globalization;
using System.Text.Json;
using Reprise.Simulation.Faults;
using Reprise.Simulation.Workloads;

namespace Reprise.Simulation;

/// <summary>What many seeds came to: a table for a person, a file for a proof, and what was seen too seldom.</summary>
public sealed class SoakReport(string command, string commit, ulong first)
{
    /// <summary>So often each kind of fault has to have fired.</summary>
    public const long LeastFaults = 100;

    /// <summary>So many packs prunes have to have deleted, and writers to have used again.</summary>
    public const long LeastPacks = 1000;

    /// <summary>So many seeds a soak has.</summary>
    public const int LeastSeeds = 20_000;

    private readonly List<ulong> failed = [];

    /// <summary>Every fault, effect of a crash and way back.</summary>
    public FaultCounters Counters { get; } = new();

    /// <summary>What prunes did.</summary>
    public PruneCounters Prunes { get; } = new();

    /// <summary>How many seeds ran.</summary>
    public int Seeds { get; private set; }

    /// <summary>Those that failed.</summary>
    public IReadOnlyList<ulong> Failed => failed;

    /// <summary>Adds one seed.</summary>
    public void Add(SeedResult result)
    {
        Seeds++;
        Counters.Add(result.Counters);
        Prunes.Add(result.Prunes);
        if (result.Failure is not null) failed.Add(result.Seed);
    }

    /// <summary>What was seen too seldom for a soak to mean something.</summary>
    public IReadOnlyList<string> TooSeldom() =>
    [
        .. Enum.GetValues<FaultKind>().Where(k => Counters[k] < LeastFaults).Select(k => $"{k}: {Counters[k]} of {LeastFaults}"),
        .. Enum.GetValues<CrashEffect>().Where(e => Counters[e] == 0).Select(e => $"{e}: never"),
        .. Enum.GetValues<RecoveryBranch>().Where(b => Counters[b] == 0).Select(b => $"{b}: never"),
        .. Prunes.Deleted < LeastPacks ? [$"packs deleted: {Prunes.Deleted} of {LeastPacks}"] : Array.Empty<string>(),
        .. Counters.ReusedPacks < LeastPacks ? [$"packs reused: {Counters.ReusedPacks} of {LeastPacks}"] : Array.Empty<string>(),
    ];

    /// <summary>One line for each counter.</summary>
    public void WriteTable(TextWriter output)
    {
        foreach (var (group, rows) in Groups())
        {
            output.WriteLine(group);
            foreach (var (name, count) in rows) output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {name,-34}{count,10}"));
        }
    }

    /// <summary>The figures, as a proof keeps them.</summary>
    public string ToJson(TimeSpan elapsed)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("command", command);
            json.WriteString("commit", commit);
            json.WriteNumber("firstSeed", first);
            json.WriteNumber("seeds", Seeds);
            json.WriteNumber("seedsShort", Math.Max(0, LeastSeeds - Seeds));
            json.WriteNumber("failures", failed.Count);
            json.WriteNumber("seconds", Math.Round(elapsed.TotalSeconds));
            json.WriteNumber("tooSeldom", TooSeldom().Count);
            foreach (var (group, rows) in Groups())
            {
                json.WriteStartObject(group);
                foreach (var (name, count) in rows) json.WriteNumber(name, count);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(bytes.ToArray()) + "\n";
    }

    private IEnumerable<(string Group, IEnumerable<(string Name, long Count)> Rows)> Groups()
    {
        yield return ("faults", Enum.GetValues<FaultKind>().Select(k => ($"{k}", Counters[k])));
        yield return ("crashes", Enum.GetValues<CrashEffect>().Select(e => ($"{e}", Counters[e])));
        yield return ("branches", Enum.GetValues<RecoveryBranch>().Select(b => ($"{b}", Counters[b])));
        yield return ("packs",
        [
            ("deletedByPrunes", Prunes.Deleted),
            ("reusedByWriters", Counters.ReusedPacks),
            ("pointsDropped", Prunes.Dropped),
            ("writersExpelled", Prunes.Expelled),
            ("writersAbandoned", Prunes.Abandoned),
        ]);
    }
}
