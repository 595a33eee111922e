using Reprise.Repository.Format;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;

namespace Reprise.Recovery.Files;

/// <summary>
/// What an asset covers: at a capture what the configuration says; at a restore the patterns of the point, because what
/// the point could not know of must not be moved, and what is excluded by rule then or now.
/// </summary>
internal sealed class RestoreScope
{
    private const string IncludeFact = "include";
    private const string ExcludeFact = "exclude";
    private const string RulesFact = "excludedByRule";

    private readonly IDisk disk;
    private readonly PathPatterns include;
    private readonly PathPatterns exclude;

    private RestoreScope(
        IDisk disk,
        DiskPath root,
        IReadOnlyList<string> include,
        IReadOnlyList<string> exclude,
        IEnumerable<string> rules)
    {
        this.disk = disk;
        Root = root;
        this.include = new PathPatterns(include, folderItself: true);
        this.exclude = new PathPatterns(exclude, folderItself: false);
        Rules = new ExclusionRules(disk, root, rules);
    }

    /// <summary>The folder that everything is relative to.</summary>
    public DiskPath Root { get; }

    /// <summary>What never belongs to the asset.</summary>
    public ExclusionRules Rules { get; }

    /// <summary>The scope of the configuration.</summary>
    public static RestoreScope Of(IDisk disk, FilesSettings settings) =>
        new(disk, new DiskPath(settings.Root), settings.Include, settings.Exclude, settings.ExcludedByRule);

    /// <summary>The scope of a point, at the place of the configuration.</summary>
    public static RestoreScope Of(IDisk disk, FilesSettings settings, AssetRecord record)
    {
        var root = new DiskPath(settings.Root);
        var rules = Lines(record, RulesFact).Select(rule => (root / rule).ToString());
        return new RestoreScope(
            disk, root, Lines(record, IncludeFact), Lines(record, ExcludeFact), settings.ExcludedByRule.Concat(rules));
    }

    /// <summary>
    /// The facts from which <see cref="Of(IDisk, FilesSettings, AssetRecord)"/> makes the scope again.
    /// </summary>
    public static void WriteFacts(FilesSettings settings, SortedDictionary<string, string> facts)
    {
        var inside = settings.Root.TrimEnd('/') + "/";
        facts[IncludeFact] = string.Join('\n', settings.Include);
        facts[ExcludeFact] = string.Join('\n', settings.Exclude);
        facts[RulesFact] = string.Join(
            '\n',
            settings.ExcludedByRule
                .Where(rule => rule.StartsWith(inside, StringComparison.Ordinal) && !rule.Contains('\n'))
                .Select(rule => rule[inside.Length..]));
    }

    /// <summary>Walks what is live and belongs to the asset.</summary>
    public TreeWalker Walker() => new(disk, Root, include, exclude, Rules);

    /// <summary>Whether a relative path belongs to something else by now.</summary>
    public bool LeavesOut(DiskPath path) => Rules.Names(path);

    /// <summary>Walks everything in a folder of ours.</summary>
    public static TreeWalker Everything(IDisk disk, DiskPath folder) => new(
        disk,
        folder,
        new PathPatterns(["**"], folderItself: true),
        new PathPatterns([], folderItself: false),
        new ExclusionRules(disk, folder, []));

    private static string[] Lines(AssetRecord record, string fact)
    {
        if (!record.Facts.TryGetValue(fact, out var text))
            throw ByteReader.Broken($"asset {record.Name} of the point does not say what it {fact}s");
        return text.Length == 0 ? [] : text.Split('\n');
    }
}
