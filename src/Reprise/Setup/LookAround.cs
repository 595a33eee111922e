using System.Text;
using System.Text.RegularExpressions;
using Reprise.Configuration;
using Reprise.Json;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Setup;

/// <summary>
/// Looks around in the folder of an application, read-only, and guesses what has to be protected. Every guess ends up
/// in
/// a commented file that a person reads; a wrong one costs a line, a missing one costs data.
/// </summary>
internal sealed partial class LookAround(IDisk disk, string folder, IReadOnlyDictionary<string, string> environment)
{
    private const int MaxSourceBytes = 256 * 1024;
    private const int MaxSources = 300;
    private const int SqlitePageBytes = 512;

    private static readonly string[] DataFolders =
    [
        "uploads", "upload", "media", "files", "attachments", "storage", "config", "conf", "data", "static/uploads",
        "public/uploads", "var/uploads",
    ];

    private static readonly string[] LooseFiles = ["Caddyfile", "nginx.conf", "traefik.yml", "traefik.yaml"];
    private static readonly string[] SourceEndings = [".py", ".js", ".ts", ".go", ".rb", ".cs", ".java", ".php"];
    private static readonly string[] SecretWords =
    [
        "SECRET", "SECRETS", "KEY", "TOKEN", "PASSWORD", "PASS", "PASSWD", "PWD", "PASSPHRASE", "CREDENTIAL",
        "CREDENTIALS", "APIKEY", "DSN",
    ];

    private readonly List<FoundJson> found = [];
    private readonly List<FoundDatabase> databases = [];

    /// <summary>Looks around.</summary>
    public Surroundings Look()
    {
        var variables = ConfigurationFile.ReadVariables(disk, Path.Combine(folder, "reprise.yaml"), "", environment);
        var hasFile = disk.Stat(new DiskPath(folder) / ".env")?.Type == FileType.Regular;
        var files = new FolderWalk(disk).Files(folder);
        var compose = ReadCompose();
        var address = variables.Find("DATABASE_URL") ?? "";
        var runsInCompose = LookForDatabases(compose, address, files);
        var secrets = LookForSecrets(variables, hasFile);
        var services = runsInCompose && compose is not null ? compose.Writers.Select(s => s.Name).ToList() : [];
        return new Surroundings
        {
            Databases = databases,
            Files = LookForFiles(compose, files),
            Secrets = secrets,
            HasEnvironmentFile = hasFile,
            Compose = runsInCompose ? compose : null,
            Services = services,
            AlembicHeads = databases.Count == 0 ? null : LookForAlembic(files),
            HealthUrl = LookForHealth(compose, variables, files),
            VolumesNotProtected = Volumes(compose),
            Found = found,
        };
    }

    /// <summary>Whether a variable of this name holds something that must not be known.</summary>
    public static bool LooksSecret(string name) =>
        name is "DATABASE_URL"
        || (!name.StartsWith("BACKUP_METADATA_HMAC_KEY", StringComparison.Ordinal)
            && !name.StartsWith("REPRISE_", StringComparison.Ordinal)
            && name.Split('_').Any(word => SecretWords.Contains(word, StringComparer.OrdinalIgnoreCase))
            && !name.Split('_').Contains("PUBLIC", StringComparer.OrdinalIgnoreCase));

    private ComposeFile? ReadCompose()
    {
        foreach (var name in ComposeFile.Names)
        {
            try
            {
                if (ConfigurationFile.ReadText(disk, Path.Combine(folder, name), name) is not { } text) continue;
                var compose = ComposeFile.Parse(text, name);
                Add("compose", string.Join(", ", compose.Services.Select(s => s.Name)), name);
                return compose;
            }
            catch (RepriseException e) when (e.Code.Exit == ExitCodes.Usage)
            {
                Add("compose", $"not understood: {e.Message}", e.Problem.Where ?? name);
                return null;
            }
        }

        return null;
    }

    // An address that names no service of the compose file is that of an application which runs outside of it, although
    // a
    // compose file lies there too. True when the application runs in the compose file.
    private bool LookForDatabases(
        ComposeFile? compose, string address, IReadOnlyList<(string Path, FileStatus Status)> files)
    {
        var isPostgres = PostgresAddress().Match(address) is { Success: true };
        var host = PostgresAddress().Match(address).Groups["host"].Value;
        var namesService = compose?.Services.Any(s => s.Name == host) == true;
        var runsInCompose = compose is not null && (address.Length == 0 || (isPostgres && namesService));
        if (isPostgres && !namesService)
        {
            databases.Add(new FoundDatabase.Postgres("database", "${DATABASE_URL}", null));
            Add("postgres", "database", "DATABASE_URL");
        }

        if (runsInCompose && compose?.Postgres is { } service)
        {
            databases.Add(new FoundDatabase.Postgres("database", Socket(service), service.Name));
            var where = $"service {service.Name} of {compose.File}";
            Add("postgres", "database", where);

            // Told so that a person sees where the data lies that down -v would delete.
            foreach (var volume in service.Mounts.Where(m => m.IsVolume)) Add("volume", volume.Source, where);
        }

        var fromAddress = SqliteAddress().Match(address) is { Success: true } match
            ? Path.GetRelativePath(folder, Path.GetFullPath(Uri.UnescapeDataString(match.Groups["path"].Value), folder))
            : null;
        if (fromAddress is not null) AddSqlite(fromAddress.Replace('\\', '/'), "DATABASE_URL");
        foreach (var (path, status) in files)
        {
            if (path != fromAddress && IsSqlite(path, status)) AddSqlite(path, path);
        }

        return runsInCompose;
    }

    private void AddSqlite(string path, string where)
    {
        var stem = NotOfName().Replace(Path.GetFileNameWithoutExtension(path), "-").Trim('-').ToLowerInvariant();
        if (stem.Length is 0 or > 40) stem = "sqlite";
        var name = stem;
        for (var number = 2; databases.Any(d => d.Name == name); number++) name = $"{stem}-{number}";
        databases.Add(new FoundDatabase.Sqlite(name, path));
        Add("sqlite", name, where);
    }

    // The page size, at least 512, divides the size of every database; only such files are opened, for 16 bytes. No
    // connection of ours is open by then, whose locks closing the file would drop.
    private bool IsSqlite(string path, FileStatus status)
    {
        if (status.SizeBytes == 0 || status.SizeBytes % SqlitePageBytes != 0) return false;
        try
        {
            using var file = disk.OpenRead(new DiskPath(folder) / path);
            Span<byte> head = stackalloc byte[16];
            return file.Read(0, head) == head.Length && head.SequenceEqual("SQLite format 3\0"u8);
        }
        catch (RepriseException e) when (e.Code == StorageErrors.FileDenied || e.Code == StorageErrors.FileMissing)
        {
            // What may not be read cannot be protected either; doctor says so once it is in the configuration.
            return false;
        }
    }

    // Inside the container the socket asks for no password; user and database are those that the image was given.
    private static string Socket(ComposeService service)
    {
        var user = Plain(service.Environment.GetValueOrDefault("POSTGRES_USER", "postgres"));
        var database = service.Environment.TryGetValue("POSTGRES_DB", out var name) ? Plain(name) : user;
        return $"postgresql://{user}@/{database}";
    }

    // Compose also knows ${NAME:?message} and ${NAME?message}; ours refuses an unset variable anyway.
    private static string Plain(string text) => ComposeVariable().Replace(
        text,
        match => "${" + match.Groups["name"].Value + match.Groups["default"].Value
            + (match.Groups["plain"].Success ? ":-" + match.Groups["plain"].Value : "") + "}");

    private List<string> LookForFiles(ComposeFile? compose, IReadOnlyList<(string Path, FileStatus Status)> files)
    {
        var patterns = new List<string>();
        if (compose is not null) patterns.Add(compose.File);
        patterns.AddRange(LooseFiles.Where(name => files.Any(f => f.Path == name)));
        var mounted = compose?.Services.Where(s => !s.IsPostgres).SelectMany(s => s.Folders) ?? [];
        var candidates = mounted.Select(m => m[2..].Trim('/')).Concat(DataFolders).Distinct(StringComparer.Ordinal);
        var data = databases.OfType<FoundDatabase.Sqlite>().Select(d => d.Path).ToList();
        foreach (var candidate in candidates.Where(c => c.Length > 0 && c != ".env"))
        {
            var status = disk.Stat(new DiskPath(folder) / candidate);
            if (status?.Type == FileType.Regular && !data.Contains(candidate)) patterns.Add(candidate);
            if (status?.Type != FileType.Folder) continue;

            // A folder in which nothing lies but databases is protected by those.
            var inside = files.Where(f => f.Path.StartsWith(candidate + "/", StringComparison.Ordinal)).ToList();
            var isMounted = compose is not null && DataFolders.Contains(candidate) && inside.Count == 0;
            if (isMounted || inside.Any(f => !data.Any(d => f.Path.StartsWith(d, StringComparison.Ordinal))))
            {
                patterns.Add(candidate + "/**");
            }
        }

        var result = patterns.Distinct(StringComparer.Ordinal).ToList();
        if (result.Count > 0) Add("files", string.Join(", ", result), ".");
        return result;
    }

    private List<string> LookForSecrets(Variables variables, bool hasFile)
    {
        var names = variables.FileNames.Where(LooksSecret).Distinct(StringComparer.Ordinal).ToList();
        if (names.Count == 0 && !hasFile && environment.ContainsKey("DATABASE_URL")) names.Add("DATABASE_URL");
        if (names.Count > 0) Add("secrets", string.Join(", ", names), hasFile ? ".env" : "the environment");
        return names;
    }

    private List<string>? LookForAlembic(IReadOnlyList<(string Path, FileStatus Status)> files)
    {
        var ini = files.Select(f => f.Path).FirstOrDefault(
            p => p == "alembic.ini" || p.EndsWith("/alembic.ini", StringComparison.Ordinal));
        if (ini is null) return null;
        Add("migration", "alembic", ini);
        string[] places = [".venv/bin/alembic", "venv/bin/alembic"];
        var program = places.FirstOrDefault(p => disk.Stat(new DiskPath(folder) / p) is not null)
            ?? (IsOnPath("alembic") ? "alembic" : null);
        if (program is null) return [];
        return ini == "alembic.ini" ? [program, "heads"] : [program, "-c", ini, "heads"];
    }

    private bool IsOnPath(string program) => environment.GetValueOrDefault("PATH", "")
        .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .Any(place => Path.IsPathRooted(place) && disk.Stat(new DiskPath(place) / program) is not null);

    private string? LookForHealth(
        ComposeFile? compose, Variables variables, IReadOnlyList<(string Path, FileStatus Status)> files)
    {
        var services = compose?.Writers.Concat(compose.Services.Where(s => !s.IsPostgres)).ToList() ?? [];
        var service = services.Find(s => s.PublishedPort is not null);
        var port = service?.PublishedPort is { } published ? Plain(published) : PortVariable(variables);
        if (port is null) return null;
        var path = service?.HealthPath ?? HealthPathInSources(files);
        if (path is null) return null;
        var url = $"http://127.0.0.1:{port}{path}";
        Add("health", url, service is null ? ".env" : $"service {service.Name}");
        return url;
    }

    private static string? PortVariable(Variables variables)
    {
        string[] others = ["POSTGRES", "PG", "DB", "DATABASE", "REDIS", "SMTP", "MAIL", "FRONTEND", "METRICS"];
        var name = variables.FileNames.FirstOrDefault(
            n => (n == "PORT" || n.EndsWith("_PORT", StringComparison.Ordinal))
                && !n.Split('_').Intersect(others, StringComparer.Ordinal).Any());
        return name is null ? null : $"${{{name}}}";
    }

    // The route that the application itself registers.
    private string? HealthPathInSources(IReadOnlyList<(string Path, FileStatus Status)> files)
    {
        var sources = files
            .Where(f => SourceEndings.Contains(Path.GetExtension(f.Path)) && f.Status.SizeBytes <= MaxSourceBytes)
            .Take(MaxSources);
        foreach (var (path, status) in sources)
        {
            var bytes = new byte[status.SizeBytes];
            using var file = disk.OpenRead(new DiskPath(folder) / path);
            var text = Encoding.UTF8.GetString(bytes.AsSpan(0, file.Read(0, bytes)));
            if (HealthRoute().Match(text) is { Success: true } match) return match.Groups["path"].Value;
        }

        return null;
    }

    private static List<string> Volumes(ComposeFile? compose) => compose is null
        ? []
        : [.. compose.Services.Where(s => !s.IsPostgres)
            .SelectMany(s => s.Mounts.Where(m => m.IsVolume).Select(m => $"{m.Source} ({s.Name})"))
            .Distinct(StringComparer.Ordinal)];

    private void Add(string kind, string what, string where) =>
        found.Add(new FoundJson { Kind = kind, What = what, Where = where });

    [GeneratedRegex(
        @"^(postgres|postgresql)(\+[a-z0-9]+)?://([^@/]*@)?(?<host>[^:/?]*)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex PostgresAddress();

    [GeneratedRegex(@"^sqlite(\+[a-z0-9]+)?:///(?<path>[^?]+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex SqliteAddress();

    [GeneratedRegex("[^A-Za-z0-9_-]+", RegexOptions.None, 1000)]
    private static partial Regex NotOfName();

    [GeneratedRegex(
        @"\$\{(?<name>[A-Za-z_][A-Za-z0-9_]*)((?<default>:-[^}]*)|-(?<plain>[^}]*)|:?\?[^}]*)?\}",
        RegexOptions.ExplicitCapture,
        1000)]
    private static partial Regex ComposeVariable();

    [GeneratedRegex(
        """["'`](?<path>/(?:[a-z0-9_-]+/)?health(?:z|check)?/?)["'`]""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex HealthRoute();
}
