using System.Net.Sockets;
using Npgsql;

namespace Reprise.Recovery.Postgres;

/// <summary>A session over the wire.</summary>
internal sealed class NpgsqlSession : ISqlSession
{
    private const int CopyBytes = 128 * 1024;

    private readonly NpgsqlDataSource source;
    private readonly NpgsqlConnection connection;
    private readonly string where;

    private NpgsqlSession(NpgsqlDataSource source, NpgsqlConnection connection, string where)
    {
        this.source = source;
        this.connection = connection;
        this.where = where;
    }

    public string Database => connection.Database;

    public static async Task<NpgsqlSession> OpenAsync(
        PostgresConnection target, string database, CancellationToken cancellationToken)
    {
        var place = $"database {database} on {target.Server}";
        var settings = target.ToBuilder(database);
        var builder = new NpgsqlSlimDataSourceBuilder(settings.ConnectionString).EnableTransportSecurity();
        // Every answer is text: the tables of types need not be fetched.
        builder.ConfigureTypeLoading(types => types.EnableTypeLoading(false));
        var opened = builder.Build();
        try
        {
            return new NpgsqlSession(opened, await opened.OpenConnectionAsync(cancellationToken), place);
        }
        catch (PostgresException e)
        {
            await opened.DisposeAsync();
            throw SqlErrors.From(e.SqlState, e.MessageText, place, e);
        }
        catch (Exception e) when (e is NpgsqlException or SocketException or TimeoutException or IOException
            or System.Security.Authentication.AuthenticationException)
        {
            await opened.DisposeAsync();
            // Npgsql has no code for a missing password, only this text of its own, which is never translated.
            throw e.Message.Contains("password", StringComparison.OrdinalIgnoreCase) && target.Password is null
                ? SqlErrors.From("28P01", "it asks for a password and none is given", place, e)
                : SqlErrors.Unreachable(place, (e.InnerException ?? e).Message, e);
        }
        catch
        {
            await opened.DisposeAsync();
            throw;
        }
    }

    public async Task<string?> ScalarAsync(string sql, CancellationToken cancellationToken)
    {
        // The server sends every type as text then, as psql shows it.
        await using var command = new NpgsqlCommand(sql, connection) { AllResultTypesAreUnknown = true };
        try
        {
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            return await reader.ReadAsync(cancellationToken) && !await reader.IsDBNullAsync(0, cancellationToken)
                ? reader.GetString(0)
                : null;
        }
        catch (NpgsqlException e)
        {
            throw Failure(e);
        }
    }

    public async Task ExecuteAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        try
        {
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
        catch (NpgsqlException e)
        {
            throw Failure(e);
        }
    }

    /// <summary>
    /// Runs a <c>COPY … FROM stdin</c> in text form with what <paramref name="write"/> gives, as it is: the client
    /// encoding of these sessions is UTF-8.
    /// </summary>
    public async Task CopyInAsync(
        string statement, Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken)
    {
        try
        {
            var import = (NpgsqlCopyTextWriter)await connection.BeginTextImportAsync(statement, cancellationToken);
            await using (import)
            {
                try
                {
                    // Characters would be encoded once more on their way: the bytes go past the writer.
                    await write(import.BaseStream, cancellationToken);
                }
                catch
                {
                    // Without this, half of the rows would be taken for all of them.
                    await import.CancelAsync();
                    throw;
                }
            }
        }
        catch (NpgsqlException e)
        {
            throw Failure(e);
        }
    }

    /// <summary>Runs a <c>COPY … TO STDOUT</c> in text form and gives its bytes as the server sends them.</summary>
    public async Task CopyOutAsync(
        string statement, Action<ReadOnlyMemory<byte>> take, CancellationToken cancellationToken)
    {
        try
        {
            var export = (NpgsqlCopyTextReader)await connection.BeginTextExportAsync(statement, cancellationToken);
            using (export)
            {
                var buffer = new byte[CopyBytes];
                int got;
                while ((got = await export.BaseStream.ReadAsync(buffer, cancellationToken)) > 0)
                    take(buffer.AsMemory(0, got));
            }
        }
        catch (NpgsqlException e)
        {
            throw Failure(e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await connection.DisposeAsync();
        await source.DisposeAsync();
    }

    private Exception Failure(NpgsqlException e) => e is PostgresException p
        ? SqlErrors.From(p.SqlState, p.MessageText, where, p)
        : SqlErrors.Unreachable(where, (e.InnerException ?? e).Message, e);
}
