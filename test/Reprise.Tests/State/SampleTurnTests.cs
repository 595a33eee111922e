using System.Globalization;
using System.Text.Json;
using Reprise.Recovery.State;
using Reprise.Repository.Checking;
using Reprise.Tests.Cli;
using Reprise.Tests.Storage;

namespace Reprise.Tests.State;

/// <summary><c>verify --read sample</c>: part by part, until every byte was read.</summary>
public sealed class SampleTurnTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 11, 22, 3, 0, 0, TimeSpan.Zero);
    private readonly ScratchFolder scratch = new(memory: true);
    private readonly CommandBench bench = new();

    public SampleTurnTests()
    {
        bench.Operations = Composition.Operations(bench.Host);
        bench.WorkingFolder = scratch.Text;
        bench.Environment["HOME"] = scratch.Text;
        Directory.CreateDirectory(Path.Combine(scratch.Text, "uploads"));
        File.WriteAllText(
            Path.Combine(scratch.Text, "reprise.yaml"),
            """
            application: shop
            repository: { location: ./recovery, key: { file: ./keys/shop.key } }
            assets:
              runtime: { files: { include: ["uploads/**"] } }
            """);
    }

    public void Dispose() => scratch.Dispose();

    [Fact]
    public async Task So_many_runs_as_there_are_parts_read_every_pack_whatever_clock_and_backups_do()
    {
        await BackUpAsync(12);
        var all = await VerifyAsync(0, "--read", "all");
        Assert.Equal(JsonValueKind.Null, all.GetProperty("turn").ValueKind);
        File.Delete(Path.Combine(Assert.Single(Directory.GetDirectories(Path.Combine(scratch.Text, ".local/state/reprise"))), "reads.json"));
        var (objects, bytes) = (0, 0L);
        for (var run = 1; run <= SamplePart.Count; run++)
        {
            bench.Clock.AdjustTime(Now.AddHours(run == 5 ? -9000 : run));
            var result = await VerifyAsync(0, "--read", "sample");
            var turn = result.GetProperty("turn");
            Assert.Equal((run, SamplePart.Count - run), (turn.GetProperty("part").GetInt32(), turn.GetProperty("unread").GetInt32()));
            Assert.Equal("could-not-verify", result.GetProperty("verdict").GetString());
            Assert.Equal(run == SamplePart.Count, turn.GetProperty("since").ValueKind == JsonValueKind.String);
            objects += result.GetProperty("objectsRead").GetInt32();
            bytes += result.GetProperty("bytesRead").GetInt64();
        }

        Assert.Equal((all.GetProperty("objectsRead").GetInt32(), all.GetProperty("bytesRead").GetInt64()), (objects, bytes));
        Assert.True(objects >= 12, $"{objects} packs");

        // Another one begins a round anew, and one point by itself is no part of it.
        bench.Clock.AdjustTime(Now.AddDays(3));
        var one = await VerifyAsync(0, "latest", "--read", "sample");
        Assert.Equal(JsonValueKind.Null, one.GetProperty("turn").GetProperty("unread").ValueKind);
        Assert.Equal(1, (await VerifyAsync(0, "--read", "sample")).GetProperty("turn").GetProperty("part").GetInt32());
        Assert.Equal(0, await bench.RunAsync("verify", "--read", "sample"));
        Assert.Contains("part 2 of 8; every part was read since", bench.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Damage_is_found_when_its_part_is_read_and_not_before()
    {
        await BackUpAsync(12);
        var packs = Directory.GetFiles(Path.Combine(scratch.Text, "recovery/packs")).Select(p => (Path: p, Part: PartOf(p))).ToList();
        var (path, part) = packs.MaxBy(p => p.Part);
        var bytes = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
        bytes[bytes.Length / 2] ^= 1;
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await File.WriteAllBytesAsync(path, bytes, TestContext.Current.CancellationToken);
        for (var run = 0; run < part; run++) await VerifyAsync(0, "--read", "sample");
        var found = await VerifyAsync(5, "--read", "sample");
        Assert.Equal(part + 1, found.GetProperty("turn").GetProperty("part").GetInt32());
        Assert.All(
            found.GetProperty("damage").EnumerateArray(),
            d => Assert.Equal("packs/" + Path.GetFileName(path), d.GetProperty("object").GetString()));
        Assert.Equal("fail", found.GetProperty("verdict").GetString());
    }

    [Fact]
    public async Task Where_nothing_is_remembered_so_many_days_read_every_pack()
    {
        await BackUpAsync(8);
        string[] bare = ["--repository", Path.Combine(scratch.Text, "recovery"), "--key-file", Path.Combine(scratch.Text, "keys/shop.key")];
        bench.WorkingFolder = "/";
        var (objects, parts) = (0, new HashSet<int>());
        var all = (await VerifyAsync(0, [.. bare, "--read", "all"])).GetProperty("objectsRead").GetInt32();
        for (var day = 0; day < SamplePart.Count; day++)
        {
            bench.Clock.AdjustTime(Now.AddDays(day));
            var result = await VerifyAsync(0, [.. bare, "--read", "sample"]);
            objects += result.GetProperty("objectsRead").GetInt32();
            parts.Add(result.GetProperty("turn").GetProperty("part").GetInt32());
            Assert.Equal(JsonValueKind.Null, result.GetProperty("turn").GetProperty("unread").ValueKind);
        }

        Assert.Equal((SamplePart.Count, all), (parts.Count, objects));
    }

    [Fact]
    public void The_pace_says_when_every_part_will_have_been_read()
    {
        var reads = RememberedReads.Nothing("here", 8);
        Assert.Equal((8, null, null), (reads.Unread, reads.Since, reads.By));
        reads = reads.With(0, Now);
        Assert.Null(reads.By);
        reads = reads.With(1, Now.AddDays(7)).With(2, Now.AddDays(14));
        Assert.Equal((5, null, (DateTimeOffset?)Now.AddDays(14 + 35)), (reads.Unread, reads.Since, reads.By));
        reads = reads.WithAll(Now.AddDays(15)).With(3, Now.AddDays(16));
        Assert.Equal((0, (DateTimeOffset?)Now.AddDays(15), null), (reads.Unread, reads.Since, reads.By));
    }

    private static int PartOf(string path) => int.Parse(
        Path.GetFileName(path).AsSpan(0, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture) % SamplePart.Count;

    private async Task BackUpAsync(int points)
    {
        Assert.Equal((0, ""), (await bench.RunAsync("init"), bench.Error));
        for (var i = 0; i < points; i++)
        {
            var data = new byte[3000];
            new Random(i).NextBytes(data);
            await File.WriteAllBytesAsync(Path.Combine(scratch.Text, "uploads", $"{i}"), data, TestContext.Current.CancellationToken);
            Assert.True(await bench.RunAsync("backup") == 0, bench.Error);
            bench.Clock.Advance(TimeSpan.FromMinutes(1));
        }
    }

    private async Task<JsonElement> VerifyAsync(int exit, params string[] line)
    {
        Assert.True(await bench.RunAsync(["verify", "--json", .. line]) == exit, bench.Out + bench.Error);
        return bench.Document().GetProperty("result");
    }
}
