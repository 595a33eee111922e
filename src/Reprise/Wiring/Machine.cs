using System.Text;
using Reprise.Configuration;
using Reprise.Recovery.Processes;
using Reprise.Recovery.State;
using Reprise.Repository;
using Reprise.Repository.Sealing;
using Reprise.Storage;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Local;
using Reprise.Storage.Runtime;
using Reprise.Storage.S3;
using Reprise.Storage.Wrapping;

namespace Reprise.Wiring;

/// <summary>This machine as the rooms see it: disk, cores, clock, random bytes, children, environment.</summary>
/// <param name="Variable">looks an environment variable up.</param>
internal sealed record Machine(Func<string, string?> Variable)
{
    // Servers that ask for patience mean seconds; a disk that fails twice stays broken.
    private static readonly RetryPolicy OverNetworks = new() { Attempts = 7 };

    /// <summary>The file system.</summary>
    public IDisk Disk { get; init; } = Disks.OfThisMachine();

    /// <summary>The cores.</summary>
    public Cpu Cpu { get; init; } = Cpu.OfThisMachine();

    /// <summary>Time.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Random bytes.</summary>
    public Entropy Entropy { get; init; } = Entropy.System;

    /// <summary>Child processes.</summary>
    public ChildProcesses Children { get; } = new(TimeProvider.System);

    /// <summary>The program and version that writes.</summary>
    public string Writer { get; init; } = "reprise";

    /// <summary>The machine that a command runs on.</summary>
    public static Machine Of(Cli.Host host) => new(name => host.Environment.GetValueOrDefault(name))
    {
        Disk = host.Disk,
        Clock = host.Clock,
        Writer = "reprise " + host.Version,
    };

    /// <summary>The keys that sign metadata.</summary>
    public SigningKeys Signing =>
        SigningKeys.From(Variable("BACKUP_METADATA_HMAC_KEY"), Variable("BACKUP_METADATA_HMAC_KEY_PREVIOUS"));

    /// <summary>The folder that was named for what is staged, absolute, or null: that for temporary files.</summary>
    public string? Stage { get; init; }

    /// <summary>Whether somebody vouches for servers that cannot be seen from here to be stopped.</summary>
    public bool ServerIsStopped { get; init; }

    /// <summary>The folder for temporary files.</summary>
    public string TemporaryFolder => Stage
        ?? Path.GetFullPath(Variable("TMPDIR") is { Length: > 0 } folder ? folder : Path.GetTempPath());

    /// <summary>The home of the user.</summary>
    public string Home => Variable("HOME") is { Length: > 0 } home ? home : Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);

    /// <summary>What Reprise remembers of an application on this host.</summary>
    public StateFolder State(string application, string configurationFile) =>
        new(Disk, StateFolder.DefaultPath(application, configurationFile, Variable));

    /// <summary>What a repository in <paramref name="store"/> stands on.</summary>
    public RepositoryHost RepositoryOn(IStore store) => new(store, Clock, Entropy, Cpu)
    {
        Spill = () => Disk.CreateUnnamed(
            new DiskPath(TemporaryFolder) / ("reprise-index-" + Convert.ToHexStringLower(Entropy.Bytes(8)))),
    };

    /// <summary>The store at a location. A missing folder is an error of its first use.</summary>
    public IStore Store(RepositoryLocation location) => location switch
    {
        RepositoryLocation.Folder folder =>
            new RetryingStore(LocalStore.Open(Disk, new DiskPath(folder.Path), Cpu, Entropy), new RetryPolicy(), Clock, Entropy),
        RepositoryLocation.Remote { Scheme: "s3" } remote => new RetryingStore(
            S3Store.Open(AddressOf(remote), new S3Login(Variable, Home), new S3Limits(), Clock),
            OverNetworks,
            Clock,
            Entropy),
        _ => throw Unsupported(location),
    };

    private static S3Address AddressOf(RepositoryLocation.Remote remote) =>
        S3Address.Parse(remote.Address.OriginalString, out var wrong, out var hint)
        ?? throw new RepriseException(ConfigurationErrors.Value, $"the location cannot be used: {wrong}", hint);

    /// <summary>The error for a location that this version cannot use.</summary>
    public static RepriseException Unsupported(RepositoryLocation location) => new(
        ConfigurationErrors.Invalid,
        $"a repository at {location} is not supported by this version",
        "use a folder, for example on a mounted disk");

    /// <summary>Opens the repository with a key file.</summary>
    public async Task<PointRepository> OpenRepositoryAsync(
        RepositoryLocation location, string keyFile, CancellationToken cancellationToken) =>
        await PointRepository.OpenAsync(RepositoryOn(Store(location)), ReadKey(keyFile), cancellationToken);

    /// <summary>Reads a key file; <c>key-missing</c> or <c>key-invalid</c>.</summary>
    public KeyFile ReadKey(string path)
    {
        try
        {
            using var file = Disk.OpenRead(new DiskPath(path));
            var size = file.Stat().SizeBytes;
            if (size > KeyFile.MaxBytes) throw Unusable(path, $"it has {size:N0} bytes", null);
            var bytes = new byte[size];
            return KeyFile.Parse(Encoding.UTF8.GetString(bytes.AsSpan(0, file.Read(0, bytes))), path);
        }
        catch (RepriseException e) when (e.Code == StorageErrors.FileMissing || e.Code == StorageErrors.FileDenied)
        {
            throw Unusable(path, e.Message, e);
        }
    }

    private static RepriseException Unusable(string path, string why, Exception? inner) => new(
        new Problem(
            RepositoryErrors.KeyMissing,
            Severity.Error,
            $"the key file {path} cannot be used: {why}",
            "put a copy of the key there, or name another with --key-file; the recovery sheet works as a key file too")
        {
            Where = path,
        },
        inner);
}
