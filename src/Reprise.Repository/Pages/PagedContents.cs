using System.Globalization;
using Reprise.Repository.Format;
using Reprise.Repository.Points;

namespace Reprise.Repository.Pages;

/// <summary>The streams of a tree that is kept by pages.</summary>
/// <param name="Map">the entries in order, and where the pages of each file lie.</param>
/// <param name="Marks">of each stored page, in the order of the map, hash and CRC-32C.</param>
/// <param name="Sources">the pages themselves, whole and end to end.</param>
public sealed record PagedContents(Content Map, Content Marks, IReadOnlyList<Content> Sources)
{
    private const string MapName = "map";
    private const string MarksName = "marks";
    private const string SourcePrefix = "pages/";

    /// <summary>As the streams of a record, which may hold several trees with prefixes of their own.</summary>
    public IEnumerable<KeyValuePair<string, Content>> Streams(string prefix) =>
    [
        new(prefix + MapName, Map),
        new(prefix + MarksName, Marks),
        .. Sources.Select((source, number) => new KeyValuePair<string, Content>(prefix + Name(number), source)),
    ];

    /// <summary>From the streams of a record; <c>malformed</c> when one is missing.</summary>
    public static PagedContents Of(IReadOnlyDictionary<string, Content> streams, string prefix)
    {
        var sources = new List<Content>();
        while (streams.TryGetValue(prefix + Name(sources.Count), out var source))
        {
            if (sources.Count == PageLimits.MaxSources)
                throw ByteReader.Broken($"there are more than {PageLimits.MaxSources} streams of pages");
            sources.Add(source);
        }

        return new PagedContents(Stream(streams, prefix + MapName), Stream(streams, prefix + MarksName), sources);
    }

    private static Content Stream(IReadOnlyDictionary<string, Content> streams, string name) =>
        streams.TryGetValue(name, out var content) ? content : throw ByteReader.Broken($"there is no stream {name}");

    private static string Name(int number) => SourcePrefix + number.ToString(CultureInfo.InvariantCulture);
}
