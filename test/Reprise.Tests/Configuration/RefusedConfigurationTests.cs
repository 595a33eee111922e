using CsCheck;
using Reprise.Storage.Errors;
using static Reprise.Tests.Configuration.Configurations;

namespace Reprise.Tests.Configuration;

/// <summary>What is wrong with a configuration, and where.</summary>
public class RefusedConfigurationTests
{
    [Fact]
    public void An_unknown_key_is_named_with_its_place_and_the_nearest_one()
    {
        var problem = Refused(Smallest.Replace("path: data", "pth: data", StringComparison.Ordinal));
        Assert.Equal("config-unknown-key", problem.Code.Name);
        Assert.Equal("reprise.yaml:4:25", problem.Where);
        Assert.Equal("unknown key 'pth' in assets.sessions.sqlite", problem.Message);
        Assert.StartsWith("did you mean 'path'?", problem.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("aplication: x", "config-unknown-key", 5, 1)]
    [InlineData("objectives: { rpo: 1hour }", "config-value", 5, 20)]
    [InlineData("objectives: { rto: 0s }", "config-value", 5, 20)]
    [InlineData("objectives: [1h]", "config-value", 5, 13)]
    [InlineData("control: { stop: [a] }", "config-missing-key", 5, 10)]
    [InlineData("control: { stop: docker compose stop, start: [b] }", "config-value", 5, 18)]
    [InlineData("control: { stop: [], start: [b] }", "config-value", 5, 18)]
    [InlineData("retention: { daily: -1 }", "config-value", 5, 21)]
    [InlineData("retention: { daily: many }", "config-value", 5, 21)]
    [InlineData("checks: { a: { http: { url: 127.0.0.1:8000 } } }", "config-value", 5, 29)]
    [InlineData("checks: { a: { http: { url: 'http://x', json: { status: ok } } } }", "config-value", 5, 47)]
    [InlineData("checks: { a: { sql: { asset: session, query: select 1 } } }", "config-value", 5, 30)]
    [InlineData("checks: { a: { sql: { asset: sessions } } }", "config-missing-key", 5, 21)]
    [InlineData("checks: { a: { htp: { url: 'http://x' } } }", "config-unknown-key", 5, 16)]
    [InlineData("checks: { a: { required: true } }", "config-missing-key", 5, 14)]
    [InlineData("checks: { a: { http: { url: 'http://x' }, tcp: { host: h, port: 1 } } }", "config-value", 5, 43)]
    [InlineData("checks: { a: { http: { url: 'http://x' }, required: maybe } }", "config-value", 5, 53)]
    [InlineData("checks: { a: { http: { url: 'http://x' }, when: later } }", "config-value", 5, 49)]
    [InlineData("checks: { a: { tcp: { host: h, port: 70000 } } }", "config-value", 5, 38)]
    [InlineData("checks: { a: { migration: { tool: rails, asset: sessions } } }", "config-value", 5, 35)]
    [InlineData("checks: { a: { file: { path: x, sha256: abc } } }", "config-value", 5, 41)]
    [InlineData("checks: { a: { rows: { asset: sessions, tolerance: some } } }", "config-value", 5, 52)]
    [InlineData("checks: { a: { command: { in: x } } }", "config-missing-key", 5, 25)]
    [InlineData("checks: { 'a b': { file: { path: x } } }", "config-value", 5, 11)]
    [InlineData("hooks: { after: [x] }", "config-unknown-key", 5, 10)]
    [InlineData("drill: { start: { env: { A: b } } }", "config-missing-key", 5, 17)]
    [InlineData("drill: { start: { run: [x], ready: { http: { url: '…' } } } }", "config-value", 5, 51)]
    [InlineData("? [a, b]\n: c", "config-invalid", 5, 3)]
    [InlineData("1: c", "config-invalid", 5, 1)]
    [InlineData("true: c", "config-invalid", 5, 1)]
    [InlineData("~: c", "config-invalid", 5, 1)]
    [InlineData("application: again", "config-duplicate-key", 5, 1)]
    [InlineData("---\napplication: again", "config-invalid", 5, 1)]
    [InlineData("objectives: &o { rpo: 1h }", "config-invalid", 5, 13)]
    [InlineData("objectives: *o", "config-invalid", 5, 13)]
    [InlineData("objectives: !!map { rpo: 1h }", "config-invalid", 5, 13)]
    [InlineData("objectives: { <<: { rpo: 1h } }", "config-invalid", 5, 15)]
    [InlineData("objectives: { rpo: \"1h }", "config-invalid", 5, 20)]
    [InlineData("objectives: { rpo: 1\u0001h }", "config-invalid", 5, 21)]
    public void What_is_wrong_in_one_part_is_named_with_its_place(string part, string code, int line, int column)
    {
        var problem = Refused(Smallest + "\n" + part);
        Assert.Equal((code, $"reprise.yaml:{line}:{column}"), (problem.Code.Name, problem.Where));
    }

    [Theory]
    [InlineData("sqlite: { path: '' }", "config-value")]
    [InlineData("sqlite: { }", "config-missing-key")]
    [InlineData("sqlite: data/shop.db", "config-value")]
    [InlineData("sqlite: { path: [a] }", "config-value")]
    [InlineData("sqlite: { path: a }, files: { include: [b] }", "config-value")]
    [InlineData("files: { include: [] }", "config-missing-key,config-value")]
    [InlineData("files: { include: x }", "config-value")]
    [InlineData("files: { include: [x, ''] }", "config-value")]
    [InlineData("secrets: { references: [A, A] }", "config-value")]
    [InlineData("secrets: { references: [A=b] }", "config-value")]
    [InlineData("secrets: { references: [A], values: all }", "config-value")]
    [InlineData("secrets: { references: [A], must-match: 1 }", "config-value")]
    [InlineData("postgres: { method: auto }", "config-missing-key")]
    [InlineData("postgres: { connection: 'sqlite://' }", "config-value")]
    [InlineData("postgres: { connection: 'sqlite:///:memory:' }", "config-value")]
    [InlineData("postgres: { connection: x, method: dump }", "config-value")]
    [InlineData("postgres: { connection: x, via: { docker: db } }", "config-unknown-key")]
    [InlineData("postgres: { connection: x, via: { compose: a, exec: [b] } }", "config-value")]
    [InlineData("postgres: { connection: x, control: systemd }", "config-value")]
    [InlineData("postgres: { connection: x, control: { compose: a, stop: [x], start: [y] } }", "config-value")]
    [InlineData("postgres: { connection: x, control: { compose: a, log: [x] } }", "config-value")]
    public void What_is_wrong_with_an_asset_is_refused(string asset, string codes)
    {
        var problem = Refused($$"""
            application: shop
            repository: { location: /backup/shop, key: { file: /etc/shop.key } }
            assets: { it: { {{asset}} } }
            """);
        Assert.Contains(problem.Code.Name, codes.Split(','));
        Assert.StartsWith("reprise.yaml:3:", problem.Where, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("# nothing but a comment\n")]
    [InlineData("---\n...\n")]
    public void An_empty_configuration_is_refused(string text) =>
        Assert.Equal("config-missing-key", Refused(text).Code.Name);

    [Theory]
    [InlineData("- a\n- b")]
    [InlineData("just text")]
    public void A_configuration_that_is_no_mapping_is_refused(string text) =>
        Assert.Equal("config-value", Refused(text).Code.Name);

    [Theory]
    [InlineData("application")]
    [InlineData("repository")]
    [InlineData("assets")]
    public void What_must_be_there_is_missed(string key)
    {
        var lines = Smallest.Split('\n').Where((_, index) => !(key switch
        {
            "application" => index == 0,
            "repository" => index == 1,
            _ => index > 1,
        }));
        var problem = Refused(string.Join('\n', lines));
        Assert.Equal("config-missing-key", problem.Code.Name);
        Assert.Contains($"'{key}'", problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("my shop")]
    [InlineData("-shop")]
    [InlineData("../shop")]
    [InlineData("café")]
    [InlineData("|\n  shop\n")]
    public void A_name_that_cannot_be_typed_or_be_a_file_is_refused(string name) =>
        Assert.Equal(
            "config-value",
            Refused(Smallest.Replace(
                "application: shop",
                $"application: {(name == "" ? "''" : name)}",
                StringComparison.Ordinal)).Code.Name);

    [Theory]
    [InlineData("ftp://host/x")]
    [InlineData("http://host/x")]
    public void A_location_of_no_known_kind_is_refused(string location)
    {
        var problem = Refused(Smallest.Replace("./recovery", location, StringComparison.Ordinal));
        Assert.Equal("config-value", problem.Code.Name);
        Assert.Contains("s3://", problem.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_assets_with_the_same_data_are_refused()
    {
        var problem = Refused(Smallest + "\n  again: { sqlite: { path: ./data/../data/sessions.db } }");
        Assert.Equal("config-overlap", problem.Code.Name);
        Assert.Equal("reprise.yaml:5:3", problem.Where);
    }

    [Theory]
    [InlineData("location: .., key: { file: shop.key }", "sqlite: { path: a.db }")]
    [InlineData("location: ., key: { file: /etc/shop.key }", "sqlite: { path: a.db }")]
    [InlineData("location: ./r, key: { file: /etc/shop.key }", "postgres: { connection: x, data: ./r/pg }")]
    [InlineData("location: /pg/r, key: { file: /etc/shop.key }", "postgres: { connection: x, data: /pg }")]
    [InlineData("location: ./r, key: { file: r/shop.key }", "files: { include: [a] }")]
    public void What_lies_inside_the_repository_is_refused(string repository, string asset) => Assert.Equal(
        "config-overlap",
        Refused($$"""
            application: shop
            repository: { {{repository}} }
            assets: { it: { {{asset}} } }
            """).Code.Name);

    [Theory]
    [InlineData("location: ./r, key: { file: r.key }", "sqlite: { path: ./r.db }")]
    [InlineData("location: ./r, key: { file: ../shop.key }", "postgres: { connection: x, data: ./rr }")]
    public void What_lies_beside_the_repository_is_fine(string repository, string asset) => Assert.Single(
        Parse($$"""
            application: shop
            repository: { {{repository}} }
            assets: { it: { {{asset}} } }
            """).Assets);

    [Fact]
    public void Sixteen_levels_are_accepted_and_seventeen_are_not()
    {
        // The root is level 1, so that fifteen lists reach the limit: refused as a value, not for their depth.
        Assert.Equal(
            "config-value", Refused(Smallest + "\nobjectives: " + new string('[', 15) + new string(']', 15)).Code.Name);
        Assert.Equal(
            "config-too-large",
            Refused(Smallest + "\nobjectives: " + new string('[', 16) + new string(']', 16)).Code.Name);
        Assert.Equal("config-too-large", Refused(new string('[', 500_000)).Code.Name);
    }

    [Theory]
    [InlineData("objectives: { rpo: ${X} }", 20)]
    [InlineData("control: { stop: [${X}], start: [b] }", 19)]
    [InlineData("control: { stop: [a, ${X:-b}], start: [b] }", 22)]
    public void A_bare_variable_between_brackets_asks_for_quotes(string part, int column)
    {
        var problem = Refused(Smallest + "\n" + part, Variables("X=1h"));
        Assert.Equal("config-invalid", problem.Code.Name);
        Assert.Equal($"reprise.yaml:5:{column}", problem.Where);
        Assert.Contains("put quotes around ${…}", problem.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void A_variable_outside_brackets_needs_no_quotes() =>
        Assert.Equal(TimeSpan.FromHours(1), With("objectives:\n  rpo: ${X}", Variables("X=1h")).Objectives.Rpo);

    [Fact]
    public void An_unset_variable_is_named_with_its_place()
    {
        var problem = Refused(Contract, Variables("DATABASE_ULR=typo"));
        Assert.Equal("variable-unset", problem.Code.Name);
        Assert.Equal("reprise.yaml:7:40", problem.Where);
        Assert.Equal("the variable DATABASE_URL is not set", problem.Message);
        Assert.Contains("DATABASE_ULR is set", problem.Hint, StringComparison.Ordinal);
        Assert.DoesNotContain("typo", problem.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void A_variable_that_is_set_but_empty_is_no_connection() =>
        Assert.Equal("config-value", Refused(Contract, Variables("DATABASE_URL=")).Code.Name);

    [Fact]
    public void Whatever_the_text_it_is_accepted_or_refused_with_a_place()
    {
        string[] words =
        [
            "application", "assets", ": ", "\n", "  ", "{", "}", "[", "]", "- ", "\"", "'", "${", "$", "}", "|", ">",
            "#", "&a", "*a",
            "!x", "---", "...", "%YAML", "\t", "?", ",", "shop", "1", "~", "é", "\\", "@", "`", "\u2028", "𝄞",
        ];
        var pieces = Gen.Int[0, words.Length - 1].Select(index => words[index]);
        Gen.Frequency((3, pieces.Array[0, 40].Select(string.Concat)), (1, Gen.String[0, 80])).Sample(
            text =>
            {
                try
                {
                    _ = Parse(text);
                }
                catch (RepriseException e)
                {
                    Assert.Equal(ExitCodes.Usage, e.Code.Exit);
                    Assert.StartsWith("reprise.yaml:", e.Problem.Where, StringComparison.Ordinal);
                }
            },
            iter: 20_000,
            seed: "0000KUFWnN13");
    }

    [Fact]
    public void A_good_configuration_with_one_letter_changed_never_fails_in_another_way() =>
        Gen.Select(Gen.Int[0, Contract.Length - 1], Gen.Char[' ', '~']).Sample(
            (index, letter) =>
            {
                var text = Contract[..index] + letter + Contract[(index + 1)..];
                try
                {
                    Assert.Equal(text, Parse(text, Variables("DATABASE_URL=dbname=shop")).Text);
                }
                catch (RepriseException e)
                {
                    Assert.Equal(ExitCodes.Usage, e.Code.Exit);
                    Assert.False(string.IsNullOrEmpty(e.Problem.Where));
                }
            },
            iter: 5_000,
            seed: "0000KUFWnN13");
}
