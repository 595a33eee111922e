using Reprise.Recovery.Assets;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres.Tables;

/// <summary>What tables are taken out of.</summary>
internal abstract class TableSource(TableWish wish) : IAsyncDisposable
{
    private const int MostNamed = 3;

    /// <summary>Where the recovery of its server ended, or null.</summary>
    public ReachedMoment? Reached { get; protected set; }

    /// <summary>Finds them: all in one database.</summary>
    /// <exception cref="RepriseException"><c>table-unknown</c>, <c>table-ambiguous</c>, <c>table-not-restorable</c>.</exception>
    public async Task<IReadOnlyList<FoundTable>> FindAsync(CancellationToken cancellationToken)
    {
        var databases = await DatabasesAsync(cancellationToken);
        var searched = wish.Database is null ? databases : databases.Where(d => d == wish.Database).ToList();
        if (searched.Count == 0) throw NoDatabase(databases);
        var all = new List<FoundTable>();
        foreach (var database in searched) all.AddRange(await AllAsync(database, cancellationToken));
        var matches = wish.Tables.Select(t => (Wanted: t, Found: all.Where(f => IsMeant(t, f)).ToList())).ToList();
        foreach (var (wanted, found) in matches.Where(m => m.Found.Count == 0)) throw Unknown(wanted, all);
        var common = searched.Where(d => matches.All(m => m.Found.Any(f => f.Database == d))).ToList();
        if (common is not [var only]) throw Ambiguous(common, matches[0].Wanted, matches.SelectMany(m => m.Found));
        var chosen = matches.Select(m => One(m.Wanted, [.. m.Found.Where(f => f.Database == only)])).ToList();
        return [.. chosen.DistinctBy(f => (f.Schema, f.Name))];
    }

    /// <summary>Passes a dump of them by, and of nothing else's rows.</summary>
    public abstract Task StreamAsync(IReadOnlyList<FoundTable> tables, TableScript script, CancellationToken cancellationToken);

    /// <summary>How many rows there are and how much they take.</summary>
    public abstract Task<FoundTable> MeasureAsync(FoundTable table, CancellationToken cancellationToken);

    public abstract ValueTask DisposeAsync();

    protected abstract Task<IReadOnlyList<string>> DatabasesAsync(CancellationToken cancellationToken);

    /// <summary>Everything in a database that a person might take for a table.</summary>
    protected abstract Task<IReadOnlyList<FoundTable>> AllAsync(string database, CancellationToken cancellationToken);

    private static bool IsMeant(NamedTable wanted, FoundTable found) =>
        found.Name == wanted.Name && (wanted.Schema is null || found.Schema == wanted.Schema);

    private static FoundTable One(NamedTable wanted, IReadOnlyList<FoundTable> found)
    {
        if (found is not [var one])
        {
            throw new RepriseException(
                RecoveryErrors.TableAmbiguous,
                $"{Shown(wanted)} is there {found.Count} times",
                $"name one of {string.Join(", ", found.Select(f => NamedTable.Shown(f.Typed)))}");
        }

        var kind = one.Kind switch
        {
            'r' or 'p' => null,
            'v' or 'm' => "a view: it shows what is in tables",
            'S' => "a sequence: it comes with its table in a file (--to)",
            'f' => "a foreign table: its rows are elsewhere",
            _ => "no table",
        };
        return kind is null ? one : throw new RepriseException(
            RecoveryErrors.TableNotRestorable, $"{NamedTable.Shown(one.Typed)} is {kind}", "name the tables that hold the rows");
    }

    private RepriseException NoDatabase(IReadOnlyList<string> databases) => new(
        RecoveryErrors.TableUnknown,
        $"point {wish.Point.Manifest.Id} has no database {NamedTable.Shown(wish.Database ?? "")} of {wish.Record.Name}",
        $"it has {string.Join(", ", databases.Take(20).Select(NamedTable.Shown))}");

    private static string Shown(NamedTable name) => NamedTable.Shown(name.ToString());

    private RepriseException Unknown(NamedTable wanted, List<FoundTable> all)
    {
        var text = wanted.Name;
        var near = all
            .Select(f => (f.Typed, Distance: Distance(text, f)))
            .Where(f => f.Distance <= Math.Max(2, text.Length / 3))
            .OrderBy(f => f.Distance).ThenBy(f => f.Typed, StringComparer.Ordinal)
            .Select(f => NamedTable.Shown(f.Typed)).Distinct().Take(MostNamed).ToList();
        var where = wish.Database is null ? "" : $" in database {NamedTable.Shown(wish.Database)}";
        return new RepriseException(
            RecoveryErrors.TableUnknown,
            $"{wish.Record.Name} has no table {Shown(wanted)}{where} at that moment",
            near.Count > 0 ? $"did you mean {string.Join(", ", near)}?" : $"it has {all.Count:N0} tables, views and sequences, none of a name like that; choose another moment or --database");
    }

    // A name that differs only in case or schema is what is most likely meant.
    private static int Distance(string wanted, FoundTable found) =>
        Math.Abs(wanted.Length - found.Name.Length) > wanted.Length ? int.MaxValue
        : ConnectionKeywords.Distance(wanted.ToLowerInvariant(), found.Name.ToLowerInvariant());

    private static RepriseException Ambiguous(List<string> databases, NamedTable first, IEnumerable<FoundTable> found) => databases.Count == 0
        ? new RepriseException(
            RecoveryErrors.TableAmbiguous,
            $"no database has all of these tables: {string.Join(", ", found.Select(f => NamedTable.Shown($"{f.Database}: {f.Typed}")).Distinct().Take(20))}",
            "bring back the tables of one database at a time")
        : new RepriseException(
            RecoveryErrors.TableAmbiguous,
            $"{Shown(first)} is there in several databases: {string.Join(", ", databases.Take(20).Select(NamedTable.Shown))}",
            "choose one with --database NAME");
}

/// <summary>A dump that a point holds: read where it lies, without any server.</summary>
internal sealed class DumpedTables(TableWish wish) : TableSource(wish)
{
    private readonly TableWish wish = wish;
    private readonly Dictionary<string, DumpHead> heads = new(StringComparer.Ordinal);

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;

    public override async Task StreamAsync(IReadOnlyList<FoundTable> tables, TableScript script, CancellationToken cancellationToken)
    {
        var head = await HeadAsync(tables[0].Database, cancellationToken);
        await script.EndHeadAsync(head, cancellationToken);
        var entries = head.Data.ToDictionary(e => e.Id);
        foreach (var rows in (await RowsAsync(tables[0].Database, cancellationToken)).Where(r => script.Wants(r.Id)))
        {
            var entry = entries[rows.Id];
            await script.BeginAsync(entry, rows.Block, cancellationToken);
            await foreach (var block in wish.Point.ReadAsync(rows.Content, cancellationToken))
            {
                Invariant.Check(block.HoleBytes == 0, "a dump is stored without holes");
                await script.TakeAsync(block.Bytes, cancellationToken);
            }

            await script.EndAsync(entry, rows.Rows, cancellationToken);
        }

        await script.FinishAsync(cancellationToken);
    }

    public override async Task<FoundTable> MeasureAsync(FoundTable table, CancellationToken cancellationToken)
    {
        var head = await HeadAsync(table.Database, cancellationToken);
        var group = TableSelection.Of(head, table.Schema, table.Name) ?? throw DumpHeadParser.Invalid($"it does not make {table.Typed}");
        var own = group.Items.Where(i => i.Kind == "TABLE DATA").Select(i => i.Id).ToHashSet();
        var rows = (await RowsAsync(table.Database, cancellationToken)).Where(r => own.Contains(r.Id)).ToList();
        return table with { Rows = rows.Any(r => r.Rows < 0) ? null : rows.Sum(r => r.Rows), Bytes = rows.Sum(r => r.Content.LengthBytes) };
    }

    protected override Task<IReadOnlyList<string>> DatabasesAsync(CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<string>>([.. PostgresRecord.Databases(wish.Record).Select(d => d.Name)]);

    protected override async Task<IReadOnlyList<FoundTable>> AllAsync(string database, CancellationToken cancellationToken) =>
    [
        .. (await HeadAsync(database, cancellationToken)).Items
            .Select(i => (Item: i, Kind: KindOf(i.Kind)))
            .Where(i => i.Kind != ' ')
            .Select(i => new FoundTable(database, i.Item.Schema, i.Item.Tag, i.Kind)),
    ];

    private static char KindOf(string kind) => kind switch
    {
        "TABLE" => 'r',
        "VIEW" => 'v',
        "MATERIALIZED VIEW" => 'm',
        "SEQUENCE" => 'S',
        "FOREIGN TABLE" => 'f',
        _ => ' ',
    };

    private CatalogDatabase Facts(string database) => PostgresRecord.Databases(wish.Record).First(d => d.Name == database);

    private Task<IReadOnlyList<DumpTable>> RowsAsync(string database, CancellationToken cancellationToken) =>
        PostgresRecord.TablesAsync(wish.Record, Facts(database), wish.Point, cancellationToken);

    private async Task<DumpHead> HeadAsync(string database, CancellationToken cancellationToken)
    {
        if (heads.TryGetValue(database, out var known)) return known;
        var content = PostgresRecord.Stream(wish.Record, Facts(database).Prefix + PostgresRecord.HeadStream);
        return heads[database] = await DumpLayout.ReadItemsAsync(wish.Point, content, cancellationToken);
    }
}
