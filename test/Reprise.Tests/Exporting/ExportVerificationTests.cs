using System.Security.Cryptography;
using System.Text;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Exporting;
using Reprise.Repository;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Storage.Errors;

namespace Reprise.Tests.Exporting;

/// <summary>An export that anything was done to is refused with its code; the untouched one passes.</summary>
public sealed class ExportVerificationTests : IAsyncLifetime
{
    private static readonly SigningKeys Key = SigningKeys.From("one", null);

    private readonly ExportWorld world = new();

    private string Folder => world.Target.ToString();

    private string Database => Directory.EnumerateFiles(Folder, "*.db").Single();

    public async ValueTask InitializeAsync()
    {
        var point = await world.CommitAsync(
            [
                world.Add("sessions", AssetKinds.Sqlite, folder => File.WriteAllText(
                    Path.Combine(folder, "s.db"), "database")),
                world.AddFiles("runtime", ("a", "b")),
            ],
            signing: Key);
        await world.ExportAsync(point, Key);
    }

    public ValueTask DisposeAsync()
    {
        world.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task An_untouched_export_passes_with_the_key_and_after_its_rotation()
    {
        foreach (var keys in new[] { Key, SigningKeys.From("two", "one"), SigningKeys.From(null, "one") })
        {
            var result = await world.VerifyAsync(keys);
            Assert.Empty(result.Problems);
            Assert.Equal(SignatureState.Valid, result.Signature);
            Assert.Equal(4, result.FilesRead);
            Assert.Equal("shop", result.Metadata!.Application);
        }
    }

    [Fact]
    public async Task A_key_that_is_wrong_or_not_set_is_no_proof()
    {
        var wrong = await world.VerifyAsync(SigningKeys.From("two", null));
        Assert.Equal(SignatureState.Wrong, wrong.Signature);
        Assert.Equal(RepositoryErrors.SignatureWrong, Assert.Single(wrong.Problems).Code);
        var unset = await world.VerifyAsync();
        Assert.Equal(SignatureState.NotVerifiable, unset.Signature);
        var problem = Assert.Single(unset.Problems);
        Assert.Equal(RepositoryErrors.SignatureNotVerifiable, problem.Code);
        Assert.Equal(ExitCodes.Damaged, problem.Code.Exit);
        Assert.Contains("BACKUP_METADATA_HMAC_KEY", problem.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_removed_signature_is_missed_with_the_key_and_without_it()
    {
        File.Delete(Path.Combine(Folder, "metadata.json.hmac"));
        Rewrite("SHA256SUMS", t => Lines(t, l => !l.EndsWith(".hmac", StringComparison.Ordinal)));
        foreach (var keys in new[] { Key, SigningKeys.None })
        {
            var result = await world.VerifyAsync(keys);
            Assert.Equal(SignatureState.Missing, result.Signature);
            Assert.Equal(RepositoryErrors.SignatureMissing, Assert.Single(result.Problems).Code);
        }
    }

    [Fact]
    public async Task Metadata_that_was_altered_with_its_checksum_is_found_by_the_signature_alone()
    {
        Rewrite("metadata.json", t => t.Replace("\"shop\"", "\"chop\"", StringComparison.Ordinal));
        Resum();
        Assert.Equal([RepositoryErrors.SignatureWrong], (await world.VerifyAsync(Key)).Problems.Select(p => p.Code));
    }

    [Fact]
    public async Task A_file_that_was_replaced_with_its_checksum_is_found_by_the_metadata()
    {
        await File.WriteAllTextAsync(Database, "Database");
        Resum();
        var damage = Assert.Single((await world.VerifyAsync(Key)).Damage);
        Assert.Equal(ExportErrors.ExportAltered, damage.Problem.Code);
        Assert.Equal("sessions", damage.Asset);
        Assert.Contains("metadata.json", damage.Problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_flipped_byte_is_found()
    {
        foreach (var path in Directory.EnumerateFiles(Folder).ToList())
        {
            var original = await File.ReadAllBytesAsync(path);
            for (var at = 0; at < original.Length; at += Math.Max(1, original.Length / 25))
            {
                var flipped = original.ToArray();
                flipped[at] ^= 0x04;
                await File.WriteAllBytesAsync(path, flipped);
                var result = await world.VerifyAsync(Key);
                Assert.True(
                    result.Problems.Any(p => p.Code.Exit == ExitCodes.Damaged),
                    $"byte {at} of {Path.GetFileName(path)} was flipped unseen");
            }

            await File.WriteAllBytesAsync(path, original);
        }

        Assert.Empty((await world.VerifyAsync(Key)).Problems);
    }

    [Fact]
    public async Task Every_deleted_file_is_missed_and_every_foreign_one_found()
    {
        foreach (var path in Directory.EnumerateFiles(Folder).ToList())
        {
            File.Move(path, Path.Combine(world.Scratch.Text, "away"));
            var result = await world.VerifyAsync(Key);
            Assert.Contains(result.Problems, p => p.Code.Exit == ExitCodes.Damaged);
            Assert.Contains(
                result.Problems, p => p.Message.Contains(Path.GetFileName(path), StringComparison.Ordinal));
            File.Move(Path.Combine(world.Scratch.Text, "away"), path);
        }

        await File.WriteAllTextAsync(Path.Combine(Folder, "extra.dump"), "?");
        await OnlyAsync(ExportErrors.ExportForeign, "extra.dump");
        Resum();
        await OnlyAsync(ExportErrors.ExportForeign, "extra.dump");
        File.Delete(Path.Combine(Folder, "extra.dump"));
        Resum();
        Directory.CreateDirectory(Path.Combine(Folder, "sub"));
        await OnlyAsync(ExportErrors.ExportForeign, "sub");
    }

    [Fact]
    public async Task A_link_is_not_followed()
    {
        var outside = Path.Combine(world.Scratch.Text, "outside.db");
        File.Move(Database, outside);
        File.CreateSymbolicLink(Path.Combine(Folder, "outside.db"), outside);
        var result = await world.VerifyAsync(Key);
        Assert.Contains(result.Damage, d => d.File == "outside.db" && d.Problem.Code == ExportErrors.ExportForeign);
        Assert.Contains(result.Damage, d => d.Asset == "sessions" && d.Problem.Code == ExportErrors.ExportIncomplete);
        File.Delete(Path.Combine(Folder, "metadata.json"));
        File.CreateSymbolicLink(Path.Combine(Folder, "metadata.json"), "/etc/passwd");
        var damage = (await world.VerifyAsync(Key)).Damage;
        Assert.Contains(damage, d => d.File == "metadata.json" && d.Problem.Code == ExportErrors.ExportForeign);
    }

    [Theory]
    [InlineData("../outside")]
    [InlineData("/etc/passwd")]
    [InlineData("sub/file")]
    [InlineData("..")]
    [InlineData("a b")]
    [InlineData("a\u001b[2J")]
    public async Task A_name_that_leads_elsewhere_is_refused_and_not_repeated(string name)
    {
        Rewrite("SHA256SUMS", t => $"{t}{new string('a', 64)}  {name}\n");
        var result = await world.VerifyAsync(Key);
        var damage = Assert.Single(result.Damage);
        Assert.Equal(ExportErrors.ExportMalformed, damage.Problem.Code);
        Assert.Contains("line 5", damage.Problem.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', damage.Problem.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{\"schema\":\"reprise/export/v1\"}")]
    [InlineData("{{{{{{{{{{{{{{{{{{")]
    public async Task Metadata_that_is_none_is_refused(string text)
    {
        Rewrite("metadata.json", _ => text);
        Resum();
        Assert.Contains((await world.VerifyAsync(Key)).Damage, d => d.Problem.Code == ExportErrors.ExportMalformed);
    }

    [Theory]
    [InlineData("\"sizeBytes\": 8", "\"sizeBytes\": 99999999999999999999999999")]
    [InlineData("\"sizeBytes\": 8", "\"sizeBytes\": -8")]
    [InlineData("\"sizeBytes\": 8", "\"sizeBytes\": 1e400")]
    [InlineData("\"file\": \"shop_sessions", "\"file\": \"../shop_sessions")]
    [InlineData("\"file\": \"shop_sessions", "\"file\": \"/shop_sessions")]
    [InlineData("\"application\": \"shop\"", "\"application\": \"shop\", \"application\": \"shop\"")]
    [InlineData("\"application\": \"shop\"", "\"application\": null")]
    [InlineData("reprise/export/v1", "reprise/export/v9")]
    public async Task Hostile_values_in_metadata_are_refused(string from, string to)
    {
        Rewrite("metadata.json", t => t.Replace(from, to, StringComparison.Ordinal));
        Resum();
        var result = await world.VerifyAsync(Key);
        Assert.Null(result.Metadata);
        Assert.Contains(
            result.Damage, d => d.File == "metadata.json" && d.Problem.Code == ExportErrors.ExportMalformed);
    }

    [Theory]
    [InlineData("metadata.json")]
    [InlineData("SHA256SUMS")]
    [InlineData("metadata.json.hmac")]
    public async Task A_description_over_1_MiB_is_refused(string name)
    {
        Rewrite(name, t => t + new string('\n', ExportVerification.MaxDescriptionBytes));
        var result = await world.VerifyAsync(Key);
        Assert.Contains(
            result.Damage,
            d => d.File == name && d.Problem.Code == ExportErrors.ExportMalformed
                && d.Problem.Message.Contains("longer", StringComparison.Ordinal));
    }

    [Fact]
    public async Task No_folder_is_another_error()
    {
        Folders.DeleteTree(world.Disk, world.Target);
        var error = await Assert.ThrowsAsync<RepriseException>(() => world.VerifyAsync(Key));
        Assert.Equal(StorageErrors.FileMissing, error.Code);
    }

    [Fact]
    public async Task An_unsigned_export_passes_with_a_note_but_not_with_a_key()
    {
        Folders.DeleteTree(world.Disk, world.Target);
        await world.ExportAsync((await world.Repository.ListPointsAsync(Key, ExportWorld.None)).Newest!);
        var result = await world.VerifyAsync();
        var note = Assert.Single(result.Problems);
        Assert.Equal(Severity.Note, note.Severity);
        Assert.Equal(SignatureState.NotInForce, result.Signature);
        Assert.Equal(SignatureState.Missing, (await world.VerifyAsync(Key)).Signature);
    }

    private async Task OnlyAsync(ErrorCode code, string file)
    {
        var result = await world.VerifyAsync(Key);
        Assert.Equal(code, Assert.Single(result.Damage, d => d.File == file).Problem.Code);
        Assert.All(result.Damage, d => Assert.Contains(d.File, new[] { file, "SHA256SUMS" }));
    }

    private void Rewrite(string name, Func<string, string> change)
    {
        var path = Path.Combine(Folder, name);
        File.WriteAllText(path, change(File.ReadAllText(path)));
    }

    // What somebody would do who alters an export and knows sha256sum.
    private void Resum()
    {
        var text = new StringBuilder();
        File.Delete(Path.Combine(Folder, "SHA256SUMS"));
        foreach (var path in Directory.EnumerateFiles(Folder).Order(StringComparer.Ordinal))
        {
            var hash = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path)));
            text.Append($"{hash}  {Path.GetFileName(path)}\n");
        }

        File.WriteAllText(Path.Combine(Folder, "SHA256SUMS"), text.ToString());
    }

    private static string Lines(string text, Func<string, bool> keep) =>
        string.Concat(text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(keep).Select(l => l + "\n"));
}
