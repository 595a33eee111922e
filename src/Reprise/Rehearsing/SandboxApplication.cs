using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Reprise.Configuration;
using Reprise.Recovery.Drills;
using Reprise.Recovery.Processes;
using Reprise.Recovery.Secrets;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Rehearsing;

/// <summary>What a rehearsal stands on.</summary>
/// <param name="Disk">the file system.</param>
/// <param name="Children">starts what runs inside.</param>
/// <param name="Environment">the variables of this process.</param>
internal sealed record RehearsalHost(IDisk Disk, ChildProcesses Children, IReadOnlyDictionary<string, string> Environment);

/// <summary>The application in the sandbox: its files, its programs, and our own program on them.</summary>
internal sealed class SandboxApplication(
    RehearsalHost host, ApplicationConfiguration configuration, DrillPlaces places, SandboxLayout layout)
{
    private const int MaxDocumentBytes = 16 * 1024 * 1024;

    private readonly SortedDictionary<string, string> secrets = new(StringComparer.Ordinal);

    /// <summary>Where everything lies.</summary>
    public SandboxLayout Layout => layout;

    /// <summary>The configuration in force, of production.</summary>
    public ApplicationConfiguration Configuration => configuration;

    /// <summary>Where the recovered parts lie.</summary>
    public DrillPlaces Places => places;

    /// <summary>What stands on the disk.</summary>
    public IDisk Disk => host.Disk;

    /// <summary>The protected files, as they were recovered.</summary>
    public IReadOnlyList<DiskPath> Files { get; private set; } = [];

    /// <summary>The files of secrets, with the names that are taken from each.</summary>
    public IReadOnlyList<(DiskPath File, IReadOnlyList<string> Names)> SecretFiles =>
        [.. configuration.Assets.OfType<AssetConfiguration.Secrets>().Where(s => s.From is not null).Select(
            s => (SandboxPaths.Of(configuration.Folder, layout.Application, s.Name, s.From!), s.References))]; // the filter

    /// <summary>Writes what the application needs beside what was recovered.</summary>
    /// <param name="words">what <c>{asset.url}</c> and <c>{asset.path}</c> stand for.</param>
    /// <param name="runbook">a runbook of the user's own with its name, or null: it is a part of the program.</param>
    public void Prepare(IReadOnlyDictionary<string, string> words, (string Name, string Text)? runbook)
    {
        var databases = configuration.Assets.OfType<AssetConfiguration.Sqlite>()
            .Select(s => SandboxPaths.Of(configuration.Folder, layout.Application, s.Name, s.Path))
            .ToHashSet();
        Files = [.. Walk(layout.Application).Where(f => !databases.Contains(f))];
        host.Disk.MakeFolder(layout.Temporary);
        host.Disk.MakeFolder(layout.State);
        Keep(Path.Combine(configuration.Folder, ".env"), layout.Application / ".env");
        foreach (var asset in configuration.Assets.OfType<AssetConfiguration.Secrets>())
        {
            if (asset.From is { } from)
                Keep(from, SandboxPaths.Of(configuration.Folder, layout.Application, asset.Name, from));
        }

        var drill = configuration.Drill ?? throw new InvariantException("a rehearsal needs drill.start");
        var filled = drill.Environment.Select(v => KeyValuePair.Create(v.Key, DrillWords.Filled(v.Value, words)));
        Write(layout.Surroundings, SandboxProgram.Surroundings(filled, SecretFiles));
        Write(layout.Control, SandboxControl.Text(layout.Log, layout.Inside(configuration.Folder, drill.Run)));
        Write(layout.Configuration, SandboxConfiguration.Text(configuration, places, layout));
        if (runbook is var (name, text)) Write(layout.Application / "runbooks" / name, text);
    }

    /// <summary>Puts secrets back that are not there, as a person would from the password store.</summary>
    public void PutSecretsBack(bool onlyMissing)
    {
        foreach (var (path, former) in secrets)
        {
            var values = DotEnv.Parse(former, path).Entries.Select(e => e.Name).Distinct().ToList();
            var now = Read(new DiskPath(path)) is { } text ? DotEnv.Parse(text, path) : DotEnv.Empty;
            if (!onlyMissing || now.Entries.Count == 0)
            {
                Replace(new DiskPath(path), former);
                continue;
            }

            var missing = values.Where(n => now.Find(n) is null).ToDictionary(n => n, n => ValueOf(former, path, n) ?? "");
            Replace(new DiskPath(path), now.With(missing));
        }
    }

    /// <summary>Changes a secret, and says which.</summary>
    public string ChangeSecret()
    {
        var given = configuration.Drill?.Environment.Select(v => v.Key).ToHashSet(StringComparer.Ordinal) ?? [];
        var all = SecretFiles.SelectMany(f => f.Names.Select(n => (f.File, Name: n)))
            .Where(s => Read(s.File) is { } text && ValueOf(text, s.File.ToString(), s.Name) is not null)
            .ToList();

        // One that drill.start gives another value to would change nothing in the application.
        var (file, name) = all.FirstOrDefault(s => !given.Contains(s.Name), all.FirstOrDefault());
        if (name is null) throw RehearsalErrors.Because("no secret stands in a file", "name the file with from:, or rehearse another runbook");
        var former = Read(file) ?? "";
        var other = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(ValueOf(former, file.ToString(), name) ?? "")));
        var changed = DotEnv.Parse(former, file.ToString()).With(new SortedDictionary<string, string> { [name] = other });
        Replace(file, changed);
        return name;
    }

    /// <summary>Starts the application; what it said when that failed, or null.</summary>
    public Task<string?> StartAsync(CancellationToken cancellationToken) => ControlAsync(layout.Start, cancellationToken);

    /// <summary>Stops it; what was said when that failed, or null.</summary>
    public Task<string?> StopAsync(CancellationToken cancellationToken) => ControlAsync(layout.Stop, cancellationToken);

    /// <summary>Starts or stops a server, as whom it runs; what was said when that failed, or null.</summary>
    public Task<string?> ServerAsync(IReadOnlyList<string> command, CancellationToken cancellationToken) =>
        ControlAsync([.. places.AsServer, .. command], cancellationToken);

    /// <summary>Runs our own program inside, with <c>--json</c>.</summary>
    public async Task<JsonElement> RepriseAsync(IReadOnlyList<string> words, CancellationToken cancellationToken)
    {
        using var bytes = new MemoryStream();
        var result = await host.Children.RunAsync(
            places.Enter(new ChildCommand([layout.Program, .. words, "--json"])
            {
                Folder = layout.Sandbox.ToString(),
                Environment = Surroundings(),
            }),
            null,
            (block, _) =>
            {
                if (bytes.Length + block.Length > MaxDocumentBytes) throw new InvariantException("a document of ours is endless");
                bytes.Write(block.Span);
                return ValueTask.CompletedTask;
            },
            cancellationToken);
        try
        {
            using var document = JsonDocument.Parse(bytes.ToArray());
            return document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw new RepriseException(
                DrillErrors.SandboxImpossible,
                $"reprise {words[0]} ended in the sandbox with exit {result.Exit} and said: {result.LastError}",
                "see what it says",
                e);
        }
    }

    /// <summary>Deletes a file or a folder of the sandbox.</summary>
    public void Delete(DiskPath path)
    {
        if (host.Disk.Stat(path) is { Type: FileType.Folder }) Recovery.Assets.Folders.DeleteTree(host.Disk, path);
        else host.Disk.DeleteFile(path);
    }

    private async Task<string?> ControlAsync(IReadOnlyList<string> command, CancellationToken cancellationToken)
    {
        var result = await host.Children.RunAsync(
            places.Enter(new ChildCommand([.. command])
            {
                Folder = layout.Sandbox.ToString(), Environment = Surroundings(), Within = TimeSpan.FromMinutes(2),
            }),
            cancellationToken);
        return result.Exit == 0 ? null : $"{command[0]} ended with exit {result.Exit}: {result.LastError}";
    }

    // Variables of libpq are meant for production.
    private Dictionary<string, string?> Surroundings()
    {
        var environment = host.Environment.Keys
            .Where(n => n.StartsWith("PG", StringComparison.Ordinal))
            .ToDictionary(n => n, string? (_) => null, StringComparer.Ordinal);
        environment["REPRISE_STATE"] = layout.State.ToString();
        environment["REPRISE_CONFIG"] = null;
        environment["TMPDIR"] = layout.Temporary.ToString();
        return environment;
    }

    private void Keep(string from, DiskPath to)
    {
        if (secrets.ContainsKey(to.ToString()) || ConfigurationFile.ReadText(host.Disk, from, from) is not { } text) return;
        secrets[to.ToString()] = text;
        Replace(to, text);
    }

    private static string? ValueOf(string text, string path, string name) => DotEnv.Parse(text, path).Resolve(name, _ => null);

    private IEnumerable<DiskPath> Walk(DiskPath folder)
    {
        foreach (var entry in host.Disk.List(folder).ToList())
        {
            var path = folder / entry.Name;
            if (host.Disk.Stat(path) is not { Type: FileType.Folder }) yield return path;
            else foreach (var below in Walk(path)) yield return below;
        }
    }

    private string? Read(DiskPath path) => ConfigurationFile.ReadText(host.Disk, path.ToString(), path.ToString());

    private void Replace(DiskPath path, string text)
    {
        host.Disk.DeleteFile(path);
        Write(path, text);
    }

    private void Write(DiskPath path, string text)
    {
        host.Disk.MakeFolder(path.Parent);
        using var file = host.Disk.CreateNew(path);
        file.Write(0, Encoding.UTF8.GetBytes(text));
    }
}
