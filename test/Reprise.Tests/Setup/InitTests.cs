using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Tests.Cli;

namespace Reprise.Tests.Setup;

/// <summary><c>init</c> and <c>doctor</c> as they are wired, on a real folder.</summary>
public sealed class InitTests : IDisposable
{
    private readonly AppFolder folder = new();
    private readonly CommandBench bench = new();

    public InitTests()
    {
        bench.WorkingFolder = folder.Path;
        bench.Environment["HOME"] = Path.Combine(Path.GetDirectoryName(folder.Path) ?? "", "home");
        bench.Environment["PATH"] = "/usr/bin:/bin";
        Directory.CreateDirectory(bench.Environment["HOME"]);
        bench.Operations = Composition.Operations(bench.Host);
        folder.WithSqlite("data/sessions.db").With(".env", "JWT_SECRET=hunter2").With("uploads/1");
    }

    private string KeyFile => Path.Combine(bench.Environment["HOME"], ".config/reprise/shop.key");

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task It_makes_everything_once_and_a_second_run_keeps_it()
    {
        Assert.Equal(0, await bench.RunAsync("init"));
        Assert.Contains("systemd", bench.Out, StringComparison.Ordinal);
        Assert.Contains("next: reprise doctor, then reprise backup", bench.Out, StringComparison.Ordinal);
        string[] made =
        [
            Path.Combine(folder.Path, "reprise.yaml"), KeyFile, Path.Combine(folder.Path, "shop-recovery-sheet.txt"),
            Path.Combine(folder.Path, "recovery/repository"),
        ];
        Assert.All(made, path => Assert.True(File.Exists(path), path));
        Assert.Equal(0x180, AppFolder.Disk.Stat(new DiskPath(KeyFile))?.Mode);
        Assert.DoesNotContain("hunter2", File.ReadAllText(made[0]), StringComparison.Ordinal);
        var before = made.Select(File.ReadAllText).ToList();

        Assert.Equal(0, await bench.RunAsync("init", "--json"));
        var result = bench.Document().GetProperty("result");
        Assert.Equal(0, result.GetProperty("created").GetArrayLength());
        Assert.Equal(3, result.GetProperty("kept").GetArrayLength());
        Assert.Equal("shop", bench.Document().GetProperty("application").GetString());
        Assert.Equal(before, made.Select(File.ReadAllText));
    }

    [Fact]
    public async Task A_person_is_asked_where_and_whether_values_are_kept()
    {
        bench.Typed = "../elsewhere\ny\n";
        Assert.Equal(0, await bench.RunAsync("init", "--application", "bakery"));
        var text = File.ReadAllText(Path.Combine(folder.Path, "reprise.yaml"));
        Assert.Contains("application: bakery", text, StringComparison.Ordinal);
        Assert.Contains("location: ../elsewhere", text, StringComparison.Ordinal);
        Assert.Contains("values: sealed", text, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(Path.GetDirectoryName(folder.Path) ?? "", "elsewhere/repository")));
    }

    [Fact]
    public async Task Repository_and_key_can_be_named()
    {
        Assert.Equal(
            0, await bench.RunAsync("init", "--repository", "../far", "--key-file", "near.key", "--seal-secrets"));
        Assert.True(File.Exists(Path.Combine(folder.Path, "near.key")));
        Assert.Contains(
            "values: sealed", File.ReadAllText(Path.Combine(folder.Path, "reprise.yaml")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_repository_without_its_key_is_not_made_anew()
    {
        Assert.Equal(0, await bench.RunAsync("init"));
        File.Delete(KeyFile);
        Assert.Equal(ExitCodes.Unavailable, await bench.RunAsync("init"));
        Assert.Contains("[key-missing]", bench.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(KeyFile));
    }

    [Fact]
    public async Task A_configuration_that_is_wrong_is_told_and_left_alone()
    {
        folder.With("reprise.yaml", "application: [");
        Assert.Equal(ExitCodes.Usage, await bench.RunAsync("init"));
        Assert.Equal("application: [", File.ReadAllText(Path.Combine(folder.Path, "reprise.yaml")));
        Assert.False(Directory.Exists(Path.Combine(folder.Path, "recovery")));
    }

    [Fact]
    public async Task A_name_that_cannot_be_one_is_refused_before_anything_is_made()
    {
        Assert.Equal(ExitCodes.Usage, await bench.RunAsync("init", "--application", "my shop"));
        Assert.Contains("[option-value]", bench.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(folder.Path, "reprise.yaml")));
    }

    [Fact]
    public async Task The_doctor_looks_at_what_init_made()
    {
        Assert.Equal(ExitCodes.Usage, await bench.RunAsync("doctor"));
        Assert.Equal(0, await bench.RunAsync("init"));
        await bench.RunAsync("doctor", "--json");
        var examined = bench.Document().GetProperty("result").GetProperty("examined").EnumerateArray()
            .ToDictionary(e => e.GetProperty("name").GetString() ?? "", e => e.GetProperty("outcome").GetString());
        Assert.Equal("pass", examined["repository"]);
        Assert.Equal("pass", examined["key"]);
        Assert.Equal("pass", examined["runtime"]);
        Assert.Equal("pass", examined["secrets"]);
        Assert.True(examined.ContainsKey("sessions"));

        File.Delete(KeyFile);
        Assert.Equal(ExitCodes.CheckFailed, await bench.RunAsync("doctor"));
        Assert.Contains("[key-missing]", bench.Error, StringComparison.Ordinal);
    }
}
