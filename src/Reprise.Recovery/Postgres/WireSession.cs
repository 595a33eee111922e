using System.Globalization;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres;

/// <summary>
/// A session over a protocol of our own, with every way to log in and to encrypt that the connection asks for, for the few
/// questions of something that runs for weeks: nothing in it has a thread of its own, and whatever breaks is an error of ours.
/// </summary>
internal sealed class WireSession : IDisposable
{
    private WireSession(WireMessages messages) => Messages = messages;

    /// <summary>The version of the server.</summary>
    public int Major { get; private set; }

    /// <summary>For what is no question and answer.</summary>
    public WireMessages Messages { get; }

    /// <summary>Connects and logs in.</summary>
    /// <param name="target">where.</param>
    /// <param name="where">the same, for messages.</param>
    /// <param name="parameters">what the session is told at its start.</param>
    /// <param name="host">what the room stands on.</param>
    /// <param name="cancellationToken">ends the attempt.</param>
    /// <exception cref="RepriseException"><c>database-unavailable</c>, <c>password-refused</c>, <c>connection-invalid</c>, and what a server answers.</exception>
    public static async Task<WireSession> OpenAsync(
        PostgresConnection target,
        string where,
        IReadOnlyList<(string Name, string Value)> parameters,
        PostgresHost host,
        CancellationToken cancellationToken)
    {
        if (target.Options.GetValueOrDefault("channel_binding") == "require")
        {
            throw new RepriseException(
                RecoveryErrors.ConnectionInvalid, $"{where}: channel_binding=require is not spoken here", "use sslmode=verify-full instead of it");
        }

        using var within = new CancellationTokenSource(TimeSpan.FromSeconds(target.ConnectSeconds), host.Clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, within.Token);
        WireMessages? messages = null;
        try
        {
            messages = new WireMessages(await WireDialer.DialAsync(target, where, host, both.Token), where);
            var session = new WireSession(messages);
            var logIn = new WireLogIn(target.User, target.Password, host.Entropy);
            if (await messages.LogInAsync(logIn, [.. Common(target), .. parameters], both.Token) is { } refused) throw refused;
            session.Major = session.ReadMajor();
            return session;
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            messages?.Dispose();
            throw SqlErrors.Unreachable(where, $"nothing came back within {target.ConnectSeconds} s", e);
        }
        catch
        {
            messages?.Dispose();
            throw;
        }
    }

    /// <summary>Runs statements or a command of replication; the first row of the answer, or null: there is none.</summary>
    /// <exception cref="SqlException">the server refused it.</exception>
    public async Task<IReadOnlyList<byte[]?>?> AskAsync(string command, CancellationToken cancellationToken)
    {
        await Messages.SendAsync('Q', WireMessages.Terminated(command), cancellationToken);
        IReadOnlyList<byte[]?>? row = null;
        await Messages.UntilReadyAsync(
            (type, body) =>
            {
                if (type == 'D') row ??= Messages.Row(body);
            },
            cancellationToken);
        return row;
    }

    /// <summary>An answer that is none.</summary>
    public RepriseException Strange(string to) => SqlErrors.Unreachable(Messages.Where, $"its answer to {to} cannot be understood");

    /// <inheritdoc />
    public void Dispose() => Messages.Dispose();

    private static IEnumerable<(string Name, string Value)> Common(PostgresConnection target)
    {
        yield return ("user", target.User);
        yield return ("client_encoding", "UTF8");
        if (target.Options.TryGetValue("options", out var options)) yield return ("options", options);
    }

    private int ReadMajor() =>
        Messages.Parameters.GetValueOrDefault("server_version") is { } text
        && int.TryParse(text.AsSpan(0, text.TakeWhile(char.IsAsciiDigit).Count()), NumberStyles.None, CultureInfo.InvariantCulture, out var major)
            ? major
            : throw Strange("the login");
}
