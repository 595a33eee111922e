using System.Globalization;
using System.Text.RegularExpressions;
using Reprise.Storage.Errors;

namespace Reprise.Configuration;

/// <summary>Reads the checks of a configuration.</summary>
internal static partial class CheckParser
{
    private static readonly string[] Kinds = ["http", "tcp", "sql", "sqlite", "rows", "migration", "set", "file", "command"];
    private static readonly string[] Common = ["required", "when"];
    private static readonly string[] Databases = ["postgres", "sqlite"];

    /// <summary>All checks, in the order of the file; none when there is no such key.</summary>
    public static IReadOnlyList<CheckConfiguration> Read(
        Section root, Variables variables, string folder, IReadOnlyList<AssetConfiguration> assets)
    {
        if (root.Find("checks") is not { } value) return [];
        var reading = new Reading(variables, folder, assets);
        return [.. Section.OfNames(value, "checks", variables).Entries.Select(reading.Read)];
    }

    /// <summary>The check that says when a drill's application counts as started.</summary>
    public static CheckConfiguration ReadReady(YamlNode value, Variables variables, string folder) =>
        new Reading(variables, folder, []).Read(new YamlEntry("ready", value.Place, value));

    private sealed class Reading(Variables variables, string folder, IReadOnlyList<AssetConfiguration> assets)
    {
        public CheckConfiguration Read(YamlEntry entry)
        {
            ConfigurationParser.Name(entry.Key, entry.Place, "a check");
            var path = entry.Key == "ready" ? "drill.start.ready" : $"checks.{entry.Key}";
            var outer = Section.OfNames(entry.Value, path, variables);
            var kind = outer.OneOf(Kinds, Common);
            var inner = Section.Of(kind.Value, $"{path}.{kind.Key}", variables, [.. KeysOf(kind.Key), .. Common]);
            var check = Read(entry, kind.Key, inner);
            // Both may stand beside the kind or inside it.
            var when = outer.Word("when", "data", "app") ?? inner.Word("when", "data", "app");
            return check with
            {
                Required = outer.Flag("required") ?? inner.Flag("required") ?? true,
                When = when switch { "data" => CheckTime.Data, "app" => CheckTime.App, _ => check.When },
            };
        }

        private static string[] KeysOf(string kind) => kind switch
        {
            "http" => ["url", "status", "contains", "json", "within"],
            "tcp" => ["host", "port", "within"],
            "sql" or "sqlite" => ["asset", "query", "expect"],
            "rows" => ["asset", "tolerance"],
            "migration" => ["tool", "asset", "head"],
            "set" => ["asset", "query", "files", "root"],
            "file" => ["path", "sha256"],
            "command" => ["run", "in", "within"],
            _ => throw new InvariantException($"check kind {kind}"),
        };

        private CheckConfiguration Read(YamlEntry entry, string kind, Section section) => kind switch
        {
            "http" => ReadHttp(entry, section),
            "tcp" => new CheckConfiguration.Tcp
            {
                Name = entry.Key,
                Place = entry.Place,
                When = CheckTime.App,
                Host = section.NeedText("host"),
                Port = section.Number("port", 1, 65535) ?? throw Lacks(section, "port"),
                Within = section.Duration("within"),
            },
            "sql" => new CheckConfiguration.Sql
            {
                Name = entry.Key,
                Place = entry.Place,
                When = CheckTime.Data,
                Asset = Asset(section, Databases),
                Query = section.NeedText("query"),
                Expect = section.Text("expect"),
            },
            "sqlite" => new CheckConfiguration.Sqlite
            {
                Name = entry.Key,
                Place = entry.Place,
                When = CheckTime.Data,
                Asset = Asset(section, "sqlite"),
                Query = section.NeedText("query"),
                Expect = section.Text("expect"),
            },
            "rows" => new CheckConfiguration.Rows
            {
                Name = entry.Key,
                Place = entry.Place,
                When = CheckTime.Data,
                Asset = Asset(section, Databases),
                Tolerance = Tolerance(section),
            },
            "migration" => new CheckConfiguration.Migration
            {
                Name = entry.Key,
                Place = entry.Place,
                When = CheckTime.Data,
                Tool = section.Word("tool", "alembic", "flyway", "efcore", "django") ?? throw Lacks(section, "tool"),
                Asset = Asset(section, Databases),
                Head = section.Arguments("head", folder),
            },
            "set" => ReadSet(entry, section),
            "file" => ReadFile(entry, section),
            "command" => new CheckConfiguration.Command
            {
                Name = entry.Key,
                Place = entry.Place,
                When = CheckTime.App,
                Run = section.Arguments("run", folder) ?? throw Lacks(section, "run"),
                In = section.FilePath("in", folder) ?? folder,
                Within = section.Duration("within"),
            },
            _ => throw new InvariantException($"check kind {kind}"),
        };

        private static CheckConfiguration.Http ReadHttp(YamlEntry entry, Section section)
        {
            var text = section.NeedText("url");
            if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
            {
                throw section.Need("url").Place.Error(
                    ConfigurationErrors.Value,
                    $"{section.PathOf("url")} '{text}' is not an address",
                    "write http://HOST:PORT/PATH");
            }

            var json = section.Pairs("json");
            foreach (var (pointer, _) in json)
            {
                if (pointer.Length == 0 || pointer[0] == '/') continue;
                throw section.Need("json").Place.Error(
                    ConfigurationErrors.Value,
                    $"'{pointer}' is not a JSON pointer",
                    $"begin it with a slash: /{pointer.Replace('.', '/')}");
            }

            return new CheckConfiguration.Http
            {
                Name = entry.Key,
                Place = entry.Place,
                When = CheckTime.App,
                Url = url,
                Status = section.Number("status", 100, 599),
                Contains = section.Text("contains"),
                Json = json,
                Within = section.Duration("within"),
            };
        }

        private CheckConfiguration.Set ReadSet(YamlEntry entry, Section section) => new()
        {
            Name = entry.Key,
            Place = entry.Place,
            When = CheckTime.Data,
            Asset = Asset(section, Databases),
            Query = section.NeedText("query"),
            Files = Asset(section, "files", ["files"]),
            Root = section.Text("root") ?? "",
        };

        private CheckConfiguration.File ReadFile(YamlEntry entry, Section section)
        {
            _ = section.NeedText("path");
            var sha256 = section.Text("sha256");
            if (sha256 is not null && !Digest().IsMatch(sha256))
            {
                throw section.Need("sha256").Place.Error(
                    ConfigurationErrors.Value,
                    $"{section.PathOf("sha256")} is not a SHA-256",
                    "write the 64 hexadecimal digits that sha256sum prints, in quotes");
            }

            return new CheckConfiguration.File
            {
                Name = entry.Key,
                Place = entry.Place,
                When = CheckTime.Data,
                Path = section.FilePath("path", folder)!, // NeedText threw when absent.
                Sha256 = sha256?.ToLowerInvariant(),
            };
        }

        private static RowTolerance Tolerance(Section section)
        {
            if (section.Text("tolerance") is not { } text) return default;
            var percent = text.EndsWith('%');
            var number = percent ? text[..^1].TrimEnd() : text;
            const NumberStyles Decimal = NumberStyles.AllowDecimalPoint;
            if (percent && double.TryParse(number, Decimal, CultureInfo.InvariantCulture, out var part) && part <= 100)
            {
                return new RowTolerance(0, part);
            }

            return !percent && long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var rows)
                ? new RowTolerance(rows, 0)
                : throw section.Need("tolerance").Place.Error(
                    ConfigurationErrors.Value,
                    $"{section.PathOf("tolerance")} cannot be '{text}'",
                    "write a number of rows, or a part such as 1%");
        }

        private string Asset(Section section, params ReadOnlySpan<string> kinds) => Asset(section, "asset", kinds);

        private string Asset(Section section, string key, ReadOnlySpan<string> kinds)
        {
            var name = section.NeedText(key);
            var place = section.Need(key).Place;
            var asset = assets.FirstOrDefault(a => a.Name == name);
            if (asset is null)
            {
                var near = NearestWord.Find(name, assets.Select(a => a.Name));
                throw place.Error(
                    ConfigurationErrors.Value,
                    $"{section.PathOf(key)} names '{name}', which is not an asset",
                    (near is null ? "" : $"did you mean {near}? ")
                    + $"assets: {string.Join(", ", assets.Select(a => a.Name))}");
            }

            return kinds.Contains(asset.Kind)
                ? name
                : throw place.Error(
                    ConfigurationErrors.Value,
                    $"{section.PathOf(key)} names '{name}', which is a {asset.Kind} asset",
                    $"name a {string.Join(" or ", kinds.ToArray())} asset");
        }

        private static RepriseException Lacks(Section section, string key) =>
            section.Place.Error(
                ConfigurationErrors.MissingKey, $"{section.PathOf("")[..^1]} lacks '{key}'", $"add {key}: …");
    }

    [GeneratedRegex(@"^[0-9a-fA-F]{64}\z", RegexOptions.None, 1000)]
    private static partial Regex Digest();
}
