using System.Text;
using Reprise.Tests.Cli;
using Reprise.Tests.Storage;

namespace Reprise.Tests.Golden;

/// <summary>
/// Each damaged twin with the very words of <c>verify --read all</c>, and with those of the stand-alone reader: two
/// programs that share nothing have to see the same damage.
/// </summary>
public sealed class DamagedTwinTests : IDisposable
{
    private readonly ScratchFolder scratch = new(memory: true);

    public static TheoryData<string, string> Twins
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var (of, damage) in DamagedTwins.All) data.Add(of, damage);
            return data;
        }
    }

    public void Dispose() => scratch.Dispose();

    [Theory]
    [Trait("kind", "golden")]
    [MemberData(nameof(Twins))]
    public async Task Damage_is_named_in_these_words(string of, string damage)
    {
        var good = await GoldenFolder.ObjectsAsync(Path.Combine(GoldenFolder.Of(of), "repository"));
        var folder = Path.Combine(GoldenFolder.Of(of), "damaged", damage);
        var revoked = of == "rotated" ? await File.ReadAllTextAsync(Path.Combine(GoldenFolder.Of(of), "revoked.key")) : "";
        var differs = await DamagedTwins.MakeAsync(damage, good, revoked);
        if (GoldenFolder.IsWriting) await SaveAsync(folder, differs);
        foreach (var (name, bytes) in await ReadAsync(folder)) Apply(good, name, bytes);
        var twin = Path.Combine(scratch.Text, "twin");
        await GoldenFolder.WriteAsync(twin, good);

        var reader = await StandAlone.RunAsync(twin, Path.Combine(GoldenFolder.Of(of), "file.key"), "verify");
        await MustBeAsync(Path.Combine(folder, "reader.txt"), reader);
        await MustBeAsync(Path.Combine(folder, "verify.txt"), await VerifyAsync(of, twin));
        if (GoldenFolder.IsWriting) return;
        Assert.Equal(differs, await ReadAsync(folder));
    }

    private async Task<string> VerifyAsync(string of, string twin)
    {
        var bench = new CommandBench { WorkingFolder = scratch.Text };
        bench.Environment["HOME"] = scratch.Text;
        bench.Environment["BACKUP_METADATA_HMAC_KEY"] = "golden";
        bench.Operations = Composition.Operations(bench.Host);
        var exit = await bench.RunAsync(
            "verify", "--read", "all", "--repository", twin, "--key-file", Path.Combine(GoldenFolder.Of(of), "file.key"), "--no-color");
        var said = bench.Error.Split('\n').Where(l => !l.EndsWith("  verify", StringComparison.Ordinal));
        return (bench.Out + string.Join('\n', said) + $"exit {exit}\n").Replace(twin, "REPOSITORY", StringComparison.Ordinal);
    }

    private static void Apply(SortedDictionary<string, byte[]> objects, string name, byte[]? bytes)
    {
        if (bytes is null) objects.Remove(name);
        else objects[name] = bytes;
    }

    private static async Task SaveAsync(string folder, SortedDictionary<string, byte[]?> differs)
    {
        await GoldenFolder.WriteAsync(
            Path.Combine(folder, "objects"), differs.Where(d => d.Value is not null).ToDictionary(d => d.Key, d => d.Value!)); // Those that are there.
        Directory.CreateDirectory(folder);
        var gone = string.Concat(differs.Where(d => d.Value is null).Select(d => d.Key + "\n"));
        if (gone.Length > 0) await File.WriteAllTextAsync(Path.Combine(folder, "gone"), gone);
    }

    private static async Task<SortedDictionary<string, byte[]?>> ReadAsync(string folder)
    {
        var differs = new SortedDictionary<string, byte[]?>(StringComparer.Ordinal);
        foreach (var (name, bytes) in await GoldenFolder.ObjectsAsync(Path.Combine(folder, "objects"))) differs[name] = bytes;
        var gone = Path.Combine(folder, "gone");
        foreach (var name in File.Exists(gone) ? await File.ReadAllLinesAsync(gone) : []) differs[name] = null;
        Assert.NotEmpty(differs);
        return differs;
    }

    private static async Task MustBeAsync(string file, string text)
    {
        if (GoldenFolder.IsWriting) await File.WriteAllTextAsync(file, text, new UTF8Encoding(false));
        Assert.Equal(await File.ReadAllTextAsync(file), text);
    }
}
