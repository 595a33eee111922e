using System.Text.Json.Serialization;
using Reprise.Recovery.Assets;
using Reprise.Repository.Points;

namespace Reprise.Recovery.Postgres;

/// <summary>
/// Reads the rows of large tables beside pg_dump, which is told to leave them out: in the same snapshot, several at once
/// and without a second program between the server and the point. The entries that pg_dump would have written are put
/// into its table of contents, so that the dump is the one that it would have made.
/// <para>Like the workers of pg_dump's own parallel mode, every session locks its tables without waiting, while pg_dump
/// holds its locks; then it looks whether they are still those that the snapshot saw.</para>
/// </summary>
internal sealed class CopiedTables : IDisposable
{
    private static readonly byte[] RowsEnd = "\\.\n\n\n"u8.ToArray();

    private readonly List<WireConnection> connections = [];
    private readonly IReadOnlyList<CopyCandidate> candidates;
    private readonly List<TableInHand> tables = [];
    private readonly Queue<Piece> queue = new();
    private readonly Lock changing = new();

    private readonly HashSet<uint> oids = [];
    private readonly long pieceBytes;

    private CopiedTables(IReadOnlyList<CopyCandidate> candidates, long pieceBytes)
    {
        this.candidates = candidates;
        this.pieceBytes = pieceBytes;
    }

    /// <summary>What keeps pg_dump from reading the same rows.</summary>
    public IEnumerable<string> Arguments =>
        candidates.Select(c => $"--exclude-table-data={Sql.Name(c.Schema, c.Name)}");

    /// <summary>
    /// Looks which tables are worth it; null when there are none or the rows can only be had in the usual way. Asked
    /// in a session of its own and before the snapshot: it may have to wait for somebody who is altering a table.
    /// </summary>
    public static async Task<IReadOnlyList<CopyCandidate>?> LookAsync(
        PostgresServer server, CatalogServer facts, string database, long leastBytes, CancellationToken cancellationToken)
    {
        // Ranges of rows by their place exist since 14; a session of ours speaks UTF-8.
        if (server.IsVia || facts.Major < 14) return null;
        await using var session = await server.OpenAsync(database, SessionUse.Ours, cancellationToken);
        await session.ExecuteAsync("set lock_timeout = '5s'", cancellationToken);
        try
        {
            var found = await session.AskAsync(
                CatalogSql.LargeTables(leastBytes), CopyJson.Default.CopyCandidates, cancellationToken);
            return found is { Encoding: "UTF8", Encrypted: false, Tables.Count: > 0 } ? found.Tables : null;
        }
        catch (SqlException e) when (e.State is SqlErrors.LockNotAvailable or SqlErrors.UndefinedTable)
        {
            return null;
        }
    }

    /// <summary>Opens the sessions that read; null when the server does not let us in as simply as this.</summary>
    public static async Task<CopiedTables?> OpenAsync(
        PostgresServer server,
        string database,
        string snapshot,
        IReadOnlyList<CopyCandidate> candidates,
        int streams,
        long pieceBytes,
        CancellationToken cancellationToken)
    {
        var opened = new CopiedTables(candidates, pieceBytes);
        try
        {
            for (var i = 0; i < streams; i++)
            {
                if (await server.TryOpenWireAsync(database, cancellationToken) is not { } connection)
                {
                    opened.Dispose();
                    return null;
                }

                opened.connections.Add(connection);
                await connection.AskAsync(
                    $"{Sql.Setup}; set intervalstyle = 'postgres'; set synchronize_seqscans = off;"
                    + " set max_parallel_workers_per_gather = 0",
                    cancellationToken);
                await connection.AskAsync(
                    $"{CatalogSql.BeginSnapshot}; set transaction snapshot {Sql.Text(snapshot)}", cancellationToken);
            }

            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>The head of a dump has come: locks the tables and puts their entries into it.</summary>
    /// <exception cref="TablesInMotionException">somebody is changing one of them.</exception>
    public async Task<byte[]> AttachAsync(
        ReadOnlyMemory<byte> bytes, DumpHead head, PointWriter writer, CancellationToken cancellationToken)
    {
        var wanted = candidates.Where(c => head.Tables.ContainsKey(c.Oid)).ToList();
        if (wanted.Count == 0) return bytes.ToArray();
        var facts = await LockAsync(wanted, cancellationToken);
        var copied = wanted.Select(c => (Candidate: c, Facts: facts.Single(f => f.Oid == c.Oid))).Select(
            pair => new CopiedTable
            {
                Oid = pair.Candidate.Oid,
                Schema = pair.Candidate.Schema,
                Name = pair.Candidate.Name,
                Quoted = pair.Facts.Quoted,
                Owner = pair.Facts.Owner,
                Columns = pair.Facts.Columns,
            }).ToList();
        var (edited, ids) = DumpHeadEdit.Insert(bytes.Span, head, copied);
        for (var i = 0; i < copied.Count; i++) Enqueue(wanted[i], copied[i], ids[i], writer);
        return edited;
    }

    /// <summary>Locks tables in every session and asks what they are; nobody waits for anybody.</summary>
    /// <exception cref="TablesInMotionException">somebody is changing one of them, or has.</exception>
    public async Task<IReadOnlyList<CopyFacts>> LockAsync(
        IReadOnlyList<CopyCandidate> wanted, CancellationToken cancellationToken)
    {
        var names = string.Join(", ", wanted.Select(c => Sql.Name(c.Schema, c.Name)));
        IReadOnlyList<CopyFacts> facts = [];
        try
        {
            foreach (var connection in connections)
            {
                await connection.AskAsync($"lock table only {names} in access share mode nowait", cancellationToken);
                facts = await AskAsync(connection, wanted, cancellationToken);
                if (facts.Any(f => !f.Same) || facts.Count != wanted.Count)
                    throw new TablesInMotionException("a large table was rewritten since the snapshot");
            }
        }
        catch (SqlException e) when (e.State is SqlErrors.LockNotAvailable or SqlErrors.UndefinedTable)
        {
            throw new TablesInMotionException("somebody is altering a large table", e);
        }

        return facts;
    }

    /// <summary>Whether the rows of this table are read here; known once the head of the dump has come.</summary>
    public bool Reads(uint oid) => oids.Contains(oid);

    /// <summary>Reads everything; <paramref name="gate"/> guards the point.</summary>
    public async Task<IReadOnlyList<DumpTable>> RunAsync(
        Gate gate, IProgressSink progress, CancellationToken cancellationToken)
    {
        await Together.RunAsync(
            connections.Select(Func<CancellationToken, Task> (connection) =>
                token => ReadAsync(connection, gate, progress, token)),
            cancellationToken);
        var read = new List<DumpTable>();
        foreach (var table in tables)
        {
            using (await gate.EnterAsync(cancellationToken))
            {
                var content = await table.Content.CompleteAsync(cancellationToken);
                read.Add(new DumpTable(table.Id, DumpBlock.Rows, table.Rows, content));
            }
        }

        return read;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var connection in connections) connection.Dispose();
    }

    private static async Task<IReadOnlyList<CopyFacts>> AskAsync(
        WireConnection connection, IReadOnlyList<CopyCandidate> wanted, CancellationToken cancellationToken)
    {
        var text = await connection.AskAsync(CatalogSql.CopyFacts(wanted.Select(c => c.Oid)), cancellationToken);
        return System.Text.Json.JsonSerializer.Deserialize(text ?? "[]", CopyJson.Default.IReadOnlyListCopyFacts) ?? [];
    }

    // The ends of pieces are multiples of a power of two of pages, so that they stay where they are while a table grows.
    private void Enqueue(CopyCandidate candidate, CopiedTable copied, int id, PointWriter writer)
    {
        var table = new TableInHand(id, writer.Begin(Cutting.ContentDefined, hashedByPart: true));
        tables.Add(table);
        oids.Add(copied.Oid);
        var step = 1L;
        while (candidate.IsHeap && step * 2 * candidate.Bytes / Math.Max(candidate.Blocks, 1) <= pieceBytes) step *= 2;
        if (!candidate.IsHeap || candidate.Blocks <= step)
        {
            queue.Enqueue(new Piece(table, $"copy {copied.Quoted} ({copied.Columns}) to stdout", true));
            return;
        }

        for (var at = 0L; at < candidate.Blocks; at += step)
        {
            var isLast = at + step >= candidate.Blocks;
            var until = isLast ? "" : $" and ctid < '({at + step},0)'";
            queue.Enqueue(new Piece(
                table,
                $"copy (select {copied.Columns} from only {copied.Quoted} where ctid >= '({at},0)'{until}) to stdout",
                isLast));
        }
    }

    private async Task ReadAsync(
        WireConnection connection, Gate gate, IProgressSink progress, CancellationToken cancellationToken)
    {
        while (Next() is var (piece, writer))
        {
            var rows = await connection.CopyOutAsync(
                piece.Statement,
                async (block, token) =>
                {
                    using (await gate.EnterAsync(token))
                    {
                        await writer.WriteAsync(block, token);
                        progress.Advance(block.Length);
                    }
                },
                cancellationToken);
            using (await gate.EnterAsync(cancellationToken))
            {
                if (piece.IsLast) await writer.WriteAsync(RowsEnd, cancellationToken);
                await writer.EndPieceAsync(cancellationToken);
                piece.Table.Rows += rows;
            }
        }
    }

    private (Piece Piece, ContentWriter Writer)? Next()
    {
        lock (changing) return queue.TryDequeue(out var piece) ? (piece, piece.Table.Content.BeginPiece()) : null;
    }

    private sealed record Piece(TableInHand Table, string Statement, bool IsLast);

    private sealed class TableInHand(int id, ContentWriter content)
    {
        public int Id => id;

        public ContentWriter Content => content;

        public long Rows { get; set; }
    }
}

/// <summary>A table cannot be read beside pg_dump at this moment; everything is dumped in the usual way then.</summary>
internal sealed class TablesInMotionException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>A table that is large enough.</summary>
/// <param name="Oid">its number.</param>
/// <param name="Schema">its schema.</param>
/// <param name="Name">its name.</param>
/// <param name="Blocks">pages of its main file.</param>
/// <param name="Bytes">everything that holds its rows.</param>
/// <param name="IsHeap">whether rows have a place in pages.</param>
internal sealed record CopyCandidate(uint Oid, string Schema, string Name, long Blocks, long Bytes, bool IsHeap);

/// <summary>The answer to the question for large tables.</summary>
internal sealed record CopyCandidates(string Encoding, bool Encrypted, IReadOnlyList<CopyCandidate> Tables);

/// <summary>A table as the snapshot sees it.</summary>
/// <param name="Oid">its number.</param>
/// <param name="Same">whether its files are still those of the snapshot.</param>
/// <param name="Quoted">its name, quoted where it must be.</param>
/// <param name="Owner">the role that owns it.</param>
/// <param name="Columns">its columns but the generated ones, quoted.</param>
internal sealed record CopyFacts(uint Oid, bool Same, string Quoted, string Owner, string Columns);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(CopyCandidates))]
[JsonSerializable(typeof(IReadOnlyList<CopyFacts>))]
internal sealed partial class CopyJson : JsonSerializerContext;
