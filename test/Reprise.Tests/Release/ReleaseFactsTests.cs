using System.Security.Cryptography;
using System.Text;
using Reprise.Recovery.Processes;
using Reprise.Recovery.Release;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Tests.Exporting;
using Reprise.Tests.Storage;

namespace Reprise.Tests.Release;

/// <summary>What can be told of the release is told, the rest is null, and a backup never waits long for it.</summary>
public sealed class ReleaseFactsTests : IDisposable
{
    private const string Container1 = "0123456789ab";
    private const string Container2 = "ba9876543210";

    private static readonly string Image1 = "sha256:" + new string('1', 64);
    private static readonly string Image2 = "sha256:" + new string('2', 64);

    private readonly ScratchFolder scratch = new();
    private ReleasePrograms programs = new("git", "/nonexistent/docker", "/nonexistent/docker-compose");

    public void Dispose() => scratch.Dispose();

    [Fact]
    public async Task Commit_and_changes_come_from_git()
    {
        Git("init", "-q");
        await File.WriteAllTextAsync(Path.Combine(scratch.Text, "a"), "1");
        Git("add", "a");
        Git("-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "first");
        var head = Git("rev-parse", "HEAD").Trim();
        await File.WriteAllTextAsync(Path.Combine(scratch.Text, "untracked"), "1");
        var clean = await ReadAsync();
        Assert.Equal(head, clean.Commit);
        Assert.False(clean.Dirty);
        var index = Path.Combine(scratch.Text, ".git/index");
        var before = await File.ReadAllBytesAsync(index);
        File.SetLastWriteTimeUtc(Path.Combine(scratch.Text, "a"), DateTime.UnixEpoch.AddDays(1));
        await ReadAsync();
        Assert.Equal(before, await File.ReadAllBytesAsync(index));
        await File.WriteAllTextAsync(Path.Combine(scratch.Text, "a"), "2");
        Assert.True((await ReadAsync()).Dirty);
    }

    [Fact]
    public async Task Without_git_or_a_repository_or_a_commit_both_are_null()
    {
        AssertNothing(await ReadAsync());
        Git("init", "-q");
        Assert.Null((await ReadAsync()).Commit);
        programs = programs with { Git = "/nonexistent/git" };
        AssertNothing(await ReadAsync());
        AssertNothing(await Reader().ReadAsync(Path.Combine(scratch.Text, "absent"), CancellationToken.None));
    }

    [Fact]
    public async Task The_first_compose_file_in_the_order_of_compose_is_hashed()
    {
        foreach (var name in new[] { "docker-compose.yaml", "docker-compose.yml", "compose.yml", "compose.yaml" })
        {
            await File.WriteAllTextAsync(Path.Combine(scratch.Text, name), name);
            var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)));
            Assert.Equal(hash, (await ReadAsync()).ComposeSha256);
        }
    }

    [Fact]
    public async Task Images_carry_the_digest_of_the_registry_or_their_own()
    {
        Compose();
        Docker($"""
            case "$1 $2" in
            "compose ps") echo {Container1}; echo {Container2} ;;
            "inspect --type") echo "db registry:5000/postgres:17 {Image1}"; echo "backend shop-backend {Image2}" ;;
            "image inspect") echo "{Image1} other@sha256:aa registry:5000/postgres@sha256:bb"; echo "{Image2} " ;;
            *) exit 1 ;;
            esac
            """);
        Assert.Equal(
            [$"backend=shop-backend@{Image2}", "db=registry:5000/postgres:17@sha256:bb"],
            (await ReadAsync()).Images);
    }

    [Fact]
    public async Task Images_of_podman_are_named_as_those_of_docker()
    {
        Compose();
        Docker($"""
            case "$1 $2" in
            "compose ps") echo {Container1} ;;
            "inspect --type") echo "db localhost/postgres:15 {Image1[7..]}" ;;
            "image inspect") echo "{Image1[7..]} localhost/postgres@sha256:cc" ;;
            *) exit 1 ;;
            esac
            """);
        Assert.Equal(["db=localhost/postgres:15@sha256:cc"], (await ReadAsync()).Images);
    }

    [Fact]
    public async Task The_older_compose_is_asked_when_the_newer_one_is_not_there()
    {
        Compose();
        Docker($"""
            case "$1 $2" in
            "compose ps") echo "docker: 'compose' is not a docker command." >&2; exit 1 ;;
            "inspect --type") echo "db postgres:17 sha256:{new string('1', 64)}" ;;
            *) exit 1 ;;
            esac
            """);
        programs = programs with { DockerCompose = Script("docker-compose", $"echo {Container1}") };
        Assert.Equal([$"db=postgres:17@sha256:{new string('1', 64)}"], (await ReadAsync()).Images);
    }

    [Fact]
    public async Task Without_a_compose_file_nobody_is_asked_and_nonsense_is_ignored()
    {
        Docker($"touch {scratch.Text}/asked; echo {Container1}");
        Assert.Empty((await ReadAsync()).Images);
        Assert.False(File.Exists(Path.Combine(scratch.Text, "asked")));
        Compose();
        Docker("echo '--privileged'; echo; echo ../x");
        Assert.Empty((await ReadAsync()).Images);
    }

    [Fact]
    public async Task An_engine_that_hangs_costs_seconds_and_only_its_own_facts()
    {
        Git("init", "-q");
        Git("-c", "user.name=t", "-c", "user.email=t@t", "commit", "--allow-empty", "-qm", "first");
        Compose();
        Docker("sleep 60");
        var started = TimeProvider.System.GetTimestamp();
        var facts = await ReadAsync();
        Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(20));
        Assert.Empty(facts.Images);
        Assert.NotNull(facts.Commit);
        Assert.NotNull(facts.ComposeSha256);
    }

    [Fact]
    public async Task Cancellation_is_not_taken_for_a_missing_fact()
    {
        Compose();
        Docker("sleep 60");
        using var source = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Reader().ReadAsync(scratch.Text, source.Token));
    }

    private static void AssertNothing(ReleaseFacts facts)
    {
        Assert.Null(facts.Commit);
        Assert.Null(facts.Dirty);
        Assert.Null(facts.ComposeSha256);
        Assert.Empty(facts.Images);
    }

    private void Compose() => File.WriteAllText(Path.Combine(scratch.Text, "compose.yaml"), "services: {}\n");

    private void Docker(string script) => programs = programs with { Docker = Script("docker", script) };

    private string Script(string name, string body)
    {
        var path = Path.Combine(scratch.Text, "fake-" + name);
        File.WriteAllText(path, "#!/bin/sh\n" + body + "\n");
        Disks.OfThisMachine().SetMode(new DiskPath(path), 0x1C0);
        return path;
    }

    private string Git(params string[] arguments)
    {
        var (exit, output) = ExportWorld.Run(scratch.Text, ["git", .. arguments]);
        Assert.True(exit == 0, output);
        return output;
    }

    private ReleaseFactsReader Reader() =>
        new(Disks.OfThisMachine(), new ChildProcesses(TimeProvider.System), TimeProvider.System, programs);

    private Task<ReleaseFacts> ReadAsync() => Reader().ReadAsync(scratch.Text, CancellationToken.None);
}
