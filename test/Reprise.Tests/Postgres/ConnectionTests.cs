using Reprise.Recovery;
using Reprise.Recovery.Postgres;
using Reprise.Storage.Errors;

namespace Reprise.Tests.Postgres;

/// <summary>
/// One parser for every form of a connection; what it cannot read it refuses with the place, never with a value.
/// </summary>
public sealed class ConnectionTests
{
    private readonly Dictionary<string, string> variables = [];
    private readonly Dictionary<string, SourceFile> files = [];
    private readonly HashSet<string> sockets = [];

    private ConnectionSources Sources => new()
    {
        Variable = name => variables.GetValueOrDefault(name),
        ReadFile = name => files.GetValueOrDefault(name),
        Exists = sockets.Contains,
        Home = "/home/ada",
        UserName = "ada",
    };

    public static TheoryData<string, string, int, string, string?, string> Forms => new()
    {
        { "postgresql://u:p@h:6432/d", "h", 6432, "u", "p", "d" },
        { "postgres://u:p@h/d", "h", 5432, "u", "p", "d" },
        { "postgresql+psycopg2://u:p@h/d", "h", 5432, "u", "p", "d" },
        { "postgresql+asyncpg://u:p@h/d?ssl=require&prepared_statement_cache_size=0", "h", 5432, "u", "p", "d" },
        { "jdbc:postgresql://h:1/d?user=u&password=p", "h", 1, "u", "p", "d" },
        { "postgresql://u:p%40%3A%2f%25@h/d%20e", "h", 5432, "u", "p@:/%", "d e" },
        { "postgresql://u:p@ss@h/d", "h", 5432, "u", "p@ss", "d" },
        { "postgresql://u@[::1]:99/d", "::1", 99, "u", null, "d" },
        { "postgresql://%2Fvar%2Frun/d", "/var/run", 5432, "ada", null, "d" },
        { "postgresql:///d?host=/var/run&port=7&user=u", "/var/run", 7, "u", null, "d" },
        { "postgresql://", "localhost", 5432, "ada", null, "ada" },
        { "postgresql://one:1,two:2/d", "one", 1, "ada", null, "d" },
        { "host=h port=1 user=u password=p dbname=d", "h", 1, "u", "p", "d" },
        { @"host = h  dbname='my \'db' password=a\ b\'c", "h", 5432, "ada", "a b'c", "my 'db" },
        { @"host=h dbname='it\'s \\' password=''", "h", 5432, "ada", null, @"it's \" },
        { "Host=h;Port=1;Username=u;Password=p;Database=d", "h", 1, "u", "p", "d" },
        { "server = h ; User Id=u;PWD='a;b''c';db=\"d;\";Maximum Pool Size=5", "h", 5432, "u", "a;b'c", "d;" },
        { "Host=h", "h", 5432, "ada", null, "ada" },
        { "Server=h", "h", 5432, "ada", null, "ada" },
        { "", "localhost", 5432, "ada", null, "ada" },
    };

    [Theory]
    [MemberData(nameof(Forms))]
    public void Every_form_is_read(string text, string host, int port, string user, string? password, string database)
    {
        var connection = ConnectionDefaults.Resolve(text, Sources);
        Assert.Equal((host, port, user, password, database),
            (connection.Host, connection.Port, connection.User, connection.Password, connection.Database));
    }

    [Theory]
    [InlineData("mysql://u:secret@h/d", "character 1", "postgresql://")]
    [InlineData("sqlite:///data.db", "character 1", "sqlite:")]
    [InlineData("postgresql://u:secret@h:port/d", "character 25", "%40")]
    [InlineData("postgresql://u:sec/ret@h/d", "character 16", "%40")]
    [InlineData("postgresql://u:s%zzcret@h/d", "character 17", "%25")]
    [InlineData("postgresql://u:secret%@h/d", "character 22", "%25")]
    [InlineData("postgresql://u:secret@[::1/d", "character 23", "postgresql://")]
    [InlineData("postgresql://u:secret@h/d?sslmod=require", "character 27", "sslmode")]
    [InlineData("postgresql://u:secret@h/d?sslmode", "character 27", "postgresql://")]
    [InlineData("postgresql://u:secret@h/d?sslmode=requires", "character 1", "verify-full")]
    [InlineData("postgresql://u:secret@h:70000/d", "character 1", "%40")]
    [InlineData("shop", "character 1", "dbname=")]
    [InlineData("host=h passwrod=secret", "character 8", "password")]
    [InlineData("host=h password='secret", "character 17", "postgresql://")]
    [InlineData("host=h dbname='my ''db' password=secret", "character 20", "dbname=")]
    [InlineData("Host=h;Pasword=secret;Database=d", "character 8", "password")]
    [InlineData("Host=h;Password='secret;Database=d", "character 17", "postgresql://")]
    [InlineData("Host=h;Database", "character 8", "postgresql://")]
    [InlineData("host=h\npassword=secret", "character 7", "postgresql://")]
    public void A_slip_is_refused_with_its_place(string text, string where, string hint)
    {
        var problem = Refused(text, "secret");
        Assert.Equal(where, problem.Where);
        Assert.Contains(hint, problem.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_that_is_printed_holds_the_password()
    {
        var connection = ConnectionDefaults.Resolve("postgresql://u:s3cret@h/d?sslpassword=s3cret", Sources);
        Assert.DoesNotContain("s3cret", connection.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", connection.Server, StringComparison.Ordinal);
        Assert.Contains("s3cret", connection.ToBuilder("d").ConnectionString, StringComparison.Ordinal);
        Assert.Equal("s3cret", connection.ToEnvironment("d")["PGPASSWORD"]);
    }

    [Fact]
    public void The_environment_of_a_child_holds_what_was_resolved_and_nothing_of_the_shell()
    {
        variables["PGSSLMODE"] = "require";
        variables["PGSERVICEFILE"] = "/x";
        variables["PGOPTIONS"] = "-c geqo=off";
        var connection = ConnectionDefaults.Resolve(
            "postgresql://u:p@h:1/d?sslmode=verify-full&sslrootcert=/ca", Sources);
        var environment = connection.ToEnvironment("other");
        Assert.Equal("verify-full", environment["PGSSLMODE"]);
        Assert.Equal("/ca", environment["PGSSLROOTCERT"]);
        Assert.Equal("-c geqo=off", environment["PGOPTIONS"]);
        Assert.Equal("other", environment["PGDATABASE"]);
        Assert.Equal("C", environment["LC_ALL"]);
        Assert.Null(environment["PGSERVICEFILE"]);
        Assert.Null(environment["PGCLIENTENCODING"]);
        var builder = connection.ToBuilder("other");
        Assert.Equal(Npgsql.SslMode.VerifyFull, builder.SslMode);
        Assert.Equal("/ca", builder.RootCertificate);
        Assert.Equal("other", builder.Database);
        Assert.False(builder.Pooling);
    }

    [Fact]
    public void What_the_text_says_comes_before_service_file_environment_and_defaults()
    {
        variables["PGSERVICE"] = "shop";
        variables["PGHOST"] = "from-environment";
        variables["PGPORT"] = "1111";
        variables["PGUSER"] = "from-environment";
        variables["PGDATABASE"] = "from-environment";
        files["/home/ada/.pg_service.conf"] = new SourceFile(
            "# mine\n[other]\nuser=wrong\n\n[shop]\nhost=from-service\nuser=from-service\n[third]\nport=3\n", -1);
        var connection = ConnectionDefaults.Resolve("host=from-text", Sources);
        Assert.Equal(("from-text", 1111, "from-service", "from-environment"),
            (connection.Host, connection.Port, connection.User, connection.Database));
        variables["PGSERVICE"] = "absent";
        Assert.Equal(
            RecoveryErrors.ConnectionInvalid,
            Assert.Throws<RepriseException>(() => ConnectionDefaults.Resolve("", Sources)).Code);
        files["/home/ada/.pg_service.conf"] = new SourceFile("[absent]\nhots=x\n", -1);
        var problem = Assert.Throws<RepriseException>(() => ConnectionDefaults.Resolve("", Sources)).Problem;
        Assert.Equal("/home/ada/.pg_service.conf:2", problem.Where);
    }

    [Fact]
    public void The_pass_file_gives_a_password_unless_others_can_read_it()
    {
        const string text =
            "# comment\nother:*:*:*:wrong\nh:5432:d:bob:wrong\n*:*:my\\:db:u:a\\\\b\\:c:d\nlocalhost:*:*:u:socket\n";
        files["/home/ada/.pgpass"] = new SourceFile(text, 0b110_000_000);
        Assert.Equal("a\\b:c:d", ConnectionDefaults.Resolve("host=h user=u dbname=my:db", Sources).Password);
        Assert.Equal("socket", ConnectionDefaults.Resolve("host=/run user=u dbname=d", Sources).Password);
        Assert.Null(ConnectionDefaults.Resolve("host=h user=u dbname=d", Sources).Password);
        Assert.Equal("mine", ConnectionDefaults.Resolve("host=h user=u dbname=my:db password=mine", Sources).Password);

        files["/home/ada/.pgpass"] = new SourceFile(text, 0b110_100_000);
        var open = ConnectionDefaults.Resolve("host=h user=u dbname=my:db", Sources);
        Assert.Null(open.Password);
        Assert.Contains(open.Notes, note => note.Contains("chmod 600", StringComparison.Ordinal));

        files["/etc/pass"] = new SourceFile("*:*:*:*:named", 0b110_000_000);
        variables["PGPASSFILE"] = "/etc/pass";
        Assert.Equal("named", ConnectionDefaults.Resolve("host=h", Sources).Password);
    }

    [Fact]
    public void Without_a_host_the_socket_that_exists_is_taken()
    {
        sockets.Add("/tmp/.s.PGSQL.5433");
        Assert.Equal("/tmp", ConnectionDefaults.Resolve("port=5433", Sources).Host);
        Assert.Equal("localhost", ConnectionDefaults.Resolve("port=5434", Sources).Host);
    }

    [Fact]
    public void What_is_not_used_is_noted()
    {
        Assert.Contains(
            "several hosts",
            Assert.Single(ConnectionDefaults.Resolve("postgresql://a,b/d", Sources).Notes),
            StringComparison.Ordinal);
        Assert.Contains(
            "schema",
            Assert.Single(ConnectionDefaults.Resolve("postgresql://a/d?schema=public", Sources).Notes),
            StringComparison.Ordinal);
        Assert.Empty(ConnectionDefaults.Resolve("postgresql://a/d?sslmode=require", Sources).Notes);
    }

    [Fact]
    public void No_text_makes_the_parser_fail_otherwise_than_by_refusing() => CsCheck.Check.Sample(
        CsCheck.Gen.String[CsCheck.Gen.Char["ab=;:/@%'\"\\ ?&[],.+12"], 0, 40],
        text =>
        {
            foreach (var prefix in (string[])["", "postgresql://", "Host=h;", "host=h "])
            {
                try
                {
                    ConnectionDefaults.Resolve(prefix + text, Sources);
                }
                catch (RepriseException e)
                {
                    Assert.Equal(RecoveryErrors.ConnectionInvalid, e.Code);
                }
            }
        },
        iter: 3000);

    private Problem Refused(string text, string never)
    {
        var problem = Assert.Throws<RepriseException>(() => ConnectionDefaults.Resolve(text, Sources)).Problem;
        Assert.Equal(RecoveryErrors.ConnectionInvalid, problem.Code);
        Assert.Equal(ExitCodes.Usage, problem.Code.Exit);
        Assert.DoesNotContain(never, problem.Message + problem.Hint, StringComparison.Ordinal);
        return problem;
    }
}
