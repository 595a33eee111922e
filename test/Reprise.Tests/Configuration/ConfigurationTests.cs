using Reprise.Configuration;
using static Reprise.Tests.Configuration.Configurations;

namespace Reprise.Tests.Configuration;

/// <summary>What a good configuration becomes.</summary>
public class ConfigurationTests
{
    [Fact]
    public void The_contract_s_example_is_understood_as_a_whole()
    {
        var shop = Parse(Contract, Variables(environment: ("DATABASE_URL", "postgresql://ada:secret@db/shop")));

        Assert.Equal("shop", shop.Application);
        Assert.Equal(new RepositoryLocation.Folder("/srv/shop/recovery"), shop.Repository.Location);
        Assert.Equal("/home/ada/.config/reprise/shop.key", shop.Repository.KeyFile);
        Assert.Equal(TimeSpan.FromHours(1), shop.Objectives.Rpo);
        Assert.Equal(TimeSpan.FromMinutes(15), shop.Objectives.Rto);
        Assert.Equal(TimeSpan.FromDays(7), shop.Objectives.Drill);
        Assert.Equal(["orders", "sessions", "runtime", "secrets"], shop.Assets.Select(a => a.Name));
        var orders = Assert.IsType<AssetConfiguration.Postgres>(shop.Assets[0]);
        Assert.Equal("postgresql://ada:secret@db/shop", orders.Connection.Reveal());
        Assert.Equal(PostgresMethod.Auto, orders.Method);
        Assert.Equal("/srv/shop/data/sessions.db", Assert.IsType<AssetConfiguration.Sqlite>(shop.Assets[1]).Path);
        var runtime = Assert.IsType<AssetConfiguration.Files>(shop.Assets[2]);
        Assert.Equal(["compose.yaml", "config/**", "uploads/**"], runtime.Include);
        Assert.Equal(["**/*.log"], runtime.Exclude);
        var secrets = Assert.IsType<AssetConfiguration.Secrets>(shop.Assets[3]);
        Assert.Equal(["JWT_SECRET", "DATABASE_URL"], secrets.References);
        Assert.Equal("/srv/shop/.env", secrets.From);
        Assert.False(secrets.KeepValues);
        Assert.False(secrets.MustMatch);
        Assert.Equal(["docker", "compose", "stop", "backend"], shop.Control?.Stop);
        Assert.Equal(["docker", "compose", "up", "-d", "backend"], shop.Control?.Start);
        Assert.Equal(14, shop.Retention.Daily);
        Assert.Equal(TimeSpan.FromHours(72), shop.Retention.Former);
        Assert.Equal(["/srv/shop/notify"], shop.Hooks.AfterBackup);
        Assert.Equal(["/srv/shop/page"], shop.Hooks.OnFailure);
        Assert.Equal(["/srv/shop/run-backend"], shop.Drill?.Run);
        Assert.Equal("{orders.url}", shop.Drill?.Environment[0].Value);
        Assert.IsType<CheckConfiguration.Http>(shop.Drill?.Ready);
        Assert.Equal(Contract, shop.Text);
    }

    [Fact]
    public void The_checks_of_the_contract_know_their_time_and_their_arguments()
    {
        var checks = Parse(Contract, Variables(environment: ("DATABASE_URL", "dbname=shop"))).Checks;

        var healthy = Assert.IsType<CheckConfiguration.Http>(checks[0]);
        Assert.Equal(CheckTime.App, healthy.When);
        Assert.True(healthy.Required);
        Assert.Equal(KeyValuePair.Create("/status", "ok"), Assert.Single(healthy.Json));
        Assert.Equal(TimeSpan.FromSeconds(30), healthy.Within);
        var migration = Assert.IsType<CheckConfiguration.Migration>(checks[1]);
        Assert.Equal(["/srv/shop/.venv/bin/alembic", "heads"], migration.Head);
        Assert.Equal(CheckTime.Data, migration.When);
        Assert.Equal("> 0", Assert.IsType<CheckConfiguration.Sql>(checks[2]).Expect);
    }

    [Fact]
    public void Every_kind_of_check_is_read()
    {
        var checks = With("""
            checks:
              one:   { http: { url: "https://shop.example/h", status: 204, contains: yes it is } }
              two:   { tcp: { host: 127.0.0.1, port: 5432, within: 5s }, required: false }
              three: { sqlite: { asset: sessions, query: "select 1", expect: "= 1", when: app } }
              four:  { rows: { asset: sessions, tolerance: 1.5% }, when: app }
              five:  { rows: { asset: sessions, tolerance: 10 } }
              six:   { file: { path: a, sha256: "0A00000000000000000000000000000000000000000000000000000000000000" } }
              seven: { command: { run: [bin/check, --fast], in: backend, within: 1m } }
              eight: { sql: { asset: sessions, query: "select 1" } }
            """).Checks;

        Assert.Equal(204, Assert.IsType<CheckConfiguration.Http>(checks[0]).Status);
        Assert.Equal("yes it is", ((CheckConfiguration.Http)checks[0]).Contains);
        Assert.Equal(5432, Assert.IsType<CheckConfiguration.Tcp>(checks[1]).Port);
        Assert.False(checks[1].Required);
        Assert.Equal(CheckTime.App, Assert.IsType<CheckConfiguration.Sqlite>(checks[2]).When);
        Assert.Equal(new RowTolerance(0, 1.5), Assert.IsType<CheckConfiguration.Rows>(checks[3]).Tolerance);
        Assert.Equal(CheckTime.App, checks[3].When);
        Assert.Equal(new RowTolerance(10, 0), ((CheckConfiguration.Rows)checks[4]).Tolerance);
        Assert.StartsWith("0a00", Assert.IsType<CheckConfiguration.File>(checks[5]).Sha256, StringComparison.Ordinal);
        var command = Assert.IsType<CheckConfiguration.Command>(checks[6]);
        Assert.Equal(["/srv/shop/bin/check", "--fast"], command.Run);
        Assert.Equal("/srv/shop/backend", command.In);
        Assert.Null(Assert.IsType<CheckConfiguration.Sql>(checks[7]).Expect);
    }

    [Theory]
    [InlineData("sqlite:///data/shop.db", "/srv/shop/data/shop.db")]
    [InlineData("sqlite:////var/lib/shop.db", "/var/lib/shop.db")]
    [InlineData("sqlite+aiosqlite:///shop%20one.db?timeout=5", "/srv/shop/shop one.db")]
    public void A_sqlite_address_in_a_connection_is_a_sqlite_asset(string address, string path)
    {
        var shop = Parse(
            """
            application: shop
            repository: { location: /backup/shop, key: { file: /etc/shop.key } }
            assets: { orders: { postgres: { connection: "${DATABASE_URL}", method: auto } } }
            checks: { readable: { sql: { asset: orders, query: select 1 } } }
            """,
            Variables(environment: ("DATABASE_URL", address)));

        Assert.Equal(path, Assert.IsType<AssetConfiguration.Sqlite>(Assert.Single(shop.Assets)).Path);
    }

    [Fact]
    public void A_postgres_can_be_reached_through_compose_or_a_prefix_and_has_a_control_of_its_own()
    {
        static AssetConfiguration.Postgres Postgres(string more) =>
            Assert.IsType<AssetConfiguration.Postgres>(Assert.Single(Parse($$"""
                application: shop
                repository: { location: /backup/shop, key: { file: /etc/shop.key } }
                assets:
                  orders: { postgres: { connection: "dbname=shop", {{more}} } }
                """).Assets));

        Assert.Equal(new PostgresVia.Compose("db"), Postgres("via: { compose: db }").Via);
        var prefix = Assert.IsType<PostgresVia.Exec>(Postgres("via: { exec: [docker, exec, -i, db-1] }").Via).Prefix;
        Assert.Equal(["docker", "exec", "-i", "db-1"], prefix);
        Assert.IsType<PostgresControl.PgCtl>(Postgres("control: pg_ctl, data: /var/lib/pg").Control);
        Assert.Equal(
            new PostgresControl.Systemd("postgresql@15-main"),
            Postgres("control: { systemd: postgresql@15-main }").Control);
        Assert.Equal(new PostgresControl.Compose("db"), Postgres("control: { compose: db }").Control);
        Assert.Equal(
            ["b"],
            Assert.IsType<PostgresControl.Programs>(Postgres("control: { stop: [a], start: [b] }").Control).Start);
        Assert.Equal(
            ["tail", "log"],
            Assert.IsType<PostgresControl.Programs>(
                Postgres("control: { stop: [a], start: [b], log: [tail, log] }").Control).Log);
        Assert.Equal(PostgresMethod.Physical, Postgres("method: physical").Method);
        Assert.Equal("postgres", Postgres("method: logical").Maintenance);
        Assert.Equal("template1", Postgres("maintenance: template1").Maintenance);
    }

    [Theory]
    [InlineData("./recovery", "/srv/shop/recovery")]
    [InlineData("/mnt/usb/shop", "/mnt/usb/shop")]
    [InlineData("~/recovery", "/home/ada/recovery")]
    [InlineData("file:///mnt/usb/shop", "/mnt/usb/shop")]
    public void A_repository_is_a_folder(string location, string path)
    {
        var text = Smallest.Replace("./recovery", location, StringComparison.Ordinal);
        Assert.Equal(new RepositoryLocation.Folder(path), Parse(text).Repository.Location);
    }

    [Fact]
    public void A_repository_may_lie_on_a_network()
    {
        var text = Smallest.Replace(
            "./recovery", "\"s3://bucket/shop?endpoint=http://127.0.0.1:9000\"", StringComparison.Ordinal);
        var remote = Assert.IsType<RepositoryLocation.Remote>(Parse(text).Repository.Location);
        Assert.Equal("s3", remote.Scheme);
        Assert.Equal("s3://bucket/shop?endpoint=http://127.0.0.1:9000", remote.ToString());
    }

    [Fact]
    public void A_passphrase_comes_from_a_variable_only()
    {
        var text = Smallest.Replace("file: shop.key", "passphrase: \"${PASS}\"", StringComparison.Ordinal);
        Assert.Equal("open", Parse(text, Variables("PASS=open")).Repository.Passphrase?.Reveal());
        var literal = Refused(Smallest.Replace("file: shop.key", "passphrase: open", StringComparison.Ordinal));
        Assert.Equal("config-value", literal.Code.Name);
        Assert.DoesNotContain("open", literal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_left_out_has_the_defaults_that_are_documented()
    {
        var shop = Parse(Smallest);
        Assert.Null(shop.Objectives.Rpo);
        Assert.Null(shop.Control);
        Assert.Empty(shop.Checks);
        Assert.Equal(new RetentionConfiguration(), shop.Retention);
        Assert.Equal(8, shop.Retention.Weekly);
        Assert.Null(shop.Hooks.AfterBackup);
        Assert.Null(shop.Drill);
    }

    [Fact]
    public void Nothing_that_is_printed_holds_a_secret()
    {
        var variables = Variables("TOKEN=hunter2", ("DATABASE_URL", "postgresql://ada:hunter3@db/shop"));
        var shop = Parse(Contract, variables);
        var literal = Parse(Smallest.Replace(
            "sqlite: { path: data/sessions.db }",
            "postgres: { connection: \"postgresql://ada:hunter4@db/shop\" }",
            StringComparison.Ordinal));
        string[] printed =
        [
            shop.ToString(),
            shop.Assets[0].ToString(),
            ((AssetConfiguration.Postgres)shop.Assets[0]).Connection.ToString(),
            variables.ToString(), literal.ToString(), literal.Assets[0].ToString(), shop.Variables.ToString(),
        ];
        Assert.All(printed, text => Assert.DoesNotContain("hunter", text, StringComparison.Ordinal));
        Assert.Contains("${DATABASE_URL}", shop.Assets[0].ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("90s", 90)]
    [InlineData("15m", 900)]
    [InlineData("1h", 3600)]
    [InlineData("7d", 604800)]
    [InlineData("2w", 1209600)]
    [InlineData("0s", 0)]
    public void Durations_are_read(string text, int seconds)
    {
        Assert.True(Duration.TryParse(text, out var duration));
        Assert.Equal(TimeSpan.FromSeconds(seconds), duration);
    }

    [Theory]
    [InlineData("")]
    [InlineData("h")]
    [InlineData("1")]
    [InlineData("-1h")]
    [InlineData("1 h")]
    [InlineData("1.5h")]
    [InlineData("1H")]
    [InlineData("1h30m")]
    [InlineData("٣h")]
    [InlineData("99999999999w")]
    public void What_is_no_duration_is_refused(string text) => Assert.False(Duration.TryParse(text, out _));

    [Theory]
    [InlineData("conection", "connection")]
    [InlineData("--plna", "--plan")]
    [InlineData("pots", null)]
    [InlineData("inc", "include")]
    [InlineData("zzzzzzz", null)]
    public void The_nearest_word_is_found(string typed, string? expected) =>
        Assert.Equal(
            expected, NearestWord.Find(typed, ["connection", "--plan", "--point", "include", "method", "postgres"]));
}
