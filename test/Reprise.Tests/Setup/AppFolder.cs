using Reprise.Configuration;
using Reprise.Setup;
using Reprise.Storage.Disk;
using Reprise.Tests.Storage;

namespace Reprise.Tests.Setup;

/// <summary>The folder of a made-up application.</summary>
internal sealed class AppFolder : IDisposable
{
    private readonly ScratchFolder scratch = new();

    public AppFolder()
    {
        Path = System.IO.Path.Combine(scratch.Text, "shop");
        Directory.CreateDirectory(Path);
    }

    public string Path { get; }

    public Dictionary<string, string> Environment { get; } = new() { ["HOME"] = "/home/ada", ["PATH"] = "" };

    public static IDisk Disk { get; } = Disks.OfThisMachine();

    public void Dispose() => scratch.Dispose();

    public AppFolder With(string file, string text = "x")
    {
        var path = System.IO.Path.Combine(Path, file);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path) ?? Path);
        File.WriteAllText(path, text);
        return this;
    }

    /// <summary>A file that begins as a SQLite database of one page does.</summary>
    public AppFolder WithSqlite(string file)
    {
        With(file);
        var page = new byte[4096];
        "SQLite format 3\0"u8.CopyTo(page);
        File.WriteAllBytes(System.IO.Path.Combine(Path, file), page);
        return this;
    }

    public Surroundings Look() => new LookAround(Disk, Path, Environment).Look();

    public string Text(bool seal = false) => ConfigurationText.Of(
        new SetupChoices
        {
            Application = "shop", Location = "./recovery", KeyFile = "~/.config/reprise/shop.key", SealSecrets = seal,
        },
        Look());

    /// <summary>What <c>init</c> would write, read back.</summary>
    public ApplicationConfiguration Configured(bool seal = false)
    {
        var file = System.IO.Path.Combine(Path, "reprise.yaml");
        var variables = ConfigurationFile.ReadVariables(Disk, file, file, Environment);
        return ConfigurationParser.Parse(Text(seal), "reprise.yaml", file, variables);
    }
}
