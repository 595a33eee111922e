using System.Globalization;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres;

/// <summary>
/// What a connection text leaves open is looked up here. Functions, so that a test can say what they answer.
/// </summary>
internal sealed record ConnectionSources
{
    /// <summary>An environment variable, or null.</summary>
    public required Func<string, string?> Variable { get; init; }

    /// <summary>A small text file, or null when it is not there.</summary>
    public required Func<string, SourceFile?> ReadFile { get; init; }

    /// <summary>Whether a socket or file is at this path.</summary>
    public required Func<string, bool> Exists { get; init; }

    /// <summary>The user's home folder.</summary>
    public required string Home { get; init; }

    /// <summary>The operating system's name of the user.</summary>
    public required string UserName { get; init; }
}

/// <summary>A file that was read.</summary>
/// <param name="Text">its content.</param>
/// <param name="Mode">permission bits; -1 where there are none.</param>
internal sealed record SourceFile(string Text, int Mode);

/// <summary>
/// Completes a connection the way libpq does: what the text says, then the service file, then <c>PG*</c>, then the
/// defaults; the password last, from the pass file.
/// </summary>
internal static class ConnectionDefaults
{
    private static readonly string[] SocketFolders = ["/run/postgresql", "/var/run/postgresql", "/tmp"];

    public static PostgresConnection Resolve(string text, ConnectionSources sources)
    {
        var parts = ConnectionText.Parse(text);
        var values = parts.Values;
        AddService(values, sources);
        foreach (var keyword in ConnectionKeywords.LibpqKeywords)
        {
            if (values.ContainsKey(keyword) || keyword == "service") continue;
            if (ConnectionKeywords.VariableOf(keyword) is { } variable
                && sources.Variable(variable) is { Length: > 0 } value)
            {
                values[keyword] = value;
            }
        }

        var notes = parts.Notes;
        var port = int.Parse(First(values, "port", notes) ?? "5432", NumberStyles.None, CultureInfo.InvariantCulture);
        var hostaddr = First(values, "hostaddr", notes);
        var host = First(values, "host", notes) ?? hostaddr ?? DefaultHost(port, sources);
        var user = values.GetValueOrDefault("user") is { Length: > 0 } given ? given : sources.UserName;
        var database = values.GetValueOrDefault("dbname") is { Length: > 0 } named ? named : user;
        var connection = new PostgresConnection
        {
            Host = host,
            Port = port,
            User = user,
            IsUserGiven = values.GetValueOrDefault("user") is { Length: > 0 },
            Database = database,
            Password = values.GetValueOrDefault("password") is { Length: > 0 } password ? password : null,
            Options = Rest(values, hostaddr, notes),
            Notes = notes,
        };
        if (connection.Password is not null) return connection;
        var passFile = values.GetValueOrDefault("passfile");
        return connection with { Password = FromPassFile(connection, passFile, sources, notes) };
    }

    private static SortedDictionary<string, string> Rest(
        Dictionary<string, string> values, string? hostaddr, List<string> notes)
    {
        var rest = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (keyword, value) in values)
        {
            switch (keyword)
            {
                case "host" or "hostaddr" or "port" or "user" or "dbname" or "password" or "passfile" or "service"
                    or "requiressl" or "load_balance_hosts" or "target_session_attrs":
                    break;
                case "client_encoding" or "replication":
                    notes.Add($"{keyword} is not used: a dump keeps the encoding of its database");
                    break;
                default:
                    rest[keyword] = value;
                    break;
            }
        }

        if (hostaddr is not null) rest["hostaddr"] = hostaddr;
        return rest;
    }

    private static string? First(Dictionary<string, string> values, string keyword, List<string> notes)
    {
        if (!values.TryGetValue(keyword, out var list) || list.Length == 0) return null;
        var comma = list.IndexOf(',', StringComparison.Ordinal);
        if (comma < 0) return list;
        if (keyword != "port") notes.Add("several hosts are named; only the first is used");
        return list[..comma] is { Length: > 0 } first ? first : null;
    }

    private static string DefaultHost(int port, ConnectionSources sources) => SocketFolders.FirstOrDefault(
        folder => sources.Exists(FormattableString.Invariant($"{folder}/.s.PGSQL.{port}")), "localhost");

    private static void AddService(Dictionary<string, string> values, ConnectionSources sources)
    {
        var service = values.GetValueOrDefault("service") ?? sources.Variable("PGSERVICE");
        if (string.IsNullOrEmpty(service)) return;
        string[] files =
        [
            sources.Variable("PGSERVICEFILE") ?? Path.Combine(sources.Home, ".pg_service.conf"),
            Path.Combine(sources.Variable("PGSYSCONFDIR") ?? "/etc/postgresql-common", "pg_service.conf"),
        ];
        foreach (var file in files)
        {
            if (sources.ReadFile(file) is { } found && AddSection(values, found.Text, service, file)) return;
        }

        throw new RepriseException(
            RecoveryErrors.ConnectionInvalid,
            $"the service '{service}' is in no service file",
            $"add [{service}] to {files[0]}, or name the connection itself");
    }

    private static bool AddSection(Dictionary<string, string> values, string text, string service, string file)
    {
        var inside = false;
        var number = 0;
        foreach (var raw in text.Split('\n'))
        {
            number++;
            var line = raw.Trim();
            if (line.Length == 0 || line[0] == '#') continue;
            if (line[0] == '[')
            {
                if (inside) return true;
                inside = line == $"[{service}]";
                continue;
            }

            if (!inside) continue;
            var equals = line.IndexOf('=', StringComparison.Ordinal);
            var keyword = equals < 0 ? line : line[..equals].Trim();
            if (equals < 0 || !ConnectionKeywords.IsLibpq(keyword))
            {
                throw new RepriseException(
                    new Problem(
                        RecoveryErrors.ConnectionInvalid,
                        Severity.Error,
                        $"line {number} of the service file is not keyword=value",
                        $"correct line {number} of {file}") { Where = $"{file}:{number}" });
            }

            values.TryAdd(keyword, line[(equals + 1)..].Trim());
        }

        return inside;
    }

    private static string? FromPassFile(
        PostgresConnection connection, string? named, ConnectionSources sources, List<string> notes)
    {
        var path = named ?? Path.Combine(sources.Home, ".pgpass");
        if (sources.ReadFile(path) is not { } file) return null;
        if (file.Mode >= 0 && (file.Mode & 0x3F) != 0)
        {
            notes.Add($"{path} can be read by others and is not used; say chmod 600 {path}");
            return null;
        }

        foreach (var raw in file.Text.Split('\n'))
        {
            var line = raw.TrimEnd('\r');
            if (line.Length == 0 || line[0] == '#') continue;
            var fields = PassFields(line);
            if (fields.Count < 5) continue;
            var host = connection.IsSocket && fields[0] == "localhost" ? connection.Host : fields[0];
            if (Matches(host, connection.Host)
                && Matches(fields[1], connection.Port.ToString(CultureInfo.InvariantCulture))
                && Matches(fields[2], connection.Database)
                && Matches(fields[3], connection.User))
            {
                return fields[4];
            }
        }

        return null;
    }

    private static bool Matches(string field, string value) => field == "*" || field == value;

    // host:port:database:user:password, in which a backslash protects a colon or a backslash. The password is the rest.
    private static List<string> PassFields(string line)
    {
        var fields = new List<string>();
        var field = new System.Text.StringBuilder();
        for (var i = 0; i < line.Length; i++)
        {
            if (line[i] == '\\' && i + 1 < line.Length) field.Append(line[++i]);
            else if (line[i] == ':' && fields.Count < 4) Close();
            else field.Append(line[i]);
        }

        Close();
        return fields;

        void Close()
        {
            fields.Add(field.ToString());
            field.Clear();
        }
    }
}
