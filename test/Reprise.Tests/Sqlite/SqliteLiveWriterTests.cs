using System.Diagnostics;
using System.Globalization;
using Microsoft.Data.Sqlite;
using Reprise.Recovery.Sqlite;
using static Reprise.Tests.Sqlite.SqliteBench;

namespace Reprise.Tests.Sqlite;

/// <summary>
/// A writer that never rests. Every transaction keeps two sums equal and counts itself, so that any captured state can
/// be proved to be one that was committed, and which.
/// </summary>
public class SqliteLiveWriterTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("wal")]
    [InlineData("delete")]
    public async Task Every_capture_under_a_live_writer_equals_a_committed_state(string mode)
    {
        await using var bench = new SqliteBench();
        Setup(bench, mode);
        using var writer = new LiveWriter(bench.Database);

        // What the machine alone makes a writer wait, to compare with.
        await Task.Delay(500);
        var alone = writer.TakeLongestCommit();
        var longestHold = 0d;
        for (var round = 0; round < 4; round++)
        {
            var before = writer.Committed;
            while (writer.Committed == before) await Task.Delay(1);
            var from = writer.Committed;
            var captured = await bench.CaptureAsync();
            var until = writer.Committed + 1;
            longestHold = Math.Max(longestHold, Seconds(captured, SqliteFacts.LongestWriterWaitSeconds));
            Assert.Equal("ok", captured.Fact(SqliteFacts.Integrity));
            var state = AskFile(await bench.MaterialiseAsync(captured), LiveWriter.StateQuery).Split('|');
            var count = long.Parse(state[0], CultureInfo.InvariantCulture);
            Assert.InRange(count, from, until);
            Assert.Equal(count, captured.Record.Rows["ledger"]);
            Assert.Equal(LiveWriter.TotalAfter(count), long.Parse(state[1], CultureInfo.InvariantCulture));
            Assert.Equal(state[1], state[2]);
            output.WriteLine(
                $"{mode}: state {count} of {from}..{until}, copy {captured.Fact(SqliteFacts.CopySeconds)} s, restarts "
                + $"{captured.Fact(SqliteFacts.Restarts)}, one pass {captured.Fact(SqliteFacts.OnePass)}, "
                + $"hold {captured.Fact(SqliteFacts.LongestWriterWaitSeconds)} s");
        }

        writer.Stop();
        Assert.Null(writer.Failure);
        var longest = writer.TakeLongestCommit();
        output.WriteLine(
            $"{mode}: {writer.Committed} commits, longest commit {longest.TotalSeconds:0.000} s "
            + $"({alone.TotalSeconds:0.000} s without captures), longest hold reported {longestHold:0.000} s");
        if (mode == "wal") Assert.Equal(0, longestHold);
        else Assert.True(longestHold > 0);
        Assert.True(longest < TimeSpan.FromSeconds(30));
    }

    private static void Setup(SqliteBench bench, string mode)
    {
        using var app = bench.Create(mode, rows: 60_000);
        Run(
            app,
            "CREATE TABLE counter(committed INTEGER, total INTEGER); INSERT INTO counter VALUES (0, 0);"
            + "CREATE TABLE ledger(id INTEGER PRIMARY KEY, amount INTEGER)");
    }

    private static double Seconds(Captured captured, string fact) =>
        double.Parse(captured.Fact(fact), CultureInfo.InvariantCulture);

    private sealed class LiveWriter : IDisposable
    {
        public const string StateQuery =
            "SELECT committed || '|' || total || '|' || (SELECT coalesce(sum(amount), 0) FROM ledger) FROM counter";

        private readonly Thread thread;
        private volatile bool stopping;
        private long committed;
        private long longestTicks;

        public LiveWriter(string path)
        {
            thread = new Thread(() => Write(path));
            thread.Start();
        }

        public long Committed => Interlocked.Read(ref committed);

        /// <summary>The longest transaction since the last call, from its beginning to the end of its commit.</summary>
        public TimeSpan TakeLongestCommit() => new(Interlocked.Exchange(ref longestTicks, 0));

        public Exception? Failure { get; private set; }

        /// <summary>Amounts are 1, 2, …, 1000, 1, 2, …</summary>
        public static long TotalAfter(long count) =>
            (count / 1000 * 500_500) + (count % 1000 * ((count % 1000) + 1) / 2);

        public void Stop()
        {
            stopping = true;
            thread.Join();
        }

        public void Dispose() => Stop();

        private void Write(string path)
        {
            try
            {
                using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
                connection.Open();

                // As applications do: SQLite itself waits for locks, with its own polling. The pages that are touched
                // spread over the file, so that a copy that is not of one state would be seen. It does not sync: what
                // is asked here does not depend on it, and it commits a hundred times as often.
                Run(connection, "PRAGMA busy_timeout = 30000; PRAGMA synchronous = OFF");
                while (!stopping)
                {
                    var next = committed + 1;
                    var began = Stopwatch.GetTimestamp();
                    Run(
                        connection,
                        $"BEGIN IMMEDIATE; INSERT INTO ledger(amount) VALUES ({((next - 1) % 1000) + 1});"
                        + $"UPDATE orders SET note = note || '' WHERE id = {(next * 7919 % 60_000) + 1};"
                        + $"UPDATE counter SET committed = {next}, total = total + {((next - 1) % 1000) + 1}; COMMIT");
                    Interlocked.Exchange(ref committed, next);
                    var elapsed = Stopwatch.GetElapsedTime(began);
                    if (elapsed.Ticks > Interlocked.Read(ref longestTicks))
                        Interlocked.Exchange(ref longestTicks, elapsed.Ticks);
                }
            }
            catch (SqliteException e)
            {
                Failure = e;
            }
        }
    }
}
