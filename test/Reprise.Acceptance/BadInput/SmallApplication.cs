using System.Diagnostics;
using System.Security.Cryptography;
using Microsoft.Data.Sqlite;
using Reprise.Acceptance.Harness;

namespace Reprise.Acceptance.BadInput;

/// <summary>
/// The smallest application that has everything a restore must keep together: a SQLite database and a folder of files.
/// It lies in a folder of its own with home, state and repository beside it, so that a test sees what was left behind.
/// </summary>
public sealed class SmallApplication : IDisposable
{
    /// <summary>What every test starts from; what a test makes bad, it makes bad in this text.</summary>
    public const string Configuration = """
        application: small
        repository:
          location: ../recovery
          key: { file: ../home/small.key }
        assets:
          orders:  { sqlite: { path: data/app.db } }
          uploads: { files: { include: ["uploads/**"] } }

        """;

    private const int Nobody = 65534;
    private readonly TemporaryFolder folder = new();
    private readonly Dictionary<string, string> variables = new(StringComparer.Ordinal);

    private SmallApplication()
    {
        File.SetUnixFileMode(folder.Root, (UnixFileMode)0b111_101_101);
        foreach (var name in new[] { "app/data", "app/uploads", "home" }) folder.Folder(name);
        WriteConfiguration(Configuration);
    }

    /// <summary>The folder of the application and of its <c>reprise.yaml</c>.</summary>
    public string Folder => folder["app"];

    /// <summary>Where the points lie.</summary>
    public string Repository => folder["recovery"];

    /// <summary>The file that opens the repository.</summary>
    public string KeyFile => folder["home/small.key"];

    /// <summary>What Reprise remembers on this host.</summary>
    public string StateFolder => folder["state"];

    /// <summary>The database.</summary>
    public string Database => folder["app/data/app.db"];

    /// <summary>The configuration.</summary>
    public string ConfigurationFile => folder["app/reprise.yaml"];

    /// <summary>Further variables for the program.</summary>
    public IDictionary<string, string> Variables => variables;

    /// <summary>Set: the program runs as a user for whom permissions count, which they do not for root.</summary>
    private string? ProgramOfNobody { get; set; }

    /// <summary>An application with data, and no repository yet.</summary>
    public static SmallApplication Make(int seed = 1, int rows = 500, int files = 6, int fileBytes = 20_000)
    {
        var application = new SmallApplication();
        application.Fill(seed, rows, files, fileBytes);
        return application;
    }

    /// <summary>An application with a repository and one point of exactly its data.</summary>
    public static async Task<SmallApplication> WithPointAsync(int seed = 1, int rows = 500)
    {
        var application = Make(seed, rows);
        (await application.RepriseAsync("init")).MustExit(0);
        (await application.RepriseAsync("backup")).MustExit(0);
        return application;
    }

    /// <summary>A path beside the application.</summary>
    public string Path(string name) => folder[name];

    /// <summary>Replaces all data of the application; the same seed gives the same bytes.</summary>
    public void Fill(int seed, int rows, int files = 6, int fileBytes = 20_000)
    {
        var random = new Random(seed);
        File.Delete(Database);
        using (var connection = new SqliteConnection($"Data Source={Database};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            var noise = new byte[100];
            command.CommandText = "create table orders(id integer primary key, what blob); begin;";
            command.ExecuteNonQuery();
            command.CommandText = "insert into orders(what) values ($what)";
            var what = command.Parameters.Add("$what", SqliteType.Blob);
            for (var i = 0; i < rows; i++)
            {
                random.NextBytes(noise);
                what.Value = noise.ToArray();
                command.ExecuteNonQuery();
            }

            command.CommandText = "commit";
            command.ExecuteNonQuery();
        }

        foreach (var old in Directory.EnumerateFiles(folder["app/uploads"])) File.Delete(old);
        for (var i = 0; i < files; i++)
        {
            var content = new byte[fileBytes];
            random.NextBytes(content);
            File.WriteAllBytes(folder[$"app/uploads/{i}.bin"], content);
        }
    }

    /// <summary>Writes <c>reprise.yaml</c>.</summary>
    public void WriteConfiguration(string text) => File.WriteAllText(ConfigurationFile, text);

    /// <summary>What surrounds the program.</summary>
    public Surroundings Surroundings() => new()
    {
        Folder = Folder,
        Home = folder["home"],
        Variables = new Dictionary<string, string>(variables) { ["REPRISE_STATE"] = StateFolder },
    };

    /// <summary>Runs the published program in the application's folder.</summary>
    public async Task<ProgramRun> RepriseAsync(params string[] arguments)
    {
        using var running = Start(arguments);
        return await running.EndAsync();
    }

    /// <summary>Starts the published program in the application's folder.</summary>
    public RunningProgram Start(params string[] arguments) => ProgramOfNobody is { } copy
        ? RunningProgram.Start(
            Surroundings(), ["setpriv", $"--reuid={Nobody}", $"--regid={Nobody}", "--clear-groups", copy, .. arguments])
        : PublishedProgram.Start(Surroundings(), arguments);

    /// <summary>From now on everything belongs to the user nobody, and the program runs as that user.</summary>
    public async Task BecomeNobodyAsync()
    {
        var copy = folder.Folder("program");
        foreach (var file in Directory.EnumerateFiles(PublishedProgram.Folder))
            File.Copy(file, System.IO.Path.Combine(copy, System.IO.Path.GetFileName(file)));
        ProgramOfNobody = System.IO.Path.Combine(copy, System.IO.Path.GetFileName(PublishedProgram.File));
        await ToolAsync("chown", "-R", $"{Nobody}:{Nobody}", folder.Root);
    }

    /// <summary>Runs a tool of the system that must succeed.</summary>
    public async Task<string> ToolAsync(params string[] command)
    {
        using var running = RunningProgram.Start(new Surroundings { Folder = folder.Root }, command);
        return (await running.EndAsync()).MustExit(0).Output;
    }

    /// <summary>The ids of all points, by the program itself.</summary>
    public async Task<IReadOnlyList<string>> PointsAsync()
    {
        var result = (await RepriseAsync("points", "--json")).MustExit(0).Result("points");
        return [.. result.GetProperty("points").EnumerateArray().Select(p => p.GetProperty("id").GetString() ?? "")];
    }

    /// <summary>Path and content of everything in the application's folder: what must not change.</summary>
    public string Everything() => Tree(Folder, _ => true);

    /// <summary>Path and content of the data alone: what a restore brings back.</summary>
    public string Data() => Tree(Folder, path => path == "data/app.db"
        || path.StartsWith("uploads/", StringComparison.Ordinal));

    /// <summary>
    /// Waits until <paramref name="condition"/> holds; false when it did not within ten seconds.
    /// </summary>
    public static async Task<bool> WaitAsync(Func<bool> condition)
    {
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < TimeSpan.FromSeconds(10);)
        {
            if (condition()) return true;
            await Task.Delay(5);
        }

        return false;
    }

    /// <inheritdoc />
    public void Dispose() => folder.Dispose();

    private static string Tree(string root, Func<string, bool> counts) => string.Join('\n', Directory
        .EnumerateFileSystemEntries(root, "*", SearchOption.AllDirectories)
        .Select(path => (Full: path, Relative: System.IO.Path.GetRelativePath(root, path)))
        .Where(entry => counts(entry.Relative))
        .OrderBy(entry => entry.Relative, StringComparer.Ordinal)
        .Select(entry => $"{entry.Relative} {Hash(entry.Full)}"));

    private static string Hash(string path)
    {
        if (Directory.Exists(path)) return "folder";
        var bytes = File.ReadAllBytes(path);
        if (bytes.AsSpan().StartsWith("SQLite format 3"u8))
        {
            // SQLite counts changes and its own version here when it copies a database; they are no data.
            bytes.AsSpan(24, 4).Clear();
            bytes.AsSpan(92, 8).Clear();
        }

        return Convert.ToHexStringLower(SHA256.HashData(bytes));
    }
}
