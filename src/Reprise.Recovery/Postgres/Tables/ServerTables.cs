using System.Globalization;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Postgres.Physical;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres.Tables;

/// <summary>
/// The files of a server, written into a folder of our own and started there for a while: nobody else reaches it, it replays its
/// WAL up to the moment as every copy does, and <c>pg_dump</c> takes the tables out of it.
/// </summary>
internal sealed class ServerTables : TableSource
{
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(100);

    private readonly PostgresHost host;
    private readonly PrivateServer server;

    private ServerTables(PostgresHost host, TableWish wish, PrivateServer server, ReachedMoment? reached)
        : base(wish)
    {
        (this.host, this.server) = (host, server);
        Reached = reached;
    }

    /// <summary>Writes the files, replays the WAL, and starts the server.</summary>
    /// <exception cref="RepriseException"><c>client-missing</c>, <c>target-too-small</c>, <c>cluster-refused</c>, <c>replay-failed</c>.</exception>
    public static async Task<ServerTables> OpenAsync(
        PostgresHost host, PostgresSettings settings, TableWish wish, IProgressSink progress, CancellationToken cancellationToken)
    {
        var (record, moment) = (wish.Record, wish.Moment);
        var (cluster, major) = (ClusterFacts.Of(record), PhysicalRestore.Major(record));
        var programs = await ServerPrograms.FindAsync(host, settings, major, cancellationToken) ?? throw ServerPrograms.Missing(major);
        var needed = record.SourceBytes + (moment?.ReplayBytes ?? 0);
        if (host.Disk.Space(wish.Scratch).FreeBytes is var free && free < needed)
        {
            throw new RepriseException(
                RecoveryErrors.TargetTooSmall,
                string.Create(CultureInfo.InvariantCulture, $"{wish.Scratch} has room for {free:N0} bytes; the server that the table is taken out of needs {needed:N0}"),
                "name a folder with more room: --stage FOLDER");
        }

        var files = new PhysicalRestore(host, settings, record, wish.Point, progress)
        {
            Beyond = moment is null ? null : (moment, settings.Archive ?? throw new InvariantException($"a moment of {record.Name} was found in no archive")),
        };
        await files.RunAsync(wish.Scratch, cancellationToken);
        var data = wish.Scratch / PhysicalRestore.DataName;
        var owner = host.Disk.Stat(data) ?? throw new InvariantException($"{data} was just written");
        var place = new ReplayPlace(wish.Scratch, c => ServerPrograms.AsOwner(owner, c.Arguments) with { Within = c.Within });
        var replay = new PhysicalReplay(host, programs, cluster, ReplayTarget.Of(cluster, moment), progress) { Place = place };
        var end = await replay.RunAsync(data, moment?.ReplayBytes ?? 0, cancellationToken);
        var reached = moment is null ? null : MomentEnd.Of(record, moment, files.Laid?.LastEnd, end);
        progress.Begin($"start the copy of {record.Name} in {wish.Scratch}", null);
        var started = await PrivateServer.StartAsync(host, programs, data, cluster.Superuser, isWatched: false, place, cancellationToken);
        var made = new ServerTables(host, wish, started, reached);
        try
        {
            await made.AwaitAsync(cancellationToken);
            return made;
        }
        catch
        {
            await made.DisposeAsync();
            throw;
        }
    }

    public override ValueTask DisposeAsync() => server.DisposeAsync();

    public override async Task StreamAsync(IReadOnlyList<FoundTable> tables, TableScript script, CancellationToken cancellationToken)
    {
        var database = tables[0].Database;
        var names = new List<string>();
        int major;
        await using (var session = await server.Server.OpenAsync(database, SessionUse.Ours, cancellationToken))
        {
            major = (await session.AskAsync(CatalogSql.Server, CatalogJson.Default.CatalogServer, cancellationToken)).Major;
            foreach (var table in tables)
            {
                var all = await session.AskAsync(CatalogSql.WithPartitions(table.Schema, table.Name), CatalogJson.Default.IReadOnlyListCatalogTable, cancellationToken);
                names.AddRange(all.Select(t => Sql.Name(t.Schema, t.Name)));
            }
        }

        var programs = await server.Server.ProgramsAsync(major, cancellationToken);
        using var parser = new DumpParser(script, new DumpHeadParser { KeepsItems = true });
        var result = await programs.RunAsync(
            "pg_dump", ["-Fc", "-Z0", "-w", "--no-sync", .. names.Distinct().Select(n => "--table=" + n)], database, null, parser.TakeAsync, cancellationToken);
        PostgresPrograms.Judge("pg_dump", result);
        parser.Finish();
        await script.FinishAsync(cancellationToken);
    }

    public override async Task<FoundTable> MeasureAsync(FoundTable table, CancellationToken cancellationToken)
    {
        await using var session = await server.Server.OpenAsync(table.Database, SessionUse.Ours, cancellationToken);
        var name = Sql.Name(table.Schema, table.Name);
        var only = table.Kind == 'p' ? "" : "only ";
        var rows = await session.ScalarAsync($"select pg_catalog.count(*)::text from {only}{name}", cancellationToken);
        var bytes = await session.ScalarAsync(
            $"select pg_catalog.sum(pg_catalog.pg_table_size(relid))::text from pg_catalog.pg_partition_tree({Sql.Text(name)}::pg_catalog.regclass)", cancellationToken)
            ?? await session.ScalarAsync($"select pg_catalog.pg_table_size({Sql.Text(name)}::pg_catalog.regclass)::text", cancellationToken);
        return table with { Rows = Number(rows), Bytes = Number(bytes) };
    }

    protected override async Task<IReadOnlyList<string>> DatabasesAsync(CancellationToken cancellationToken)
    {
        await using var session = await server.Server.OpenAsync("template1", SessionUse.Ours, cancellationToken);
        return await session.AskAsync(CatalogSql.Databases, CatalogJson.Default.IReadOnlyListString, cancellationToken);
    }

    protected override async Task<IReadOnlyList<FoundTable>> AllAsync(string database, CancellationToken cancellationToken)
    {
        await using var session = await server.Server.OpenAsync(database, SessionUse.Ours, cancellationToken);
        var all = await session.AskAsync(CatalogSql.Relations, CatalogJson.Default.IReadOnlyListCatalogTable, cancellationToken);
        return [.. all.Select(t => new FoundTable(database, t.Schema, t.Name, t.Kind is [var kind] ? kind : ' '))];
    }

    private static long? Number(string? text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private async Task AwaitAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            if (await server.TryOpenAsync(cancellationToken) is { } session)
            {
                await session.DisposeAsync();
                return;
            }

            if (server.HasEnded)
            {
                var end = await server.EndAsync();
                throw new RepriseException(RecoveryErrors.ChildFailed, $"the copy of the server did not start: {end.Why}", "correct what it says, then run the command again");
            }

            await Task.Delay(Glance, host.Clock, cancellationToken);
        }
    }
}
