using Reprise.Cli;
using Reprise.Json;
using Reprise.Storage.Errors;

namespace Reprise.Tests.Cli;

/// <summary>How a command line is understood, and how it is refused.</summary>
public class CommandLineTests
{
    private readonly CommandBench bench = new();

    [Theory]
    [InlineData("restore --plna --yes", "option-unknown", "--plan")]
    [InlineData("restore --yes --plna", "option-unknown", "--plan")]
    [InlineData("restore --to --plna --yes", "option-unknown", "--plan")]
    [InlineData("restore --plna=x", "option-unknown", "--plan")]
    [InlineData("restore -plan", "option-unknown", "--plan")]
    [InlineData("restore -- --plna", "option-unknown", "--plan")]
    [InlineData("restore -x", "option-unknown", "--help")]
    [InlineData("restore --jsn", "option-unknown", "--json")]
    [InlineData("backup --if-older-than -1h", "option-unknown", "--help")]
    [InlineData("bcakup", "command-unknown", "backup")]
    [InlineData("frobnicate", "command-unknown", "--help")]
    [InlineData("key", "command-unknown", "sheet")]
    [InlineData("key shet", "command-unknown", "reprise key sheet")]
    [InlineData("backup now", "option-value", "backup --help")]
    [InlineData("restore a b", "option-value", "restore --help")]
    [InlineData("points show", "option-value", "points show latest")]
    [InlineData("export latest", "option-value", "--to")]
    [InlineData("export latest --to", "option-value", "--to FOLDER")]
    [InlineData("backup --if-older-than", "option-value", "AGE")]
    [InlineData("backup --if-older-than soon", "option-value", "1h")]
    [InlineData("verify --read evrything", "option-value", "all, sample, none")]
    [InlineData("verify latest --export x", "option-conflict", "leave one")]
    [InlineData("restore --to a --to b", "option-value", "once")]
    [InlineData("restore --skip-check healthy", "option-value", "NAME=REASON")]
    [InlineData("restore --skip-check healthy=", "option-value", "NAME=REASON")]
    [InlineData("restore --health-url localhost", "option-value", "http://")]
    [InlineData("restore latest --continue", "option-conflict", "--continue")]
    [InlineData("restore --continue --latest", "option-conflict", "--continue")]
    [InlineData("restore --latest --immediate", "option-conflict", "give one of")]
    [InlineData("restore --timeline 2", "option-conflict", "--latest")]
    [InlineData("restore --time yesterday", "option-value", "2h ago")]
    [InlineData("restore --xid 0", "option-value", "PostgreSQL")]
    [InlineData("demo --sabotage everything", "option-value", "pack, dump, secret")]
    [InlineData("completion csh", "option-value", "bash")]
    [InlineData("--qh", "option-unknown", "--help")]
    public async Task What_is_not_understood_is_refused_with_what_was_meant(string line, string code, string hint)
    {
        var exit = await bench.RunAsync(line.Split(' '));
        Assert.Equal(ExitCodes.Usage, exit);
        Assert.Empty(bench.Asked);
        Assert.Empty(bench.Out);
        Assert.Contains($"[{code}]", bench.Error, StringComparison.Ordinal);
        var next = bench.Error.LastIndexOf("\nnext: ", StringComparison.Ordinal);
        Assert.True(next > 0, bench.Error);
        Assert.Contains(
            hint,
            string.Join(' ', bench.Error[next..].Split(['\n', ' '], StringSplitOptions.RemoveEmptyEntries)),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("restore --plna --json", "reprise/error/v1")]
    [InlineData("--json bcakup", "reprise/error/v1")]
    [InlineData("verify --read evrything --json", "reprise/verify/v1")]
    public async Task A_refusal_is_one_document_with_json(string line, string schema)
    {
        Assert.Equal(ExitCodes.Usage, await bench.RunAsync(line.Split(' ')));
        var document = bench.Document();
        Assert.Equal(schema, document.GetProperty("schema").GetString());
        Assert.Equal("usage", document.GetProperty("outcome").GetString());
        Assert.Equal(System.Text.Json.JsonValueKind.Null, document.GetProperty("result").ValueKind);
        Assert.Contains("next: ", bench.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_restore_is_understood_with_all_its_options()
    {
        var exit = await bench.RunAsync(
            "restore",
            "latest~1",
            "--asset",
            "orders",
            "--asset",
            "runtime",
            "--plan",
            "--yes",
            "--to",
            "out",
            "--stage",
            "/big",
            "--health-url",
            "http://127.0.0.1:9/h",
            "--skip-check",
            "a=known",
            "--accept-target",
            "ab12",
            "--without-safety",
            "orders", "--salvage", "--restore-secrets");
        Assert.Equal(ExitCodes.Done, exit);
        var options = Assert.IsType<RestoreOptions>(Assert.Single(bench.Asked));
        Assert.Equal("latest~1", options.Point);
        Assert.Equal(["orders", "runtime"], options.Assets);
        Assert.True(options is { Plan: true, Yes: true, Salvage: true, RestoreSecrets: true, Continue: false });
        Assert.Equal("/srv/shop/out", options.To);
        Assert.Equal("/big", options.Stage);
        Assert.Equal(new Uri("http://127.0.0.1:9/h"), options.HealthUrl);
        Assert.Equal(KeyValuePair.Create("a", "known"), Assert.Single(options.SkipChecks));
        Assert.Equal(["ab12"], options.AcceptTargets);
        Assert.Equal(["orders"], options.WithoutSafety);
    }

    [Fact]
    public async Task A_flag_takes_no_value_so_that_a_word_behind_it_stays_a_word()
    {
        await bench.RunAsync("restore", "--yes", "false");
        Assert.Equal("false", Assert.IsType<RestoreOptions>(Assert.Single(bench.Asked)).Point);
        Assert.True(((RestoreOptions)bench.Asked[0]).Yes);
    }

    [Fact]
    public async Task There_are_no_response_files()
    {
        await bench.RunAsync("restore", "@/etc/hostname", "--yes");
        Assert.Equal("@/etc/hostname", Assert.IsType<RestoreOptions>(Assert.Single(bench.Asked)).Point);
    }

    [Fact]
    public async Task A_subcommand_is_not_taken_for_a_point()
    {
        await bench.RunAsync("restore", "forget", Samples.RestoreId, "--yes");
        Assert.Equal(new ForgetOptions(Samples.RestoreId, true), Assert.Single(bench.Asked));
    }

    [Fact]
    public async Task Global_options_stand_before_or_behind_the_command()
    {
        foreach (var line in (string[])["--json backup", "backup --json"])
        {
            Assert.Equal(ExitCodes.Done, await bench.RunAsync(line.Split(' ')));
            Assert.Equal("reprise/backup/v1", bench.Document().GetProperty("schema").GetString());
        }
    }

    [Fact]
    public async Task A_command_whose_operation_is_not_there_does_not_exist()
    {
        bench.Operations = bench.Operations with { Backup = null, Restore = null };
        Assert.Equal(ExitCodes.Usage, await bench.RunAsync("backup"));
        Assert.Equal(ExitCodes.Usage, await bench.RunAsync("restore", "forget", "x"));
        Assert.Equal(ExitCodes.Done, await bench.RunAsync("--help"));
        Assert.DoesNotContain("\n  backup", bench.Out, StringComparison.Ordinal);
        Assert.Contains("\n  verify", bench.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_our_code_did_not_expect_is_exit_1_and_says_so()
    {
        bench.Operations = bench.Operations with { Backup = (_, _) => throw new NotSupportedException("a surprise") };
        Assert.Equal(ExitCodes.Bug, await bench.RunAsync("backup"));
        Assert.Contains("this is a bug of reprise", bench.Error, StringComparison.Ordinal);
        Assert.Contains("a surprise", bench.Error, StringComparison.Ordinal);
        Assert.Contains("next: report it", bench.Error, StringComparison.Ordinal);

        Assert.Equal(ExitCodes.Bug, await bench.RunAsync("backup", "--json"));
        Assert.Equal("bug", bench.Document().GetProperty("outcome").GetString());
    }

    [Fact]
    public async Task An_error_of_the_operation_has_its_code_exit_place_and_next_step()
    {
        bench.Operations = bench.Operations with
        {
            Backup = (_, _) => throw new RepriseException(
                new Problem(
                    Reprise.Recovery.RecoveryErrors.PasswordRefused,
                    Severity.Error,
                    "the password was refused",
                    "correct it")
                {
                    Asset = "orders", Where = "database shop on db:5432",
                }),
        };
        Assert.Equal(ExitCodes.Unavailable, await bench.RunAsync("backup"));
        Assert.Equal(
            "error: orders: the password was refused [password-refused]\n"
            + "  at database shop on db:5432\nnext: correct it\n",
            bench.Error);
    }

    [Fact]
    public async Task Quiet_says_nothing_but_errors()
    {
        Assert.Equal(ExitCodes.Done, await bench.RunAsync("backup", "--quiet"));
        Assert.Empty(bench.Out);
        Assert.Empty(bench.Error);
        Problem[] problems =
        [
            new(CliErrors.Bug, Severity.Warning, "a warning", "heed it"),
            new(CliErrors.Bug, Severity.Error, "an error", "report it"),
        ];
        bench.Operations = bench.Operations with
        {
            Backup = (_, _) => Task.FromResult(new CommandReport<BackupJson>(null, problems)),
        };
        Assert.Equal(ExitCodes.Bug, await bench.RunAsync("backup", "--quiet"));
        Assert.Equal("error: an error [bug]\nnext: report it\n", bench.Error);
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("--no-color", false)]
    [InlineData("", true)]
    public async Task Colour_is_shown_on_a_terminal_only_and_not_against_its_will(string option, bool noColour)
    {
        if (noColour) bench.Environment["NO_COLOR"] = "1";
        string[] line = option.Length == 0 ? ["status"] : ["status", option];
        await bench.RunAsync(line);
        Assert.DoesNotContain('\u001b', bench.Out);
        bench.IsTerminal = true;
        await bench.RunAsync(line);
        Assert.Equal(option.Length == 0 && !noColour, bench.Out.Contains('\u001b', StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_version_is_said()
    {
        Assert.Equal(ExitCodes.Done, await bench.RunAsync("--version"));
        Assert.Equal("reprise 0.1.0\n", bench.Out);
    }

    [Fact]
    public async Task Every_command_has_a_help_of_at_most_80_columns_with_its_options_and_an_example()
    {
        string[] commands =
        [
            "",
            "status",
            "init",
            "doctor",
            "check",
            "backup",
            "points",
            "points show",
            "verify",
            "restore",
            "restore forget",
            "undo", "export", "recover", "key", "key list", "key sheet", "demo", "completion",
        ];
        foreach (var command in commands)
        {
            var words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            Assert.Equal(ExitCodes.Done, await bench.RunAsync([.. words, "--help"]));
            Assert.All(bench.Out.Split('\n'), line => Assert.True(line.Length <= 80, line));
            Assert.Contains("usage: reprise", bench.Out, StringComparison.Ordinal);
            Assert.Contains("--json", bench.Out, StringComparison.Ordinal);
            if (words.Length > 0) Assert.Contains("e.g. reprise " + words[0], bench.Out, StringComparison.Ordinal);
        }

        await bench.RunAsync("restore", "--plna", "-h");
        Assert.Contains("--without-safety ASSET", bench.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_configuration_is_exit_2_and_the_next_step_is_init()
    {
        bench.Operations = bench.Operations with
        {
            Status = (_, context) =>
            {
                context.Configuration.ToString();
                return Task.FromResult(new CommandReport<StatusJson>(Samples.Status()));
            },
        };
        bench.WorkingFolder = "/nonexistent";
        Assert.Equal(ExitCodes.Usage, await bench.RunAsync());
        Assert.Contains("[config-missing]", bench.Error, StringComparison.Ordinal);
        Assert.Contains("next: run reprise init", bench.Error, StringComparison.Ordinal);
        bench.Environment["REPRISE_CONFIG"] = "elsewhere.yaml";
        await bench.RunAsync("status");
        Assert.Contains("elsewhere.yaml", bench.Error, StringComparison.Ordinal);
        await bench.RunAsync("status", "--config", "named.yaml");
        Assert.Contains("named.yaml", bench.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_repository_can_be_named_instead_of_a_configuration()
    {
        Access? access = null;
        bench.Operations = bench.Operations with
        {
            Points = (_, context) =>
            {
                access = context.Access;
                return Task.FromResult(new CommandReport<PointsJson>(Samples.Points()));
            },
        };
        Assert.Equal(0, await bench.RunAsync("points", "--repository", "../backup", "--key-file", "k"));
        Assert.Equal("/srv/backup", access?.Repository.Location.ToString());
        Assert.Equal("/srv/shop/k", access?.Repository.KeyFile);
        Assert.Null(access?.Configuration);
        Assert.Equal(ExitCodes.Usage, await bench.RunAsync("points", "--repository", "ftp://x"));
    }
}
