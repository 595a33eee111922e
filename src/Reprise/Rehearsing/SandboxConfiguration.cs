using Reprise.Configuration;
using Reprise.Recovery.Drills;
using Reprise.Storage.Disk;

namespace Reprise.Rehearsing;

/// <summary>
/// The configuration of the application as it is in the sandbox: the one that is in force, with every address, path and
/// program of production replaced. The program that runs there reads it like any other, so that what is rehearsed is
/// the very code of a real night.
/// </summary>
internal static class SandboxConfiguration
{
    /// <summary>Its text.</summary>
    /// <param name="configuration">the one in force.</param>
    /// <param name="places">where the recovered parts lie.</param>
    /// <param name="layout">where the rest of the sandbox lies.</param>
    public static string Text(ApplicationConfiguration configuration, DrillPlaces places, SandboxLayout layout)
    {
        var root = YamlReader.Read(configuration.Text, configuration.File)
            ?? throw new Storage.Errors.InvariantException("a configuration that was read is empty");
        root = SandboxYaml.Set(root, "repository", SandboxYaml.Map(
            ("location", SandboxYaml.Text(layout.Repository.ToString())),
            ("key", SandboxYaml.Map(("file", SandboxYaml.Text(layout.Key.ToString()))))));
        root = SandboxYaml.Set(root, "assets", SandboxYaml.Map(configuration.Assets.Select(
            a => (a.Name, (YamlNode?)Asset(a, configuration, SandboxYaml.Get(root, "assets"), places, layout)))));
        root = SandboxYaml.Set(root, "control", SandboxYaml.Map(
            ("stop", SandboxYaml.List(layout.Stop)), ("start", SandboxYaml.List(layout.Start))));
        if (SandboxYaml.Get(root, "checks") is YamlNode.Mapping checks)
        {
            root = SandboxYaml.Set(root, "checks", SandboxYaml.Map(configuration.Checks.Select(
                c => (c.Name, (YamlNode?)Check(c, configuration, SandboxYaml.Get(checks, c.Name), layout)))));
        }

        // Nobody is called from a sandbox, and no drill begins in one.
        root = SandboxYaml.Set(SandboxYaml.Set(root, "hooks", null), "drill", null);
        return SandboxYaml.Write(root);
    }

    private static YamlNode Asset(
        AssetConfiguration asset,
        ApplicationConfiguration configuration,
        YamlNode? assets,
        DrillPlaces places,
        SandboxLayout layout)
    {
        var node = Needed(assets is null ? null : SandboxYaml.Get(assets, asset.Name), asset.Name);
        switch (asset)
        {
            case AssetConfiguration.Postgres postgres:
                var server = places.Servers[postgres.Name];
                var inner = Needed(SandboxYaml.Get(node, "postgres"), asset.Name);
                return SandboxYaml.Map(("postgres", SandboxYaml.Map(
                    ("connection", SandboxYaml.Text(server.Connection(layout.Databases[postgres.Name]))),
                    ("method", SandboxYaml.Get(inner, "method")),
                    ("control", SandboxYaml.Map(
                        ("stop", SandboxYaml.List([.. places.AsServer, .. server.StopCommand])),
                        ("start", SandboxYaml.List([.. places.AsServer, .. server.StartCommand])))))));
            case AssetConfiguration.Sqlite sqlite:
                return SandboxYaml.Map(("sqlite", SandboxYaml.Map(
                    ("path", SandboxYaml.Text(SandboxPaths.Relative(configuration.Folder, asset.Name, sqlite.Path))))));
            case AssetConfiguration.Secrets { From: { } from }:
                return SandboxYaml.Set(node, "secrets", SandboxYaml.Set(
                    Needed(SandboxYaml.Get(node, "secrets"), asset.Name),
                    "from",
                    SandboxYaml.Text(SandboxPaths.Relative(configuration.Folder, asset.Name, from))));
            default:
                return node;
        }
    }

    // Programs of the application lie where they always lie, which can only be read; they are given what was recovered.
    private static YamlNode Check(
        CheckConfiguration check, ApplicationConfiguration configuration, YamlNode? node, SandboxLayout layout)
    {
        var outer = Needed(node, check.Name);
        switch (check)
        {
            case CheckConfiguration.Command command:
                return SandboxYaml.Set(outer, "command", SandboxYaml.Set(
                    SandboxYaml.Set(
                        Needed(SandboxYaml.Get(outer, "command"), check.Name),
                        "run",
                        SandboxYaml.List(layout.Inside(command.In, command.Run))),
                    "in",
                    null));
            case CheckConfiguration.Migration { Head: { } head }:
                return SandboxYaml.Set(outer, "migration", SandboxYaml.Set(
                    Needed(SandboxYaml.Get(outer, "migration"), check.Name),
                    "head",
                    SandboxYaml.List(layout.Inside(configuration.Folder, head))));
            case CheckConfiguration.File file:
                return SandboxYaml.Set(outer, "file", SandboxYaml.Set(
                    Needed(SandboxYaml.Get(outer, "file"), check.Name), "path", SandboxYaml.Text(Mine(configuration, file.Path))));
            default:
                return outer;
        }
    }

    private static string Mine(ApplicationConfiguration configuration, string path) =>
        Path.IsPathRooted(path) && new DiskPath(path).IsWithin(new DiskPath(configuration.Folder))
            ? Path.GetRelativePath(configuration.Folder, path)
            : path;

    private static YamlNode Needed(YamlNode? node, string name) =>
        node ?? throw new Storage.Errors.InvariantException($"{name} was read and is not there");
}
