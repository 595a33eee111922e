using System.Text;
using System.Text.Json;
using Reprise.Recovery.Processes;
using Reprise.Recovery.Secrets;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Rehearsing;

/// <summary>
/// Starts a program of the application in a rehearsal: with <c>drill.start.env</c>, and with the secrets as they are in
/// the sandbox's files at that moment. Values stand in files that are ours alone, never in arguments.
/// </summary>
internal static class SandboxProgram
{
    /// <summary>How our program is called to do it, followed by a file of surroundings, a folder, and the program.</summary>
    public const string Command = "internal-in-sandbox";

    private const int MaxBytes = 1024 * 1024;

    /// <summary>What surrounds the programs.</summary>
    /// <param name="environment">variables, which win over secrets.</param>
    /// <param name="secrets">files of secrets, with the names that are taken from each.</param>
    public static string Surroundings(
        IEnumerable<KeyValuePair<string, string>> environment, IEnumerable<(DiskPath File, IReadOnlyList<string> Names)> secrets)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteStartObject("environment");
            foreach (var (name, value) in environment) json.WriteString(name, value);
            json.WriteEndObject();
            json.WriteStartArray("secrets");
            foreach (var (file, names) in secrets)
            {
                json.WriteStartObject();
                json.WriteString("file", file.ToString());
                json.WriteStartArray("names");
                foreach (var name in names) json.WriteStringValue(name);
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    /// <summary>Runs it until it ends.</summary>
    /// <param name="disk">where the files lie.</param>
    /// <param name="children">starts it.</param>
    /// <param name="words">the file of surroundings, the folder, the program and its arguments.</param>
    /// <param name="output">where its standard output goes.</param>
    /// <param name="errors">where its standard error goes.</param>
    /// <param name="cancellationToken">ends it.</param>
    /// <returns>its exit code.</returns>
    public static async Task<int> RunAsync(
        IDisk disk,
        ChildProcesses children,
        IReadOnlyList<string> words,
        TextWriter output,
        TextWriter errors,
        CancellationToken cancellationToken)
    {
        var command = new ChildCommand([.. words.Skip(2)]) { Folder = words[1], Environment = Environment(disk, words[0]) };
        var result = await children.RunAsync(
            command,
            null,
            async (block, _) =>
            {
                await output.WriteAsync(Encoding.UTF8.GetString(block.Span));
                await output.FlushAsync(CancellationToken.None);
            },
            cancellationToken);
        await errors.WriteAsync(result.Errors);
        return result.Exit;
    }

    private static Dictionary<string, string?> Environment(IDisk disk, string file)
    {
        using var document = JsonDocument.Parse(Read(disk, new DiskPath(file)) ?? throw new RepriseException(
            StorageErrors.FileMissing, $"there is no {file}", "only a rehearsal calls this"));
        var environment = new Dictionary<string, string?>(StringComparer.Ordinal);
        foreach (var source in document.RootElement.GetProperty("secrets").EnumerateArray())
        {
            var path = source.GetProperty("file").GetString() ?? "";
            var values = Read(disk, new DiskPath(path)) is { } text ? DotEnv.Parse(text, path) : DotEnv.Empty;
            foreach (var name in source.GetProperty("names").EnumerateArray().Select(n => n.GetString() ?? ""))
            {
                if (values.Resolve(name, System.Environment.GetEnvironmentVariable) is { } value) environment[name] = value;
            }
        }

        foreach (var variable in document.RootElement.GetProperty("environment").EnumerateObject())
            environment[variable.Name] = variable.Value.GetString();
        return environment;
    }

    private static string? Read(IDisk disk, DiskPath path)
    {
        if (disk.Stat(path) is null) return null;
        using var file = disk.OpenRead(path);
        var bytes = new byte[MaxBytes];
        return Encoding.UTF8.GetString(bytes, 0, file.Read(0, bytes));
    }
}
