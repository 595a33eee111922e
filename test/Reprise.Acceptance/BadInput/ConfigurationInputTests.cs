using System.Text;

namespace Reprise.Acceptance.BadInput;

/// <summary>Every way in which <c>reprise.yaml</c> can be bad, and beside it the good one.</summary>
public class ConfigurationInputTests
{
    /// <summary>What is bad, what replaces what in the good text, the code, and what must be said.</summary>
    public static TheoryData<string, string, string, string, string> BadTexts => new()
    {
        { "unknown key", "assets:", "retentoin: { daily: 3 }\nassets:", "config-unknown-key", "retention" },
        { "unknown key inside", "path:", "paht:", "config-unknown-key", "path" },
        { "no application", "application: small", "", "config-missing-key", "application" },
        { "value of another kind", "location: ../recovery", "location: []", "config-value", "location" },
        { "key twice", "assets:", "application: other\nassets:", "config-duplicate-key", "application" },
        { "anchor", "path: data/app.db", "path: &here data/app.db", "config-invalid", "anchor" },
        { "alias", "path: data/app.db", "path: *here", "config-invalid", "alias" },
        { "second document", "assets:", "---\nassets:", "config-invalid", "document" },
        { "key that is no text", "assets:", "? [a, b]\n: c\nassets:", "config-invalid", "" },
        { "not YAML", "assets:", "assets: {", "config-invalid", "" },
        { "too deep", "include: [", "include: [" + new string('[', 20), "config-too-large", "16" },
        { "unset variable", "data/app.db", "'${NO_SUCH_DATABASE}'", "variable-unset", "NO_SUCH_DATABASE" },
    };

    [Theory]
    [MemberData(nameof(BadTexts))]
    public async Task A_bad_text_is_refused_with_its_place_and_the_good_one_passes(
        string what, string good, string bad, string code, string says)
    {
        using var application = SmallApplication.Make();
        (await application.RepriseAsync("init")).MustExit(0);
        var text = SmallApplication.Configuration;
        Assert.True(text.Contains(good, StringComparison.Ordinal), what);
        application.WriteConfiguration(text.Replace(good, bad, StringComparison.Ordinal));
        var before = application.Everything();
        foreach (var command in new[] { "backup", "restore" })
        {
            string[] asked = command == "restore" ? [command, "--yes", "--json"] : [command, "--json"];
            var problem = (await application.RepriseAsync(asked)).MustFail(command, 2, code);
            Assert.Matches(@"reprise\.yaml:\d+:\d+", problem.GetProperty("where").GetString());
            Assert.Contains(says, problem.Said(), StringComparison.Ordinal);
        }

        Assert.Equal(before, application.Everything());
        application.WriteConfiguration(text);
        (await application.RepriseAsync("backup", "--json")).MustExit(0).Json("backup");
        Assert.Single(await application.PointsAsync());
    }

    [Fact]
    public async Task A_missing_file_is_refused_and_nothing_is_made_in_its_place()
    {
        using var application = await SmallApplication.WithPointAsync();
        var text = File.ReadAllText(application.ConfigurationFile);
        File.Delete(application.ConfigurationFile);
        var before = application.Everything();
        var problem = (await application.RepriseAsync("backup", "--json")).MustFail("backup", 2, "config-missing");
        Assert.Contains("reprise.yaml", problem.Said(), StringComparison.Ordinal);
        (await application.RepriseAsync("restore", "--yes", "--json")).MustFail("restore", 2, "config-missing");
        (await application.RepriseAsync("backup", "--config", "no/such.yaml", "--json"))
            .MustFail("backup", 2, "config-missing");
        Assert.Equal(before, application.Everything());

        application.WriteConfiguration(text);
        (await application.RepriseAsync("backup")).MustExit(0);
    }

    [Fact]
    public async Task A_file_that_may_not_be_read_is_refused()
    {
        using var application = await SmallApplication.WithPointAsync();
        await application.BecomeNobodyAsync();
        (await application.RepriseAsync("backup")).MustExit(0);
        File.SetUnixFileMode(application.ConfigurationFile, UnixFileMode.None);
        var before = application.Everything();
        (await application.RepriseAsync("backup", "--json")).MustFail("backup", 2, "config-unreadable");
        (await application.RepriseAsync("restore", "--yes", "--json")).MustFail("restore", 2, "config-unreadable");
        Assert.Equal(before, application.Everything());

        File.SetUnixFileMode(application.ConfigurationFile, UnixFileMode.UserRead);
        (await application.RepriseAsync("restore", "--yes")).MustExit(0);
    }

    [Fact]
    public async Task What_is_no_text_or_is_a_folder_is_refused()
    {
        using var application = await SmallApplication.WithPointAsync();
        File.WriteAllBytes(application.ConfigurationFile, [0xff, 0xfe, 0x00, 0x61]);
        (await application.RepriseAsync("backup", "--json")).MustFail("backup", 2, "config-unreadable");
        (await application.RepriseAsync("backup", "--config", "uploads", "--json"))
            .MustFail("backup", 2, "config-unreadable");
        application.WriteConfiguration("");
        (await application.RepriseAsync("backup", "--json")).MustExit(2).Json("backup");
        // A byte-order mark is what some editors write, and no mistake.
        File.WriteAllText(
            application.ConfigurationFile,
            SmallApplication.Configuration,
            new UTF8Encoding(encoderShouldEmitUTF8Identifier: true));
        (await application.RepriseAsync("backup")).MustExit(0);
    }

    [Fact]
    public async Task A_file_of_more_than_a_mebibyte_is_refused_and_one_of_exactly_that_passes()
    {
        using var application = await SmallApplication.WithPointAsync();
        var filler = new string('#', (1 << 20) - SmallApplication.Configuration.Length);
        application.WriteConfiguration(SmallApplication.Configuration + filler + "#");
        (await application.RepriseAsync("backup", "--json")).MustFail("backup", 2, "config-too-large");
        application.WriteConfiguration(SmallApplication.Configuration + filler);
        (await application.RepriseAsync("backup")).MustExit(0);
    }

    [Fact]
    public async Task A_variable_counts_from_the_environment_and_from_the_file_beside_the_configuration()
    {
        using var application = await SmallApplication.WithPointAsync();
        application.WriteConfiguration(SmallApplication.Configuration.Replace(
            "data/app.db", "\"${SMALL_DATABASE}\"", StringComparison.Ordinal));
        (await application.RepriseAsync("backup", "--json")).MustFail("backup", 2, "variable-unset");
        await File.WriteAllTextAsync(application.Path("app/.env"), "SMALL_DATABASE=data/app.db\n");
        (await application.RepriseAsync("backup")).MustExit(0);
        File.Delete(application.Path("app/.env"));
        application.Variables["SMALL_DATABASE"] = "data/app.db";
        (await application.RepriseAsync("backup")).MustExit(0);
    }
}
