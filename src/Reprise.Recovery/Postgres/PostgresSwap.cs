using Reprise.Recovery.Assets;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres;

/// <summary>
/// Exchanges databases by renaming them. All renames of an exchange are one transaction: there is no half of it, and a
/// kill at any moment leaves either the one state or the other. A rename holds a lock on its database that new sessions
/// wait for, and they are turned away when it has happened; the sessions that are there are ended from a second session
/// while the rename waits for them to go (the server gives it five seconds).
/// </summary>
internal sealed class PostgresSwap(PostgresServer server, PostgresHost host, RestoreItem item)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public async Task RunAsync(
        IReadOnlyList<RestoreDatabase> databases, string maintenance, Swap swap, CancellationToken cancellationToken)
    {
        await using var session = await server.OpenAsync(maintenance, SessionUse.Ours, cancellationToken);
        var names = databases.SelectMany(database => Names(database, swap)).Distinct(StringComparer.Ordinal);
        var states = (await session.AskAsync(
            CatalogSql.States(names), CatalogJson.Default.IReadOnlyListDatabaseState, cancellationToken))
            .ToDictionary(state => state.Name);
        var steps = databases.Select(database => Plan(database, swap, states)).ToList();
        var renames = steps.SelectMany(step => step.Renames).ToList();
        if (renames.Count == 0) return;

        var roles = (await session.AskAsync(
            "select pg_catalog.json_agg(rolname)::text from pg_catalog.pg_roles",
            CatalogJson.Default.IReadOnlyListString,
            cancellationToken)).ToHashSet(StringComparer.Ordinal);
        await using var ender = await server.OpenAsync(maintenance, SessionUse.Ours, cancellationToken);
        await RenameAsync(
            session,
            ender,
            [.. renames.Select(rename => rename.From)],
            [.. Statements(steps, swap, roles)],
            cancellationToken);
    }

    internal static Step Plan(RestoreDatabase database, Swap swap, IReadOnlyDictionary<string, DatabaseState> states)
    {
        var incoming = swap.Incoming is null ? null : SlotNames.Of(database.Live, swap.Incoming);
        var outgoing = SlotNames.Of(database.Live, swap.Outgoing);
        var renames = new List<(string From, string To)>();
        var comesIn = incoming is not null && states.ContainsKey(incoming);
        var goesOut = states.ContainsKey(database.Live) && (comesIn || incoming is null);
        if (incoming is not null && !comesIn && !states.ContainsKey(database.Live))
        {
            throw new RepriseException(
                RecoveryErrors.DatabaseMissing,
                $"neither {database.Live} nor {incoming} exists",
                "restore the point again: nothing of the restore is left on the server");
        }

        if (goesOut && states.ContainsKey(outgoing))
        {
            throw new RepriseException(
                RecoveryErrors.TargetInUse,
                $"{database.Live} and {outgoing} both exist: something made {database.Live} anew during the restore",
                $"look into both; drop or rename {database.Live}, then run 'reprise restore --continue'");
        }

        if (goesOut) renames.Add((database.Live, outgoing));
        if (comesIn) renames.Add((incoming!, database.Live)); // Not null: it is among the states.
        return new Step(database, renames, goesOut ? outgoing : null, comesIn);
    }

    internal sealed record Step(
        RestoreDatabase Database, IReadOnlyList<(string From, string To)> Renames, string? Outgoing, bool ComesIn);

    private static IEnumerable<string> Names(RestoreDatabase database, Swap swap)
    {
        yield return database.Live;
        yield return SlotNames.Of(database.Live, swap.Outgoing);
        if (swap.Incoming is { } incoming) yield return SlotNames.Of(database.Live, incoming);
    }

    // What is set aside accepts nobody until it comes back: a forgotten job must not go on writing into it.
    private static IEnumerable<string> Statements(List<Step> steps, Swap swap, HashSet<string> roles)
    {
        yield return "begin";
        foreach (var step in steps)
        {
            foreach (var (from, to) in step.Renames)
            {
                yield return $"alter database {Sql.Name(from)} rename to {Sql.Name(to)}";
            }
            if (step.Outgoing is { } outgoing)
            {
                yield return $"alter database {Sql.Name(outgoing)} with allow_connections false";
            }
            if (!step.ComesIn) continue;
            yield return $"alter database {Sql.Name(step.Database.Live)} with allow_connections true";
            if (swap.Incoming?.Kind != SlotKind.New) continue;
            foreach (var grant in DatabaseSql.Grants(step.Database.Live, step.Database.Facts, roles))
            {
                yield return grant;
            }
        }

        yield return "commit";
    }

    private async Task RenameAsync(
        ISqlSession session,
        ISqlSession ender,
        IReadOnlyList<string> names,
        IReadOnlyList<string> statements,
        CancellationToken cancellationToken)
    {
        var started = host.Clock.GetTimestamp();
        while (true)
        {
            RepriseException? refused = null;
            var renaming = ExecuteAsync(session, statements, cancellationToken);
            while (!renaming.IsCompleted)
            {
                refused = await EndSessionsAsync(ender, names, cancellationToken) ?? refused;
                await Task.WhenAny(renaming, Task.Delay(Pause, host.Clock, CancellationToken.None));
            }

            try
            {
                await renaming;
                return;
            }
            catch (SqlException e) when (e.State == SqlErrors.ObjectInUse)
            {
                // A session that was told to end may need longer than the server waits: rolling back takes its time.
                if (refused is null && host.Clock.GetElapsedTime(started) < Patience) continue;
                throw await InUseAsync(ender, names, refused ?? e, cancellationToken);
            }
        }
    }

    private static async Task ExecuteAsync(
        ISqlSession session, IReadOnlyList<string> statements, CancellationToken cancellationToken)
    {
        try
        {
            foreach (var statement in statements) await session.ExecuteAsync(statement, cancellationToken);
        }
        catch (SqlException)
        {
            await session.ExecuteAsync("rollback", CancellationToken.None);
            throw;
        }
    }

    private static async Task<RepriseException?> EndSessionsAsync(
        ISqlSession ender, IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        try
        {
            await ender.ScalarAsync(
                "select pg_catalog.count(pg_catalog.pg_terminate_backend(pid))::text"
                + " from pg_catalog.pg_stat_activity where datname in ("
                + string.Join(", ", names.Select(Sql.Text)) + ") and coalesce(backend_type, '') <> 'autovacuum worker'",
                cancellationToken);
            return null;
        }
        catch (SqlException e) when (e.State == SqlErrors.InsufficientPrivilege)
        {
            return e;
        }
    }

    private async Task<RepriseException> InUseAsync(
        ISqlSession ender, IReadOnlyList<string> names, RepriseException cause, CancellationToken cancellationToken)
    {
        var users = new List<string>();
        foreach (var name in names)
        {
            users.AddRange(await ender.AskAsync(
                CatalogSql.Sessions(name), CatalogJson.Default.IReadOnlyListString, cancellationToken));
        }

        var who = users.Count == 0 ? cause.Problem.Message : string.Join("; ", users);
        return new RepriseException(
            RecoveryErrors.TargetInUse,
            $"{item.Record.Name} is in use and could not be freed: {who}",
            "stop what is connected, or connect as a superuser or with pg_signal_backend,"
                + " then run 'reprise restore --continue'",
            cause);
    }
}
