using Reprise.Configuration;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Checks;
using Reprise.Recovery.Drills;
using Reprise.Recovery.Evidence;
using Reprise.Recovery.Files;
using Reprise.Recovery.Postgres;
using Reprise.Recovery.Secrets;
using Reprise.Recovery.Sqlite;
using Reprise.Rehearsing;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;

namespace Reprise.Wiring;

/// <summary>Makes assets and questions of a configuration that know a sandbox instead of production.</summary>
internal sealed class DrillTargets(Machine machine, Protection protection)
{
    private static readonly string[] DoorsOut =
        ["/run/systemd/private", "/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock", "/run/dbus/system_bus_socket"];

    private ApplicationConfiguration Configuration => protection.Configuration;

    /// <summary>What the PostgreSQL room stands on; variables of libpq that are meant for production are not seen.</summary>
    public PostgresHost PostgresHost => AssetFactory.PostgresHost(machine) with
    {
        Variable = name => name.StartsWith("PG", StringComparison.Ordinal) ? null : machine.Variable(name),
    };

    /// <summary>The application as drills see it.</summary>
    public DrillApplication Application() => new()
    {
        Name = Configuration.Application,
        Objectives = new DrillObjectives(
            Configuration.Objectives.Rpo, Configuration.Objectives.Rto, Configuration.Objectives.Drill),
        Checks = CheckMapping.Map(Configuration, null),
        Start = Configuration.Drill is { } drill
            ? new DrillStart(
                protection.Command(drill.Run),
                drill.Environment,
                drill.Ready is { } ready ? CheckMapping.Map(ready, Configuration) : null)
            : null,
        CompareSecrets = protection.CompareSecrets,
        Target = Make,
        Beyond = (manifest, record, fault, cancellationToken) =>
            new MomentChoice(protection.Repository.Wal, machine.Cpu).RehearseAsync(manifest, record.Name, fault, cancellationToken),
        WhyNot = WhyNot,
        Production = [.. Production()],
        Fingerprint = manifest => DrillOperation.Fingerprint(protection, machine, manifest),
    };

    private string? WhyNot(AssetRecord record)
    {
        if (Configuration.Assets.FirstOrDefault(a => a.Name == record.Name) is not { } asset)
            return "the configuration does not have it";
        if (asset.Kind != record.Kind) return $"it is a {asset.Kind} now, and was a {record.Kind} then";
        return record.Kind == AssetKinds.Secrets && record.Method != SecretsAsset.Sealed
            ? "the point holds names and fingerprints only: they are compared with what is in force"
            : null;
    }

    private DrillTarget Make(DrillPlaces places)
    {
        var words = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var files = new Dictionary<string, string>(StringComparer.Ordinal);
        var folders = new Dictionary<string, string>(StringComparer.Ordinal);
        var assets = new List<IRestorable>();
        foreach (var asset in Configuration.Assets)
        {
            var folder = places.Of(asset.Name);
            words[asset.Name + ".path"] = folder.ToString();
            machine.Disk.MakeFolder(folder);
            if (places.Together is { } all) machine.Disk.MakeFolder(all);
            switch (asset)
            {
                case AssetConfiguration.Postgres postgres when places.Servers.TryGetValue(asset.Name, out var server):
                    assets.Add(Make(postgres, server, places, words));
                    break;
                case AssetConfiguration.Sqlite sqlite:
                    var file = places.Together is { } together
                        ? SandboxPaths.Of(Configuration.Folder, together, asset.Name, sqlite.Path)
                        : folder / Path.GetFileName(sqlite.Path);
                    machine.Disk.MakeFolder(file.Parent);
                    if (places.IsEmpty) machine.Disk.CreateNew(file).Dispose();
                    files[asset.Name] = file.ToString();
                    words[asset.Name + ".path"] = file.ToString();
                    words[asset.Name + ".url"] = "sqlite:///" + file;
                    assets.Add(new SqliteAsset(
                        asset.Name, new SqliteSettings { Path = file.ToString() }, machine.Disk, machine.Cpu, machine.Clock));
                    break;
                case AssetConfiguration.Files set:
                    folder = places.Together ?? folder;
                    words[asset.Name + ".path"] = folder.ToString();
                    folders[asset.Name] = folder.ToString();
                    assets.Add(new FilesAsset(
                        asset.Name,
                        new FilesSettings { Root = folder.ToString(), Include = set.Include, Exclude = set.Exclude, ExcludedByRule = [] },
                        machine.Disk,
                        machine.Cpu,
                        machine.Clock));
                    break;
                case AssetConfiguration.Secrets { KeepValues: true } secrets:
                    words[asset.Name + ".path"] = (folder / "secrets.env").ToString();
                    assets.Add(SecretsFactory.Make(secrets, protection.Repository, machine, folder / "secrets.env"));
                    break;
                default:
                    break;
            }
        }

        var questions = ChecksFactory.Make(machine, Configuration, assets, files, folders, places);
        return new DrillTarget(assets, questions, words, (check, filled) => Rebind(check, filled, places, folders));
    }

    private PostgresAsset Make(
        AssetConfiguration.Postgres postgres,
        PostgresThrowaway server,
        DrillPlaces places,
        SortedDictionary<string, string> words)
    {
        var live = protection.Assets.OfType<PostgresAsset>().First(a => a.Name == postgres.Name).Connection;
        var database = places.IsEmpty ? PostgresThrowaway.EmptyDatabase : live.Database;
        var scheme = Scheme(postgres.Connection.Reveal());
        var (user, name) = (Uri.EscapeDataString(live.User), Uri.EscapeDataString(database));
        words[postgres.Name + ".url"] = $"{scheme}://{user}@/{name}?host={Uri.EscapeDataString(server.Socket)}"
            + (server.Port == PostgresThrowaway.FirstPort ? "" : $"&port={server.Port}");
        if (server.TcpPort is { } port) words[postgres.Name + ".tcp-url"] = $"{scheme}://{user}@127.0.0.1:{port}/{name}";
        return new PostgresAsset(
            postgres.Name,
            new PostgresSettings
            {
                ConnectionText = server.Connection(database),
                StageFolder = places.Folder.ToString(),
                ClientFolder = server.ProgramFolder,
                CountRows = false,
                IsRecovered = server.IsRestored,
            },
            PostgresHost);
    }

    // As the role that the application has, whom the server of the sandbox lets in without a password: its roles were
    // recovered. What stands before :// says which driver the application's library takes.
    private static string Scheme(string configured)
    {
        var end = configured.IndexOf("://", StringComparison.Ordinal);
        return end > 0 && configured.StartsWith("postgres", StringComparison.Ordinal) ? configured[..end] : "postgresql";
    }

    // A question that would ask production in spite of all is not asked.
    private CheckDefinition? Rebind(
        CheckDefinition check,
        IReadOnlyDictionary<string, string> words,
        DrillPlaces places,
        Dictionary<string, string> folders) => check switch
        {
            CheckDefinition.Http or CheckDefinition.Tcp => places.Dial is null ? null : check,
            CheckDefinition.Migration migration => places.Dial is null ? migration with { Head = null } : check,
            CheckDefinition.Command command => places.Dial is null || Configuration.Drill is not { } drill
                ? null
                : command with { Run = command.Run with { Environment = Environment(drill, words) } },
            CheckDefinition.File file => folders.Values.FirstOrDefault() is { } folder && IsOurs(file.Path)
                ? file with { Path = Path.Combine(folder, Path.GetRelativePath(Configuration.Folder, file.Path)) }
                : null,
            _ => check,
        };

    private bool IsOurs(string path) => new DiskPath(path).IsWithin(new DiskPath(Configuration.Folder));

    private static Dictionary<string, string?> Environment(
        DrillConfiguration drill, IReadOnlyDictionary<string, string> words) =>
        drill.Environment.ToDictionary(
            v => v.Key, string? (v) => DrillWords.Filled(v.Value, words), StringComparer.Ordinal);

    // Folders first: what is hidden may lie in them.
    private IEnumerable<ProductionPlace> Production()
    {
        yield return new ProductionPlace(ProductionKind.Folder, Configuration.Folder, "the folder of the configuration");
        if (Configuration.Repository.Location is RepositoryLocation.Folder repository)
            yield return new ProductionPlace(ProductionKind.Folder, repository.Path, "the repository");
        if (Configuration.Repository.KeyFile is { } key)
            yield return new ProductionPlace(ProductionKind.HiddenFile, key, "the key");
        foreach (var sqlite in Configuration.Assets.OfType<AssetConfiguration.Sqlite>())
            yield return new ProductionPlace(ProductionKind.HiddenFile, sqlite.Path, $"{sqlite.Name} of production");
        foreach (var postgres in protection.Assets.OfType<PostgresAsset>())
        {
            if (Via(postgres.Name)) continue;
            var at = postgres.Connection;
            yield return at.IsSocket
                ? new ProductionPlace(ProductionKind.Socket, $"{at.Host}/.s.PGSQL.{at.Port}", $"{postgres.Name} of production")
                : new ProductionPlace(ProductionKind.Port, $"{at.Host}:{at.Port}", $"{postgres.Name} of production");
        }

        foreach (var check in CheckMapping.Map(Configuration, null))
        {
            if (check is CheckDefinition.Http http)
                yield return new ProductionPlace(ProductionKind.Port, $"{http.Url.Host}:{http.Url.Port}", $"what {check.Name} asks");
            if (check is CheckDefinition.Tcp tcp)
                yield return new ProductionPlace(ProductionKind.Port, $"{tcp.Host}:{tcp.Port}", $"what {check.Name} asks");
        }

        foreach (var door in DoorsOut.Where(d => machine.Disk.Stat(new DiskPath(d)) is { Type: FileType.Socket }))
            yield return new ProductionPlace(ProductionKind.Socket, door, "a service of this machine");
    }

    private bool Via(string asset) =>
        Configuration.Assets.OfType<AssetConfiguration.Postgres>().Any(a => a.Name == asset && a.Via is not null);
}
