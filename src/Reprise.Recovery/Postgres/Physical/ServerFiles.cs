using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Reprise.Repository.Pages;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>What a server says of a file or folder of its own.</summary>
/// <param name="Name">in its folder.</param>
/// <param name="IsFolder">whether it is one; links are followed.</param>
/// <param name="SizeBytes">of a file.</param>
/// <param name="Modified">last change of content.</param>
internal readonly record struct ServerEntry(DiskPath Name, bool IsFolder, long SizeBytes, UnixTime Modified);

/// <summary>
/// The files of a server as it reads them itself, over a session of ours: of another host, or in a container. Several
/// blocks are on their way at once. The backup runs in another session, see <see cref="BackupSession"/>.
/// </summary>
internal sealed class ServerFiles : IClusterFiles, IDisposable
{
    private const int AheadBlocks = 16;
    private const int FirstBytes = 256 * 1024;
    private const int MaxSmallBytes = 64 * 1024;
    private const int MaxNameBytes = 255;
    private const long MaxFileBytes = 1L << 50;
    private const int MicrosecondsPerSecond = 1_000_000;
    private const string Read = "reprise_read";
    private const string List = "reprise_list";
    private const string Look = "reprise_look";

    // A session that reads for hours must not be ended for a pause, nor for a limit of the role.
    private const string Prepare = Sql.Setup + """
        ; set idle_session_timeout = 0;
        prepare reprise_read(text, bigint, bigint) as
          select pg_catalog.pg_read_binary_file($1, $2, $3, true);
        prepare reprise_list(text) as
          select f.name, s.isdir, s.size, (extract(epoch from s.modification) * 1000000)::bigint
          from pg_catalog.pg_ls_dir($1, true, false) f(name), lateral pg_catalog.pg_stat_file($1 || '/' || f.name, true) s;
        prepare reprise_look(text) as
          select $1, s.isdir, s.size, (extract(epoch from s.modification) * 1000000)::bigint
          from pg_catalog.pg_stat_file($1, true) s
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly WireSession session;
    private readonly ServerQuestions questions;
    private readonly PostgresHost host;

    private ServerFiles(WireSession session, PostgresHost host)
    {
        this.session = session;
        this.host = host;
        questions = new ServerQuestions(session, host.Clock, Patience);
    }

    /// <inheritdoc />
    public int BlocksInFlight => AheadBlocks;

    /// <summary>Connects.</summary>
    /// <exception cref="RepriseException">whatever a connection may fail with.</exception>
    public static async Task<ServerFiles> OpenAsync(
        PostgresServer server, string database, PostgresHost host, CancellationToken cancellationToken)
    {
        var name = server.Connection.Options.GetValueOrDefault("application_name", PostgresConnection.ApplicationName);
        var opened = await WireSession.OpenAsync(
            server.Connection, server.Where(database), [("database", database), ("application_name", name)], host, cancellationToken);
        try
        {
            await opened.AskAsync(Prepare, cancellationToken);
            return new ServerFiles(opened, host);
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>What a folder holds, in no order; empty when it is gone.</summary>
    /// <exception cref="RepriseException"><c>physical-impossible</c>: the server may not, or we may not.</exception>
    public async Task<List<ServerEntry>> ListAsync(DiskPath folder, CancellationToken cancellationToken)
    {
        var found = new List<ServerEntry>();
        await AskAsync(List, [Place(folder)], false, row => Take(found, row), cancellationToken);
        return found.TrueForAll(entry => IsName(entry.Name.Bytes)) ? found : throw session.Strange($"a question for what is in {folder}");
    }

    /// <summary>Whether it is the name of something in a folder, not a way out of it.</summary>
    public static bool IsName(ReadOnlySpan<byte> name) =>
        name.Length is > 0 and <= MaxNameBytes && !name.ContainsAny((byte)'/', (byte)0) && !name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8);

    /// <summary>What lies at a place, or null.</summary>
    /// <exception cref="RepriseException"><c>physical-impossible</c>.</exception>
    public async Task<ServerEntry?> LookAsync(DiskPath place, CancellationToken cancellationToken)
    {
        var found = new List<ServerEntry>();
        await AskAsync(Look, [Place(place)], false, row => Take(found, row), cancellationToken);
        return found is [var only] ? only : null;
    }

    /// <summary>The beginning of a file, at most 64 KiB; null: it is not there.</summary>
    /// <exception cref="RepriseException"><c>physical-impossible</c>.</exception>
    public async Task<byte[]?> SmallAsync(DiskPath place, CancellationToken cancellationToken)
    {
        var bytes = new byte[MaxSmallBytes];
        return await BlockAsync(place, 0, bytes, cancellationToken) is { } length ? bytes[..length] : null;
    }

    /// <inheritdoc />
    public ValueTask<IClusterFile?> OpenAsync(ScannedEntry found, CancellationToken cancellationToken) =>
        ValueTask.FromResult<IClusterFile?>(new ServerFile(this, found, cancellationToken));

    /// <inheritdoc />
    public void Dispose() => session.Dispose();

    // How much came; null: there is no such file.
    private async Task<int?> BlockAsync(DiskPath place, long offset, Memory<byte> into, CancellationToken cancellationToken)
    {
        int? length = null;
        await AskAsync(Read, [Place(place), Digits(offset), Digits(into.Length)], true, Taken, cancellationToken);
        return length;

        void Taken(RowReader row)
        {
            if (row.Next() is not { } bytes) return;
            if (bytes.Length > into.Length) throw session.Strange($"a question for {into.Length} bytes of {place}");
            bytes.CopyTo(into);
            length = bytes.Length;
        }
    }

    private async Task AskAsync(
        string statement, IReadOnlyList<byte[]> arguments, bool isBinary, RowTaker row, CancellationToken cancellationToken)
    {
        try
        {
            await questions.AskAsync(statement, arguments, isBinary, row, cancellationToken);
        }
        catch (SqlException e) when (e.State == SqlErrors.InsufficientPrivilege)
        {
            throw PhysicalErrors.Impossible(
                $"they cannot be read through the connection: {e.Problem.Message}",
                "connect as a superuser, or grant what the guide lists for a role that reads the files; or name the data directory in data:,"
                + " where it can be read; or use method: logical",
                e);
        }
    }

    private void Take(List<ServerEntry> found, RowReader row)
    {
        // Columns are null where the file vanished between its folder's listing and the look at it.
        if (row.Next() is not { } name || row.Next() is not { } isFolder || row.Next() is not { } size || row.Next() is not { } time) return;
        if (!Utf8Parser.TryParse(size.Span, out long bytes, out _) || bytes is < 0 or > MaxFileBytes || !Utf8Parser.TryParse(time.Span, out long microseconds, out _))
            throw session.Strange("a question for its files");
        var (seconds, rest) = Math.DivRem(microseconds, MicrosecondsPerSecond);
        if (rest < 0) (seconds, rest) = (seconds - 1, rest + MicrosecondsPerSecond);
        found.Add(new ServerEntry(new DiskPath(name.Span), isFolder.Span.SequenceEqual("t"u8), bytes, new UnixTime(seconds, (int)rest * 1000)));
    }

    private static byte[] Place(DiskPath path) => path.IsEmpty ? "."u8.ToArray() : path.Bytes.ToArray();

    private static byte[] Digits(long number) => Encoding.ASCII.GetBytes(number.ToString(CultureInfo.InvariantCulture));

    /// <summary>Its first block, or its first byte when it is empty, is asked for at once: so it is known whether it is there.</summary>
    private sealed class ServerFile : IClusterFile
    {
        private readonly ServerFiles files;
        private readonly DiskPath place;
        private readonly byte[] front;
        private readonly Task<int?> first;

        public ServerFile(ServerFiles files, ScannedEntry found, CancellationToken cancellationToken)
        {
            (this.files, place, Entry) = (files, found.Place, found.Entry);
            front = new byte[Math.Clamp(Entry.LengthBytes, 1, FirstBytes)];
            first = files.BlockAsync(place, 0, front, cancellationToken);
        }

        public PagedEntry Entry { get; }

        public long SizeBytes => Entry.LengthBytes;

        public async Task<bool> IsThereAsync() => await first is not null;

        public ValueTask<long?> NextDataAsync(long from, CancellationToken cancellationToken) => ValueTask.FromResult<long?>(from);

        public Task<T> ReadAsync<T>(long offset, Memory<byte> into, Func<int, T> judge, CancellationToken cancellationToken) =>
            JudgedAsync(offset == 0 ? FrontAsync(into) : files.BlockAsync(place, offset, into, cancellationToken), judge, cancellationToken);

        // A file that vanished on the way ends there; the WAL says what became of it.
        public async Task<int> ReadAgainAsync(long offset, Memory<byte> into, CancellationToken cancellationToken) =>
            await files.BlockAsync(place, offset, into, cancellationToken) ?? 0;

        public void Dispose()
        {
        }

        private async Task<int?> FrontAsync(Memory<byte> into)
        {
            var length = await first;
            front.AsMemory(0, Math.Min(length ?? 0, into.Length)).CopyTo(into);
            return length;
        }

        private async Task<T> JudgedAsync<T>(Task<int?> reading, Func<int, T> judge, CancellationToken cancellationToken)
        {
            var length = await reading ?? 0;
            return await files.host.Cpu.RunAsync(() => judge(length), cancellationToken);
        }
    }
}
