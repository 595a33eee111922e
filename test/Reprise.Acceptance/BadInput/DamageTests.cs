namespace Reprise.Acceptance.BadInput;

/// <summary>
/// Bytes that are not what was written, and signatures that do not fit: exit 5, named, and production untouched.
/// </summary>
public class DamageTests
{
    private const string Signing = "BACKUP_METADATA_HMAC_KEY";

    /// <summary>Which object, and what happens to it.</summary>
    public static TheoryData<string, string, string> Damages => new()
    {
        { "packs", "flip", "object-damaged" },
        { "packs", "truncate", "object-damaged" },
        { "packs", "delete", "object-missing" },
        { "packs", "empty", "object-damaged" },
        { "points", "flip", "object-damaged" },
        { "points", "truncate", "object-damaged" },
        { "repository", "flip", "object-damaged" },
    };

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task A_damaged_object_is_found_named_and_never_restored(string where, string how, string code)
    {
        using var application = await SmallApplication.WithPointAsync();
        var victim = Largest(application.Path("recovery/" + where));
        var good = await File.ReadAllBytesAsync(victim);
        Damage(victim, good, how);
        application.Fill(seed: 9, rows: 10);
        var before = application.Everything();
        foreach (var command in new[] { "verify", "restore" })
        {
            string[] asked = command == "verify" ? [command, "--read", "all", "--json"] : [command, "--yes", "--json"];
            var run = await application.RepriseAsync(asked);
            run.MustExit(5).Json(command);
            var named = run.ProblemCodes().Any(c => c == code || c is "object-truncated" or "malformed");
            Assert.True(named, run.ToString());
            Assert.True(run.Output.Contains(Path.GetFileName(victim), StringComparison.Ordinal), run.ToString());
            Assert.True(run.Errors.Contains("\nnext: ", StringComparison.Ordinal), run.ToString());
            Assert.Equal(before, application.Everything());
        }

        await File.WriteAllBytesAsync(victim, good);
        (await application.RepriseAsync("verify", "--read", "all", "--json")).MustExit(0);
        (await application.RepriseAsync("restore", "--yes", "--json")).MustExit(0);
    }

    [Fact]
    public async Task Every_part_of_a_pack_is_covered_wherever_the_byte_lies()
    {
        using var application = await SmallApplication.WithPointAsync();
        var pack = Largest(application.Path("recovery/packs"));
        var good = await File.ReadAllBytesAsync(pack);
        var random = new Random(22);
        var places = Enumerable.Range(0, 12).Select(_ => random.Next(good.Length));
        foreach (var place in places.Append(0).Append(good.Length - 1))
        {
            var bad = good.ToArray();
            bad[place] ^= (byte)(1 << random.Next(8));
            await File.WriteAllBytesAsync(pack, bad);
            var run = await application.RepriseAsync("verify", "--read", "all", "--json");
            Assert.True(run.Exit == 5, $"byte {place} of {good.Length}: {run}");
        }

        await File.WriteAllBytesAsync(pack, good);
        (await application.RepriseAsync("verify", "--read", "all")).MustExit(0);
    }

    [Fact]
    public async Task A_damaged_newest_point_is_named_when_an_older_one_comes_back_in_its_place()
    {
        using var application = await SmallApplication.WithPointAsync();
        var old = application.Data();
        application.Fill(seed: 2, rows: 20);
        (await application.RepriseAsync("backup")).MustExit(0);
        var newest = Directory.GetFiles(application.Path("recovery/points")).Order(StringComparer.Ordinal).Last();
        var good = await File.ReadAllBytesAsync(newest);
        Damage(newest, good, "flip");
        var name = Path.GetFileName(newest);
        (await application.RepriseAsync("restore", name, "--yes", "--json")).MustFail("restore", 5, "object-damaged");

        var run = await application.RepriseAsync("restore", "latest", "--yes", "--json");
        Assert.Contains(run.MustExit(0).Json("restore").GetProperty("problems").EnumerateArray(), p =>
            p.GetProperty("code").GetString() == "object-damaged"
            && p.GetProperty("severity").GetString() == "warning"
            && p.Said().Contains(name, StringComparison.Ordinal));
        Assert.Equal(old, application.Data());
        (await application.RepriseAsync("verify", "--json")).MustFail("verify", 5, "object-damaged");
    }

    [Fact]
    public async Task Damaged_keys_in_the_repository_cost_nothing_because_the_key_file_has_copies()
    {
        using var application = await SmallApplication.WithPointAsync();
        foreach (var key in Directory.GetFiles(application.Path("recovery/keys")))
            Damage(key, await File.ReadAllBytesAsync(key), "flip");
        var before = application.Data();
        application.Fill(seed: 2, rows: 20);
        (await application.RepriseAsync("restore", "--yes", "--json")).MustExit(0).Json("restore");
        Assert.Equal(before, application.Data());
    }

    [Fact]
    public async Task A_point_that_is_deleted_behind_our_back_is_missed_by_the_one_after_it()
    {
        using var application = await SmallApplication.WithPointAsync();
        application.Fill(seed: 2, rows: 20);
        (await application.RepriseAsync("backup")).MustExit(0);
        var first = Directory.GetFiles(application.Path("recovery/points")).Order(StringComparer.Ordinal).First();
        File.Move(first, application.Path("kept"));
        (await application.RepriseAsync("verify", "--json")).MustFail("verify", 5, "point-missing");
        File.Move(application.Path("kept"), first);
        (await application.RepriseAsync("verify", "--json")).MustExit(0);
    }

    [Fact]
    public async Task A_signature_that_is_wrong_or_cannot_be_checked_stops_everything_that_would_trust_it()
    {
        using var application = SmallApplication.Make();
        application.Variables[Signing] = "the first secret";
        (await application.RepriseAsync("init")).MustExit(0);
        (await application.RepriseAsync("backup")).MustExit(0);
        await MustAllAsync(application, 0, null);

        application.Variables[Signing] = "another secret";
        await MustAllAsync(application, 5, "signature-wrong");
        application.Variables.Remove(Signing);
        await MustAllAsync(application, 5, "signature-not-verifiable");

        // After a rotation the former one only verifies.
        application.Variables[Signing] = "another secret";
        application.Variables[Signing + "_PREVIOUS"] = "the first secret";
        await MustAllAsync(application, 0, null);
    }

    [Fact]
    public async Task A_point_without_signature_is_refused_once_signing_is_in_force()
    {
        using var application = await SmallApplication.WithPointAsync();
        application.Variables[Signing] = "the secret";
        // Taken before signing was in force: it passes.
        await MustAllAsync(application, 0, null);
        (await application.RepriseAsync("backup")).MustExit(0);
        application.Variables.Remove(Signing);
        var unsigned = await application.RepriseAsync("backup", "--json");
        unsigned.Json("backup");
        application.Variables[Signing] = "the secret";
        if (unsigned.Exit == 0) await MustAllAsync(application, 5, "signature-missing");
        else unsigned.MustExit(5);
    }

    private static async Task MustAllAsync(SmallApplication application, int exit, string? code)
    {
        foreach (var command in new[] { "verify", "restore" })
        {
            var before = application.Data();
            string[] asked = command == "restore" ? [command, "--yes", "--json"] : [command, "--json"];
            var run = await application.RepriseAsync(asked);
            if (code is null) run.MustExit(exit).Json(command);
            else
            {
                var said = run.MustFail(command, exit, code).Said();
                if (code.EndsWith("verifiable", StringComparison.Ordinal))
                    Assert.Contains(Signing, said, StringComparison.Ordinal);
            }

            Assert.Equal(before, application.Data());
        }
    }

    private static string Largest(string path) => File.Exists(path)
        ? path
        : Directory.GetFiles(path).OrderByDescending(f => new FileInfo(f).Length).First();

    private static void Damage(string path, byte[] good, string how)
    {
        switch (how)
        {
            case "flip":
                var bad = good.ToArray();
                bad[good.Length / 2] ^= 0x10;
                File.WriteAllBytes(path, bad);
                break;
            case "truncate":
                File.WriteAllBytes(path, good[..(good.Length - 100)]);
                break;
            case "empty":
                File.WriteAllBytes(path, []);
                break;
            default:
                File.Delete(path);
                break;
        }
    }
}
