using Reprise.Recovery;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Exporting;
using Reprise.Repository;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Tests.Exporting;

/// <summary>A bare host gets configuration and files, overwrites nothing, and is told what comes next.</summary>
public sealed class RecoverTests : IDisposable
{
    private const string Configuration = "application: shop\nrepository: { location: ./recovery }\n";

    private readonly ExportWorld world = new();
    private readonly HashSet<string> set = new(StringComparer.Ordinal);
    private ConfiguredPlaces? places = new("/srv/shop/recovery", "/home/a/shop.key");

    private string Folder => world.Target.ToString();

    public void Dispose() => world.Dispose();

    [Fact]
    public async Task Configuration_and_files_of_all_assets_come_back_into_one_folder()
    {
        var locked = world.Add("runtime", AssetKinds.Files, folder =>
        {
            Directory.CreateDirectory(Path.Combine(folder, "uploads/deep"));
            File.WriteAllText(Path.Combine(folder, "uploads/deep/a.txt"), "A");
            File.WriteAllText(Path.Combine(folder, "reprise.yaml"), Configuration);
            var path = new DiskPath(folder);
            world.Disk.SetMode(path / "uploads/deep", 0x16D);
            world.Disk.SetModified(path / "uploads", new UnixTime(1_500_000_000, 5));
            world.Disk.SetMode(path, 0x1ED);
        });
        var point = await world.CommitAsync(
            [locked, world.AddFiles("config", ("config/shop.ini", "i"), ("uploads/b.txt", "B"))], Configuration);
        var result = await RecoverAsync();
        Assert.Equal(point.Id, result.Point.Id);
        Assert.Equal(Configuration, await File.ReadAllTextAsync(Path.Combine(Folder, "reprise.yaml")));
        Assert.Equal("A", await File.ReadAllTextAsync(Path.Combine(Folder, "uploads/deep/a.txt")));
        Assert.Equal("B", await File.ReadAllTextAsync(Path.Combine(Folder, "uploads/b.txt")));
        Assert.Equal("i", await File.ReadAllTextAsync(Path.Combine(Folder, "config/shop.ini")));
        Assert.Equal(0x16D, world.Disk.Stat(world.Target / "uploads/deep")!.Mode);
        Assert.Equal(["config/shop.ini", "reprise.yaml", "uploads/b.txt", "uploads/deep/a.txt"], result.Written);
        Assert.Equal(["export"], world.Around());
        Assert.Empty(result.Problems);
    }

    [Fact]
    public async Task What_must_be_adapted_and_typed_next_is_said()
    {
        world.Secrets.AddRange(
            [new KeptSecret("DATABASE_URL", null), new KeptSecret("JWT_SECRET", null), new KeptSecret("SET", null)]);
        set.Add("SET");
        var point = await world.CommitAsync([ExportWorld.Record("secrets", AssetKinds.Secrets)], Configuration);
        var result = await RecoverAsync(r => r with { Repository = "/mnt/usb stick/recovery", KeyFile = "/etc/shop.key" });
        Assert.Equal(
            [
                $"cd {Folder}",
                "export DATABASE_URL=…",
                "export JWT_SECRET=…",
                $"reprise restore {point.Id} --config reprise.yaml"
                    + " --repository '/mnt/usb stick/recovery' --key-file /etc/shop.key",
            ],
            result.NextCommands);
        Assert.Equal(2, result.Adapt.Count);
        Assert.Contains("/mnt/usb stick/recovery", result.Adapt[0], StringComparison.Ordinal);
        Assert.Equal(["DATABASE_URL", "JWT_SECRET"], result.MissingSecrets);
        Assert.Equal(
            2, result.Problems.Count(p => p.Code == ExportErrors.SecretNotKept && p.Severity == Severity.Warning));
        Folders.DeleteTree(world.Disk, world.Target);
        Assert.Empty(
            (await RecoverAsync(r => r with { Repository = places!.Repository, KeyFile = places.KeyFile })).Adapt);
        Folders.DeleteTree(world.Disk, world.Target);
        places = null;
        Assert.Single((await RecoverAsync()).Adapt);
    }

    [Fact]
    public async Task Sealed_values_are_written_only_when_asked_and_complete_the_captured_file()
    {
        world.Secrets.AddRange([
            new KeptSecret("PLAIN", "open-sesame"), new KeptSecret("TRICKY", "a'b\"c$d\\e\nf"),
            new KeptSecret("SPACED", "a b#c"), new KeptSecret("THERE", "other"), new KeptSecret("LOST", null)]);
        await world.CommitAsync(
            [ExportWorld.Record("secrets", AssetKinds.Secrets), world.AddFiles("runtime", (".env", "THERE=mine"))],
            Configuration);
        var without = await RecoverAsync();
        Assert.Equal("THERE=mine", await File.ReadAllTextAsync(Path.Combine(Folder, ".env")));
        Assert.Empty(without.RestoredSecrets);
        Folders.DeleteTree(world.Disk, world.Target);
        var with = await RecoverAsync(r => r with { RestoreSecrets = true });
        var text = await File.ReadAllTextAsync(Path.Combine(Folder, ".env"));
        Assert.Equal("THERE=mine\nPLAIN=open-sesame\nSPACED='a b#c'\nTRICKY=\"a'b\\\"c\\$d\\\\e\\nf\"\n", text);
        Assert.Equal(["LOST"], with.MissingSecrets);
        var parsed = Configuration_of(text);
        Assert.Equal("a'b\"c$d\\e\nf", parsed("TRICKY"));
        Assert.Equal("a b#c", parsed("SPACED"));
        foreach (var line in with.Adapt.Concat(with.NextCommands).Concat(with.Problems.Select(p => p.Message + p.Hint)))
            Assert.DoesNotContain("open-sesame", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_new_secrets_file_is_for_its_owner_only()
    {
        world.Secrets.Add(new KeptSecret("PLAIN", "abc"));
        await world.CommitAsync([ExportWorld.Record("secrets", AssetKinds.Secrets)], Configuration);
        var result = await RecoverAsync(r => r with { RestoreSecrets = true });
        Assert.Equal(0x180, world.Disk.Stat(world.Target / ".env")!.Mode);
        Assert.Contains(".env", result.Written);
        Assert.Equal(["PLAIN"], result.RestoredSecrets);
    }

    [Fact]
    public async Task Two_assets_with_different_files_of_one_name_lose_neither()
    {
        await world.CommitAsync([
            world.AddFiles("one", ("a.txt", "one"), ("same", "s")),
            world.AddFiles("two", ("a.txt", "two"), ("same", "s"))]);
        var result = await RecoverAsync();
        Assert.Equal("one", await File.ReadAllTextAsync(Path.Combine(Folder, "a.txt")));
        Assert.Equal("two", await File.ReadAllTextAsync(Path.Combine(Folder, "a.txt.from-two")));
        Assert.False(File.Exists(Path.Combine(Folder, "same.from-two")));
        var problem = Assert.Single(result.Problems);
        Assert.Equal(ExportErrors.PathTwice, problem.Code);
        Assert.Equal("a.txt", problem.Where);
    }

    [Fact]
    public async Task The_newest_complete_and_intact_point_is_taken()
    {
        var record = world.AddFiles("runtime", ("a", "b"));
        var good = await world.CommitAsync([record], "first");
        var lost = await world.CommitAsync([record], "second: " + new string('x', 10_000));
        await world.CommitAsync([record], "third", change: m => m with { State = PointState.Incomplete });
        await world.CommitAsync([record], "fourth", change: m => m with { Kind = PointKind.Safety });
        Assert.Equal(lost.Id, (await RecoverAsync()).Point.Id);
        Folders.DeleteTree(world.Disk, world.Target);
        foreach (var name in world.PackNames())
        {
            var pack = name.Value.Split('/')[^1];
            if (lost.UsesPack(pack) && !good.UsesPack(pack)) await world.Store.DeleteAsync(name, ExportWorld.None);
        }

        var result = await RecoverAsync();
        Assert.Equal(good.Id, result.Point.Id);
        Assert.Equal("first", await File.ReadAllTextAsync(Path.Combine(Folder, "reprise.yaml")));
        Assert.Contains(result.Problems, p => p.Code == ExportErrors.PointSkipped && p.Where == lost.Id.Value);
        Folders.DeleteTree(world.Disk, world.Target);
        var error = await Assert.ThrowsAnyAsync<RepriseException>(() => RecoverAsync(r => r with { Point = lost.Id }));
        Assert.Equal(ExitCodes.Damaged, error.Code.Exit);
        Assert.Empty(world.Around());
    }

    [Fact]
    public async Task A_named_point_is_taken_even_when_incomplete_and_an_unknown_one_is_not()
    {
        var record = world.AddFiles("runtime", ("a", "b"));
        var incomplete = await world.CommitAsync([record], "x", change: m => m with { State = PointState.Incomplete });
        Assert.Equal(RepositoryErrors.NoPoint, (await Assert.ThrowsAsync<RepriseException>(() => RecoverAsync())).Code);
        var result = await RecoverAsync(r => r with { Point = incomplete.Id });
        Assert.Equal(ExitCodes.Incomplete, Assert.Single(result.Problems).Code.Exit);
        var unknown = await Assert.ThrowsAsync<RepriseException>(
            () => RecoverAsync(r => r with { Point = incomplete.Id.Next() }));
        Assert.Equal(RepositoryErrors.PointUnknown, unknown.Code);
    }

    [Fact]
    public async Task A_signature_that_cannot_be_judged_stops_it_and_a_forged_point_is_passed_over()
    {
        var key = SigningKeys.From("one", null);
        var record = world.AddFiles("runtime", ("a", "b"));
        var good = await world.CommitAsync([record], "genuine", key);
        Assert.Equal(good.Id, (await RecoverAsync(r => r with { Signing = key })).Point.Id);
        Folders.DeleteTree(world.Disk, world.Target);
        var unknown = await Assert.ThrowsAsync<RepriseException>(() => RecoverAsync());
        Assert.Equal(RepositoryErrors.SignatureNotVerifiable, unknown.Code);
        var forged = await world.CommitAsync([record], "forged");
        var result = await RecoverAsync(r => r with { Signing = key });
        Assert.Equal(good.Id, result.Point.Id);
        Assert.Contains(result.Problems, p => p.Code == ExportErrors.PointSkipped && p.Where == forged.Id.Value);
        var error = await Assert.ThrowsAsync<RepriseException>(
            () => RecoverAsync(r => r with { Signing = key, Point = forged.Id }));
        Assert.Equal(RepositoryErrors.SignatureMissing, error.Code);
    }

    [Fact]
    public async Task Nothing_is_overwritten_and_nothing_half_done_stays()
    {
        await world.CommitAsync([world.Add("runtime", AssetKinds.Files, _ =>
            throw new RepriseException(StorageErrors.DiskFull, "full", "none"))]);
        Assert.Equal(StorageErrors.DiskFull, (await Assert.ThrowsAsync<RepriseException>(() => RecoverAsync())).Code);
        Assert.Empty(world.Around());
        Directory.CreateDirectory(Folder);
        await File.WriteAllTextAsync(Path.Combine(Folder, "mine"), "keep");
        Assert.Equal(
            RecoveryErrors.TargetNotEmpty, (await Assert.ThrowsAsync<RepriseException>(() => RecoverAsync())).Code);
        Assert.Equal("keep", await File.ReadAllTextAsync(Path.Combine(Folder, "mine")));
    }

    [Fact]
    public async Task A_point_without_configuration_says_so()
    {
        await world.CommitAsync([world.AddFiles("runtime", ("a", "b"))], change: m => m with { Configuration = null });
        var result = await RecoverAsync();
        Assert.Equal(ExportErrors.ConfigurationAbsent, Assert.Single(result.Problems).Code);
        Assert.Contains("reprise init", result.NextCommands);
        Assert.Equal(["a"], result.Written);
    }

    private Task<RecoverResult> RecoverAsync(Func<RecoverRequest, RecoverRequest>? change = null)
    {
        var request = new RecoverRequest
        {
            Folder = world.Target,
            Repository = "/srv/shop/recovery",
            KeyFile = "/home/a/shop.key",
            RestoreSecrets = false,
            Materialiser = record => world.Assets.GetValueOrDefault(record.Name),
            Secrets = world.OpenAsync,
            IsSet = set.Contains,
            Places = (_, _) => places,
            Signing = SigningKeys.None,
        };
        return new RecoverRun(world.Repository, world.Disk, TimeProvider.System).RunAsync(
            change is null ? request : change(request), world.Progress, ExportWorld.None);
    }

    // A shell reads the lines as well; it is the strictest of the readers that a .env file has.
    private Func<string, string> Configuration_of(string text)
    {
        var path = Path.Combine(world.Scratch.Text, "sourced.env");
        File.WriteAllText(path, text.Replace("\\nf", "\nf", StringComparison.Ordinal));
        return name =>
            ExportWorld.Run(world.Scratch.Text, "sh", "-c", $". ./sourced.env; printf %s \"${name}\"").Output;
    }
}
