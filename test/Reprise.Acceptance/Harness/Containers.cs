using System.ComponentModel;
using Xunit.Sdk;

namespace Reprise.Acceptance.Harness;

/// <summary>
/// Containers without a daemon of the system: podman serves Docker's interface on a socket of its own, with settings of
/// its own. Disposing ends the service; what <c>docker-compose</c> made is removed by whoever made it.
/// </summary>
public sealed class Containers : IAsyncDisposable
{
    // Stated rather than guessed by podman, because machines differ: crun refuses hybrid cgroups, without systemd there
    // is nobody else to manage cgroups, and the limits of this machine cannot be raised.
    private const string Settings = """
        [containers]
        default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
        [network]
        network_backend = "cni"
        [engine]
        runtime = "runc"
        cgroup_manager = "cgroupfs"
        events_logger = "file"
        """;

    private readonly TemporaryFolder folder = new();
    private RunningProgram? service;

    private Containers()
    {
        Variables = new Dictionary<string, string>
        {
            ["CONTAINERS_CONF"] = folder.File("containers.conf", Settings),
            ["DOCKER_HOST"] = "unix://" + Socket,
            ["PATH"] = Path.GetDirectoryName(Docker()) + ":" + Environment.GetEnvironmentVariable("PATH"),
        };
    }

    /// <summary>What a program needs in its environment to reach them.</summary>
    public IReadOnlyDictionary<string, string> Variables { get; }

    /// <summary>The image of a PostgreSQL server; made when it is not there yet.</summary>
    public string PostgresImage { get; private set; } = "";

    private string Socket => folder["docker.sock"];

    /// <summary>
    /// Makes the image and starts the service. Where containers are impossible this fails and says why: a test that did
    /// not run has proven nothing.
    /// </summary>
    public static async Task<Containers> StartAsync()
    {
        var containers = new Containers();
        try
        {
            var script = House.Root + "/test/tools/postgres-image";
            containers.PostgresImage = (await containers.RunAsync(script)).Trim();
            await containers.ServeAsync();
            return containers;
        }
        catch (Exception e)
        {
            await containers.DisposeAsync();
            throw new XunitException(
                "this machine cannot run containers, or test/tools/install was not run as root: " + e.Message, e);
        }
    }

    /// <summary>Runs a program that talks to them, and returns what it printed.</summary>
    public async Task<string> RunAsync(params string[] command)
    {
        using var running = Start(command);
        return (await running.EndAsync()).MustExit(0).Output;
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (service is not null)
        {
            service.Terminate();
            await service.EndAsync();
            service.Dispose();
        }

        folder.Dispose();
    }

    // docker-compose hands "exec" to the program docker, which Debian only has together with its daemon. podman answers
    // the same commands; "docker compose" it does not know, so that Reprise has to find docker-compose.
    private string Docker()
    {
        var script = folder.File("bin/docker", "#!/bin/sh\nexec podman \"$@\"\n");
        File.SetUnixFileMode(script, (UnixFileMode)0b111_101_101);
        return script;
    }

    private async Task ServeAsync()
    {
        service = Start("podman", "system", "service", "--time=0", "unix://" + Socket);
        for (var attempt = 0; !File.Exists(Socket); attempt++)
        {
            if (service.HasEnded) throw new XunitException((await service.EndAsync()).ToString());
            if (attempt > 300) throw new XunitException("podman did not open its socket within 30 s");
            await Task.Delay(100);
        }
    }

    private RunningProgram Start(params string[] command)
    {
        try
        {
            return RunningProgram.Start(
                new Surroundings { Folder = folder.Root, Variables = Variables, Within = TimeSpan.FromMinutes(10) },
                command);
        }
        catch (Win32Exception e)
        {
            throw new XunitException($"{command[0]} cannot be started: {e.Message}", e);
        }
    }
}
