using System.Text;
using Reprise.Recovery.Processes;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres;

/// <summary>
/// Starts the client programs against one server. What is secret travels in the environment, or, where a prefix leads
/// into a container that does not get our environment, as the first line of standard input.
/// </summary>
internal sealed class PostgresPrograms(
    PostgresConnection connection, IReadOnlyList<string>? via, ClientSet clients, ChildProcesses children)
{
    // Reads the password from standard input, which stays open for the program behind it.
    private const string TakePassword = "IFS= read -r PGPASSWORD && export PGPASSWORD && exec \"$@\"";

    public ClientSet Clients => clients;

    public bool IsVia => via is not null;

    /// <summary>Where the server is, for messages: <c>on 127.0.0.1:5432</c>.</summary>
    public string Place => via is null ? $"on {connection.Server}" : $"through '{string.Join(' ', via)}'";

    /// <summary>Runs <paramref name="program"/> connected to <paramref name="database"/>.</summary>
    public Task<ChildResult> RunAsync(
        string program,
        IReadOnlyList<string> arguments,
        string database,
        Func<Stream, CancellationToken, Task>? writeInput,
        Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask>? readOutput,
        CancellationToken cancellationToken)
    {
        var command = Command(program, arguments, database);
        if (via is null || connection.Password is not { } password)
        {
            return children.RunAsync(command, writeInput, readOutput, cancellationToken);
        }

        return children.RunAsync(
            command,
            async (input, token) =>
            {
                await input.WriteAsync(Encoding.UTF8.GetBytes(password + "\n"), token);
                await input.FlushAsync(token);
                if (writeInput is not null) await writeInput(input, token);
            },
            readOutput,
            cancellationToken);
    }

    /// <summary>
    /// Judges a program of PostgreSQL's by its exit code and by what it said; warnings come back.
    /// </summary>
    /// <exception cref="RepriseException"><c>child-failed</c>.</exception>
    public static IReadOnlyList<string> Judge(string program, ChildResult result)
    {
        var lines = result.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var error = lines.FirstOrDefault(line => IsError(program, line));
        if (result.Exit == 0 && error is null)
        {
            return [.. lines.Where(line => line.Contains("warning:", StringComparison.OrdinalIgnoreCase))];
        }

        var said = error ?? lines.LastOrDefault() ?? "it said nothing";
        throw new RepriseException(
            RecoveryErrors.ChildFailed,
            $"{program} ended with exit {result.Exit}: {said}",
            said.Contains("permission denied", StringComparison.Ordinal)
                ? "connect as the owner of the database, as a superuser, or grant pg_read_all_data"
                : "correct what it says, then run the command again");
    }

    internal static bool IsError(string program, string line) =>
        line.StartsWith(program + ": error:", StringComparison.Ordinal)
        || line.StartsWith(program + ": fatal:", StringComparison.Ordinal)
        || line.StartsWith("ERROR:", StringComparison.Ordinal)
        || line.StartsWith("FATAL:", StringComparison.Ordinal)
        || line.StartsWith("PANIC:", StringComparison.Ordinal);

    private ChildCommand Command(string program, IReadOnlyList<string> arguments, string database)
    {
        var environment = connection.ToEnvironment(database);
        if (program == "psql") environment["PGCLIENTENCODING"] = "UTF8";
        if (via is null)
        {
            return new ChildCommand([clients.PathOf(program), .. arguments]) { Environment = environment };
        }

        // A container gets no environment of ours: what is not secret goes through env(1), which every image has.
        string[] before = connection.Password is null ? [] : ["sh", "-c", TakePassword, "sh"];
        string[] inside =
        [
            "env", "LC_ALL=C", $"PGDATABASE={database}", "PGAPPNAME=reprise",
            .. connection.IsUserGiven ? (string[])[$"PGUSER={connection.User}"] : [],
            .. program == "psql" ? (string[])["PGCLIENTENCODING=UTF8"] : [],
            program,
        ];
        return new ChildCommand([.. via, .. before, .. inside, .. arguments])
        {
            Environment = ConnectionKeywords.NoVariables,
        };
    }
}
