using System.Globalization;
using Npgsql;

namespace Reprise.Recovery.Postgres;

/// <summary>
/// Where a server is and as whom to talk to it, with every default resolved. The password is in no text that this
/// record makes: Npgsql gets it through its builder, child programs through their environment.
/// </summary>
public sealed record PostgresConnection
{
    /// <summary>A name, an address, or the folder of a Unix socket.</summary>
    public required string Host { get; init; }

    /// <summary>TCP port, or the number in the socket's name.</summary>
    public required int Port { get; init; }

    /// <summary>The role that connects.</summary>
    public required string User { get; init; }

    /// <summary>Whether somebody said so; else it is the operating system's name of whoever runs us.</summary>
    public bool IsUserGiven { get; init; } = true;

    /// <summary>Its password, or null: the server asks for none, or a method needs none.</summary>
    public string? Password { get; init; }

    /// <summary>The database.</summary>
    public required string Database { get; init; }

    /// <summary>Everything else, by libpq keyword (<c>sslmode</c>, <c>sslrootcert</c>, <c>options</c>, …).</summary>
    public IReadOnlyDictionary<string, string> Options { get; init; } = new SortedDictionary<string, string>();

    /// <summary>What was found and is not used, one sentence each.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Whether <see cref="Host"/> is the folder of a Unix socket.</summary>
    public bool IsSocket => Host.StartsWith('/') || Host.StartsWith('@');

    /// <summary>The file of the Unix socket; one without a place in the file system begins with a zero byte.</summary>
    internal string SocketFile => string.Create(
        CultureInfo.InvariantCulture,
        $"{(Host.StartsWith('@') ? "\0" + Host[1..] : Host).TrimEnd('/')}/.s.PGSQL.{Port}");

    /// <summary><c>127.0.0.1:5432</c>, or the socket's folder and port.</summary>
    public string Server => Host.Contains(':', StringComparison.Ordinal)
        ? string.Create(CultureInfo.InvariantCulture, $"[{Host}]:{Port}")
        : string.Create(CultureInfo.InvariantCulture, $"{Host}:{Port}");

    /// <summary>For people; never with the password.</summary>
    public override string ToString() => $"{User}@{Server}/{Database}";

    /// <summary>For Npgsql: without a pool, so that closing a connection ends its session.</summary>
    internal NpgsqlConnectionStringBuilder ToBuilder(string database)
    {
        var builder = new NpgsqlConnectionStringBuilder
        {
            Host = Host,
            Port = Port,
            Username = User,
            Database = database,
            Pooling = false,
            Multiplexing = false,
            CommandTimeout = 0,
            ApplicationName = Options.GetValueOrDefault("application_name", ApplicationName),
            ClientEncoding = "UTF8",
            Timeout = ConnectSeconds,
            KeepAlive = 30,
            IncludeErrorDetail = false,
            GssEncryptionMode = GssEncryptionMode.Disable,
        };
        // Without a password of ours Npgsql would read the pass file itself, also one that others can read.
        if (Password is null) builder.Passfile = OperatingSystem.IsWindows() ? "NUL" : "/dev/null";
        else builder.Password = Password;
        if (Options.TryGetValue("hostaddr", out var address) && !Verifies) builder.Host = address;
        if (Options.TryGetValue("sslmode", out var mode)) builder.SslMode = ConnectionKeywords.SslModes[mode];
        if (Options.TryGetValue("sslrootcert", out var root)) builder.RootCertificate = root;
        if (Options.TryGetValue("sslcert", out var certificate)) builder.SslCertificate = certificate;
        if (Options.TryGetValue("sslkey", out var key)) builder.SslKey = key;
        if (Options.TryGetValue("sslpassword", out var keyPassword)) builder.SslPassword = keyPassword;
        if (Options.TryGetValue("options", out var options)) builder.Options = options;
        return builder;
    }

    /// <summary>
    /// For child programs: every variable that libpq knows is set or removed, so that what the user's shell holds can
    /// neither add to nor contradict what was resolved here.
    /// </summary>
    internal Dictionary<string, string?> ToEnvironment(string database)
    {
        var variables = ConnectionKeywords.Variables.ToDictionary(name => name, string? (_) => null);
        foreach (var (keyword, value) in Options)
        {
            if (ConnectionKeywords.VariableOf(keyword) is { } variable) variables[variable] = value;
        }

        variables["PGHOST"] = Host;
        variables["PGPORT"] = Port.ToString(CultureInfo.InvariantCulture);
        variables["PGUSER"] = User;
        variables["PGDATABASE"] = database;
        variables["PGPASSWORD"] = Password;
        variables["PGPASSFILE"] = Password is null ? "/nonexistent" : null;
        variables["PGCONNECT_TIMEOUT"] = ConnectSeconds.ToString(CultureInfo.InvariantCulture);
        variables["PGAPPNAME"] = Options.GetValueOrDefault("application_name", ApplicationName);
        variables["LC_ALL"] = "C";
        return variables;
    }

    internal const string ApplicationName = "reprise";

    internal int ConnectSeconds =>
        Options.TryGetValue("connect_timeout", out var text)
        && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
        && seconds is > 0 and <= 600
            ? seconds
            : 10;

    private bool Verifies => Options.GetValueOrDefault("sslmode") == "verify-full";
}

/// <summary>The words that libpq and Npgsql have for the parts of a connection.</summary>
internal static class ConnectionKeywords
{
    /// <summary>libpq keyword → environment variable; null where libpq has none.</summary>
    private static readonly Dictionary<string, string?> Libpq = new(StringComparer.Ordinal)
    {
        ["host"] = "PGHOST",
        ["hostaddr"] = "PGHOSTADDR",
        ["port"] = "PGPORT",
        ["user"] = "PGUSER",
        ["password"] = "PGPASSWORD",
        ["dbname"] = "PGDATABASE",
        ["passfile"] = "PGPASSFILE",
        ["service"] = "PGSERVICE",
        ["sslmode"] = "PGSSLMODE",
        ["sslcert"] = "PGSSLCERT",
        ["sslkey"] = "PGSSLKEY",
        ["sslrootcert"] = "PGSSLROOTCERT",
        ["sslcrl"] = "PGSSLCRL",
        ["sslcrldir"] = "PGSSLCRLDIR",
        ["sslnegotiation"] = "PGSSLNEGOTIATION",
        ["sslcertmode"] = "PGSSLCERTMODE",
        ["sslcompression"] = "PGSSLCOMPRESSION",
        ["sslsni"] = "PGSSLSNI",
        ["ssl_min_protocol_version"] = "PGSSLMINPROTOCOLVERSION",
        ["ssl_max_protocol_version"] = "PGSSLMAXPROTOCOLVERSION",
        ["require_auth"] = "PGREQUIREAUTH",
        ["requirepeer"] = "PGREQUIREPEER",
        ["requiressl"] = "PGREQUIRESSL",
        ["channel_binding"] = "PGCHANNELBINDING",
        ["gssencmode"] = "PGGSSENCMODE",
        ["gsslib"] = "PGGSSLIB",
        ["gssdelegation"] = "PGGSSDELEGATION",
        ["krbsrvname"] = "PGKRBSRVNAME",
        ["connect_timeout"] = "PGCONNECT_TIMEOUT",
        ["client_encoding"] = "PGCLIENTENCODING",
        ["application_name"] = "PGAPPNAME",
        ["options"] = "PGOPTIONS",
        ["target_session_attrs"] = "PGTARGETSESSIONATTRS",
        ["load_balance_hosts"] = "PGLOADBALANCEHOSTS",
        ["min_protocol_version"] = "PGMINPROTOCOLVERSION",
        ["max_protocol_version"] = "PGMAXPROTOCOLVERSION",
        ["sslpassword"] = null,
        ["fallback_application_name"] = null,
        ["keepalives"] = null,
        ["keepalives_idle"] = null,
        ["keepalives_interval"] = null,
        ["keepalives_count"] = null,
        ["tcp_user_timeout"] = null,
        ["replication"] = null,
    };

    /// <summary>Npgsql's words, lower-case and without spaces → libpq keyword; null: means nothing for us.</summary>
    private static readonly Dictionary<string, string?> Npgsql = new(StringComparer.Ordinal)
    {
        ["host"] = "host",
        ["server"] = "host",
        ["port"] = "port",
        ["database"] = "dbname",
        ["db"] = "dbname",
        ["username"] = "user",
        ["user"] = "user",
        ["userid"] = "user",
        ["uid"] = "user",
        ["password"] = "password",
        ["psw"] = "password",
        ["pwd"] = "password",
        ["passfile"] = "passfile",
        ["applicationname"] = "application_name",
        ["options"] = "options",
        ["timeout"] = "connect_timeout",
        ["sslmode"] = "sslmode",
        ["sslcertificate"] = "sslcert",
        ["sslkey"] = "sslkey",
        ["sslpassword"] = "sslpassword",
        ["rootcertificate"] = "sslrootcert",
        ["sslnegotiation"] = "sslnegotiation",
        ["channelbinding"] = "channel_binding",
        ["targetsessionattributes"] = "target_session_attrs",
        ["kerberosservicename"] = "krbsrvname",
        ["requireauth"] = "require_auth",
    };

    private static readonly HashSet<string> NpgsqlOnly =
    [
        "searchpath", "timezone", "encoding", "clientencoding", "enlist", "persistsecurityinfo", "logparameters",
        "includerealm", "includeerrordetail", "includefailedbatchedcommand", "pooling", "minimumpoolsize",
        "maximumpoolsize", "minpoolsize", "maxpoolsize", "connectionidlelifetime", "connectionpruninginterval",
        "connectionlifetime", "loadbalancetimeout", "commandtimeout", "cancellationtimeout", "keepalive",
        "tcpkeepalive", "tcpkeepalivetime", "tcpkeepaliveinterval", "readbuffersize", "writebuffersize",
        "socketreceivebuffersize", "socketsendbuffersize", "maxautoprepare", "autoprepareminusages",
        "noresetonclose", "loadtablecomposites", "replicationmode", "arraynullabilitymode", "multiplexing",
        "writecoalescingbufferthresholdbytes", "servercompatibilitymode", "checkcertificaterevocation",
        "trustservercertificate", "gssencryptionmode", "loadbalancehosts", "hostrecheckseconds",
        "internalcommandtimeout",
        "converttoinfinitydatetime", "useperfcounters", "usesslstream", "integratedsecurity", "protocolversion",
    ];

    /// <summary>What drivers and frameworks put behind the <c>?</c> of a URI; it means nothing to a dump.</summary>
    private static readonly HashSet<string> Foreign =
    [
        "schema", "currentschema", "search_path", "connection_limit", "pool_timeout", "pool_size", "max_overflow",
        "pgbouncer",
        "pool", "pool_recycle", "pool_pre_ping", "statement_cache_size", "prepared_statement_cache_size",
        "prepare_threshold", "preparethreshold", "async_fallback", "charset", "encoding", "serverversion",
        "reconnect", "timeout", "command_timeout", "statement_timeout", "socket_timeout", "sockettimeout",
        "conn_max_age", "ssl_require", "socket", "binary_parameters", "default_query_exec_mode", "workaround",
        "uselibpqcompat", "sslaccept", "sslidentity", "loglevel", "tcpkeepalive", "applicationname", "stringtype",
    ];

    internal static readonly Dictionary<string, SslMode> SslModes = new(StringComparer.Ordinal)
    {
        ["disable"] = SslMode.Disable,
        ["allow"] = SslMode.Allow,
        ["prefer"] = SslMode.Prefer,
        ["require"] = SslMode.Require,
        ["verify-ca"] = SslMode.VerifyCA,
        ["verify-full"] = SslMode.VerifyFull,
    };

    /// <summary>Every variable that libpq reads.</summary>
    internal static IEnumerable<string> Variables => Libpq.Values.OfType<string>()
        .Append("PGSERVICEFILE").Append("PGDATESTYLE").Append("PGTZ").Append("PGGEQO").Append("PGSYSCONFDIR");

    /// <summary>An environment for a program of PostgreSQL in which none of them is set.</summary>
    internal static IReadOnlyDictionary<string, string?> NoVariables { get; } =
        Variables.Append("PGDATA").ToDictionary(name => name, string? (_) => null);

    /// <summary>A value as libpq's key='value' takes it, without the quotes.</summary>
    internal static string Quoted(string text) => text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal);

    /// <summary>How a server of ours is reached by its socket.</summary>
    internal static string Socket(string folder, int port, string user, string database) => string.Create(
        CultureInfo.InvariantCulture,
        $"host='{Quoted(folder)}' port={port} user='{Quoted(user)}' dbname='{Quoted(database)}' connect_timeout=10");

    internal static IEnumerable<string> LibpqKeywords => Libpq.Keys;

    internal static string? VariableOf(string keyword) => Libpq.GetValueOrDefault(keyword);

    internal static bool IsLibpq(string keyword) => Libpq.ContainsKey(keyword);

    internal static bool IsForeign(string parameter) => Foreign.Contains(parameter.ToLowerInvariant());

    /// <summary>The libpq keyword for one of Npgsql's; false when Npgsql has no such word either.</summary>
    internal static bool TryNpgsql(string word, out string? keyword)
    {
        var plain = word.Replace(" ", "", StringComparison.Ordinal).Replace("_", "", StringComparison.Ordinal)
            .ToLowerInvariant();
        return Npgsql.TryGetValue(plain, out keyword) || NpgsqlOnly.Contains(plain);
    }

    /// <summary>
    /// The known word that <paramref name="word"/> was probably meant to be, at most two letters away.
    /// </summary>
    internal static string? Nearest(string word) => Libpq.Keys
        .Select(known => (known, Distance: Distance(word.ToLowerInvariant(), known)))
        .Where(pair => pair.Distance <= 2 && pair.Distance < pair.known.Length)
        .OrderBy(pair => pair.Distance)
        .Select(pair => pair.known)
        .FirstOrDefault();

    /// <summary>How many letters must be added, dropped or changed.</summary>
    internal static int Distance(string one, string other)
    {
        var row = Enumerable.Range(0, other.Length + 1).ToArray();
        for (var i = 1; i <= one.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= other.Length; j++)
            {
                var cost = one[i - 1] == other[j - 1] ? diagonal : 1 + Math.Min(diagonal, Math.Min(row[j], row[j - 1]));
                diagonal = row[j];
                row[j] = cost;
            }
        }

        return row[^1];
    }
}
