using System.Text;
using Reprise.Configuration;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Tests.Storage;

namespace Reprise.Tests.Configuration;

/// <summary>Finding and reading the file itself.</summary>
public sealed class ConfigurationFileTests : IDisposable
{
    private readonly ScratchFolder folder = new();
    private readonly IDisk disk = Disks.OfThisMachine();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_file_is_read_with_the_env_beside_it()
    {
        Write(
            "reprise.yaml",
            "\uFEFF" + Configurations.Smallest.Replace("shop\n", "${NAME}\n", StringComparison.Ordinal));
        Write(".env", "NAME=bakery");
        var configuration = Load("reprise.yaml");
        Assert.Equal("bakery", configuration.Application);
        Assert.Equal(folder.Text, configuration.Folder);
        Assert.Equal(Path.Combine(folder.Text, "reprise.yaml"), configuration.File);
    }

    [Fact]
    public void The_environment_goes_before_the_env()
    {
        Write("reprise.yaml", Configurations.Smallest.Replace("shop\n", "${NAME}\n", StringComparison.Ordinal));
        Write(".env", "NAME=bakery");
        Assert.Equal("smithy", Load("reprise.yaml", ("NAME", "smithy")).Application);
    }

    [Fact]
    public void A_symbolic_link_is_followed_and_relative_paths_start_at_the_link()
    {
        Directory.CreateDirectory(Path.Combine(folder.Text, "mounted"));
        Write("mounted/real.yaml", Configurations.Smallest);
        disk.MakeSymbolicLink(folder / "reprise.yaml", new DiskPath("mounted/real.yaml"));
        Assert.Equal(
            new RepositoryLocation.Folder(Path.Combine(folder.Text, "recovery")),
            Load("reprise.yaml").Repository.Location);
    }

    [Fact]
    public void A_file_that_is_not_there_is_missed_with_the_next_step()
    {
        var problem = Refused("reprise.yaml");
        Assert.Equal("config-missing", problem.Code.Name);
        Assert.Contains("reprise init", problem.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void A_link_to_nothing_and_a_link_to_itself_are_told_apart()
    {
        disk.MakeSymbolicLink(folder / "nothing.yaml", new DiskPath("gone.yaml"));
        disk.MakeSymbolicLink(folder / "circle.yaml", new DiskPath("circle.yaml"));
        Assert.Equal("config-missing", Refused("nothing.yaml").Code.Name);
        Assert.Equal("config-unreadable", Refused("circle.yaml").Code.Name);
    }

    [Fact]
    public void A_folder_is_unreadable()
    {
        Directory.CreateDirectory(Path.Combine(folder.Text, "reprise.yaml"));
        Assert.Equal("config-unreadable", Refused("reprise.yaml").Code.Name);
    }

    [Fact]
    public void A_mebibyte_is_read_and_one_byte_more_is_refused()
    {
        var room = ConfigurationFile.MaxBytes - Encoding.UTF8.GetByteCount(Configurations.Smallest) - 2;
        Write("reprise.yaml", Configurations.Smallest + "\n#" + new string('x', room));
        Assert.Equal(ConfigurationFile.MaxBytes, new FileInfo(Path.Combine(folder.Text, "reprise.yaml")).Length);
        Assert.Equal("shop", Load("reprise.yaml").Application);
        Write("reprise.yaml", Configurations.Smallest + "\n#" + new string('x', room + 1));
        Assert.Equal("config-too-large", Refused("reprise.yaml").Code.Name);
    }

    [Fact]
    public void Text_that_is_not_utf8_is_unreadable()
    {
        File.WriteAllBytes(Path.Combine(folder.Text, "reprise.yaml"), [.. "# caf"u8, 0xE9, (byte)'\n']);
        var problem = Refused("reprise.yaml");
        Assert.Equal("config-unreadable", problem.Code.Name);
        Assert.Contains("byte 5", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_bad_line_of_the_env_is_named_with_its_file()
    {
        Write("reprise.yaml", Configurations.Smallest);
        Write(".env", "A=1\nsecret value without a name");
        var problem = Refused("reprise.yaml");
        Assert.Equal(("dotenv-invalid", ".env:2"), (problem.Code.Name, problem.Where));
        Assert.DoesNotContain("secret", problem.Message + problem.Hint, StringComparison.Ordinal);
    }

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(folder.Text, name), text);

    private ApplicationConfiguration Load(string name, params (string Name, string Value)[] environment) =>
        ConfigurationFile.Load(disk, name, folder.Text, environment.ToDictionary(v => v.Name, v => v.Value));

    private Problem Refused(string name)
    {
        var problem = Assert.Throws<RepriseException>(() => Load(name)).Problem;
        Assert.Equal(ExitCodes.Usage, problem.Code.Exit);
        Assert.False(string.IsNullOrEmpty(problem.Where));
        return problem;
    }
}
