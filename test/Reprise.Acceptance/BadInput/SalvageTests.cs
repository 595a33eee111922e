using System.Text.Json;

namespace Reprise.Acceptance.BadInput;

/// <summary>
/// <c>restore --salvage</c>: what is intact comes back bit by bit, what is not is left out and named, and nobody takes the
/// result for complete.
/// </summary>
public class SalvageTests
{
    private const int Flips = 12;

    [Fact]
    public async Task Wherever_a_byte_is_flipped_everything_else_comes_back()
    {
        using var application = await SmallApplication.WithPointAsync(seed: 3);
        var good = Files(application.Folder);
        var packs = Packs(application);
        var random = new Random(22);
        var (partly, lost) = (0, 0);
        for (var number = 0; number < Flips; number++)
        {
            var pack = packs[number % packs.Count];
            var whole = await File.ReadAllBytesAsync(pack);
            var bad = whole.ToArray();
            bad[random.Next(bad.Length)] ^= (byte)(1 << random.Next(8));
            await File.WriteAllBytesAsync(pack, bad);
            var target = application.Path($"salvaged-{number}");
            var strict = await application.RepriseAsync("restore", "--to", target + "-strict", "--yes", "--json");
            Assert.True(strict.Exit is 0 or 5, strict.ToString());
            var plan = await application.RepriseAsync("restore", "--salvage", "--to", target, "--plan", "--json");
            Assert.False(Directory.Exists(target), "a plan writes nothing");
            var run = await application.RepriseAsync("restore", "--salvage", "--to", target, "--yes", "--json");
            Assert.Equal(run.Exit, plan.Exit);
            if (run.Exit == 5)
            {
                Assert.False(Directory.Exists(target), run.ToString());
                lost++;
                await File.WriteAllBytesAsync(pack, whole);
                continue;
            }

            Assert.True(run.Exit is 0 or 7, run.ToString());
            var result = run.Json("restore").GetProperty("result");
            var missing = Missing(result);
            Assert.Equal(run.Exit == 7, missing.Count > 0);
            Assert.Equal(missing.Count, result.GetProperty("missingCount").GetInt32());
            Assert.All(missing, name => Assert.DoesNotContain(name, Files(target).Keys));
            partly += missing.Count > 0 ? 1 : 0;
            AssertSame(good, Files(target), missing);
            await File.WriteAllBytesAsync(pack, whole);
        }

        Assert.True(partly > Flips / 2, $"{partly} of {Flips} flips left something out, {lost} everything");
    }

    [Fact]
    public async Task In_place_what_is_missing_is_said_before_and_after_and_undo_gives_everything_back()
    {
        using var application = await SmallApplication.WithPointAsync(seed: 3);
        var good = Files(application.Folder);
        var pack = Packs(application)[0];
        var whole = await File.ReadAllBytesAsync(pack);
        var hit = await DamageOneFileAsync(application, pack, whole);
        application.Fill(seed: 9, rows: 10);
        var (live, data) = (application.Everything(), application.Data());

        (await application.RepriseAsync("restore", "--yes", "--json")).MustExit(5);
        Assert.Equal(live, application.Everything());
        var plan = (await application.RepriseAsync("restore", "--salvage", "--plan", "--json")).MustExit(0).Json("restore");
        Assert.Equal([hit], Missing(plan.GetProperty("result")));
        Assert.Contains(plan.GetProperty("problems").EnumerateArray(), p => p.Said().Contains(Path.GetFileName(hit), StringComparison.Ordinal));
        Assert.Equal(live, application.Everything());

        var run = await application.RepriseAsync("restore", "--salvage", "--yes", "--json");
        var said = run.MustFail("restore", 7, "point-incomplete").Said();
        Assert.Contains(Path.GetFileName(hit), said, StringComparison.Ordinal);
        Assert.Equal([hit], Missing(run.Json("restore").GetProperty("result")));
        AssertSame(good, Files(application.Folder), [hit]);

        (await application.RepriseAsync("undo", "--yes", "--json")).MustExit(0);
        Assert.Equal(data, application.Data());
        await File.WriteAllBytesAsync(pack, whole);
        (await application.RepriseAsync("restore", "--salvage", "--yes", "--json")).MustExit(0);
        AssertSame(good, Files(application.Folder), []);
    }

    [Fact]
    public async Task When_nothing_is_left_it_refuses_and_changes_nothing()
    {
        using var application = await SmallApplication.WithPointAsync(seed: 3);
        Packs(application).ForEach(File.Delete);
        var before = application.Everything();
        (await application.RepriseAsync("restore", "--salvage", "--yes", "--json")).MustFail("restore", 5, "object-missing");
        Assert.Equal(before, application.Everything());
        (await application.RepriseAsync("restore", "--salvage", "--to", application.Path("to"), "--yes", "--json"))
            .MustFail("restore", 5, "object-missing");
        Assert.False(Directory.Exists(application.Path("to")));
    }

    // Flips bytes until exactly one of the uploads is hit.
    private static async Task<string> DamageOneFileAsync(SmallApplication application, string pack, byte[] whole)
    {
        var random = new Random(5);
        while (true)
        {
            var bad = whole.ToArray();
            bad[random.Next(bad.Length)] ^= 1;
            await File.WriteAllBytesAsync(pack, bad);
            var plan = await application.RepriseAsync("restore", "--salvage", "--plan", "--json");
            if (plan.Exit == 0 && Missing(plan.Json("restore").GetProperty("result")) is [var hit] && hit.StartsWith("uploads/", StringComparison.Ordinal))
                return hit;
        }
    }

    // As the application's folder has them; an asset that is lost is all of its files.
    private static List<string> Missing(JsonElement result) =>
    [
        .. result.GetProperty("missing").EnumerateArray().Select(part => part.GetProperty("path").GetString()
            ?? (part.GetProperty("asset").GetString() == "orders" ? "data/app.db" : "uploads")),
    ];

    // The largest first: it holds the uploads.
    private static List<string> Packs(SmallApplication application) =>
    [
        .. Directory.GetFiles(application.Path("recovery/packs"), "*", SearchOption.AllDirectories)
            .OrderByDescending(f => new FileInfo(f).Length),
    ];

    // In the application's folder and in one that --to wrote, under the same names.
    private static SortedDictionary<string, string> Files(string folder)
    {
        var files = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var path in Directory.GetFiles(folder, "*", SearchOption.AllDirectories))
        {
            var name = Path.GetRelativePath(folder, path);
            name = name.StartsWith("uploads/uploads/", StringComparison.Ordinal) ? name["uploads/".Length..] : name;
            name = name.EndsWith("app.db", StringComparison.Ordinal) || name.EndsWith("orders.db", StringComparison.Ordinal) ? "data/app.db" : name;
            if (!name.StartsWith("uploads/", StringComparison.Ordinal) && name != "data/app.db") continue;
            if (name.Contains(".reprise", StringComparison.Ordinal)) continue;
            files[name] = name == "data/app.db" ? Rows(path) : Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(path)));
        }

        return files;
    }

    // A database that comes back has the same rows, not always the same unused bytes.
    private static string Rows(string path)
    {
        using var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={path};Mode=ReadOnly;Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "select count(*) || ':' || hex(group_concat(what, '')) from orders";
        return (string)command.ExecuteScalar()!;
    }

    private static void AssertSame(SortedDictionary<string, string> good, SortedDictionary<string, string> found, List<string> missing) =>
        Assert.Equal(good.Where(f => !missing.Any(m => f.Key == m || f.Key.StartsWith(m + "/", StringComparison.Ordinal))), found);
}
