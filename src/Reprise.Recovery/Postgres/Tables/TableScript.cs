using System.Globalization;
using System.Text;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres.Tables;

/// <summary>Where the statements about one table go.</summary>
/// <param name="Found">the table.</param>
/// <param name="NewName">what it is called there, in the same schema; null: as it is called in the dump, with all that belongs to it.</param>
/// <param name="Suffix">what is appended to the names of its indexes then.</param>
/// <param name="Headline">what the file is, in one line; empty for new tables.</param>
/// <param name="Write">takes bytes in order.</param>
internal sealed record TableOutput(
    FoundTable Found, string? NewName, string Suffix, string Headline, Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> Write);

/// <summary>
/// Makes SQL for <c>psql</c> of a dump that passes by: of each wanted table what makes it, its rows, then indexes and constraints.
/// <para>
/// Under a new name only what concerns nothing else comes along: the table with its columns and checks, its rows, its indexes,
/// keys and unique constraints, each under a name of its own. Of every definition only the first statement is taken, and its
/// beginning is written anew: no statement is left that names the live table. A partitioned table becomes one plain table.
/// </para>
/// </summary>
internal sealed class TableScript(IReadOnlyList<TableOutput> outputs) : IDumpSink
{
    private const int MaxNameBytes = 63;

    private readonly Dictionary<int, Piece> byTable = [];
    private readonly List<Piece> pieces = [];
    private readonly HashSet<(string Schema, string Name)> taken = [.. outputs.Select(o => (o.Found.Schema, o.NewName ?? ""))];
    private Encoding text = Encoding.UTF8;
    private Piece? current;

    /// <summary>What was written, one for each output.</summary>
    public IReadOnlyList<(long Rows, IReadOnlyList<string> LeftOut)> Written => [.. pieces.Select(p => (p.Rows, (IReadOnlyList<string>)p.LeftOut))];

    /// <summary>Whether the rows of an entry are wanted.</summary>
    public bool Wants(int entry) => byTable.ContainsKey(entry);

    public ValueTask TakeHeadAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public async ValueTask EndHeadAsync(DumpHead head, CancellationToken cancellationToken)
    {
        text = head.Text;
        foreach (var output in outputs)
        {
            var group = TableSelection.Of(head, output.Found.Schema, output.Found.Name)
                ?? throw DumpHeadParser.Invalid($"it does not make {output.Found.Typed}");
            var piece = new Piece(output, group);
            pieces.Add(piece);
            foreach (var item in group.Items.Where(i => i.Kind == "TABLE DATA" && !byTable.TryAdd(i.Id, piece))) throw Twice(item, byTable[item.Id], piece);
            await WriteAsync(piece, Preamble(head, output), cancellationToken);
            foreach (var item in group.Items.Where(i => i.IsBeforeData)) await WriteAsync(piece, Statement(piece, item), cancellationToken);
        }
    }

    public async ValueTask BeginAsync(DumpEntry entry, DumpBlock block, CancellationToken cancellationToken)
    {
        current = byTable.GetValueOrDefault(entry.Id);
        if (current is null) return;
        var copy = current.Group.Items.First(i => i.Id == entry.Id).Copy;
        if (current.Output.NewName is { } name)
        {
            var words = new SqlWords(copy);
            if (!words.Take("COPY") || words.Qualified() is null) throw Odd(copy);
            copy = $"COPY {Sql.Name(current.Output.Found.Schema, name)}{words.Rest}";
        }

        await WriteAsync(current, "\n" + copy, cancellationToken);
    }

    public ValueTask TakeAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        current?.Output.Write(bytes, cancellationToken) ?? ValueTask.CompletedTask;

    public ValueTask EndAsync(DumpEntry entry, long rows, CancellationToken cancellationToken)
    {
        if (current is null) return ValueTask.CompletedTask;
        if (rows < 0) throw DumpHeadParser.Invalid($"the rows of {entry.Tag} have no end");
        current.Rows += rows;
        current = null;
        return ValueTask.CompletedTask;
    }

    /// <summary>Everything came: what follows the rows is written, and how many rows there are to be.</summary>
    public async Task FinishAsync(CancellationToken cancellationToken)
    {
        foreach (var piece in pieces)
        {
            foreach (var item in piece.Group.Items.Where(i => !i.IsBeforeData && i.Kind != "TABLE DATA"))
                await WriteAsync(piece, Statement(piece, item), cancellationToken);
            if (piece.Output.NewName is { } name) await WriteAsync(piece, Counted(Sql.Name(piece.Output.Found.Schema, name), piece.Rows), cancellationToken);
            else await WriteAsync(piece, string.Create(CultureInfo.InvariantCulture, $"\n-- reprise: end, {piece.Rows} rows\n"), cancellationToken);
        }
    }

    /// <summary>A name with something behind it that is short enough for the server, and as many bytes of the name as there is room for.</summary>
    public static string Suffixed(string name, string suffix, Encoding text)
    {
        var kept = name;
        while (text.GetByteCount(kept) + suffix.Length > MaxNameBytes) kept = kept[..^(kept.Length > 1 && char.IsLowSurrogate(kept[^1]) ? 2 : 1)];
        return kept + suffix;
    }

    // As pg_dump begins its own; without a search path nothing can be found but what is meant.
    private static string Preamble(DumpHead head, TableOutput output)
    {
        var encoding = head.Items.FirstOrDefault(i => i.Kind == "ENCODING")?.Definition ?? "SET client_encoding = 'UTF8';\n";
        var headline = output.Headline.Length == 0 ? "" : $"-- {NamedTable.Shown(output.Headline)}\n\n";
        return headline
            + "SET statement_timeout = 0;\nSET lock_timeout = 0;\nSET idle_in_transaction_session_timeout = 0;\n" + encoding
            + "SET standard_conforming_strings = on;\nSELECT pg_catalog.set_config('search_path', '', false);\nSET check_function_bodies = false;\n"
            + "SET xmloption = content;\nSET client_min_messages = warning;\nSET row_security = off;\n";
    }

    private static string Counted(string table, long rows)
    {
        var wanted = rows.ToString(CultureInfo.InvariantCulture);
        var body = $"declare n bigint; begin select pg_catalog.count(*) into n from {table}; if n <> {wanted} then "
            + $"raise exception 'the new table has % rows instead of {wanted}', n; end if; end";
        return $"\ndo {Sql.Text(body)};\nanalyze {table};\n";
    }

    private string Statement(Piece piece, DumpItem item)
    {
        if (piece.Output.NewName is null) return "\n" + Whole(item);
        var (schema, name) = (piece.Output.Found.Schema, piece.Output.NewName);
        var made = item.Kind switch
        {
            "TABLE" when item.Id == piece.Group.Root.Id => Table(item, Sql.Name(schema, name)),
            "TABLE" or "TABLE ATTACH" or "INDEX ATTACH" => "",
            "INDEX" => Index(piece, item, Sql.Name(schema, name)),
            "CONSTRAINT" or "CHECK CONSTRAINT" => Constraint(piece, item, Sql.Name(schema, name)),
            _ => null,
        };
        if (made is not null) return made;
        if (Word(item) is { } word) piece.LeftOut.Add(NamedTable.Shown(word));
        return "";
    }

    // As pg_restore writes an entry: what makes it, and whose it is.
    private static string Whole(DumpItem item)
    {
        var method = item.Kind == "TABLE" && item.AccessMethod.Length > 0 ? $"SET default_table_access_method = {Sql.Name(item.AccessMethod)};\n" : "";
        var owner = item.Kind is "TABLE" or "SEQUENCE" && item.Owner.Length > 0 && !item.Definition.StartsWith("ALTER TABLE ", StringComparison.Ordinal)
            ? $"ALTER {item.Kind} {Sql.Name(item.Schema, item.Tag)} OWNER TO {Sql.Name(item.Owner)};\n"
            : "";
        return method + item.Definition + owner;
    }

    private static string Table(DumpItem item, string name)
    {
        var words = new SqlWords(item.Definition);
        if (!words.Take("CREATE")) throw Odd(item.Definition);
        words.Take("UNLOGGED");
        if (!words.Take("TABLE") || words.Qualified() is null || words.Brackets() is not var (before, inside, behind)) throw Odd(item.Definition);
        if (behind.TrimStart().StartsWith("INHERITS", StringComparison.Ordinal))
        {
            throw new RepriseException(
                RecoveryErrors.TableNotRestorable,
                $"{NamedTable.Of(item.Schema, item.Tag)} inherits from another table, which would show the rows of a new one too",
                "write it to a file with --to FOLDER");
        }

        var plain = behind.TrimStart().StartsWith("PARTITION BY", StringComparison.Ordinal) ? "" : behind;
        return $"\nCREATE TABLE {name}{before}({inside}){plain};\n";
    }

    private string Index(Piece piece, DumpItem item, string table)
    {
        var words = new SqlWords(item.Definition);
        if (!words.Take("CREATE")) throw Odd(item.Definition);
        var unique = words.Take("UNIQUE") ? "UNIQUE " : "";
        if (!words.Take("INDEX") || words.Name() is not { } name || !words.Take("ON")) throw Odd(item.Definition);
        words.Take("ONLY");
        if (words.Qualified() is not { } on || words.Statement() is not { } rest) throw Odd(item.Definition);
        return on == (piece.Group.Root.Schema, piece.Group.Root.Tag) ? $"\nCREATE {unique}INDEX {Renamed(piece, name)} ON {table}{rest};\n" : "";
    }

    private string Constraint(Piece piece, DumpItem item, string table)
    {
        var words = new SqlWords(item.Definition);
        if (!words.Take("ALTER TABLE")) throw Odd(item.Definition);
        words.Take("ONLY");
        if (words.Qualified() is not { } on || !words.Take("ADD CONSTRAINT") || words.Name() is not { } name || words.Statement() is not { } rest)
            throw Odd(item.Definition);
        return on == (piece.Group.Root.Schema, piece.Group.Root.Tag) ? $"\nALTER TABLE ONLY {table} ADD CONSTRAINT {Renamed(piece, name)}{rest};\n" : "";
    }

    // Names of indexes, and of the constraints that have one, are unique in a schema, among tables too; long ones may become the same.
    private string Renamed(Piece piece, string name)
    {
        for (var number = 1; ; number++)
        {
            var extra = number == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $"_{number}");
            var made = Suffixed(name, piece.Output.Suffix + extra, text);
            if (taken.Add((piece.Output.Found.Schema, made))) return Sql.Name(made);
        }
    }

    private static string? Word(DumpItem item) => item.Kind switch
    {
        "FK CONSTRAINT" => "foreign key " + item.Tag,
        "TRIGGER" or "RULE" or "POLICY" => item.Kind.ToLowerInvariant() + " " + item.Tag,
        "DEFAULT" => "default of " + item.Tag,
        "SEQUENCE" when item.Definition.StartsWith("ALTER TABLE ", StringComparison.Ordinal) => "identity " + item.Tag,
        "ROW SECURITY" => "row security",
        "STATISTICS" => "statistics " + item.Tag,
        "COMMENT" => "comment on " + item.Tag,
        "ACL" => "grants on " + item.Tag,
        "SECURITY LABEL" => "security label on " + item.Tag,
        _ => null,
    };

    // Rows pass by once.
    private static RepriseException Twice(DumpItem rows, Piece one, Piece other) => new(
        RecoveryErrors.TableAmbiguous,
        $"the rows of {NamedTable.Shown(NamedTable.Of(rows.Schema, rows.Tag))} would come twice: with {NamedTable.Shown(one.Output.Found.Typed)} and with {NamedTable.Shown(other.Output.Found.Typed)}",
        "name the partitioned table or its partitions, not both");

    private static RepriseException Odd(string definition) =>
        DumpHeadParser.Invalid($"'{NamedTable.Shown(definition.Length > 60 ? definition[..60] : definition)}' does not begin as pg_dump writes it");

    private ValueTask WriteAsync(Piece piece, string sql, CancellationToken cancellationToken) =>
        sql.Length == 0 ? ValueTask.CompletedTask : piece.Output.Write(text.GetBytes(sql), cancellationToken);

    /// <summary>One table that is being written.</summary>
    private sealed class Piece(TableOutput output, TableGroup group)
    {
        public TableOutput Output => output;

        public TableGroup Group => group;

        public long Rows { get; set; }

        public List<string> LeftOut { get; } = [];
    }
}
