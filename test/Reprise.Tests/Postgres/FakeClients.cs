using Reprise.Tests.Fixtures;

namespace Reprise.Tests.Postgres;

/// <summary>A folder of client programs that are scripts around the real ones.</summary>
internal sealed class FakeClients
{
    private readonly PostgresCluster cluster;

    public FakeClients(PostgresCluster cluster, string parent)
    {
        this.cluster = cluster;
        Folder = Directory.CreateDirectory(Path.Combine(parent, "clients")).FullName;
        foreach (var program in (string[])["pg_dump", "pg_restore", "pg_dumpall", "psql"])
        {
            Set(program, "exec REAL \"$@\"");
        }
    }

    public string Folder { get; }

    /// <summary>
    /// Makes a program this shell script; REAL stands for the real one's path. <c>--version</c> always works.
    /// </summary>
    public void Set(string program, string script)
    {
        var real = Path.Combine(cluster.Programs, program);
        var path = Path.Combine(Folder, program);
        var text = $"""
            #!/bin/sh
            if [ "$1" = --version ]; then exec {real} --version; fi
            {script}

            """;
        File.WriteAllText(path, text.Replace("REAL", real, StringComparison.Ordinal));
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>Makes <c>--version</c> say another one.</summary>
    public void Claim(string version)
    {
        File.WriteAllText(Path.Combine(Folder, "pg_dump"), $"#!/bin/sh\necho 'pg_dump (PostgreSQL) {version}'\n");
    }
}
