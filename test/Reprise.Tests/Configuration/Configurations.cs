using Reprise.Configuration;
using Reprise.Recovery.Secrets;
using Reprise.Storage.Errors;

namespace Reprise.Tests.Configuration;

/// <summary>Makes configurations of text, as the tests of this room need them.</summary>
internal static class Configurations
{
    /// <summary>The shortest configuration that is accepted.</summary>
    public const string Smallest = """
        application: shop
        repository: { location: ./recovery, key: { file: shop.key } }
        assets:
          sessions: { sqlite: { path: data/sessions.db } }
        """;

    /// <summary>The example of the contract, the ready address filled in.</summary>
    public const string Contract = """
        application: shop
        repository:
          location: ./recovery                  # a folder, or s3://bucket/prefix?endpoint=…
          key: { file: ~/.config/reprise/shop.key }
        objectives: { rpo: 1h, rto: 15m, drill: 7d }
        assets:
          orders:   { postgres: { connection: "${DATABASE_URL}", method: auto } }
          sessions: { sqlite: { path: data/sessions.db } }
          runtime:  { files: { include: [compose.yaml, "config/**", "uploads/**"], exclude: ["**/*.log"] } }
          secrets:  { secrets: { references: [JWT_SECRET, DATABASE_URL], from: .env, values: none } }
        control:                                # argument lists, never a shell string
          stop:  [docker, compose, stop, backend]
          start: [docker, compose, up, -d, backend]
        checks:
          backend-healthy:    { http: { url: "http://127.0.0.1:8000/health", json: { /status: ok }, within: 30s } }
          migrations-at-head: { migration: { tool: alembic, asset: orders, head: [.venv/bin/alembic, heads] } }
          orders-readable:    { sql: { asset: orders, query: "select count(*) from orders", expect: "> 0" } }
        retention: { daily: 14, weekly: 8, monthly: 12, safety: 14d, former: 72h }
        hooks: { after-backup: [./notify], on-failure: [./page] }   # the JSON result on standard input
        drill: { start: { run: [./run-backend], env: { DATABASE_URL: "{orders.url}", UPLOADS: "{runtime.path}" },
                          ready: { http: { url: "http://127.0.0.1:8000/health" } } } }
        """;

    /// <summary>Variables of an environment and of a <c>.env</c>.</summary>
    public static Variables Variables(string environmentFile = "", params (string Name, string Value)[] environment)
    {
        var values = environment.ToDictionary(v => v.Name, v => v.Value, StringComparer.Ordinal);
        values.TryAdd("HOME", "/home/ada");
        return new Variables(values, DotEnv.Parse(environmentFile, ".env"));
    }

    /// <summary>Reads a configuration that lies in /srv/shop.</summary>
    public static ApplicationConfiguration Parse(string text, Variables? variables = null) =>
        ConfigurationParser.Parse(text, "reprise.yaml", "/srv/shop/reprise.yaml", variables ?? Variables());

    /// <summary>The smallest configuration with one more top-level part.</summary>
    public static ApplicationConfiguration With(string part, Variables? variables = null) =>
        Parse(Smallest + "\n" + part, variables);

    /// <summary>Reads a configuration that must be refused, and returns why.</summary>
    public static Problem Refused(string text, Variables? variables = null)
    {
        var problem = Assert.Throws<RepriseException>(() => Parse(text, variables)).Problem;
        Assert.Equal(ExitCodes.Usage, problem.Code.Exit);
        Assert.False(string.IsNullOrWhiteSpace(problem.Hint));
        Assert.StartsWith("reprise.yaml:", problem.Where, StringComparison.Ordinal);
        return problem;
    }
}
