using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Reprise.Simulation.Runtime;

/// <summary>
/// What happened, in order. Every event enters a running hash, so that two runs of one seed can be compared; the
/// notable ones are kept for the one line that a run prints.
/// </summary>
public sealed class EventLog(TextWriter? verbose = null) : IDisposable
{
    private const int MostNotable = 200;

    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly List<string> notable = [];

    /// <summary>How many events there were.</summary>
    public long Count { get; private set; }

    /// <summary>Notes an ordinary event.</summary>
    public void Add(string what)
    {
        Count++;
        hash.AppendData(Encoding.UTF8.GetBytes(what + "\n"));
        verbose?.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Count,6} {what}"));
    }

    /// <summary>Notes an event that belongs into the line: a fault, a crash, a commit.</summary>
    public void Notable(string what)
    {
        Add(what);
        if (notable.Count < MostNotable) notable.Add(what);
    }

    /// <summary>The notable events in one line, with count and hash of all.</summary>
    public string Line() =>
        $"{Count} events {Convert.ToHexStringLower(hash.GetCurrentHash().AsSpan(0, 6))}: {string.Join(" | ", notable)}";

    /// <inheritdoc />
    public void Dispose() => hash.Dispose();
}
