using System.Text.RegularExpressions;
using Reprise.Storage.Errors;

namespace Reprise.Configuration;

/// <summary>Reads the assets of a configuration.</summary>
internal static partial class AssetParser
{
    private static readonly string[] Kinds = ["postgres", "sqlite", "files", "secrets"];

    /// <summary>All assets, in the order of the file; at least one.</summary>
    public static IReadOnlyList<AssetConfiguration> Read(Section root, Variables variables, string folder)
    {
        var section = Section.OfNames(root.Need("assets"), "assets", variables);
        var assets = new List<AssetConfiguration>();
        foreach (var entry in section.Entries)
        {
            ConfigurationParser.Name(entry.Key, entry.Place, "an asset");
            var path = $"assets.{entry.Key}";
            var kind = Section.OfNames(entry.Value, path, variables).OneOf(Kinds, []);
            assets.Add(Read(entry, kind, $"{path}.{kind.Key}", variables, folder));
        }

        if (assets.Count == 0)
        {
            throw section.Place.Error(ConfigurationErrors.MissingKey, "no asset is protected", "add one below assets:");
        }

        RefuseTwins(assets);
        return assets;
    }

    private static AssetConfiguration Read(
        YamlEntry entry, YamlEntry kind, string path, Variables variables, string folder) =>
        kind.Key switch
        {
            "postgres" => ReadPostgres(entry, kind.Value, path, variables, folder),
            "sqlite" => ReadSqlite(entry, Section.Of(kind.Value, path, variables, "path"), folder),
            "files" => ReadFiles(entry, Section.Of(kind.Value, path, variables, "include", "exclude")),
            "secrets" => ReadSecrets(
                entry, Section.Of(kind.Value, path, variables, "references", "from", "values", "must-match"), folder),
            _ => throw new InvariantException($"asset kind {kind.Key}"),
        };

    private static AssetConfiguration ReadPostgres(
        YamlEntry entry, YamlNode value, string path, Variables variables, string folder)
    {
        var section = Section.Of(
            value, path, variables, "connection", "data", "method", "via", "control", "maintenance", "wal");
        _ = section.Need("connection");
        var connection = section.Secret("connection")!; // Need threw when absent.
        if (SqliteAddress().Match(connection.Reveal()) is { Success: true } sqlite)
        {
            return new AssetConfiguration.Sqlite
            {
                Name = entry.Key,
                Place = entry.Place,
                Path = PathOfAddress(sqlite.Groups["path"].Value, section.Need("connection").Place, folder),
            };
        }

        return new AssetConfiguration.Postgres
        {
            Name = entry.Key,
            Place = entry.Place,
            Connection = connection,
            DataFolder = section.FilePath("data", folder),
            Method = section.Word("method", "auto", "logical", "physical") switch
            {
                "logical" => PostgresMethod.Logical,
                "physical" => PostgresMethod.Physical,
                _ => PostgresMethod.Auto,
            },
            Via = ReadVia(section, folder),
            Control = ReadControl(section, folder),
            Maintenance = section.Find("maintenance") is null ? "postgres" : section.NeedText("maintenance"),
            Wal = ReadWal(section),
        };
    }

    private static PostgresWal ReadWal(Section section)
    {
        if (section.Child("wal", "slot", "name", "flush") is not { } wal) return new PostgresWal();
        if (wal.Text("slot") is { } slot && !SlotName().IsMatch(slot))
        {
            throw wal.Need("slot").Place.Error(
                ConfigurationErrors.Value, $"'{slot}' cannot be the name of a slot", "use small letters, digits and underscores, 63 at the most");
        }

        return new PostgresWal { Slot = wal.Text("slot"), Name = wal.Text("name") ?? "reprise", FlushEvery = wal.Duration("flush") };
    }

    private static PostgresVia? ReadVia(Section section, string folder)
    {
        if (section.Child("via", "compose", "exec") is not { } via) return null;
        return via.OneOf(["compose", "exec"], []).Key == "compose"
            ? new PostgresVia.Compose(via.NeedText("compose"))
            : new PostgresVia.Exec(via.Arguments("exec", folder) ?? throw Empty(via, "exec"));
    }

    private static PostgresControl? ReadControl(Section section, string folder)
    {
        if (section.Find("control") is not { } value) return null;
        if (value is YamlNode.Scalar)
        {
            _ = section.Word("control", "pg_ctl");
            return new PostgresControl.PgCtl();
        }

        if (section.Child("control", "systemd", "compose", "stop", "start", "log") is not { } control) return null;
        if (control.Entries.Any(e => e.Key is "stop" or "start" or "log"))
        {
            foreach (var other in control.Entries.Where(e => e.Key is "systemd" or "compose"))
            {
                throw other.Place.Error(
                    ConfigurationErrors.Value,
                    "control is given in two ways",
                    "keep stop and start, or the unit, or the service");
            }

            _ = control.Need("stop");
            _ = control.Need("start");
            return new PostgresControl.Programs(
                control.Arguments("stop", folder)!, control.Arguments("start", folder)!) // Need threw when absent.
            {
                Log = control.Arguments("log", folder),
            };
        }

        return control.OneOf(["systemd", "compose"], []).Key == "systemd"
            ? new PostgresControl.Systemd(control.NeedText("systemd"))
            : new PostgresControl.Compose(control.NeedText("compose"));
    }

    private static AssetConfiguration.Sqlite ReadSqlite(YamlEntry entry, Section section, string folder)
    {
        _ = section.NeedText("path");
        return new AssetConfiguration.Sqlite
        {
            Name = entry.Key,
            Place = entry.Place,
            Path = section.FilePath("path", folder)!, // NeedText threw when absent.
        };
    }

    private static AssetConfiguration.Files ReadFiles(YamlEntry entry, Section section)
    {
        _ = section.Need("include");
        var include = section.Texts("include");
        if (include.Count == 0) throw Empty(section, "include");
        foreach (var key in (string[])["include", "exclude"])
        {
            if (section.Texts(key).Any(string.IsNullOrWhiteSpace))
            {
                throw section.Need(key).Place.Error(
                    ConfigurationErrors.Value, $"{section.PathOf(key)} has an empty pattern", "remove it");
            }
        }

        return new AssetConfiguration.Files
        {
            Name = entry.Key,
            Place = entry.Place,
            Include = include,
            Exclude = section.Texts("exclude"),
        };
    }

    private static AssetConfiguration.Secrets ReadSecrets(YamlEntry entry, Section section, string folder)
    {
        _ = section.Need("references");
        var names = section.Texts("references");
        if (names.Count == 0) throw Empty(section, "references");
        foreach (var name in names)
        {
            if (VariableName().IsMatch(name) && names.Count(n => n == name) == 1) continue;
            throw section.Need("references").Place.Error(
                ConfigurationErrors.Value,
                VariableName().IsMatch(name)
                    ? $"the secret {name} is named twice"
                    : $"'{name}' cannot be the name of a secret",
                "name each variable once: the names, not the values");
        }

        return new AssetConfiguration.Secrets
        {
            Name = entry.Key,
            Place = entry.Place,
            References = names,
            From = section.FilePath("from", folder),
            KeepValues = section.Word("values", "none", "sealed") == "sealed",
            MustMatch = section.Flag("must-match") ?? false,
        };
    }

    private static void RefuseTwins(List<AssetConfiguration> assets)
    {
        var seen = new Dictionary<string, AssetConfiguration>(StringComparer.Ordinal);
        foreach (var asset in assets)
        {
            var what = asset switch
            {
                AssetConfiguration.Sqlite sqlite => "sqlite " + sqlite.Path,
                AssetConfiguration.Postgres postgres => "postgres " + postgres.Connection.Reveal() + postgres.Via,
                AssetConfiguration.Secrets secrets =>
                    $"secrets {secrets.From} {string.Join(',', secrets.References.Order())}",
                _ => asset.Name,
            };
            if (seen.TryAdd(what, asset)) continue;
            throw asset.Place.Error(
                ConfigurationErrors.Overlap,
                $"the assets {seen[what].Name} and {asset.Name} are the same {asset.Kind}",
                "remove one of the two");
        }
    }

    // SQLAlchemy: sqlite:///relative.db, sqlite:////absolute.db; sqlite:// alone is a database in memory.
    private static string PathOfAddress(string path, Place place, string folder)
    {
        var query = path.IndexOf('?', StringComparison.Ordinal);
        var file = Uri.UnescapeDataString(query < 0 ? path : path[..query]);
        return file is "" or ":memory:" || file.Contains('\0', StringComparison.Ordinal)
            ? throw place.Error(
                ConfigurationErrors.Value,
                "the connection names a SQLite database in memory, of which nothing can be kept",
                "name a file, as in sqlite:///data/shop.db")
            : Path.GetFullPath(file, folder);
    }

    private static RepriseException Empty(Section section, string key) => section.Need(key).Place.Error(
        ConfigurationErrors.Value, $"{section.PathOf(key)} is empty", "name at least one");

    [GeneratedRegex(@"^sqlite(\+[a-z0-9]+)?://(/(?<path>.*))?\z", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex SqliteAddress();

    [GeneratedRegex(@"^[a-z0-9_]{1,63}\z", RegexOptions.None, 1000)]
    private static partial Regex SlotName();

    [GeneratedRegex(@"^[A-Za-z_][A-Za-z0-9_]*\z", RegexOptions.None, 1000)]
    private static partial Regex VariableName();
}
