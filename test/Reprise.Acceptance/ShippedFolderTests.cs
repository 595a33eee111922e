using System.Text.RegularExpressions;
using Reprise.Acceptance.Harness;

namespace Reprise.Acceptance;

/// <summary>What is shipped: few files, within the size budget, needing nothing but a C library.</summary>
public partial class ShippedFolderTests
{
    // Measured with runbooks, rehearsals, passphrases, S3 and WAL: program 37.9 MB, folder 40.9 MB; the budget is that and 10 %.
    // docs/decisions/0002-native-program.md says what each package weighs; raising the budget is a decision there.
    private const long ProgramBudgetBytes = 41_700_000;
    private const long FolderBudgetBytes = 45_000_000;

    // The oldest C library that we promise: Debian 12, Ubuntu 22.04 and RHEL 9 have it or a newer one.
    private static readonly Version OldestLibrary = new(2, 34);

    [Fact]
    public void It_holds_the_program_its_native_libraries_and_the_licence_only()
    {
        var files = Directory.EnumerateFileSystemEntries(PublishedProgram.Folder).Select(Path.GetFileName).Order();
        Assert.Equal(["LICENSE", "libe_sqlite3.so", "libsodium.so", "libzstd.so", "reprise"], files);
    }

    [Fact]
    public void Every_user_can_read_it_and_only_the_owner_can_change_it()
    {
        const UnixFileMode everybody = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        const UnixFileMode others = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;
        foreach (var file in Directory.EnumerateFiles(PublishedProgram.Folder))
        {
            var mode = File.GetUnixFileMode(file);
            Assert.True((mode & everybody) == everybody, $"{file}: {mode}");
            Assert.True((mode & others) == UnixFileMode.None, $"{file}: {mode}");
        }

        Assert.True(File.GetUnixFileMode(PublishedProgram.File).HasFlag(UnixFileMode.OtherExecute));
    }

    [Fact]
    public void It_keeps_to_the_size_budget()
    {
        var program = new FileInfo(PublishedProgram.File).Length;
        var folder = Directory.EnumerateFiles(PublishedProgram.Folder).Sum(f => new FileInfo(f).Length);
        TestContext.Current.TestOutputHelper?.WriteLine($"program {program:N0} bytes, folder {folder:N0} bytes");
        Assert.InRange(program, 100_000, ProgramBudgetBytes);
        Assert.InRange(folder, program, FolderBudgetBytes);
    }

    [Fact]
    public async Task It_needs_nothing_but_a_C_library()
    {
        foreach (var file in NativeFiles())
        {
            var headers = await ToolOutputAsync("objdump", "-p", file);
            var needed = NeededLibrary().Matches(headers).Select(m => m.Groups["name"].Value);
            Assert.All(needed, n => Assert.Contains(n, Chroot.LibrariesOfGlibc));
        }
    }

    [Fact]
    public async Task It_runs_with_the_C_library_of_Debian_12_and_newer_ones()
    {
        foreach (var file in NativeFiles())
        {
            var versions = LibraryVersion().Matches(await ToolOutputAsync("objdump", "-T", file))
                .Select(m => Version.Parse(m.Groups["version"].Value)).ToList();
            Assert.NotEmpty(versions);
            Assert.True(versions.Max() <= OldestLibrary, $"{file} needs glibc {versions.Max()}");
        }
    }

    private static IEnumerable<string> NativeFiles() =>
        Directory.EnumerateFiles(PublishedProgram.Folder, "*.so").Append(PublishedProgram.File);

    private static async Task<string> ToolOutputAsync(params string[] command)
    {
        using var running = RunningProgram.Start(new Surroundings(), command);
        return (await running.EndAsync()).MustExit(0).Output;
    }

    [GeneratedRegex(@"NEEDED\s+(?<name>\S+)", RegexOptions.None, 10_000)]
    private static partial Regex NeededLibrary();

    [GeneratedRegex(@"GLIBC_(?<version>\d+\.\d+(\.\d+)?)", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex LibraryVersion();
}
