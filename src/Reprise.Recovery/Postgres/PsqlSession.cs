using System.Text;
using System.Threading.Channels;
using Reprise.Recovery.Processes;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;

namespace Reprise.Recovery.Postgres;

/// <summary>
/// A session through a child <c>psql</c> that is kept open, for servers that only a command prefix reaches. Each
/// statement is followed by an <c>\echo</c> of a mark nobody can guess together with psql's own account of how it
/// went, so that answers and errors are told apart on one stream and nothing depends on the language of messages.
/// </summary>
internal sealed class PsqlSession : ISqlSession
{
    private const int MaxAnswerBytes = 64 * 1024 * 1024;
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(5);

    private readonly Channel<string> statements = Channel.CreateBounded<string>(1);
    private readonly CancellationTokenSource ending = new();
    private readonly List<byte> answer = [];
    private readonly TimeProvider clock;
    private readonly string where;
    private readonly string mark;
    private readonly byte[] markBytes;
    private Task<ChildResult> running;
    private TaskCompletionSource<string>? waiting;

    private PsqlSession(string database, string where, TimeProvider clock, Entropy entropy)
    {
        Database = database;
        this.where = where;
        this.clock = clock;
        mark = "reprise-" + Convert.ToHexStringLower(entropy.Bytes(12));
        markBytes = Encoding.UTF8.GetBytes(mark + "-end\n");
        running = Task.FromResult(new ChildResult(0, "", "", TimeSpan.Zero));
    }

    public string Database { get; }

    public static async Task<PsqlSession> OpenAsync(
        PostgresPrograms programs,
        string database,
        TimeProvider clock,
        Entropy entropy,
        CancellationToken cancellationToken)
    {
        var session = new PsqlSession(database, $"database {database} {programs.Place}", clock, entropy);
        session.running = programs.RunAsync(
            "psql",
            ["-X", "-q", "-A", "-t", "-w"],
            database,
            session.FeedAsync,
            session.TakeAsync,
            session.ending.Token);
        try
        {
            await session.AskAsync(
                $"\\pset null {session.mark}-null\n\\set ON_ERROR_STOP off\nselect 1", cancellationToken);
            return session;
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    public async Task<string?> ScalarAsync(string sql, CancellationToken cancellationToken)
    {
        var text = await AskAsync(sql, cancellationToken);
        return text.Length == 0 || text == mark + "-null\n" ? null : text[..^1];
    }

    public Task ExecuteAsync(string sql, CancellationToken cancellationToken) => AskAsync(sql, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        statements.Writer.TryComplete();
        try
        {
            await running.WaitAsync(Farewell, clock, CancellationToken.None);
        }
        catch (TimeoutException)
        {
            await EndAsync();
        }
        catch (Exception e) when (e is RepriseException or OperationCanceledException)
        {
            // The session is over either way, and whoever asked last was told why.
        }

        ending.Dispose();
    }

    // Returns the answer with a line feed behind every row.
    private async Task<string> AskAsync(string sql, CancellationToken cancellationToken)
    {
        Invariant.Check(waiting is null, "a session answers one question at a time");
        var asked = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        waiting = asked;
        try
        {
            if (!statements.Writer.TryWrite(
                $"{sql}\n;\n\\echo {mark} :ERROR :SQLSTATE\n\\echo :LAST_ERROR_MESSAGE\n\\echo {mark}-end\n"))
            {
                throw await LostAsync();
            }

            var first = await Task.WhenAny(asked.Task, running).WaitAsync(cancellationToken);
            if (first != asked.Task && !asked.Task.IsCompleted) throw await LostAsync();
            return Judge(await asked.Task);
        }
        catch (OperationCanceledException)
        {
            await EndAsync();
            throw;
        }
        finally
        {
            waiting = null;
        }
    }

    private string Judge(string output)
    {
        var at = output.LastIndexOf(mark + " ", StringComparison.Ordinal);
        Invariant.Check(at >= 0, "psql echoes every mark");
        var verdict = output[(at + mark.Length + 1)..].Split('\n', 2);
        var words = verdict[0].Split(' ');
        if (words[0] != "true") return output[..at];
        throw SqlErrors.From(words[1], verdict[1].Trim(), where);
    }

    private async Task FeedAsync(Stream input, CancellationToken cancellationToken)
    {
        while (await statements.Reader.WaitToReadAsync(cancellationToken))
        {
            while (statements.Reader.TryRead(out var statement))
            {
                await input.WriteAsync(Encoding.UTF8.GetBytes(statement), cancellationToken);
                await input.FlushAsync(cancellationToken);
            }
        }
    }

    private ValueTask TakeAsync(ReadOnlyMemory<byte> block, CancellationToken cancellationToken)
    {
        Invariant.Check(answer.Count + block.Length <= MaxAnswerBytes, "an answer of psql is larger than 64 MiB");
        answer.AddRange(block.Span);
        if (!block.Span.EndsWith("\n"u8) || !EndsWithMark()) return ValueTask.CompletedTask;
        var text = Encoding.UTF8.GetString(answer.ToArray());
        answer.Clear();
        waiting?.TrySetResult(text[..^markBytes.Length]);
        return ValueTask.CompletedTask;
    }

    private bool EndsWithMark()
    {
        if (answer.Count < markBytes.Length) return false;
        for (var i = 0; i < markBytes.Length; i++)
        {
            if (answer[answer.Count - markBytes.Length + i] != markBytes[i]) return false;
        }

        return true;
    }

    // psql ended by itself: its last words say why the server cannot be reached, or that the session was lost.
    private async Task<RepriseException> LostAsync()
    {
        var result = await running;
        return ConnectFailure.Of(result, where);
    }

    private async Task EndAsync()
    {
        ending.Cancel();
        try
        {
            await running;
        }
        catch (OperationCanceledException)
        {
            // The child was ended because we asked for it.
        }
    }
}

/// <summary>
/// What kept a child from connecting. The server says no SQLSTATE before a login has succeeded, and may say it in its
/// own language: then it is told as it was said, as "does not answer".
/// </summary>
internal static class ConnectFailure
{
    public static RepriseException Of(ChildResult result, string where)
    {
        var said = result.LastError;
        if (result.Exit is 126 or 127)
        {
            return new RepriseException(
                RecoveryErrors.ClientMissing,
                $"the program cannot be started where via leads: {said}",
                "check via; the container must have psql, pg_dump and pg_restore");
        }

        var errors = result.Errors;
        if (errors.Contains("password authentication failed", StringComparison.Ordinal)
            || errors.Contains("authentication failed for user", StringComparison.Ordinal)
            || errors.Contains("no password supplied", StringComparison.Ordinal)
            || errors.Contains("no pg_hba.conf entry", StringComparison.Ordinal)
            || (errors.Contains("role \"", StringComparison.Ordinal) && errors.Contains(
                "does not exist", StringComparison.Ordinal)))
        {
            return SqlErrors.From("28P01", said, where);
        }

        if (errors.Contains("database \"", StringComparison.Ordinal)
            && errors.Contains("does not exist", StringComparison.Ordinal))
        {
            return SqlErrors.From(SqlErrors.UndefinedDatabase, said, where);
        }

        return SqlErrors.Unreachable(where, said);
    }
}
