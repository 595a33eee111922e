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
    /// <summary>
    /// Of each source the SHA-256 of each of its parts, in order: so a later tree can take over some of them. Empty: the tree
    /// is of a time when there were none, and nothing is taken over from it.
    /// </summary>
    public IReadOnlyList<Content> Digests { get; init; } = [];

    private const string MapName = "map";
    private const string MarksName = "marks";
    private const string SourcePrefix = "pages/";
    private const string DigestsPrefix = "digests/";

    /// <summary>As the streams of a record, which may hold several trees with prefixes of their own.</summary>
    public IEnumerable<KeyValuePair<string, Content>> Streams(string prefix) =>
    [
        new(prefix + MapName, Map),
        new(prefix + MarksName, Marks),
        .. Sources.Select((source, number) => new KeyValuePair<string, Content>(prefix + SourcePrefix + Text(number), source)),
        .. Digests.Select((digests, number) => new KeyValuePair<string, Content>(prefix + DigestsPrefix + Text(number), digests)),
    ];

    /// <summary>From the streams of a record; <c>malformed</c> when one is missing.</summary>
    public static PagedContents Of(IReadOnlyDictionary<string, Content> streams, string prefix)
    {
        var sources = new List<Content>();
        while (streams.TryGetValue(prefix + SourcePrefix + Text(sources.Count), out var source))
        {
            if (sources.Count == PageLimits.MaxSources)
                throw ByteReader.Broken($"there are more than {PageLimits.MaxSources} streams of pages");
            sources.Add(source);
        }

        var digests = sources.Select((_, number) => streams.GetValueOrDefault(prefix + DigestsPrefix + Text(number))).OfType<Content>().ToList();
        return new PagedContents(Stream(streams, prefix + MapName), Stream(streams, prefix + MarksName), sources)
        {
            Digests = digests.Count == sources.Count ? digests : [],
        };
    }

    private static Content Stream(IReadOnlyDictionary<string, Content> streams, string name) =>
        streams.TryGetValue(name, out var content) ? content : throw ByteReader.Broken($"there is no stream {name}");

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
