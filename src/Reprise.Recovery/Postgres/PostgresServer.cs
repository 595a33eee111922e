using Reprise.Recovery.Processes;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres;

/// <summary>
/// The way to one server: sessions, and client programs that suit it. With <c>via</c> everything goes through the
/// prefix, so that the server needs neither a published port nor programs on this machine.
/// </summary>
internal sealed class PostgresServer
{
    private readonly PostgresSettings settings;
    private readonly PostgresHost host;
    private readonly Clients clients;
    private ClientSet? inside;

    public PostgresServer(PostgresSettings settings, PostgresHost host)
    {
        this.settings = settings;
        this.host = host;
        Connection = ConnectionDefaults.Resolve(settings.ConnectionText, host.Sources);
        clients = new Clients(host.Disk, host.Children, host.Variable, settings.ClientFolder);
    }

    public PostgresConnection Connection { get; }

    public bool IsVia => settings.Via is not null;

    /// <summary>As a person says it: <c>database shop on 127.0.0.1:5432</c>.</summary>
    public string Where(string database) => settings.Via is { } via
        ? $"database {database} through '{string.Join(' ', via)}'"
        : $"database {database} on {Connection.Server}";

    /// <summary>Opens a session.</summary>
    /// <exception cref="RepriseException">
    /// <c>database-unavailable</c>, <c>password-refused</c>, <c>database-missing</c>, <c>client-missing</c> (psql).
    /// </exception>
    public async Task<ISqlSession> OpenAsync(string database, SessionUse use, CancellationToken cancellationToken)
    {
        ISqlSession session = settings.Via is null
            ? await NpgsqlSession.OpenAsync(Connection, database, cancellationToken)
            : await PsqlSession.OpenAsync(
                ProgramsOf(new ClientSet(null, 0, "")), database, host.Clock, host.Entropy, cancellationToken);
        try
        {
            await session.ExecuteAsync(
                use == SessionUse.Ours ? Sql.Setup : "set default_transaction_read_only = on", cancellationToken);
            return session;
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    /// <summary>Opens a session of ours that can also be fed with rows; not with <c>via</c>.</summary>
    public async Task<NpgsqlSession> OpenForRowsAsync(string database, CancellationToken cancellationToken) =>
        (NpgsqlSession)await OpenAsync(database, SessionUse.Ours, cancellationToken);

    /// <summary>
    /// Opens a connection for reading very many rows; null with <c>via</c>, where encryption is demanded, or when the
    /// server does not let it in.
    /// </summary>
    public async Task<WireConnection?> TryOpenWireAsync(string database, CancellationToken cancellationToken) =>
        IsVia || Connection.Options.GetValueOrDefault("sslmode", "prefer") is not ("prefer" or "allow" or "disable")
            || Connection.Options.GetValueOrDefault("channel_binding") == "require"
            ? null
            : await WireConnection.TryOpenAsync(Connection, database, host.Entropy, host.Cpu, cancellationToken);

    /// <summary>The programs for a server of this major.</summary>
    /// <exception cref="RepriseException"><c>client-missing</c>, <c>client-too-old</c>.</exception>
    public async Task<PostgresPrograms> ProgramsAsync(int serverMajor, CancellationToken cancellationToken)
    {
        if (settings.Via is null) return ProgramsOf(await clients.ForServerAsync(serverMajor, cancellationToken));
        inside ??= await InsideAsync(settings.Via, cancellationToken);
        return ProgramsOf(Clients.Choose([inside], serverMajor));
    }

    private PostgresPrograms ProgramsOf(ClientSet set) => new(Connection, settings.Via, set, host.Children);

    private async Task<ClientSet> InsideAsync(IReadOnlyList<string> via, CancellationToken cancellationToken)
    {
        var result = await host.Children.RunAsync(
            new ChildCommand([.. via, "pg_dump", "--version"]) { Within = TimeSpan.FromSeconds(60) },
            cancellationToken);
        if (result.Exit == 0 && Clients.Read(null, result.Output) is { } set) return set;
        throw ConnectFailure.Of(result, $"'{string.Join(' ', via)}'");
    }
}
