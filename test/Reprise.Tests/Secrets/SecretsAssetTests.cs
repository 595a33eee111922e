using Reprise.Recovery.Assets;
using Reprise.Recovery.Secrets;
using Reprise.Repository;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Memory;
using Reprise.Storage.Runtime;
using Reprise.Tests.Storage;
using Slot = Reprise.Recovery.Assets.Slot;

namespace Reprise.Tests.Secrets;

/// <summary>Secrets are compared without having been stored, and written back only when they were sealed.</summary>
public sealed class SecretsAssetTests : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly PointId Id = PointId.At(new DateTimeOffset(2026, 11, 22, 3, 0, 0, TimeSpan.Zero));
    private readonly ScratchFolder scratch = new();
    private readonly IDisk disk = Disks.OfThisMachine();
    private readonly MemoryStore store = new();
    private readonly Dictionary<string, string> environment = new(StringComparer.Ordinal);

    private string EnvFile => $"{scratch.Text}/.env";

    public void Dispose() => scratch.Dispose();

    [Fact]
    public async Task Each_secret_is_the_same_differs_is_missing_or_is_new()
    {
        await File.WriteAllTextAsync(EnvFile, "JWT_SECRET=one\nDATABASE_URL=two\nGONE=three\n");
        var (record, _) = await CaptureAsync(Asset(false, "JWT_SECRET", "DATABASE_URL", "GONE"));
        Assert.Equal(AssetStates.Complete, record.State);
        await File.WriteAllTextAsync(EnvFile, "JWT_SECRET=rotated\nDATABASE_URL=two\nADDED=four\n");
        var outcomes = Asset(false, "JWT_SECRET", "DATABASE_URL", "GONE", "ADDED").Compare(record, Id);
        Assert.Equal(
            [
                ("ADDED", SecretState.New), ("DATABASE_URL", SecretState.Same), ("GONE", SecretState.Missing),
                ("JWT_SECRET", SecretState.Differs),
            ],
            outcomes.Select(o => (o.Name, o.State)));
        Assert.Equal(
            $"secret JWT_SECRET differs from point {Id}: tokens issued before it will be refused", outcomes[3].Message);
    }

    [Theory]
    [InlineData("JWT_SECRET", "tokens issued before it will be refused")]
    [InlineData("SECRET_KEY", "tokens issued before it will be refused")]
    [InlineData("DATABASE_URL", "the login that the restored data expects may be refused")]
    [InlineData("SMTP_PASSWORD", "the login that the restored data expects may be refused")]
    [InlineData("FIELD_ENCRYPTION_KEY", "what was encrypted with the one of the point cannot be read")]
    [InlineData("PEPPER", "what depends on the one of the point may be refused")]
    public async Task The_message_says_what_a_change_means(string name, string meaning)
    {
        await File.WriteAllTextAsync(EnvFile, $"{name}=one");
        var (record, _) = await CaptureAsync(Asset(false, name));
        await File.WriteAllTextAsync(EnvFile, $"{name}=two");
        Assert.EndsWith(meaning, Asset(false, name).Compare(record, Id).Single().Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_sealing_no_value_reaches_the_repository_and_none_can_be_restored()
    {
        await File.WriteAllTextAsync(EnvFile, "JWT_SECRET=a-very-secret-value");
        var asset = Asset(false, "JWT_SECRET", "ABSENT");
        var (record, problems) = await CaptureAsync(asset);
        Assert.Empty(record.Streams);
        Assert.DoesNotContain(record.Facts, f => f.Value.Contains("a-very-secret-value", StringComparison.Ordinal));
        Assert.Equal(["secret-missing"], problems.Select(p => p.Code.Name));
        var preflight = await asset.PreflightAsync(new RestoreItem(Id, record), None);
        Assert.Equal("secret-not-restorable", preflight.Single().Code.Name);
    }

    [Fact]
    public async Task Sealed_values_come_back_into_the_file_by_a_swap_and_leave_again()
    {
        await File.WriteAllTextAsync(EnvFile, "# shop\nJWT_SECRET='it''s'\nPORT=1\n");
        await File.WriteAllTextAsync(EnvFile, "# shop\nJWT_SECRET=\"it's\"\nPORT=1\n");
        var asset = Asset(true, "JWT_SECRET");
        var (record, reader) = await CommitAsync(asset);
        using (reader)
        {
            await File.WriteAllTextAsync(EnvFile, "# shop\nJWT_SECRET=rotated\nPORT=2\n");
            disk.SetMode(new DiskPath(EnvFile), 0x1A0);
            var item = new RestoreItem(Id, record);
            Assert.Empty(await asset.PreflightAsync(item, None));
            await asset.StageAsync(item, reader, new Quiet(), None);
            await asset.StageAsync(item, reader, new Quiet(), None);
            Assert.Equal(Outcome.Pass, (await asset.VerifyStagedAsync(item, new Quiet(), None)).Single().Outcome);
            Assert.Contains("rotated", await File.ReadAllTextAsync(EnvFile), StringComparison.Ordinal);

            var forward = new Swap(Slot.New(Id), Slot.Before(Id));
            await asset.SwapAsync(item, forward, None);
            await asset.SwapAsync(item, forward, None);
            Assert.Equal("# shop\nJWT_SECRET=\"it's\"\nPORT=2\n", await File.ReadAllTextAsync(EnvFile));
            Assert.Equal(0x1A0, disk.Stat(new DiskPath(EnvFile))!.Mode);
            Assert.Equal(SecretState.Same, asset.Compare(record, Id).Single().State);
            Assert.True((await asset.InspectSlotAsync(item, Slot.Before(Id), None)).Exists);

            await asset.SwapAsync(item, new Swap(Slot.Before(Id), Slot.New(Id)), None);
            Assert.Contains("rotated", await File.ReadAllTextAsync(EnvFile), StringComparison.Ordinal);
            await asset.DiscardAsync(item, Slot.New(Id), None);
            Assert.Equal([".env"], Directory.EnumerateFiles(scratch.Text).Select(Path.GetFileName));
        }
    }

    [Fact]
    public async Task Staged_values_that_are_not_those_of_the_point_are_noticed()
    {
        await File.WriteAllTextAsync(EnvFile, "JWT_SECRET=one\n");
        var asset = Asset(true, "JWT_SECRET");
        var (record, reader) = await CommitAsync(asset);
        using (reader)
        {
            var item = new RestoreItem(Id, record);
            await asset.StageAsync(item, reader, new Quiet(), None);
            await File.WriteAllTextAsync($"{EnvFile}.new-{Id}", "JWT_SECRET=other\n");
            Assert.Equal(Outcome.Fail, (await asset.VerifyStagedAsync(item, new Quiet(), None)).Single().Outcome);
        }
    }

    [Fact]
    public async Task A_lost_file_comes_back_with_the_sealed_names_and_to_a_folder_too()
    {
        await File.WriteAllTextAsync(EnvFile, "A=1\nB=two words\nC=3\n");
        var asset = Asset(true, "A", "B");
        var (record, reader) = await CommitAsync(asset);
        using (reader)
        {
            File.Delete(EnvFile);
            Assert.Equal(Presence.Absent, (await asset.InspectAsync(None)).Presence);
            var item = new RestoreItem(Id, record);
            await asset.StageAsync(item, reader, new Quiet(), None);
            await asset.SwapAsync(item, new Swap(Slot.New(Id), Slot.Before(Id)), None);
            Assert.Equal("A=1\nB='two words'\n", await File.ReadAllTextAsync(EnvFile));
            Assert.Equal(0x180, disk.Stat(new DiskPath(EnvFile))!.Mode);
            await asset.SwapAsync(item, new Swap(null, Slot.New(Id)), None);
            Assert.False(File.Exists(EnvFile));

            Directory.CreateDirectory($"{scratch.Text}/to");
            var written = await asset.MaterialiseAsync(record, reader, $"{scratch.Text}/to", Survey.Intact, new Quiet(), None);
            Assert.Equal("A=1\nB='two words'\n", await File.ReadAllTextAsync($"{scratch.Text}/to/{written.Named.Single()}"));
        }
    }

    [Fact]
    public async Task A_folder_of_files_is_swapped_as_a_whole_and_keeps_what_is_not_ours()
    {
        var folder = $"{scratch.Text}/secrets";
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync($"{folder}/TOKEN", "one\n");
        await File.WriteAllTextAsync($"{folder}/other", "stays");
        var asset = Asset(true, new SecretSource.Folder(new DiskPath(folder)), "TOKEN");
        var (record, reader) = await CommitAsync(asset);
        using (reader)
        {
            await File.WriteAllTextAsync($"{folder}/TOKEN", "rotated\n");
            var item = new RestoreItem(Id, record);
            await asset.StageAsync(item, reader, new Quiet(), None);
            Assert.Equal(Outcome.Pass, (await asset.VerifyStagedAsync(item, new Quiet(), None)).Single().Outcome);
            await asset.SwapAsync(item, new Swap(Slot.New(Id), Slot.Before(Id)), None);
            Assert.Equal("one", await File.ReadAllTextAsync($"{folder}/TOKEN"));
            Assert.Equal("stays", await File.ReadAllTextAsync($"{folder}/other"));
            Assert.Equal("rotated\n", await File.ReadAllTextAsync($"{folder}.before-{Id}/TOKEN"));
            await asset.DiscardAsync(item, Slot.Before(Id), None);
            Assert.False((await asset.InspectSlotAsync(item, Slot.Before(Id), None)).Exists);
        }
    }

    [Fact]
    public async Task The_environment_is_compared_and_cannot_be_written()
    {
        environment["TOKEN"] = "one";
        var asset = Asset(true, new SecretSource.Environment(), "TOKEN");
        var (record, reader) = await CommitAsync(asset);
        reader.Dispose();
        Assert.Equal(SecretState.Same, asset.Compare(record, Id).Single().State);
        environment.Clear();
        Assert.Equal(SecretState.Missing, asset.Compare(record, Id).Single().State);
        var preflight = await asset.PreflightAsync(new RestoreItem(Id, record), None);
        Assert.Equal(
            (ExitCodes.Refused, "secret-not-restorable"), (preflight.Single().Code.Exit, preflight.Single().Code.Name));
    }

    [Fact]
    public async Task Something_in_the_way_is_never_replaced()
    {
        await File.WriteAllTextAsync(EnvFile, "A=1\n");
        var asset = Asset(true, "A");
        var (record, reader) = await CommitAsync(asset);
        using (reader)
        {
            var item = new RestoreItem(Id, record);
            await asset.StageAsync(item, reader, new Quiet(), None);
            await File.WriteAllTextAsync($"{EnvFile}.before-{Id}", "whose is this");
            var refused = await Assert.ThrowsAsync<RepriseException>(
                () => asset.SwapAsync(item, new Swap(Slot.New(Id), Slot.Before(Id)), None));
            Assert.Equal("file-exists", refused.Code.Name);
            Assert.Equal("A=1\n", await File.ReadAllTextAsync(EnvFile));
        }
    }

    private SecretsAsset Asset(bool isSealed, params string[] names) =>
        Asset(isSealed, new SecretSource.EnvironmentFile(new DiskPath(EnvFile)), names);

    private SecretsAsset Asset(bool isSealed, SecretSource source, params string[] names) => new(
        new SecretsSettings { Name = "secrets", References = names, Source = source, Sealed = isSealed },
        disk,
        name => environment.GetValueOrDefault(name),
        (name, value) => Convert.ToHexStringLower(
            System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes($"key {name} {value}"))));

    private async Task<(AssetRecord Record, IList<Problem> Problems)> CaptureAsync(SecretsAsset asset)
    {
        using var repository = await RepositoryAsync();
        await using var writer = await repository.BeginPointAsync(SigningKeys.None, None);
        var context = Context(writer);
        return (await asset.CaptureAsync(context, None), context.Problems);
    }

    private async Task<(AssetRecord Record, PointReader Reader)> CommitAsync(SecretsAsset asset)
    {
        var repository = await RepositoryAsync();
        await using var writer = await repository.BeginPointAsync(SigningKeys.None, None);
        var record = await asset.CaptureAsync(Context(writer), None);
        await writer.CommitAsync(
            new PointManifest
            {
                Id = writer.Id,
                Application = "shop",
                Created = writer.Id.Time,
                Kind = PointKind.Manual,
                State = PointState.Complete,
                SkewSeconds = 0,
                Writer = "test",
                Assets = [record],
            },
            None);
        var points = await repository.ListPointsAsync(SigningKeys.None, None);
        return (points.Points.Single().Manifest.Assets.Single(), repository.OpenPoint(points.Points.Single()));
    }

    private async Task<PointRepository> RepositoryAsync() => (await PointRepository.CreateAsync(
        new RepositoryHost(store, TimeProvider.System, Entropy.System, Cpu.OfThisMachine()), None)).Repository;

    private CaptureContext Context(PointWriter writer) => new()
    {
        Writer = writer, Clock = TimeProvider.System, Progress = new Quiet(), ScratchFolder = scratch.Text,
    };

    private sealed class Quiet : IProgressSink
    {
        public void Begin(string step, long? totalBytes)
        {
        }

        public void Advance(long bytes)
        {
        }

        public void Note(string line)
        {
        }
    }
}
