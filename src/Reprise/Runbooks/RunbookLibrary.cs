using System.Reflection;
using System.Text;
using Reprise.Configuration;
using Reprise.Recovery.Runbooks;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Runbooks;

/// <summary>
/// The runbooks that can be followed here: those that are a part of the program, and those in the folder
/// <c>runbooks</c> beside the configuration. One of the user's own replaces a built-in one of its name and language.
/// </summary>
internal sealed class RunbookLibrary
{
    /// <summary>What a file of a runbook ends with.</summary>
    public const string Ending = ".runbook.md";

    private const string Prefix = "runbooks/";

    private RunbookLibrary(IReadOnlyList<Runbook> all, IReadOnlyList<Problem> unreadable)
    {
        All = all;
        Unreadable = unreadable;
    }

    /// <summary>Every runbook that can be read, by name and language.</summary>
    public IReadOnlyList<Runbook> All { get; }

    /// <summary>Files that are none.</summary>
    public IReadOnlyList<Problem> Unreadable { get; }

    /// <summary>Reads all; <paramref name="folder"/> is that of the configuration, or null.</summary>
    public static RunbookLibrary Open(IDisk disk, string? folder)
    {
        var problems = new List<Problem>();
        var found = new SortedDictionary<string, Runbook>(StringComparer.Ordinal);
        foreach (var runbook in BuiltIn()) found[Key(runbook)] = runbook;
        foreach (var path in Own(disk, folder))
        {
            try
            {
                var text = ConfigurationFile.ReadText(disk, path, path) ?? "";
                var runbook = RunbookParser.Parse(text, path);
                found[Key(runbook)] = runbook;
            }
            catch (RepriseException e)
            {
                problems.Add(e.Problem);
            }
        }

        return new RunbookLibrary([.. found.Values], problems);
    }

    /// <summary>The ones that are a part of the program.</summary>
    public static IEnumerable<Runbook> BuiltIn()
    {
        var assembly = typeof(RunbookLibrary).Assembly;
        foreach (var name in assembly.GetManifestResourceNames().Order(StringComparer.Ordinal))
        {
            if (!name.StartsWith(Prefix, StringComparison.Ordinal)) continue;
            yield return RunbookParser.Parse(ReadResource(assembly, name), name);
        }
    }

    /// <summary>The runbook of this name: in this language when there is one, else in English, else in any.</summary>
    public Runbook Find(string id, string language)
    {
        var found = All.Where(r => r.Id == id).ToList();
        if (found.Count == 0)
        {
            var near = NearestWord.Find(id, All.Select(r => r.Id).Distinct());
            throw new RepriseException(
                RunbookErrors.Unknown,
                $"there is no runbook '{id}'",
                near is null ? "reprise runbook list" : $"did you mean {near}? reprise runbook list shows all");
        }

        return found.FirstOrDefault(r => r.Language == language)
            ?? found.FirstOrDefault(r => r.Language == "en")
            ?? found[0];
    }

    /// <summary>One of each name, in this language as far as there is one.</summary>
    public IReadOnlyList<Runbook> In(string language) =>
        [.. All.Select(r => r.Id).Distinct().Select(id => Find(id, language))];

    /// <summary>Those that answer to <paramref name="words"/>, the best first.</summary>
    public IReadOnlyList<Runbook> Search(string language, IReadOnlyList<string> words)
    {
        var wanted = words.SelectMany(w => Words(w)).Distinct().ToList();
        return [.. All
            .Select(r => (Runbook: r, Score: Score(r, wanted)))
            .Where(r => r.Score > 0)
            .GroupBy(r => r.Runbook.Id)
            .OrderByDescending(g => g.Max(r => r.Score))
            .ThenBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => Find(g.Key, language))];
    }

    // Words of title, name and incident weigh more than those of the prose.
    private static int Score(Runbook runbook, List<string> wanted)
    {
        var strong = Words(string.Join(' ', [runbook.Id, runbook.Title, .. runbook.Incident, .. runbook.Words])).ToHashSet();
        var medium = Words(string.Join(' ', runbook.Symptoms)).ToHashSet();
        var weak = Words(runbook.Text).ToHashSet();
        return wanted.Sum(w => Hits(strong, w) ? 10 : Hits(medium, w) ? 5 : Hits(weak, w) ? 1 : 0);
    }

    private static bool Hits(HashSet<string> words, string wanted) =>
        words.Contains(wanted) || (wanted.Length >= 4 && words.Any(w => w.StartsWith(wanted, StringComparison.Ordinal)));

    private static IEnumerable<string> Words(string text)
    {
        var word = new StringBuilder();
        foreach (var c in text.ToLowerInvariant() + " ")
        {
            if (char.IsLetterOrDigit(c)) word.Append(c);
            else if (word.Length > 0)
            {
                if (word.Length > 1) yield return word.ToString();
                word.Clear();
            }
        }
    }

    private static string Key(Runbook runbook) => $"{runbook.Id} {runbook.Language}";

    private static IEnumerable<string> Own(IDisk disk, string? folder)
    {
        if (folder is null) yield break;
        var runbooks = new DiskPath(Path.Combine(folder, "runbooks"));
        foreach (var place in new[] { runbooks, runbooks / "fr" })
        {
            if (disk.Stat(place) is not { Type: FileType.Folder }) continue;
            var names = disk.List(place).Select(e => e.Name.ToString()).Order(StringComparer.Ordinal);
            foreach (var name in names.Where(n => n.EndsWith(Ending, StringComparison.Ordinal)))
                yield return (place / name).ToString();
        }
    }

    private static string ReadResource(Assembly assembly, string name)
    {
        using var stream = assembly.GetManifestResourceStream(name)
            ?? throw new InvariantException($"{name} is not in the program");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
