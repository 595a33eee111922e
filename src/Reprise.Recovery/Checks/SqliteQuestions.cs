using System.Globalization;
using Microsoft.Data.Sqlite;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;
using SQLitePCL;

namespace Reprise.Recovery.Checks;

/// <summary>
/// Asks SQLite files, each question on a connection of its own: read-only, because a writing one would fold the WAL
/// into the application's file when it is closed, and unpooled, because a pooled one would keep a file open that is
/// swapped.
/// </summary>
/// <param name="paths">absolute, by asset.</param>
/// <param name="cpu">where it runs.</param>
public sealed class SqliteQuestions(IReadOnlyDictionary<string, string> paths, Cpu cpu) : ISqlQuestions
{
    private const int BusySeconds = 5;

    /// <inheritdoc />
    public Task<string?> AskAsync(string asset, string query, CancellationToken cancellationToken)
    {
        var path = paths.TryGetValue(asset, out var found) ? found : throw new RepriseException(
            RecoveryErrors.AssetUnknown, $"{asset} is not a SQLite file", "correct the asset of the check");
        return cpu.RunAsync(() => Ask(path, query, cancellationToken), cancellationToken);
    }

    private static string? Ask(string path, string query, CancellationToken cancellationToken)
    {
        Batteries_V2.Init();
        var connect = new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = SqliteOpenMode.ReadOnly,
            Pooling = false,
            DefaultTimeout = BusySeconds,
        };
        try
        {
            using var connection = new SqliteConnection(connect.ToString());
            connection.Open();
            using var interrupt = cancellationToken.Register(() => raw.sqlite3_interrupt(connection.Handle));
            using var command = connection.CreateCommand();
            command.CommandText = query;
            using var reader = command.ExecuteReader();
            return reader.Read() && reader.FieldCount > 0 ? Text(reader.GetValue(0)) : null;
        }
        catch (SqliteException e)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw Refused(path, e);
        }
    }

    private static string? Text(object value) => value switch
    {
        DBNull => null,
        byte[] bytes => Convert.ToHexStringLower(bytes),
        double number => number.ToString("R", CultureInfo.InvariantCulture),
        IFormattable other => other.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString(),
    };

    private static RepriseException Refused(string path, SqliteException e) => new(
        new Problem(
            e.SqliteErrorCode switch
            {
                raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB => RecoveryErrors.SqliteDamaged,
                raw.SQLITE_BUSY or raw.SQLITE_LOCKED => RecoveryErrors.SqliteBusy,
                _ => RecoveryErrors.QuestionRefused,
            },
            Severity.Error,
            $"SQLite refused the question to {path}: {e.Message}",
            "try the query with sqlite3 on a copy of the file")
        {
            Where = path,
        },
        e);
}
