using System.Security.Cryptography;
using System.Text;

namespace Reprise.Acceptance.BadInput;

/// <summary>A repository that is not there, may not be used, is too new, or does not belong to the key.</summary>
public class RepositoryInputTests
{
    [Theory]
    [InlineData(false, "store-unavailable")]
    [InlineData(true, "repository-missing")]
    public async Task A_missing_repository_is_said_and_none_is_made_silently(bool folderIsThere, string code)
    {
        using var application = await SmallApplication.WithPointAsync();
        Directory.Move(application.Repository, application.Path("elsewhere"));
        // An empty folder is what is left of a disk that is not mounted.
        if (folderIsThere) Directory.CreateDirectory(application.Repository);
        var before = application.Everything();
        foreach (var command in new[] { "backup", "restore", "verify", "points" })
        {
            var problem = (await application.RepriseAsync(Asked(command))).MustFail(command, 4, code);
            Assert.Contains(application.Repository, problem.Said(), StringComparison.Ordinal);
        }

        Assert.Equal(before, application.Everything());
        if (folderIsThere) Directory.Delete(application.Repository);
        else Assert.False(Directory.Exists(application.Repository));
        Directory.Move(application.Path("elsewhere"), application.Repository);
        await PassesAsync(application);
    }

    [Fact]
    public async Task A_repository_that_is_locked_away_is_said_as_such_and_not_taken_for_an_empty_one()
    {
        using var application = await SmallApplication.WithPointAsync();
        await application.BecomeNobodyAsync();
        var before = application.Everything();
        foreach (var path in new[] { "recovery", "recovery/points", "recovery/packs", "recovery/repository" })
        {
            var mode = File.GetUnixFileMode(application.Path(path));
            File.SetUnixFileMode(application.Path(path), UnixFileMode.None);
            foreach (var command in new[] { "restore", "verify" })
            {
                var problem = (await application.RepriseAsync(Asked(command))).MustFail(command, 4, "store-denied");
                Assert.Contains(application.Path(path), problem.Said(), StringComparison.Ordinal);
            }

            (await application.RepriseAsync("backup", "--json")).MustFail("backup", 4, "store-denied");
            File.SetUnixFileMode(application.Path(path), mode);
            Assert.Equal(before, application.Everything());
            Assert.Single(await application.PointsAsync());
        }

        await PassesAsync(application);
    }

    [Fact]
    public async Task A_repository_that_may_only_be_read_restores_and_refuses_a_backup()
    {
        using var application = await SmallApplication.WithPointAsync();
        await application.BecomeNobodyAsync();
        await application.ToolAsync("chmod", "-R", "a-w", application.Repository);
        (await application.RepriseAsync("backup", "--json")).MustFail("backup", 4, "store-denied");
        (await application.RepriseAsync("verify", "--json")).MustExit(0).Json("verify");
        var plan = (await application.RepriseAsync("restore", "--to", application.Path("copy"), "--plan")).MustExit(0);
        Assert.Contains($" --to {application.Path("copy")}\n", plan.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(application.Path("copy")), "a plan writes nothing");
        (await application.RepriseAsync("restore", "--to", application.Path("copy"), "--json")).MustExit(0);
        await application.ToolAsync("chmod", "-R", "u+w", application.Repository);
        Assert.Single(await application.PointsAsync());
        await PassesAsync(application);
    }

    [Fact]
    public async Task A_repository_or_a_point_of_a_newer_version_is_not_called_damaged()
    {
        using var application = await SmallApplication.WithPointAsync();
        var marker = application.Path("recovery/repository");
        var text = await File.ReadAllTextAsync(marker);
        var lines = text.Replace("version 0", "version 7", StringComparison.Ordinal).Split('\n')[..3];
        var counted = string.Concat(lines.Select(l => l + "\n"));
        await WriteAsync(marker, Encoding.UTF8.GetBytes($"{counted}check {HexOfHash(counted)}\n"));
        foreach (var command in new[] { "backup", "restore", "verify" })
            (await application.RepriseAsync(Asked(command))).MustFail(command, 4, "format-newer");
        await WriteAsync(marker, Encoding.UTF8.GetBytes(text));

        var point = Directory.GetFiles(application.Path("recovery/points")).Single();
        var bytes = await File.ReadAllBytesAsync(point);
        var newer = bytes.ToArray();
        newer[4] = 9;
        SHA256.HashData(newer.AsSpan(0, 56))[..8].CopyTo(newer.AsSpan(56));
        await WriteAsync(point, newer);
        foreach (var command in new[] { "restore", "verify" })
            (await application.RepriseAsync(Asked(command))).MustFail(command, 4, "format-newer");
        await WriteAsync(point, bytes);
        await PassesAsync(application);
    }

    [Fact]
    public async Task A_key_of_another_repository_is_called_wrong_and_a_missing_or_altered_one_by_its_name()
    {
        using var application = await SmallApplication.WithPointAsync();
        using var other = await SmallApplication.WithPointAsync(seed: 2);
        var good = await File.ReadAllBytesAsync(application.KeyFile);
        var before = application.Everything();
        File.Copy(other.KeyFile, application.KeyFile, overwrite: true);
        foreach (var command in new[] { "backup", "restore", "verify" })
            (await application.RepriseAsync(Asked(command))).MustFail(command, 4, "key-wrong");

        await WriteAsync(application.KeyFile, good[..(good.Length / 2)]);
        (await application.RepriseAsync("restore", "--yes", "--json")).MustFail("restore", 4, "key-invalid");
        var flipped = good.ToArray();
        flipped[good.AsSpan().IndexOf("secret "u8) + 12] ^= 1;
        await WriteAsync(application.KeyFile, flipped);
        (await application.RepriseAsync("restore", "--yes", "--json")).MustFail("restore", 4, "key-invalid");
        File.Delete(application.KeyFile);
        (await application.RepriseAsync("restore", "--yes", "--json")).MustFail("restore", 4, "key-missing");
        Assert.Equal(before, application.Everything());

        await WriteAsync(application.KeyFile, good);
        await PassesAsync(application);
    }

    [Theory]
    [InlineData("no-such-point")]
    [InlineData("latest~5")]
    [InlineData("2026")]
    public async Task A_point_that_does_not_exist_is_a_mistake_of_usage(string name)
    {
        using var application = await SmallApplication.WithPointAsync();
        (await application.RepriseAsync("backup")).MustExit(0);
        var before = application.Everything();
        (await application.RepriseAsync("restore", name, "--yes", "--json")).MustFail("restore", 2, "point-unknown");
        Assert.Equal(before, application.Everything());
        (await application.RepriseAsync("restore", "latest~1", "--yes")).MustExit(0);
    }

    private static string[] Asked(string command) =>
        command == "restore" ? [command, "--yes", "--json"] : [command, "--json"];

    private static async Task PassesAsync(SmallApplication application)
    {
        foreach (var command in new[] { "backup", "verify", "restore" })
            (await application.RepriseAsync(Asked(command))).MustExit(0).Json(command);
    }

    // Objects of a repository are written read-only; root does not notice, a test as another user would.
    private static Task WriteAsync(string path, byte[] content) => File.WriteAllBytesAsync(path, content);

    private static string HexOfHash(string text) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16];
}
