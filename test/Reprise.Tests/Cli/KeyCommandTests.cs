using Reprise.Storage.Errors;
using Reprise.Tests.Setup;

namespace Reprise.Tests.Cli;

/// <summary><c>reprise key …</c> as it is wired, on a real folder.</summary>
public sealed class KeyCommandTests : IDisposable
{
    private readonly AppFolder folder = new();
    private readonly CommandBench bench = new();

    public KeyCommandTests()
    {
        bench.WorkingFolder = folder.Path;
        bench.Environment["HOME"] = Path.Combine(Path.GetDirectoryName(folder.Path) ?? "", "home");
        bench.Environment["PATH"] = "/usr/bin:/bin";
        Directory.CreateDirectory(bench.Environment["HOME"]);
        bench.Operations = Composition.Operations(bench.Host);
        folder.With("uploads/1");
        folder.With("reprise.yaml", Configuration("file: ../home/shop.key"));
    }

    private string KeyFile => Path.Combine(bench.Environment["HOME"], "shop.key");

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task List_names_the_slots_and_rotate_brings_the_key_file_up_to_date()
    {
        Assert.Equal(0, await bench.RunAsync("init"));
        Assert.Equal(0, await bench.RunAsync("key", "list", "--json"));
        var keys = bench.Document().GetProperty("result").GetProperty("keys");
        Assert.Equal(["file", "sheet"], keys.EnumerateArray().Select(k => k.GetProperty("kind").GetString()));
        Assert.True(keys[0].GetProperty("inUse").GetBoolean());
        var before = File.ReadAllText(KeyFile);

        Assert.Equal(0, await bench.RunAsync("key", "rotate", "--json"));
        Assert.Equal(2, bench.Document().GetProperty("result").GetProperty("epoch").GetInt32());
        Assert.NotEqual(before, File.ReadAllText(KeyFile));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(KeyFile));
        Assert.Equal(0, await bench.RunAsync("backup"));
        File.WriteAllText(KeyFile, before);
        Assert.Equal(0, await bench.RunAsync("key", "list"));
        Assert.Contains("opens epochs 1 to 2", bench.Out, StringComparison.Ordinal);
        Assert.Contains("lacks epoch-2", bench.Out.ReplaceLineEndings(" "), StringComparison.Ordinal);
        Assert.Equal(0, await bench.RunAsync("verify", "--read", "all"));
    }

    [Fact]
    public async Task Verify_and_list_name_what_is_damaged_or_gone_under_keys()
    {
        Assert.Equal(0, await bench.RunAsync("init"));
        Assert.Equal(0, await bench.RunAsync("backup"));
        var objects = Directory.GetFiles(Path.Combine(folder.Path, "recovery/keys"));
        Assert.Equal(2, objects.Length);
        File.Delete(objects[0]);
        File.SetUnixFileMode(objects[1], UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var bytes = File.ReadAllBytes(objects[1]);
        bytes[^40] ^= 1;
        File.WriteAllBytes(objects[1], bytes);
        foreach (var command in (string[][])[["verify", "--json"], ["key", "list", "--json"]])
        {
            Assert.Equal(ExitCodes.Damaged, await bench.RunAsync(command));
            var problems = bench.Document().GetProperty("problems").EnumerateArray()
                .Select(p => (p.GetProperty("code").GetString(), p.GetProperty("where").GetString())).ToHashSet();
            Assert.Contains(("object-missing", "keys/" + Path.GetFileName(objects[0])), problems);
            Assert.Contains(("object-damaged", "keys/" + Path.GetFileName(objects[1])), problems);
        }

        Assert.Equal(0, await bench.RunAsync("key", "rotate"));
        Assert.Equal(0, await bench.RunAsync("verify"));
    }

    [Fact]
    public async Task A_passphrase_is_added_opens_and_is_revoked()
    {
        Assert.Equal(0, await bench.RunAsync("init"));
        Assert.Equal(0, await bench.RunAsync("backup"));
        bench.Environment["REPRISE_NEW_PASSPHRASE"] = "too short";
        Assert.Equal(ExitCodes.Usage, await bench.RunAsync("key", "add", "passphrase"));
        bench.Environment["REPRISE_NEW_PASSPHRASE"] = "correct horse battery";
        Assert.Equal(0, await bench.RunAsync("key", "add", "passphrase", "--json"));
        var slot = bench.Document().GetProperty("result").GetProperty("added").GetString() ?? "";

        Assert.Equal(ExitCodes.Unavailable, await bench.RunAsync("points", "--repository", "recovery"));
        Assert.Contains("[key-missing]", bench.Error, StringComparison.Ordinal);
        bench.Typed = "correct horse battery\n";
        Assert.Equal(0, await bench.RunAsync("points", "--repository", "recovery"));
        Assert.DoesNotContain("correct horse", bench.Out + bench.Error, StringComparison.Ordinal);
        bench.Typed = null;
        folder.With("reprise.yaml", Configuration(""));
        await FailsAsync("key-missing", "backup");
        bench.Typed = "correct horse battery\n";
        Assert.Equal(0, await bench.RunAsync("restore", "--plan"));
        Assert.Single(bench.Error.Split('\n'), line => line.Contains("Passphrase", StringComparison.Ordinal));
        Assert.Equal(ExitCodes.Unavailable, await bench.RunAsync("points", "--json"));
        bench.Typed = "wrong horse battery\n";
        Assert.Equal(ExitCodes.Unavailable, await bench.RunAsync("backup"));
        Assert.Contains("[key-wrong]", bench.Error, StringComparison.Ordinal);
        bench.Typed = null;
        bench.Environment["REPRISE_PASSPHRASE"] = "correct horse battery";
        Assert.Equal(0, await bench.RunAsync("backup"));
        bench.Environment.Remove("REPRISE_PASSPHRASE");
        folder.With("reprise.yaml", Configuration("passphrase: \"${PASS}\""));
        bench.Environment["PASS"] = "correct horse battery";
        Assert.Equal(0, await bench.RunAsync("backup"));
        bench.Environment["PASS"] = "wrong horse battery";
        await FailsAsync("key-wrong", "backup");
        Assert.Equal(0, await bench.RunAsync("key", "revoke", slot, "--key-file", KeyFile));
        Assert.Contains("opens nothing that is written from now on", bench.Out.ReplaceLineEndings(" "), StringComparison.Ordinal);
        bench.Environment["PASS"] = "correct horse battery";
        await FailsAsync("key-revoked", "backup");
    }

    [Fact]
    public async Task The_key_in_use_is_revoked_only_after_a_question_and_the_last_one_never()
    {
        Assert.Equal(0, await bench.RunAsync("init"));
        var second = Path.Combine(folder.Path, "second.key");
        Assert.Equal(0, await bench.RunAsync("key", "add", "file", "--to", second));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(second));
        var mine = File.ReadAllLines(KeyFile).Single(l => l.StartsWith("slot ", StringComparison.Ordinal))[5..];
        Assert.Equal(ExitCodes.Refused, await bench.RunAsync("key", "revoke", mine));
        Assert.Equal(0, await bench.RunAsync("key", "list"));
        Assert.Equal(0, await bench.RunAsync("key", "revoke", mine, "--yes"));
        await FailsAsync("key-revoked", "key", "list");
        Assert.Equal(0, await bench.RunAsync("key", "list", "--key-file", second, "--json"));
        var slots = bench.Document().GetProperty("result").GetProperty("keys").EnumerateArray()
            .Select(k => (k.GetProperty("id").GetString() ?? "", k.GetProperty("state").GetString())).ToList();
        Assert.Contains((mine, "revoked"), slots);
        var sheet = slots.Single(s => s.Item1.StartsWith("sheet", StringComparison.Ordinal)).Item1;
        Assert.Equal(0, await bench.RunAsync("key", "revoke", sheet, "--key-file", second));
        var last = slots.Single(s => s.Item1.StartsWith("file", StringComparison.Ordinal) && s.Item1 != mine).Item1;
        Assert.Equal(ExitCodes.Refused, await bench.RunAsync("key", "revoke", last, "--yes", "--key-file", second, "--json"));
        Assert.Equal("key-last", bench.Document().GetProperty("problems")[0].GetProperty("code").GetString());
    }

    private async Task FailsAsync(string code, params string[] command)
    {
        Assert.Equal(ExitCodes.Unavailable, await bench.RunAsync([.. command, "--json"]));
        Assert.Equal(code, bench.Document().GetProperty("problems")[0].GetProperty("code").GetString());
    }

    private static string Configuration(string key) => $$"""
        application: shop
        repository:
          location: ./recovery
          key: { {{key}} }
        assets:
          uploads: { files: { include: ["uploads/**"] } }
        """;
}
