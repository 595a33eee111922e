using System.Globalization;
using System.Text.RegularExpressions;
using Reprise.Recovery.Processes;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres;

/// <summary>The client programs of one release.</summary>
/// <param name="Folder">where they lie, or null: they are started by name where <c>via</c> leads.</param>
/// <param name="Major">their major version.</param>
/// <param name="Version">their version as they say it, e.g. <c>17.11</c>.</param>
internal sealed record ClientSet(string? Folder, int Major, string Version)
{
    /// <summary>
    /// Whether dumps as SQL can be told what to write into <c>\restrict</c>, which else is different every time. The
    /// option came with the minor releases of August 2025.
    /// </summary>
    public bool KnowsRestrictKey => Major >= 18
        || (int.TryParse(Version.Split('.').ElementAtOrDefault(1), CultureInfo.InvariantCulture, out var minor)
            && minor >= Major switch { 17 => 6, 16 => 10, 15 => 14, 14 => 19, 13 => 22, _ => int.MaxValue });

    public string PathOf(string program) => Folder is null ? program : Path.Combine(Folder, program);
}

/// <summary>
/// Finds client programs of a suitable release: the one of the server's own major, else the next newer one. Debian's
/// <c>/usr/bin/pg_dump</c> chooses a release by its own rules, so the programs behind it are looked for instead.
/// </summary>
internal sealed partial class Clients(IDisk disk, ChildProcesses children, Func<string, string?> variable, string? only)
{
    private static readonly TimeSpan VersionWithin = TimeSpan.FromSeconds(30);

    // Folders that hold a folder for each release.
    private static readonly (string Parent, string Prefix, string Below)[] Releases =
    [
        ("/usr/lib/postgresql", "", "bin"),
        ("/usr", "pgsql-", "bin"),
        ("/opt/homebrew/opt", "postgresql@", "bin"),
        ("/opt/homebrew/opt", "libpq", "bin"),
        ("/usr/local/opt", "postgresql@", "bin"),
        ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
        ("C:/Program Files/PostgreSQL", "", "bin"),
    ];

    private List<ClientSet>? found;

    /// <summary>The set for a server of <paramref name="serverMajor"/>.</summary>
    /// <exception cref="RepriseException"><c>client-missing</c> or <c>client-too-old</c>.</exception>
    public async Task<ClientSet> ForServerAsync(int serverMajor, CancellationToken cancellationToken)
    {
        var sets = await AllAsync(cancellationToken);
        return Choose(sets, serverMajor);
    }

    /// <summary>Every set that is there, older majors first.</summary>
    public async Task<IReadOnlyList<ClientSet>> AllAsync(CancellationToken cancellationToken)
    {
        if (found is not null) return found;
        var sets = new List<ClientSet>();
        foreach (var folder in Folders().Distinct(StringComparer.Ordinal))
        {
            if (await AtAsync(folder, cancellationToken) is { } set) sets.Add(set);
        }

        return found = [.. sets.OrderBy(set => set.Major)];
    }

    internal static ClientSet Choose(IReadOnlyList<ClientSet> sets, int serverMajor)
    {
        if (sets.FirstOrDefault(set => set.Major >= serverMajor) is { } set) return set;
        var hint = $"install postgresql-client-{serverMajor} or newer, or use the server's own programs with via:";
        throw sets.Count == 0
            ? new RepriseException(
                RecoveryErrors.ClientMissing, "pg_dump and pg_restore were not found on this machine", hint)
            : new RepriseException(
                RecoveryErrors.ClientTooOld,
                $"the server is PostgreSQL {serverMajor}, the newest client here is {sets[^1].Version}",
                hint);
    }

    /// <summary>Reads the answer to <c>--version</c>; null when it is not one.</summary>
    internal static ClientSet? Read(string? folder, string answer)
    {
        var match = VersionPattern().Match(answer);
        return match.Success
            ? new ClientSet(
                folder,
                int.Parse(match.Groups["major"].Value, NumberStyles.None, CultureInfo.InvariantCulture),
                match.Groups["version"].Value)
            : null;
    }

    private async Task<ClientSet?> AtAsync(string folder, CancellationToken cancellationToken)
    {
        var suffix = OperatingSystem.IsWindows() ? ".exe" : "";
        foreach (var program in (string[])["pg_dump", "pg_restore", "pg_dumpall"])
        {
            var path = new DiskPath(Path.Combine(folder, program + suffix));
            if (Look(path) is not { } status) return null;
            if (status.Type == FileType.SymbolicLink
                && disk.ReadSymbolicLink(path).Name.ToString() == "pg_wrapper")
            {
                return null;
            }
        }

        var result = await children.RunAsync(
            new ChildCommand([Path.Combine(folder, "pg_dump"), "--version"]) { Within = VersionWithin },
            cancellationToken);
        return result.Exit == 0 ? Read(folder, result.Output) : null;
    }

    // The PATH of whoever called us may lead through folders into which we may not look.
    private FileStatus? Look(DiskPath path)
    {
        try
        {
            return disk.Stat(path);
        }
        catch (RepriseException e) when (e.Code == StorageErrors.FileDenied)
        {
            return null;
        }
    }

    private IEnumerable<string> Folders()
    {
        if (only is not null)
        {
            yield return only;
            yield break;
        }

        // Among programs of one release those on the PATH count: who puts them there wants them.
        var path = (variable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        foreach (var folder in path)
        {
            if (Path.IsPathRooted(folder)) yield return folder.TrimEnd('/');
        }

        foreach (var (parent, prefix, below) in Releases)
        {
            var above = new DiskPath(parent);
            if (!above.IsAbsolute || disk.Stat(above)?.Type != FileType.Folder) continue;
            foreach (var entry in disk.List(above))
            {
                var name = entry.Name.ToString();
                if (name.StartsWith(prefix, StringComparison.Ordinal)) yield return Path.Combine(parent, name, below);
            }
        }
    }

    [GeneratedRegex(
        @"\(PostgreSQL\) (?<version>(?<major>\d{1,3})\S*)",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex VersionPattern();
}
