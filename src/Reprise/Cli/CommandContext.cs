using Reprise.Configuration;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Cli;

/// <summary>What the program stands on, so that tests can put something else there.</summary>
internal sealed record Host
{
    /// <summary>Where a person reads and types.</summary>
    public required Terminal Terminal { get; init; }

    /// <summary>The file system.</summary>
    public required IDisk Disk { get; init; }

    /// <summary>Time, and the local zone.</summary>
    public required TimeProvider Clock { get; init; }

    /// <summary>The variables of the process.</summary>
    public required IReadOnlyDictionary<string, string> Environment { get; init; }

    /// <summary>Where the process runs, absolute.</summary>
    public required string WorkingFolder { get; init; }

    /// <summary>The program and its version, e.g. <c>0.1.0</c>.</summary>
    public required string Version { get; init; }

    /// <summary>Absolute path of this program, for what is printed to be copied.</summary>
    public string ProgramPath { get; init; } = "reprise";

    /// <summary>Whether signals are listened to: not in tests.</summary>
    public bool ListensToSignals { get; init; }

    /// <summary>What answers signals. Held until the process ends, see <see cref="Interruption.End"/>.</summary>
    public List<Interruption> Listening { get; } = [];
}

/// <summary>The options that every command takes.</summary>
internal sealed record GlobalOptions
{
    /// <summary>The configuration that was named, or null.</summary>
    public string? ConfigurationFile { get; init; }

    /// <summary>The repository that was named instead of a configuration, or null.</summary>
    public string? Repository { get; init; }

    /// <summary>The key file that was named, or null.</summary>
    public string? KeyFile { get; init; }

    /// <summary>One JSON document on standard output.</summary>
    public bool Json { get; init; }

    /// <summary>Neither progress nor prose.</summary>
    public bool Quiet { get; init; }

    /// <summary>No colour.</summary>
    public bool NoColour { get; init; }
}

/// <summary>How a repository is reached: from a configuration, or named on the command line.</summary>
/// <param name="Repository">where it is and what opens it.</param>
/// <param name="Configuration">the configuration, or null when the repository was named.</param>
internal sealed record Access(RepositoryConfiguration Repository, ApplicationConfiguration? Configuration);

/// <summary>What a command works with while it runs.</summary>
internal sealed class CommandContext(Host host, GlobalOptions options, CancellationToken cancellation)
{
    private ApplicationConfiguration? configuration;

    /// <summary>What the program stands on.</summary>
    public Host Host => host;

    /// <summary>The options that every command takes.</summary>
    public GlobalOptions Options => options;

    /// <summary>Whether somebody can be asked: at a terminal, and not where one JSON document is wanted.</summary>
    public bool CanAsk => host.Terminal.CanAsk && !options.Json;

    /// <summary>Cancelled by Ctrl-C and SIGTERM.</summary>
    public CancellationToken Cancellation => cancellation;

    /// <summary>How far a long operation is.</summary>
    public required ProgressLine Progress { get; init; }

    /// <summary>Text for people that is not the answer: previews, questions. Goes to standard error.</summary>
    public required Output Prose { get; init; }

    /// <summary>Dates in words.</summary>
    public required Calendar Calendar { get; init; }

    /// <summary>What names configuration or repository, as it is typed again after a command; null: nothing was named.</summary>
    public string? Named { get; set; }

    /// <summary>What was asked of a plan beside its point, as it is typed again to carry it out; begins with a space, or is empty.</summary>
    public string Again { get; set; } = "";

    /// <summary>The command that goes on with this one when it is interrupted, or null: it is simply run again.</summary>
    public string? GoOnWith { get; set; }

    /// <summary>The passphrase that somebody typed, so that a command asks once; null: nobody did.</summary>
    public string? TypedPassphrase { get; set; }

    /// <summary>Absolute path of the configuration, whether it exists or not.</summary>
    public string ConfigurationPath => Path.GetFullPath(ConfigurationName, host.WorkingFolder);

    /// <summary>The configuration as it was named.</summary>
    public string ConfigurationName => options.ConfigurationFile
        ?? (host.Environment.TryGetValue("REPRISE_CONFIG", out var named) && named.Length > 0 ? named : null)
        ?? ConfigurationFile.UsualName;

    /// <summary>The application, when a configuration was read; for the envelope.</summary>
    public string? Application => configuration?.Application;

    /// <summary>Takes a configuration that the command read itself.</summary>
    public void Use(ApplicationConfiguration read) => configuration = read;

    /// <summary>The configuration, read when it is first asked for.</summary>
    /// <exception cref="RepriseException">exit 2 when it is missing or wrong, or when a repository was named
    /// instead.</exception>
    public ApplicationConfiguration Configuration
    {
        get
        {
            if (options.Repository is not null && options.ConfigurationFile is null)
            {
                throw new RepriseException(
                    CliErrors.OptionConflict,
                    "this command needs a configuration, not only a repository",
                    "add --config FILE; reprise recover --to FOLDER gets the configuration back first");
            }

            return configuration ??= ConfigurationFile.Load(
                host.Disk, ConfigurationName, host.WorkingFolder, host.Environment);
        }
    }

    /// <summary>The repository: the one that was named, else the one of the configuration.</summary>
    public Access Access
    {
        get
        {
            if (options.Repository is not { } named)
            {
                var repository = Configuration.Repository;
                return options.KeyFile is { } other
                    ? new Access(repository with { KeyFile = FullPath(other), Passphrase = null }, Configuration)
                    : new Access(repository, Configuration);
            }

            var location = ConfigurationParser.Location(named, host.WorkingFolder) ?? throw new RepriseException(
                CliErrors.OptionValue,
                $"--repository '{named}' is of no kind that is known",
                "name a folder, or an address that begins with s3://");
            // With both, it is the application of the configuration, with its repository at another place.
            var configured = options.ConfigurationFile is null ? null : Configuration;
            return new Access(
                new RepositoryConfiguration
                {
                    Location = location,
                    KeyFile = options.KeyFile is { } key ? FullPath(key) : configured?.Repository.KeyFile,
                    Passphrase = options.KeyFile is null ? configured?.Repository.Passphrase : null,
                },
                configured);
        }
    }

    /// <summary>The same command on another configuration; a repository that was named stays.</summary>
    public CommandContext For(string configurationFile) =>
        new(host, options with { ConfigurationFile = configurationFile }, cancellation)
        {
            Progress = Progress,
            Prose = Prose,
            Calendar = Calendar,
        };

    /// <summary>A path from the command line made absolute.</summary>
    public string FullPath(string path) => Path.GetFullPath(path, host.WorkingFolder);
}
