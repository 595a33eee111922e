using System.Text.RegularExpressions;
using Reprise.Storage.S3;

namespace Reprise.Configuration;

/// <summary>
/// Makes an <see cref="ApplicationConfiguration"/> of the text of a <c>reprise.yaml</c>. Touches no disk.
/// </summary>
internal static partial class ConfigurationParser
{
    /// <summary>The longest name of an application, an asset or a check, in characters.</summary>
    public const int MaxNameLength = 63;

    private static readonly string[] Schemes = ["s3", "sftp", "azure"];

    /// <summary>Reads <paramref name="text"/>.</summary>
    /// <param name="text">the file's text.</param>
    /// <param name="shownAs">the path as it was given, for messages.</param>
    /// <param name="fullPath">its absolute path; relative paths start at its folder.</param>
    /// <param name="variables">what <c>${NAME}</c> stands for.</param>
    public static ApplicationConfiguration Parse(string text, string shownAs, string fullPath, Variables variables)
    {
        var node = YamlReader.Read(text, shownAs) ?? throw new Place(shownAs, 1, 1).Error(
            ConfigurationErrors.MissingKey, "the configuration is empty", "run: reprise init");
        var folder = Path.GetDirectoryName(fullPath) ?? fullPath;
        var root = Section.Of(
            node, "", variables,
            "application", "repository", "objectives", "assets", "control", "checks", "retention", "hooks", "drill");
        var application = Name(root.NeedText("application"), root.Need("application").Place, "application");
        var repository = ReadRepository(root, variables, folder);
        var assets = AssetParser.Read(root, variables, folder);
        RefuseWhatHoldsEachOther(root, repository, assets);
        return new ApplicationConfiguration
        {
            Application = application,
            Repository = repository,
            Objectives = ReadObjectives(root),
            Assets = assets,
            Control = ReadControl(root, folder),
            Checks = CheckParser.Read(root, variables, folder, assets),
            Retention = ReadRetention(root),
            Hooks = ReadHooks(root, folder),
            Drill = ReadDrill(root, variables, folder),
            File = fullPath,
            Folder = folder,
            Text = text,
            Variables = variables,
        };
    }

    /// <summary>
    /// A location as the configuration and <c>--repository</c> write it; null when its scheme is not known.
    /// </summary>
    public static RepositoryLocation? Location(string text, string folder)
    {
        var scheme = SchemePrefix().Match(text);
        if (!scheme.Success) return new RepositoryLocation.Folder(Path.GetFullPath(text, folder));
        if (!Uri.TryCreate(text, UriKind.Absolute, out var address)) return null;
        if (address.IsFile) return new RepositoryLocation.Folder(Path.GetFullPath(address.LocalPath, folder));
        return Schemes.Contains(address.Scheme) ? new RepositoryLocation.Remote(address.Scheme, address) : null;
    }

    /// <summary>Checks a name that the user chose: it becomes part of file names and is typed.</summary>
    public static string Name(string name, Place place, string what) => NameForm().IsMatch(name)
        ? name
        : throw place.Error(
            ConfigurationErrors.Value,
            $"'{name}' cannot be the name of {(what == "application" ? "an application" : what)}",
            $"use letters a to z, digits, '-' and '_', at most {MaxNameLength}, beginning with a letter or a digit");

    private static RepositoryConfiguration ReadRepository(Section root, Variables variables, string folder)
    {
        var section = Section.Of(root.Need("repository"), "repository", variables, "location", "key");
        var text = section.NeedText("location");
        var home = text.StartsWith("~/", StringComparison.Ordinal) ? section.FilePath("location", folder)! : text;
        var location = Location(home, folder) ?? throw section.Need("location").Place.Error(
            ConfigurationErrors.Value,
            $"repository.location '{text}' is of no kind that is known",
            $"write a folder, or an address that begins with {string.Join(", ", Schemes.Select(s => s + "://"))}");
        if (location is RepositoryLocation.Remote { Scheme: "s3" }
            && S3Address.Parse(text, out var wrong, out var hint) is null)
        {
            throw section.Need("location").Place.Error(
                ConfigurationErrors.Value, $"repository.location cannot be used: {wrong}", hint);
        }

        var key = Section.Of(section.Need("key"), "repository.key", variables, "file", "passphrase");
        var file = key.FilePath("file", folder);
        var passphrase = key.Secret("passphrase");
        if (passphrase is not null && !Variables.IsUsedIn(passphrase.ToString()))
        {
            throw key.Need("passphrase").Place.Error(
                ConfigurationErrors.Value,
                "a passphrase must not stand in the configuration, of which every point keeps a copy",
                "write passphrase: \"${REPRISE_PASSPHRASE}\" and set that variable");
        }

        // Neither: key: {} says that whoever sits at the terminal types the passphrase.
        if (file is not null && passphrase is not null)
        {
            throw key.Place.Error(
                ConfigurationErrors.MissingKey, "repository.key names a file and a passphrase", "write key: { file: PATH }");
        }

        return new RepositoryConfiguration { Location = location, KeyFile = file, Passphrase = passphrase };
    }

    // A key inside the repository locks nothing; a database inside it, or it inside a data directory, would be captured
    // into itself. (Patterns of files leave the repository out by rule.)
    private static void RefuseWhatHoldsEachOther(
        Section root, RepositoryConfiguration repository, IReadOnlyList<AssetConfiguration> assets)
    {
        if (repository.Location is not RepositoryLocation.Folder { Path: var place }) return;
        if (repository.KeyFile is { } key && IsWithin(key, place))
        {
            throw root.Need("repository").Place.Error(
                ConfigurationErrors.Overlap,
                "the key lies inside the repository that it opens, so that whoever has the one has the other",
                "keep the key elsewhere, as in ~/.config/reprise/shop.key");
        }

        foreach (var asset in assets)
        {
            var overlaps = asset switch
            {
                AssetConfiguration.Sqlite sqlite => IsWithin(sqlite.Path, place),
                AssetConfiguration.Postgres { DataFolder: { } data } => IsWithin(data, place) || IsWithin(place, data),
                _ => false,
            };
            if (!overlaps) continue;
            throw asset.Place.Error(
                ConfigurationErrors.Overlap,
                $"the asset {asset.Name} and the repository {place} lie inside each other",
                "move repository.location to a folder of its own");
        }
    }

    private static bool IsWithin(string path, string folder)
    {
        var relative = Path.GetRelativePath(folder, path);
        return relative == "." || !(Path.IsPathRooted(relative) || relative.Split('/', '\\')[0] == "..");
    }

    private static ObjectivesConfiguration ReadObjectives(Section root) =>
        root.Child("objectives", "rpo", "rto", "drill") is { } section
            ? new ObjectivesConfiguration
            {
                Rpo = Positive(section, "rpo"),
                Rto = Positive(section, "rto"),
                Drill = Positive(section, "drill"),
            }
            : new ObjectivesConfiguration();

    private static TimeSpan? Positive(Section section, string key) =>
        section.Duration(key) is { } duration && duration == TimeSpan.Zero
            ? throw section.Need(key).Place.Error(
                ConfigurationErrors.Value,
                $"{section.PathOf(key)} cannot be zero",
                "leave the line out if nothing is promised")
            : section.Duration(key);

    private static ControlConfiguration? ReadControl(Section root, string folder)
    {
        if (root.Child("control", "stop", "start", "log") is not { } section) return null;
        _ = section.Need("stop");
        _ = section.Need("start");
        return new ControlConfiguration
        {
            Stop = section.Arguments("stop", folder)!, // Need threw when absent.
            Start = section.Arguments("start", folder)!, // Need threw when absent.
            Log = section.Arguments("log", folder),
        };
    }

    private static RetentionConfiguration ReadRetention(Section root)
    {
        var standard = new RetentionConfiguration();
        var found = root.Child("retention", "daily", "weekly", "monthly", "safety", "former");
        if (found is not { } section) return standard;
        return new RetentionConfiguration
        {
            Daily = section.Number("daily", 0, 100_000) ?? standard.Daily,
            Weekly = section.Number("weekly", 0, 100_000) ?? standard.Weekly,
            Monthly = section.Number("monthly", 0, 100_000) ?? standard.Monthly,
            Safety = section.Duration("safety") ?? standard.Safety,
            Former = section.Duration("former") ?? standard.Former,
        };
    }

    private static HooksConfiguration ReadHooks(Section root, string folder) =>
        root.Child("hooks", "after-backup", "on-failure") is { } section
            ? new HooksConfiguration
            {
                AfterBackup = section.Arguments("after-backup", folder),
                OnFailure = section.Arguments("on-failure", folder),
            }
            : new HooksConfiguration();

    private static DrillConfiguration? ReadDrill(Section root, Variables variables, string folder)
    {
        if (root.Child("drill", "start")?.Child("start", "run", "env", "ready") is not { } section) return null;
        _ = section.Need("run");
        return new DrillConfiguration
        {
            Run = section.Arguments("run", folder)!, // Need threw when absent.
            Environment = section.Pairs("env"),
            Ready = section.Find("ready") is { } ready ? CheckParser.ReadReady(ready, variables, folder) : null,
        };
    }

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9+.-]*://", RegexOptions.None, 1000)]
    private static partial Regex SchemePrefix();

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}\z", RegexOptions.None, 1000)]
    private static partial Regex NameForm();
}
