using System.Text.RegularExpressions;
using Reprise.Configuration;
using Reprise.Storage.Errors;

namespace Reprise.Setup;

/// <summary>What <c>init</c> wants to know of a compose file. Variables in it stay as they are written.</summary>
/// <param name="File">its name, beside the configuration.</param>
/// <param name="Services">in the order of the file.</param>
internal sealed record ComposeFile(string File, IReadOnlyList<ComposeService> Services)
{
    /// <summary>The names under which Compose looks for its file, in its order.</summary>
    public static IReadOnlyList<string> Names { get; } =
        ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];

    /// <summary>The first service that is a PostgreSQL, or null.</summary>
    public ComposeService? Postgres => Services.FirstOrDefault(s => s.IsPostgres);

    /// <summary>
    /// The services that are stopped during a restore: those that depend on the database or are given its address; when
    /// there is no database, those that keep something in a folder of this host.
    /// </summary>
    public IReadOnlyList<ComposeService> Writers
    {
        get
        {
            var others = Services.Where(s => !s.IsPostgres).ToList();
            var database = Postgres;
            return database is null
                ? [.. others.Where(s => s.Folders.Any())]
                : [.. others.Where(s => s.DependsOn.Contains(database.Name) || s.Mentions(database.Name))];
        }
    }

    /// <summary>Reads the text of a compose file.</summary>
    /// <exception cref="RepriseException">it is not YAML.</exception>
    public static ComposeFile Parse(string text, string file)
    {
        var services = Child(YamlReader.ReadForeign(text, file), "services") as YamlNode.Mapping;
        return new ComposeFile(file, services is null ? [] : [.. services.Entries.Select(ComposeService.Of)]);
    }

    /// <summary>The value of a key, or null.</summary>
    internal static YamlNode? Child(YamlNode? node, string key) =>
        (node as YamlNode.Mapping)?.Entries.FirstOrDefault(e => e.Key == key)?.Value;
}

/// <summary>One service of a compose file.</summary>
internal sealed partial record ComposeService
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Its image as it is written; empty when it is built.</summary>
    public required string Image { get; init; }

    /// <summary>Its variables, as they are written.</summary>
    public required IReadOnlyDictionary<string, string> Environment { get; init; }

    /// <summary>The services that it waits for.</summary>
    public required IReadOnlyList<string> DependsOn { get; init; }

    /// <summary>What is mounted, as <c>source:target</c> is written.</summary>
    public required IReadOnlyList<ComposeMount> Mounts { get; init; }

    /// <summary>Published ports, as they are written.</summary>
    public required IReadOnlyList<string> Ports { get; init; }

    /// <summary>The words of its health check.</summary>
    public required string HealthTest { get; init; }

    /// <summary>Whether its image is a PostgreSQL.</summary>
    public bool IsPostgres => PostgresImage().IsMatch(Image) || Environment.ContainsKey("POSTGRES_PASSWORD");

    /// <summary>Folders and files of this host that are mounted, relative to the compose file.</summary>
    public IEnumerable<string> Folders => Mounts.Where(m => m.IsHere).Select(m => m.Source);

    /// <summary>
    /// The host's side of the first published port, as it is written (it may hold a variable), or null.
    /// </summary>
    public string? PublishedPort => Ports
        .Select(p => PortParts().Match(p))
        .Where(m => m.Success)
        .Select(m => m.Groups["host"].Value)
        .FirstOrDefault(p => p.Length > 0);

    /// <summary>The path that its health check asks for, or null.</summary>
    public string? HealthPath =>
        UrlPath().Match(HealthTest) is { Success: true } match ? match.Groups["path"].Value : null;

    /// <summary>Whether an address among its variables names the host <paramref name="service"/>.</summary>
    public bool Mentions(string service) => Environment.Values.Any(
        v => v.Contains($"@{service}:", StringComparison.Ordinal)
            || v.Contains($"@{service}/", StringComparison.Ordinal)
            || v == service);

    /// <summary>Reads a service.</summary>
    public static ComposeService Of(YamlEntry entry)
    {
        var node = entry.Value;
        return new ComposeService
        {
            Name = entry.Key,
            Image = Text(ComposeFile.Child(node, "image")),
            Environment = Variables(ComposeFile.Child(node, "environment")),
            DependsOn = Names(ComposeFile.Child(node, "depends_on")),
            Mounts = [.. Items(ComposeFile.Child(node, "volumes")).Select(ComposeMount.Of).OfType<ComposeMount>()],
            Ports = [.. Items(ComposeFile.Child(node, "ports")).Select(Port)],
            HealthTest = string.Join(' ', Words(ComposeFile.Child(ComposeFile.Child(node, "healthcheck"), "test"))),
        };
    }

    internal static string Text(YamlNode? node) => node is YamlNode.Scalar { IsNull: false } scalar ? scalar.Text : "";

    private static IEnumerable<YamlNode> Items(YamlNode? node) => (node as YamlNode.Sequence)?.Items ?? [];

    private static IEnumerable<string> Words(YamlNode? node) =>
        node is YamlNode.Scalar ? [Text(node)] : Items(node).Select(Text);

    private static IReadOnlyList<string> Names(YamlNode? node) => node is YamlNode.Mapping mapping
        ? [.. mapping.Entries.Select(e => e.Key)]
        : [.. Items(node).Select(Text)];

    // A mapping, or a list of NAME=value.
    private static Dictionary<string, string> Variables(YamlNode? node)
    {
        var result = new Dictionary<string, string>(StringComparer.Ordinal);
        if (node is YamlNode.Mapping mapping)
        {
            foreach (var entry in mapping.Entries) result[entry.Key] = Text(entry.Value);
        }

        foreach (var item in Items(node).Select(Text))
        {
            var equals = item.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0) result[item[..equals]] = item[(equals + 1)..];
        }

        return result;
    }

    private static string Port(YamlNode node) => node is YamlNode.Mapping
        ? $"{Text(ComposeFile.Child(node, "published"))}:{Text(ComposeFile.Child(node, "target"))}"
        : Text(node);

    [GeneratedRegex(
        @"(^|/)(postgres|postgresql|postgis|timescaledb|pgvector|[a-z-]*-postgres)(-[a-z]+)?(:|@|\}|$)"
        + @"|:-[^}]*postgres",
        RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase,
        1000)]
    private static partial Regex PostgresImage();

    // [ADDRESS:]HOST:CONTAINER[/PROTOCOL], where HOST may be ${NAME:-8000}.
    [GeneratedRegex(
        @"^([0-9.]+:|\[[0-9a-f:]+\]:)?(?<host>\$\{[^}]*\}|[0-9]+):(\$\{[^}]*\}|[0-9]+)(/tcp)?$",
        RegexOptions.ExplicitCapture,
        1000)]
    private static partial Regex PortParts();

    [GeneratedRegex(@"https?://[^/\s""']+(?<path>/[^\s""'|;&]*)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex UrlPath();
}

/// <summary>Something that a service mounts.</summary>
/// <param name="Source">a folder of this host, or the name of a volume.</param>
/// <param name="Target">where the service sees it.</param>
internal sealed record ComposeMount(string Source, string Target)
{
    /// <summary>Whether it is a relative folder or file of this host, not a named volume.</summary>
    public bool IsHere => Source.StartsWith("./", StringComparison.Ordinal);

    /// <summary>Whether it is a named volume.</summary>
    public bool IsVolume => Source.Length > 0 && Source[0] is not ('.' or '/' or '~' or '$');

    /// <summary>Reads the short or the long form; null when there is no source.</summary>
    public static ComposeMount? Of(YamlNode node)
    {
        if (node is YamlNode.Mapping)
        {
            var source = ComposeService.Text(ComposeFile.Child(node, "source"));
            return source.Length == 0
                ? null
                : new ComposeMount(source, ComposeService.Text(ComposeFile.Child(node, "target")));
        }

        var parts = ComposeService.Text(node).Split(':');
        return parts.Length < 2 ? null : new ComposeMount(parts[0], parts[1]);
    }
}
