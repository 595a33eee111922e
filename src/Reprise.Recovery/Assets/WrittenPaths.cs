namespace Reprise.Recovery.Assets;

/// <summary>
/// The paths of what was written into a folder, relative to it: all are counted, the first <see cref="MostNamed"/> are
/// named. Five million names would take more memory than writing the files.
/// </summary>
public sealed class WrittenPaths
{
    /// <summary>How many are named at the most.</summary>
    public const int MostNamed = 10_000;

    private readonly List<string> named = [];

    /// <summary>The paths, in the order in which they were added.</summary>
    public IReadOnlyList<string> Named => named;

    /// <summary>How many there are, named or not.</summary>
    public long Count { get; private set; }

    /// <summary>Some paths.</summary>
    public static WrittenPaths Of(params IEnumerable<string> paths)
    {
        var written = new WrittenPaths();
        foreach (var path in paths) written.Add(path);
        return written;
    }

    /// <summary>Adds one.</summary>
    public void Add(string path)
    {
        Count++;
        if (named.Count < MostNamed) named.Add(path);
    }
}
