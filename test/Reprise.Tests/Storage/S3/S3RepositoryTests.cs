using Microsoft.Data.Sqlite;
using Reprise.Peers;
using Reprise.Storage.Errors;
using Reprise.Tests.Cli;
using Reprise.Tests.Setup;

namespace Reprise.Tests.Storage.S3;

/// <summary>The commands as they are wired, with the repository in a bucket.</summary>
public sealed class S3RepositoryTests : IAsyncLifetime
{
    private readonly AppFolder folder = new();
    private readonly CommandBench bench = new();
    private readonly S3Peer peer = new();

    public ValueTask InitializeAsync()
    {
        bench.WorkingFolder = folder.Path;
        bench.Environment["HOME"] = Path.Combine(Path.GetDirectoryName(folder.Path) ?? "", "home");
        bench.Environment["PATH"] = "/usr/bin:/bin";
        bench.Environment["REPRISE_STATE"] = Path.Combine(Path.GetDirectoryName(folder.Path) ?? "", "state");
        foreach (var (name, value) in S3Peer.Login) bench.Environment[name] = value;
        Directory.CreateDirectory(bench.Environment["HOME"]);
        bench.Operations = Composition.Operations(bench.Host);
        folder.WithSqlite("data/sessions.db").With("uploads/1");
        File.Delete(Path.Combine(folder.Path, "data/sessions.db"));
        using var connection = new SqliteConnection($"Data Source={Path.Combine(folder.Path, "data/sessions.db")};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "create table session(id integer primary key, who text); insert into session(who) values ('ada'), ('bob');";
        command.ExecuteNonQuery();
        return default;
    }

    public async ValueTask DisposeAsync()
    {
        await peer.DisposeAsync();
        folder.Dispose();
    }

    [Fact]
    public async Task The_whole_story_in_a_bucket()
    {
        peer.PageObjects = 2;
        peer.Fault = (number, _) => number % 23 == 0 ? PeerFault.SlowDown : PeerFault.None;
        Assert.Equal((0, ""), (await bench.RunAsync("init", "--repository", peer.Location()), bench.Error));
        Assert.Contains("shop/repository", peer.Objects.Keys);
        Assert.Equal(0, await bench.RunAsync("init", "--repository", peer.Location()));
        await RunAsync("backup");
        await RunAsync("verify", "--read", "all");
        await RunAsync("points");
        Assert.Contains("complete", bench.Out, StringComparison.Ordinal);
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "uploads/1"), "spoilt", TestContext.Current.CancellationToken);
        await RunAsync("restore", "--yes");
        Assert.NotEqual("spoilt", await File.ReadAllTextAsync(Path.Combine(folder.Path, "uploads/1"), TestContext.Current.CancellationToken));
        await RunAsync("status");
        var packs = peer.Objects.Keys.First(k => k.StartsWith("shop/packs/", StringComparison.Ordinal));
        peer.Objects[packs] = [.. peer.Objects[packs][..^1], (byte)(peer.Objects[packs][^1] ^ 1)];
        Assert.Equal(5, await bench.RunAsync("verify", "--read", "all"));
    }

    [Fact]
    public async Task Store_check_says_what_a_bucket_keeps()
    {
        await RunAsync("store", "check", peer.Location(), "--json");
        var result = bench.Document().GetProperty("result");
        Assert.True(result.GetProperty("atomicCreate").GetBoolean());
        Assert.Equal("s3", result.GetProperty("kind").GetString());
        Assert.All(result.GetProperty("checks").EnumerateArray(), c => Assert.Equal("pass", c.GetProperty("outcome").GetString()));

        peer.IgnoresConditions = true;
        Assert.Equal(6, await bench.RunAsync("store", "check", peer.Location(), "--json"));
        Assert.False(bench.Document().GetProperty("result").GetProperty("atomicCreate").GetBoolean());
        Assert.Equal("store-unfit", bench.Document().GetProperty("problems")[0].GetProperty("code").GetString());

        Assert.Equal(0, await bench.RunAsync("store", "check", peer.Location(more: "&conditional-writes=no"), "--json"));
        Assert.False(bench.Document().GetProperty("result").GetProperty("atomicCreate").GetBoolean());

        bench.Environment["AWS_SECRET_ACCESS_KEY"] = "wrong";
        Assert.Equal(4, await bench.RunAsync("store", "check", peer.Location()));
        Assert.Contains("store-denied", bench.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(S3Peer.Secret, bench.Error + bench.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_two_can_create_init_asks_for_a_word_and_prune_for_another()
    {
        peer.IgnoresConditions = true;
        Assert.Equal(3, await bench.RunAsync("init", "--repository", peer.Location()));
        Assert.Contains("store-not-atomic", bench.Error, StringComparison.Ordinal);
        Assert.Contains("conditional-writes=no", bench.Error, StringComparison.Ordinal);
        Assert.Empty(peer.Objects);
        File.Delete(Path.Combine(folder.Path, "reprise.yaml"));

        await RunAsync("init", "--repository", peer.Location(more: "&conditional-writes=no"));
        await RunAsync("backup");
        var before = peer.Objects.Count;
        Assert.Equal(3, await bench.RunAsync("prune"));
        Assert.Contains("--exclusive", bench.Error, StringComparison.Ordinal);
        Assert.Equal(before, peer.Objects.Count);
        await RunAsync("prune", "--plan");
        // Somebody who takes the word out of the location is found out by trying.
        var yaml = Path.Combine(folder.Path, "reprise.yaml");
        await File.WriteAllTextAsync(
            yaml,
            (await File.ReadAllTextAsync(yaml, TestContext.Current.CancellationToken)).Replace("&conditional-writes=no", "", StringComparison.Ordinal),
            TestContext.Current.CancellationToken);
        Assert.Equal(3, await bench.RunAsync("prune"));
        Assert.NotEqual(ExitCodes.Refused, await bench.RunAsync("prune", "--exclusive"));
        Assert.DoesNotContain(peer.Objects.Keys, k => k.Contains("conformance", StringComparison.Ordinal));
    }

    private async Task RunAsync(params string[] line)
    {
        var exit = await bench.RunAsync(line);
        Assert.True(exit == 0, $"{string.Join(' ', line)}: exit {exit}\n{bench.Out}\n{bench.Error}");
    }
}
