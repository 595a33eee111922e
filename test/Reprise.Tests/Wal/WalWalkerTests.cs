using Reprise.Recovery.Wal;
using Reprise.Repository.Wal;
using Reprise.Tests.Hostile;

namespace Reprise.Tests.Wal;

/// <summary>Our reader of WAL sees what pg_waldump sees, and refuses what is not what PostgreSQL wrote.</summary>
public sealed class WalWalkerTests
{
    [Theory]
    [InlineData(15, 16)]
    [InlineData(17, 1)]
    [InlineData(18, 64)]
    public void It_sees_the_records_that_pg_waldump_sees(int major, int megabytes)
    {
        using var cluster = WalGround.Start(major, megabytes);
        WalGround.Work(cluster);
        var segments = WalGround.Segments(cluster);
        Assert.True(segments.Count > 2, $"{segments.Count} segments");
        var commits = 0;
        foreach (var file in segments[..^1])
        {
            var bytes = File.ReadAllBytes(file);
            Assert.Equal(megabytes * 1024 * 1024, bytes.Length);
            var walker = WalGround.Walk(bytes);
            Assert.True(walker.Fault is null, $"{file}: {walker.Fault}");
            Assert.Equal(walker.Position, WalWalker.HeaderOf(bytes, out _)!.Start.Plus(bytes.Length)); // Walk looked.
            var dumped = WalGround.Dump(cluster, file);
            Assert.True(dumped.Count > 0 || walker.Records == 0, file);
            Assert.Equal((dumped.Count, dumped.Count == 0 ? null : (Lsn?)dumped[^1].At), ((int)walker.Records, walker.LastRecord));
            var times = dumped.Select(d => d.Commit).OfType<DateTimeOffset>().ToList();
            commits += times.Count;
            Assert.Equal(times.Count == 0 ? null : (DateTimeOffset?)times[0], walker.FirstCommit);
            Assert.Equal(times.Count == 0 ? null : (DateTimeOffset?)times[^1], walker.LastCommit);

            var inPieces = WalGround.Walk(bytes, pieces: new Random(7));
            Assert.Equal((walker.Records, walker.RecordEnd, walker.LastCommit), (inPieces.Records, inPieces.RecordEnd, inPieces.LastCommit));
        }

        Assert.True(commits > 10, $"{commits} commits");
    }

    [Theory]
    [InlineData(15)]
    [InlineData(17)]
    [InlineData(18)]
    public void It_finds_the_end_of_what_a_server_wrote_also_in_a_recycled_segment(int major)
    {
        using var cluster = WalGround.Start(major, settings: "max_wal_size = 64MB\nmin_wal_size = 48MB\nwal_keep_size = 0");
        var seen = new HashSet<WalFaultKind>();
        for (var round = 0; round < 3; round++)
        {
            WalGround.Work(cluster, 1);
            cluster.Sql("postgres", "checkpoint; insert into t(v) select md5(g::text) from generate_series(1, 50) g");

            // The commit behind it makes what was rolled back reach the file, however busy the machine is.
            cluster.Sql("postgres", "begin; insert into t(v) values ('not committed'); rollback; insert into t(v) values ('committed')");
            var before = cluster.Sql("postgres", "select pg_current_wal_insert_lsn()");
            var bytes = File.ReadAllBytes(WalGround.Segments(cluster)[^1]);
            if (cluster.Sql("postgres", "select pg_current_wal_insert_lsn()") != before) continue;
            Assert.True(Lsn.TryParse(before, out var end));
            var walker = WalGround.Walk(bytes);
            Assert.NotNull(walker.Fault);
            seen.Add(walker.Fault.Kind);

            // The server writes a commit that nobody waits for a moment later; what it wrote ends at a record all the same.
            Assert.InRange(walker.RecordEnd.Value, end.Value - 512, end.Value);
            Assert.Contains(WalGround.Dump(cluster, WalGround.Segments(cluster)[^1]), d => d.At == walker.LastRecord);
        }

        Assert.NotEmpty(seen);
    }

    [Fact]
    public void What_was_altered_is_found()
    {
        using var cluster = WalGround.Start(17);
        WalGround.Work(cluster);
        var good = File.ReadAllBytes(WalGround.Segments(cluster)[1])[..(2 * 1024 * 1024)];
        var whole = WalGround.Walk(good);
        Assert.True(whole.Fault is null && whole.Records > 100, $"{whole.Fault}");
        var end = (int)whole.RecordEnd.Since(WalWalker.HeaderOf(good, out _)!.Start); // Walk looked.
        var random = new Random(11);
        var missed = 0;
        for (var i = 0; i < 300; i++)
        {
            var at = random.Next(WalFormat.PageBytes, Math.Min(end, good.Length));
            good[at] ^= 0x10;
            if (WalGround.Walk(good).Fault is null) missed++;
            good[at] ^= 0x10;
        }

        // Up to seven bytes behind a record belong to nobody, and no checksum covers them; few records are so short that it counts.
        Assert.InRange(missed, 0, 15);
    }

    [Fact]
    public void Segments_that_are_not_what_they_should_be_have_the_right_name_for_it()
    {
        using var cluster = WalGround.Start(15);
        WalGround.Work(cluster);
        var segments = WalGround.Segments(cluster);
        var (first, second) = (File.ReadAllBytes(segments[0]), File.ReadAllBytes(segments[1]));
        var expected = WalGround.Expect(second);
        var start = WalWalker.HeaderOf(second, out _)!.Start; // Expect looked.
        Assert.Equal(WalFaultKind.Recycled, Fault(first));
        Assert.Equal(WalFaultKind.OtherCluster, Fault(second, expected with { Identifier = 5 }));
        Assert.Equal(WalFaultKind.OtherTimeline, Fault(second, expected with { Timeline = 0 }));
        Assert.Equal(WalFaultKind.BrokenPage, Fault(second, expected with { Major = 17 }));
        Assert.Equal(WalFaultKind.BrokenPage, Fault(second, expected with { SegmentBytes = 64 * 1024 * 1024 }));
        Assert.Equal(WalFaultKind.Zeros, Fault(new byte[8192]));
        Assert.Equal(WalFaultKind.NotWal, Fault([.. "not at all"u8, .. new byte[8192]]));
        byte[] torn = [.. second.AsSpan(0, 3 * 8192), .. first.AsSpan(3 * 8192, 8192)];
        Assert.Equal(WalFaultKind.Recycled, Fault(torn));
        torn = [.. second.AsSpan(0, (3 * 8192) + 4096), .. new byte[4096], .. second.AsSpan(4 * 8192, 8192)];
        Assert.Contains(Fault(torn), (WalFaultKind?[])[WalFaultKind.BrokenRecord, WalFaultKind.Zeros, WalFaultKind.BrokenPage]);

        WalFaultKind? Fault(byte[] bytes, WalExpectation? other = null)
        {
            var walker = new WalWalker(other ?? expected, start);
            walker.Take(bytes);
            return walker.Fault?.Kind;
        }
    }

    [Fact]
    public void Whatever_comes_it_ends_with_a_fault_or_goes_on()
    {
        using var cluster = WalGround.Start(18);
        WalGround.Work(cluster);
        var sample = File.ReadAllBytes(WalGround.Segments(cluster)[1])[..(4 * 8192)];
        var expected = WalGround.Expect(sample);
        var start = WalWalker.HeaderOf(sample, out _)!.Start; // Expect looked.
        Fuzzing.Run(
            3000,
            [sample],
            bytes =>
            {
                _ = WalWalker.HeaderOf(bytes, out _);
                var walker = new WalWalker(expected, start);
                walker.Take(bytes);
                Assert.True(walker.Fault is not null || walker.Position == start.Plus(bytes.Length));
                Assert.True(walker.RecordEnd <= WalFormat.Aligned(walker.Position));
            },
            256 * 1024);
    }

    [Theory]
    [InlineData("000000010000000000000003", "0/3000000")]
    [InlineData("0000000A00000012000000FF", "12/FF000000")]
    [InlineData("000000010000000000000100", null)]
    [InlineData("00000001000000000000003", "")]
    [InlineData("00000000000000000000003A", "")]
    [InlineData("00000001000000000000003a", "")]
    [InlineData("RECOVERYXLOG", "")]
    public void Names_of_segments(string name, string? start)
    {
        var file = WalFile.Parse(name);
        if (start == "") Assert.Null(file);
        else Assert.Equal(start, Assert.IsType<WalFile.Segment>(file).Start(16 * 1024 * 1024)?.ToString());
    }

    [Fact]
    public void Names_of_other_files()
    {
        Assert.Equal(new WalFile.History(11), WalFile.Parse("0000000B.history"));
        Assert.True(Assert.IsType<WalFile.Segment>(WalFile.Parse("000000010000000000000003.partial")).IsPartial);
        Assert.Equal(0x28u, Assert.IsType<WalFile.Backup>(WalFile.Parse("000000010000000000000003.00000028.backup")).OffsetBytes);
        Assert.Null(WalFile.Parse("0000000B.history.tmp"));
        Assert.Null(WalFile.Parse("000000010000000000000003.28.backup"));
        Assert.Equal("0000000A00000012000000FF", WalFile.Segment.NameOf(10, new Lsn(0x12_FF00_0000), 16 * 1024 * 1024));
        Assert.Equal("00000001000000000000003F", WalFile.Segment.NameOf(1, new Lsn(0xFC00_0000), 64 * 1024 * 1024));
    }
}
