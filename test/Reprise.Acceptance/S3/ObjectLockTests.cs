namespace Reprise.Acceptance.S3;

/// <summary>
/// A bucket with Object Lock, and somebody who holds credentials that may put and delete: versions included, where no lock
/// keeps them.
/// </summary>
public class ObjectLockTests(ITestOutputHelper output)
{
    private const int Days = 30;

    [Fact]
    public async Task What_somebody_deleted_and_replaced_is_brought_back_and_restored()
    {
        await using var ground = await LockedAsync($"&lock-days={Days}");
        var before = ground.Application.Data();
        ground.Fill(2);
        await ground.RunAsync("backup");
        var data = ground.Application.Data();
        var first = (await ground.Application.PointsAsync()).Order(StringComparer.Ordinal).First();

        Attack(ground, first);
        Assert.NotEqual(0, (await ground.Application.RepriseAsync("verify")).Exit);
        var covered = ground.Peer.Objects.Count;
        var plan = (await ground.RunAsync("store", "recover", "--plan", "--json")).Result("store-recover");
        Assert.True(plan.GetProperty("uncovered").GetInt32() > 3, plan.ToString());
        Assert.True(plan.GetProperty("putBack").GetInt32() > 3, plan.ToString());
        Assert.Equal(covered, ground.Peer.Objects.Count);

        var done = (await ground.RunAsync("store", "recover", "--json")).Result("store-recover");
        Assert.Equal(plan.GetProperty("uncovered").GetInt32(), done.GetProperty("uncovered").GetInt32());
        Assert.Equal(0, done.GetProperty("lost").GetArrayLength());
        await ground.RunAsync("verify", "--read", "all");
        foreach (var (point, expected) in new[] { ("latest", data), (first, before) })
        {
            ground.Fill(9);
            await ground.RunAsync("restore", point, "--yes");
            Assert.Equal(expected, ground.Application.Data());
        }

        var again = (await ground.RunAsync("store", "recover", "--json")).Result("store-recover");
        Assert.Equal((0, 0), (again.GetProperty("uncovered").GetInt32(), again.GetProperty("putBack").GetInt32()));
    }

    [Fact]
    public async Task What_a_prune_dropped_is_not_brought_back()
    {
        await using var ground = await LockedAsync($"&lock-days={Days}");
        ground.Fill(2);
        await ground.RunAsync("backup");
        for (var i = 0; i < 2; i++) await ground.RunAsync("prune");
        var (keys, point) = (ground.Keys(""), await ground.Application.PointsAsync());
        Assert.Single(point);
        foreach (var key in keys) ground.Peer.Content.Delete(key);
        await ground.RunAsync("store", "recover");
        Assert.Equal(point, await ground.Application.PointsAsync());
        Assert.Equal(Needed(keys), Needed(ground.Keys("")));

        static List<string> Needed(IEnumerable<string> keys) => [.. keys.Where(k => !k.StartsWith("shop/index/", StringComparison.Ordinal))];
    }

    [Fact]
    public async Task A_point_locks_anew_what_it_uses_again()
    {
        await using var ground = await LockedAsync("&lock-days=1");
        var first = ground.Keys("packs/");
        await ground.RunAsync("backup", "--config", ground.Application.ConfigurationFile, "--repository", ground.Peer.Location(more: $"&lock-days={Days}"));

        // The data is the same: the second point stands on packs of the first.
        var until = DateTimeOffset.UtcNow.AddDays(Days - 0.5);
        bool IsLocked(string key) => ground.Peer.Content.VersionsOf(key)[0].RetainUntil > until;
        Assert.All(ground.Keys("keys/").Append("shop/repository"), key => Assert.True(IsLocked(key), key));
        Assert.Contains(first, IsLocked);

        // Twenty days later the locks of the first point are over, and those of what the second stands on are not.
        ground.Peer.Content.Now = () => DateTimeOffset.UtcNow.AddDays(20);
        Assert.True(Attack(ground, "") > 0);
        var recovered = await ground.Application.RepriseAsync("store", "recover", "--json");
        output.WriteLine(recovered.Result("store-recover").ToString());
        var data = ground.Application.Data();
        ground.Fill(9);
        await ground.RunAsync("restore", "latest", "--yes");
        Assert.Equal(data, ground.Application.Data());
    }

    [Fact]
    public async Task A_bucket_without_locks_says_so_and_a_lock_is_never_shortened()
    {
        await using var plain = S3Ground.Make(more: "&lock-days=30");
        var said = (await plain.Application.RepriseAsync("init", "--json")).MustExit(4);
        Assert.Equal(["store-denied"], said.ProblemCodes());
        Assert.Contains("make the bucket with Object Lock", said.Output, StringComparison.Ordinal);

        await using var ground = await LockedAsync($"&lock-days={Days}");
        var configuration = await File.ReadAllTextAsync(ground.Application.ConfigurationFile);
        ground.Application.WriteConfiguration(configuration.Replace("lock-days=30", "lock-days=2", StringComparison.Ordinal));
        await ground.RunAsync("backup");
        Assert.True(ground.Peer.Content.VersionsOf("shop/repository")[0].RetainUntil > DateTimeOffset.UtcNow.AddDays(Days - 1));
    }

    private static async Task<S3Ground> LockedAsync(string more)
    {
        var ground = S3Ground.Make(more, bucket => bucket.Versioned = bucket.Locks = true);
        await ground.RunAsync("init");
        await ground.RunAsync("backup");
        return ground;
    }

    // Every other object is deleted, every other one replaced by noise of its size; then every version that no lock keeps is
    // removed. A record that would make a point look dropped is forged too. Returns how many versions went.
    private int Attack(S3Ground ground, string forgedDrop)
    {
        var bucket = ground.Peer.Content;
        var (number, refused, removed) = (0, 0, 0);
        lock (bucket.Gate)
        {
            if (forgedDrop.Length > 0) bucket.Put("shop/dropped/" + forgedDrop, new byte[200]);
            foreach (var key in bucket.Objects.Keys.ToList())
            {
                var genuine = bucket.VersionsOf(key).ToList();
                if (number++ % 2 == 0) bucket.Delete(key);
                else bucket.Put(key, [.. bucket.Objects[key].Select(b => (byte)(b ^ 0x5A))]);
                foreach (var version in genuine)
                {
                    if (bucket.Remove(key, version.Id)) removed++;
                    else refused++;
                }
            }
        }

        output.WriteLine($"{number} objects deleted or replaced, {removed} versions removed, {refused} kept by their locks");
        Assert.True(refused > 3);
        return removed;
    }
}
