using CsCheck;
using Reprise.Configuration;
using Reprise.Setup;

namespace Reprise.Tests.Setup;

/// <summary>What <c>init</c> finds, and that what it writes can be read back.</summary>
public sealed class LookAroundTests : IDisposable
{
    private readonly AppFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void An_empty_folder_gives_a_configuration_that_loads_and_says_what_to_do()
    {
        var configuration = folder.Configured();
        Assert.Equal("shop", configuration.Application);
        Assert.Equal(
            ["reprise.yaml"], Assert.IsType<AssetConfiguration.Files>(Assert.Single(configuration.Assets)).Include);
        Assert.Contains("Nothing was found", folder.Text(), StringComparison.Ordinal);
        Assert.Empty(folder.Look().Found);
    }

    [Fact]
    public void A_postgres_that_an_address_names_is_reached_by_that_variable()
    {
        folder.With(
            ".env",
            "DATABASE_URL=postgresql+psycopg2://ada:hunter2@127.0.0.1:5432/shop\nJWT_SECRET=hunter3\nPORT=8000");
        var configuration = folder.Configured();
        var database = Assert.IsType<AssetConfiguration.Postgres>(configuration.Assets[0]);
        Assert.Equal("${DATABASE_URL}", database.Connection.ToString());
        Assert.Null(database.Via);
        var secrets = Assert.IsType<AssetConfiguration.Secrets>(configuration.Assets[^1]);
        Assert.Equal(["DATABASE_URL", "JWT_SECRET"], secrets.References);
        Assert.Equal(Path.Combine(folder.Path, ".env"), secrets.From);
        Assert.False(secrets.KeepValues);
        Assert.DoesNotContain("hunter", folder.Text(), StringComparison.Ordinal);
        Assert.True(Assert.IsType<AssetConfiguration.Secrets>(folder.Configured(seal: true).Assets[^1]).KeepValues);
    }

    [Fact]
    public void An_address_in_the_environment_alone_counts_too()
    {
        folder.Environment["DATABASE_URL"] = "postgres://ada@db.example/shop";
        var configuration = folder.Configured();
        Assert.IsType<AssetConfiguration.Postgres>(configuration.Assets[0]);
        Assert.Null(Assert.IsType<AssetConfiguration.Secrets>(configuration.Assets[^1]).From);
    }

    [Fact]
    public void A_postgres_of_the_compose_file_is_reached_through_its_service()
    {
        folder.With("compose.yaml", Compose).With(".env", "POSTGRES_PASSWORD=x\nJWT_SECRET=y").With("config/shop.toml").With("uploads/a");
        var configuration = folder.Configured();
        var database = Assert.IsType<AssetConfiguration.Postgres>(configuration.Assets[0]);
        Assert.Equal(new PostgresVia.Compose("db"), database.Via);
        Assert.Equal("postgresql://shop@/shop", database.Connection.Reveal());
        Assert.Equal(["docker", "compose", "stop", "backend"], configuration.Control?.Stop);
        Assert.Equal(["docker", "compose", "up", "-d", "backend"], configuration.Control?.Start);
        var health = Assert.IsType<CheckConfiguration.Http>(Assert.Single(configuration.Checks));
        Assert.Equal("http://127.0.0.1:8000/healthz", health.Url.ToString());
        var files = configuration.Assets.OfType<AssetConfiguration.Files>().Single();
        Assert.Equal(["compose.yaml", "config/**", "uploads/**"], files.Include.Order(StringComparer.Ordinal));
        Assert.Equal(["cache (backend)"], folder.Look().VolumesNotProtected);
        var volume = folder.Look().Found.Single(f => f.Kind == "volume");
        Assert.Equal(("db-data", "service db of compose.yaml"), (volume.What, volume.Where));
        Assert.Contains("The volume cache (backend) is NOT protected", folder.Text(), StringComparison.Ordinal);
    }

    [Fact]
    public void An_address_that_names_no_service_means_that_the_application_runs_outside_of_compose()
    {
        folder.With("compose.yaml", Compose).With(".env", "DATABASE_URL=sqlite:///data/shop.db\nSHOP_PORT=8000");
        var configuration = folder.Configured();
        Assert.Equal(
            Path.Combine(folder.Path, "data/shop.db"), Assert.IsType<AssetConfiguration.Sqlite>(
                configuration.Assets[0]).Path);
        Assert.Null(configuration.Control);
    }

    [Fact]
    public void An_address_that_names_the_service_means_that_it_runs_in_compose()
    {
        folder.With("compose.yaml", Compose).With(".env", "DATABASE_URL=postgresql://shop:x@db:5432/shop");
        var database = Assert.IsType<AssetConfiguration.Postgres>(folder.Configured().Assets[0]);
        Assert.Equal(new PostgresVia.Compose("db"), database.Via);
    }

    [Fact]
    public void Sqlite_files_are_known_by_their_first_bytes()
    {
        folder.WithSqlite("data/sessions.db").WithSqlite("data/odd.name").With(
            "data/sessions.db-wal").With("data/text.db");
        folder.WithSqlite("node_modules/x/cache.db").WithSqlite(".cache/y.db").WithSqlite("data/Größe 1.db");
        var names = folder.Configured().Assets.OfType<AssetConfiguration.Sqlite>()
            .Select(a => (a.Name, Path.GetRelativePath(folder.Path, a.Path)));
        Assert.Equal(
            [("gr-e-1", "data/Größe 1.db"), ("odd", "data/odd.name"), ("sessions", "data/sessions.db")],
            names.Order());
    }

    [Fact]
    public void A_folder_with_nothing_but_databases_is_not_a_set_of_files()
    {
        folder.WithSqlite("data/sessions.db").With("data/sessions.db-wal").With("uploads/1.jpg");
        var files = folder.Configured().Assets.OfType<AssetConfiguration.Files>().Single();
        Assert.Equal(["uploads/**"], files.Include);
        folder.With("data/photo.jpg");
        Assert.Contains("data/**", folder.Configured().Assets.OfType<AssetConfiguration.Files>().Single().Include);
    }

    [Fact]
    public void Alembic_is_a_check_with_the_program_that_is_there()
    {
        folder.WithSqlite("shop.db").With("backend/alembic.ini");
        var check = Assert.IsType<CheckConfiguration.Migration>(Assert.Single(folder.Configured().Checks));
        Assert.Equal(("alembic", "shop"), (check.Tool, check.Asset));
        Assert.Null(check.Head);
        folder.With(".venv/bin/alembic");
        check = Assert.IsType<CheckConfiguration.Migration>(Assert.Single(folder.Configured().Checks));
        Assert.Equal(
            [Path.Combine(folder.Path, ".venv/bin/alembic"), "-c", "backend/alembic.ini", "heads"], check.Head);
    }

    [Fact]
    public void The_health_address_is_the_route_of_the_sources_and_the_port_of_the_env()
    {
        folder.With("backend/app.py", "@app.get(\"/health\")\ndef health(): ...").With(
            ".env", "POSTGRES_PORT=5\nSHOP_PORT=8123");
        var health = Assert.IsType<CheckConfiguration.Http>(Assert.Single(folder.Configured().Checks));
        Assert.Equal("http://127.0.0.1:8123/health", health.Url.ToString());
        Assert.Contains("${SHOP_PORT}", folder.Text(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("JWT_SECRET", true)]
    [InlineData("STRIPE_API_KEY", true)]
    [InlineData("DATABASE_URL", true)]
    [InlineData("SMTP_PASSWORD", true)]
    [InlineData("GITHUB_TOKEN", true)]
    [InlineData("sentry_dsn", true)]
    [InlineData("SHOP_PORT", false)]
    [InlineData("KEYBOARD", false)]
    [InlineData("STRIPE_PUBLIC_KEY", false)]
    [InlineData("BACKUP_METADATA_HMAC_KEY", false)]
    [InlineData("REPRISE_PASSPHRASE", false)]
    [InlineData("POSTGRES_USER", false)]
    public void Secrets_are_known_by_their_names(string name, bool expected) =>
        Assert.Equal(expected, LookAround.LooksSecret(name));

    [Fact]
    public void A_compose_file_that_cannot_be_read_stops_nothing()
    {
        folder.With("compose.yaml", "services: [").WithSqlite("shop.db");
        Assert.Equal("shop", Assert.Single(folder.Configured().Assets).Name);
        Assert.Contains(folder.Look().Found, f => f.What.StartsWith("not understood", StringComparison.Ordinal));
    }

    [Fact]
    public void The_shop_of_the_examples_is_understood_as_its_own_configuration_says()
    {
        var shop = Path.Combine(House.Clone.Root, "examples/shop");
        var around = new LookAround(AppFolder.Disk, shop, new Dictionary<string, string> { ["PATH"] = "" }).Look();
        var database = Assert.IsType<FoundDatabase.Postgres>(Assert.Single(around.Databases));
        Assert.Equal("db", database.Service);
        Assert.Equal("postgresql://${POSTGRES_USER:-shop}@/${POSTGRES_DB:-shop}", database.Connection);
        Assert.Equal(["backend"], around.Services);
        Assert.Equal("http://127.0.0.1:${SHOP_PORT:-8000}/health", around.HealthUrl);
        Assert.NotNull(around.AlembicHeads);
        Assert.Contains("compose.yaml", around.Files);
        Assert.Contains("config/**", around.Files);
    }

    [Fact]
    public void Anchors_merges_and_both_forms_of_everything_are_understood_in_compose_files()
    {
        var compose = ComposeFile.Parse(
            """
            x-common: &common
              restart: always
              environment: [ "DATABASE_URL=postgresql://u:p@database:5432/d", TOKEN=x ]
            services:
              database:
                image: registry.example:5000/postgis/postgis:16-3.4
                volumes: [{ type: volume, source: data, target: /var/lib/postgresql/data }]
              web:
                <<: *common
                build: .
                ports: [{ published: "8080", target: 80 }]
                volumes: ["./media:/media:ro", media:/more]
                healthcheck: { test: ["CMD-SHELL", "curl -f http://localhost/ready || exit 1"] }
              other: { image: nginx }
            """,
            "compose.yaml");
        Assert.Equal("database", compose.Postgres?.Name);
        var web = Assert.Single(compose.Writers);
        Assert.Equal("web", web.Name);
        Assert.Equal("x", web.Environment["TOKEN"]);
        Assert.Equal("8080", web.PublishedPort);
        Assert.Equal("/ready", web.HealthPath);
        Assert.Equal(["./media"], web.Folders);
        Assert.True(web.Mounts[1].IsVolume);
    }

    [Theory]
    [InlineData("services: { a: *nothing }")]
    [InlineData("services: &s { a: *s }")]
    [InlineData("services: [a, b]")]
    [InlineData("services:\n  a:\n  b: text\n  c: { ports: x, volumes: { a: b }, environment: 3, depends_on: }")]
    [InlineData("other: x")]
    [InlineData("")]
    public void Odd_compose_files_have_no_databases(string text) =>
        Assert.Null(ComposeFile.Parse(text, "compose.yaml").Postgres);

    [Fact]
    public void Whatever_a_value_is_it_is_read_back_as_it_was() =>
        Gen.String.Where(s => s.All(
            c => !char.IsSurrogate(c) && c is not ('\u2028' or '\u2029' or '\uFEFF' or '\uFFFE' or '\uFFFF'))).Sample(
            value =>
            {
                var node = YamlReader.Read($"[{YamlText.Expression(value)}, {YamlText.Literal(value)}]", "x");
                var items = Assert.IsType<YamlNode.Sequence>(node).Items;
                Assert.Equal(value, Assert.IsType<YamlNode.Scalar>(items[0]).Text);
                Assert.Equal(
                    value,
                    Configuration.Configurations.Variables().PutInto(
                        ((YamlNode.Scalar)items[1]).Text, new Place("x", 1, 1)));
            },
            iter: 3000,
            seed: "0000KUFWnN13");

    [Theory]
    [InlineData("true")]
    [InlineData("1")]
    [InlineData("~")]
    [InlineData("-")]
    [InlineData("null")]
    [InlineData("a: b")]
    [InlineData("*x")]
    [InlineData("")]
    public void What_would_be_no_text_is_quoted(string value) =>
        Assert.StartsWith("\"", YamlText.Literal(value), StringComparison.Ordinal);

    [Fact]
    public void Many_made_up_folders_give_a_configuration_that_loads()
    {
        string[] pieces =
        [
            ".env",
            "compose.yaml",
            "data/a.db",
            "data/b.db",
            "uploads/x",
            "alembic.ini",
            "config/app.toml",
            "Caddyfile",
            "src/app.js",
        ];
        Gen.Int[0, (1 << pieces.Length) - 1].Sample(
            mask =>
            {
                using var made = new AppFolder();
                for (var i = 0; i < pieces.Length; i++)
                {
                    if ((mask & (1 << i)) == 0) continue;
                    if (pieces[i].EndsWith(".db", StringComparison.Ordinal)) made.WithSqlite(pieces[i]);
                    else made.With(pieces[i], TextOf(pieces[i]));
                }

                var configuration = made.Configured();
                Assert.NotEmpty(configuration.Assets);
                Assert.Equal(TimeSpan.FromHours(1), configuration.Objectives.Rpo);
            },
            iter: 60,
            seed: "0000KUFWnN13",
            threads: 1);
    }

    private static string TextOf(string file) => file switch
    {
        ".env" => "DATABASE_URL=postgresql://a@localhost/b\nAPI_KEY=c\nPORT=1",
        "compose.yaml" => Compose,
        "src/app.js" => "app.get('/healthz', ok)",
        _ => "x",
    };

    private const string Compose = """
        services:
          db:
            image: ${DB_IMAGE:-postgres:15}
            environment:
              POSTGRES_USER: ${POSTGRES_USER:-shop}
              POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:?set it}
              POSTGRES_DB: ${POSTGRES_DB-shop}
            volumes: [db-data:/var/lib/postgresql/data]
          backend:
            build: .
            depends_on: { db: { condition: service_healthy } }
            ports: ["127.0.0.1:${WEB_PORT:-8000}:8000"]
            volumes: ["./config:/app/config:ro", "./uploads:/app/uploads", "cache:/cache"]
            healthcheck: { test: curl --fail http://localhost:8000/healthz }
          frontend: { image: nginx, depends_on: [backend] }
        volumes: { db-data: {}, cache: {} }
        """;
}
