using Reprise.Configuration;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Files;
using Reprise.Recovery.Postgres;
using Reprise.Recovery.Postgres.InPlace;
using Reprise.Recovery.Processes;
using Reprise.Recovery.Sqlite;
using Reprise.Repository;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary>Makes one object for each asset of a configuration.</summary>
/// <param name="machine">this machine.</param>
/// <param name="compose">how Docker Compose is called here: <c>docker compose</c> or <c>docker-compose</c>.</param>
internal sealed class AssetFactory(Machine machine, IReadOnlyList<string> compose)
{
    private static readonly string[] ComposeFiles = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];

    /// <summary>All of them, in the order of the configuration; without a repository, all but the secrets.</summary>
    public IReadOnlyList<IAsset> Make(ApplicationConfiguration configuration, PointRepository? repository) =>
    [
        .. configuration.Assets
            .Where(a => repository is not null || a is not AssetConfiguration.Secrets)
            .Select(a => Make(a, configuration, repository)),
    ];

    /// <summary>
    /// How Docker Compose is called here. Version 2 is a plug-in of docker; hosts that have only version 1 call it
    /// <c>docker-compose</c>, and what is written for the one works with the other.
    /// </summary>
    public static async Task<IReadOnlyList<string>> FindComposeAsync(ChildProcesses children, CancellationToken cancellationToken)
    {
        foreach (var candidate in new string[][] { ["docker", "compose"], ["docker-compose"] })
        {
            try
            {
                var command = new ChildCommand([.. candidate, "version"]) { Within = TimeSpan.FromSeconds(10) };
                if ((await children.RunAsync(command, cancellationToken)).Exit == 0) return candidate;
            }
            catch (RepriseException e) when (e.Code == Recovery.RecoveryErrors.ClientMissing)
            {
                // The other spelling is tried; when neither is there, the first command that needs it says so.
            }
        }

        return ["docker", "compose"];
    }

    /// <summary>Whether anything of the configuration runs through Docker Compose.</summary>
    public static bool NeedsCompose(ApplicationConfiguration configuration) =>
        configuration.Assets.Any(a => a is AssetConfiguration.Postgres { Via: PostgresVia.Compose })
        || IsCompose(configuration.Control?.Stop) || IsCompose(configuration.Control?.Start);

    /// <summary>The command with <c>docker compose</c> spelled as it is called here.</summary>
    public ChildCommand Command(IReadOnlyList<string> arguments, string folder) => new(
        IsCompose(arguments) ? [.. compose, .. arguments.Skip(2)] : Program(arguments, folder)) { Folder = folder };

    private static bool IsCompose(IReadOnlyList<string>? arguments) => arguments is ["docker", "compose", ..];

    // A program with a slash is meant from the folder of the configuration; .NET would look from where we were started.
    private static IReadOnlyList<string> Program(IReadOnlyList<string> arguments, string folder) =>
        arguments[0].Contains('/', StringComparison.Ordinal)
            ? [Path.GetFullPath(arguments[0], folder), .. arguments.Skip(1)]
            : arguments;

    private IAsset Make(AssetConfiguration asset, ApplicationConfiguration configuration, PointRepository? repository) => asset switch
    {
        AssetConfiguration.Postgres postgres => new PostgresAsset(postgres.Name, Settings(postgres, configuration) with { Archive = repository?.Wal }, PostgresHost(machine)),
        AssetConfiguration.Sqlite sqlite => new SqliteAsset(
            sqlite.Name, new SqliteSettings { Path = sqlite.Path }, machine.Disk, machine.Cpu, machine.Clock),
        AssetConfiguration.Files files => new FilesAsset(
            files.Name, Settings(files, configuration), machine.Disk, machine.Cpu, machine.Clock),
        AssetConfiguration.Secrets secrets when repository is not null => SecretsFactory.Make(secrets, repository, machine),
        _ => throw new InvariantException($"asset kind {asset.Kind}"),
    };

    /// <summary>A PostgreSQL asset as its room wants it.</summary>
    public PostgresSettings Settings(AssetConfiguration.Postgres postgres, ApplicationConfiguration configuration) => new()
    {
        ConnectionText = postgres.Connection.Reveal(),
        Method = postgres.Method switch
        {
            Configuration.PostgresMethod.Auto => Recovery.Postgres.PostgresMethod.Auto,
            Configuration.PostgresMethod.Logical => Recovery.Postgres.PostgresMethod.Logical,
            Configuration.PostgresMethod.Physical => Recovery.Postgres.PostgresMethod.Physical,
            _ => throw new InvariantException($"method {postgres.Method}"),
        },
        Via = postgres.Via switch
        {
            null => null,
            PostgresVia.Compose service => [.. compose, .. ComposeFile(configuration), "exec", "-T", service.Service],
            PostgresVia.Exec exec => exec.Prefix,
            _ => throw new InvariantException("a kind of via"),
        },
        DataFolder = postgres.DataFolder,
        Control = postgres.Control switch
        {
            null => null,
            PostgresControl.PgCtl => new ServerControl.PgCtl(),
            _ => new ServerControl.Commands(
                Command(RunbookCommands.DatabaseStop(postgres)!, configuration.Folder), // Whatever control: says, it says both.
                Command(RunbookCommands.DatabaseStart(postgres)!, configuration.Folder)),
        },
        ServerIsStopped = machine.ServerIsStopped,
        Maintenance = postgres.Maintenance,

        // The rows of the dump are counted while it passes by; asking the server as well reads every table once more.
        CountRows = false,
    };

    // The program may be called from anywhere; Compose finds project and .env from its file.
    private IEnumerable<string> ComposeFile(ApplicationConfiguration configuration)
    {
        var file = ComposeFiles
            .Select(name => Path.Combine(configuration.Folder, name))
            .FirstOrDefault(path => machine.Disk.Stat(new DiskPath(path)) is not null);
        return file is null ? [] : ["-f", file];
    }

    private FilesSettings Settings(AssetConfiguration.Files files, ApplicationConfiguration configuration) => new()
    {
        Root = configuration.Folder,
        Include = files.Include,
        Exclude = files.Exclude,
        ExcludedByRule = [.. ExcludedByRule(configuration)],
    };

    // Databases are captured by their own kinds, never as files: closing any descriptor of a SQLite file drops its locks.
    private IEnumerable<string> ExcludedByRule(ApplicationConfiguration configuration)
    {
        foreach (var asset in configuration.Assets)
        {
            if (asset is AssetConfiguration.Sqlite sqlite) yield return sqlite.Path + "*";
            if (asset is not AssetConfiguration.Postgres { DataFolder: { } data }) continue;
            yield return data;
            foreach (var beside in (string[])[".new-*", ".before-*", ".reprise-swap*"]) yield return data.TrimEnd('/') + beside;
        }

        if (configuration.Repository.Location is RepositoryLocation.Folder repository) yield return repository.Path;
        if (configuration.Repository.KeyFile is { } key) yield return key;
        yield return machine.State(configuration.Application, configuration.File).Path.ToString();
    }

    /// <summary>What the PostgreSQL room stands on.</summary>
    public static PostgresHost PostgresHost(Machine machine) => new()
    {
        Disk = machine.Disk,
        Children = machine.Children,
        Clock = machine.Clock,
        Entropy = machine.Entropy,
        Cpu = machine.Cpu,
        Variable = machine.Variable,
        Home = machine.Home,
        UserName = UserName(machine),
        TemporaryFolder = machine.TemporaryFolder,
    };

    /// <summary>Who runs this program, for the system.</summary>
    public static string UserName(Machine machine)
    {
        try
        {
            return Environment.UserName;
        }
        catch (IOException)
        {
            // A bare host has no /etc/passwd; what is left is what the shell says, or a connection that names its user.
            return machine.Variable("USER") ?? "";
        }
    }
}
