using System.Text;
using Reprise.Storage.Errors;

namespace Reprise.Tests.Hostile;

/// <summary>
/// Feeds a decoder with valid encodings to which something was done. Whatever comes, it decodes or ends with one of our
/// errors, and reserves no more memory than it is told. The gate runs a fixed number of fixed seeds;
/// <c>REPRISE_FUZZ_SECONDS</c> lets each decoder run for so long with seeds that go on from there.
/// </summary>
internal static class Fuzzing
{
    private static readonly int Seconds =
        int.TryParse(Environment.GetEnvironmentVariable("REPRISE_FUZZ_SECONDS"), out var seconds) ? seconds : 0;

    /// <param name="rounds">how many in the gate.</param>
    /// <param name="samples">valid encodings.</param>
    /// <param name="decode">what is tried.</param>
    /// <param name="mostBytes">the most that it may allocate at once.</param>
    public static void Run(int rounds, IReadOnlyList<byte[]> samples, Action<byte[]> decode, long mostBytes)
    {
        Assert.NotEmpty(samples);
        foreach (var sample in samples) decode(sample);
        foreach (var seed in Seeds(rounds)) Try(seed, new Mutator(seed).Mutate(samples), decode, mostBytes);
    }

    /// <summary>Those of the gate, and more as long as the long run lasts.</summary>
    public static IEnumerable<int> Seeds(int rounds)
    {
        var until = Environment.TickCount64 + (Seconds * 1000L);
        for (var seed = 1; seed <= rounds || Environment.TickCount64 < until; seed++) yield return seed;
    }

    public static void Run(int rounds, IReadOnlyList<string> samples, Action<string> decode, long mostBytes) => Run(
        rounds, [.. samples.Select(Encoding.UTF8.GetBytes)], bytes => decode(Encoding.UTF8.GetString(bytes)), mostBytes);

    /// <summary>One input: it decodes, or ends with one of our errors.</summary>
    public static void Try(int seed, byte[] input, Action<byte[]> decode, long mostBytes)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            decode(input);
        }
        catch (RepriseException)
        {
            // Refused, with a code and a place.
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Assert.Fail($"seed {seed}: {e}\n{Convert.ToHexStringLower(input.AsSpan(0, Math.Min(400, input.Length)))}");
        }

        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated <= mostBytes, $"seed {seed}: {allocated} bytes allocated for {input.Length}");
    }
}

/// <summary>Does to valid bytes what damage and malice do: seeded, so that each case can be done again.</summary>
internal sealed class Mutator(int seed)
{
    private static readonly byte[] Odd = [0, 1, 0x7f, 0x80, 0xff, (byte)'"', (byte)':', (byte)'/', (byte)'.', (byte)'\n'];

    private static readonly byte[][] Pieces =
    [
        [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], [0xff, 0xff, 0xff, 0xff, 0x07], [0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
        [0xff, 0xff, 0xff, 0x7f], [0, 0, 0, 0x80], [0, 0, 0, 0], "../"u8.ToArray(), "null"u8.ToArray(), "-1"u8.ToArray(),
        "99999999999999999999"u8.ToArray(), "[]"u8.ToArray(), "{}"u8.ToArray(), "\"\""u8.ToArray(), "\n---\n"u8.ToArray(), "&a "u8.ToArray(),
        "*a"u8.ToArray(), "\n    - "u8.ToArray(), "${X}"u8.ToArray(), "\u0000"u8.ToArray(), "1e999"u8.ToArray(), "true"u8.ToArray(),
    ];

    private readonly Random random = new(seed);

    public byte[] Mutate(IReadOnlyList<byte[]> samples)
    {
        var bytes = samples[random.Next(samples.Count)].ToList();
        for (var left = random.Next(1, 5); left > 0; left--) Change(bytes, samples);
        return [.. bytes];
    }

    private void Change(List<byte> bytes, IReadOnlyList<byte[]> samples)
    {
        var at = random.Next(bytes.Count + 1);
        var run = Math.Min(random.Next(1, 40), bytes.Count - at);
        switch (random.Next(9))
        {
            case 0 when at < bytes.Count: bytes[at] ^= (byte)(1 << random.Next(8)); break;
            case 1 when at < bytes.Count: bytes[at] = Odd[random.Next(Odd.Length)]; break;
            case 2: bytes.RemoveRange(at, bytes.Count - at); break;
            case 3: bytes.RemoveRange(at, run); break;
            case 4: bytes.InsertRange(at, bytes.GetRange(at, run)); break;
            case 5: bytes.InsertRange(at, Pieces[random.Next(Pieces.Length)]); break;
            case 6:
                bytes.RemoveRange(at, run);
                bytes.InsertRange(at, Pieces[random.Next(Pieces.Length)]);
                break;
            case 7:
                var other = samples[random.Next(samples.Count)];
                var from = random.Next(other.Length + 1);
                bytes.InsertRange(at, other[from..Math.Min(other.Length, from + run)]);
                break;
            default:
                for (var i = 0; i < run; i++) bytes[at + i] = (byte)random.Next(256);
                break;
        }
    }
}

/// <summary>Runs work where it was asked for, so that what it allocates is counted.</summary>
internal sealed class OnTheSpot : TaskScheduler
{
    protected override IEnumerable<Task> GetScheduledTasks() => [];

    protected override void QueueTask(Task task) => TryExecuteTask(task);

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => TryExecuteTask(task);
}
