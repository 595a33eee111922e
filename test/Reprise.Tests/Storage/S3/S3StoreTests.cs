using System.Diagnostics;
using Reprise.Peers;
using Reprise.Storage;
using Reprise.Storage.Conformance;
using Reprise.Storage.Runtime;
using Reprise.Storage.S3;
using Reprise.Storage.Wrapping;

namespace Reprise.Tests.Storage.S3;

public sealed class S3StoreTests : IAsyncLifetime
{
    private static readonly ObjectName Name = new("packs/ab/abcdef");

    private readonly S3Peer peer = new();
    private readonly List<S3Store> opened = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => default;

    public async ValueTask DisposeAsync()
    {
        foreach (var store in opened) store.Dispose();
        await peer.DisposeAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_bucket_keeps_the_semantics(bool withRetries)
    {
        peer.PageObjects = 3;
        IStore store = withRetries ? Retrying(Open()) : Open();

        var results = await new StoreConformance(store, Entropy.System).RunAsync(Token);

        Assert.All(results, result => Assert.True(result.Passed, $"{result.Name}: {result.Detail}"));
        Assert.True(results.Count >= 18);
        Assert.Empty(peer.Objects);
        Assert.True(store.Capabilities.AtomicCreate);
    }

    [Fact]
    public async Task A_bucket_keeps_the_semantics_while_every_third_request_fails()
    {
        PeerFault[] faults =
        [
            PeerFault.InternalError, PeerFault.SlowDown, PeerFault.Conflict, PeerFault.DropBefore, PeerFault.DropAfter,
            PeerFault.TruncatedBody,
        ];
        peer.Fault = (number, _) => number % 3 == 0 ? faults[number / 3 % faults.Length] : PeerFault.None;

        // Contenders that look again after each lost answer need three requests for one call, of which none may fail.
        var results = await new StoreConformance(Retrying(Open(), 40), Entropy.System).RunAsync(Token);

        // That check creates equal bytes twice. When the answer to the second is lost, nobody can tell them from its own.
        var decidable = results.Where(r => r.Name != "create-new-refuses").ToList();
        Assert.Equal(results.Count - 1, decidable.Count);
        Assert.All(decidable, result => Assert.True(result.Passed, $"{result.Name}: {result.Detail}"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_long_listing_ends_while_every_eleventh_request_fails(bool versions)
    {
        peer.Content.Versioned = versions;
        var writer = Open();
        string[] names = [.. Enumerable.Range(0, 60).Select(i => $"packs/{i:00}")];
        foreach (var name in names) await writer.PutAsync(new ObjectName(name), new byte[1], PutMode.CreateNew, Token);
        peer.PageObjects = 2;
        peer.Fault = (number, _) => number % 11 == 0 ? PeerFault.SlowDown : PeerFault.None;
        var before = peer.Requests;

        var listed = new List<string>();
        if (versions) await foreach (var version in Retrying(Open(), 2).VersionsAsync(ObjectPrefix.All, Token)) listed.Add(version.Name.Value);
        else await foreach (var info in Retrying(Open(), 2).ListAsync(ObjectPrefix.All, Token)) listed.Add(info.Name.Value);

        Assert.Equal(names, listed);
        Assert.InRange(peer.Requests - before, 30, 40);
    }

    [Fact]
    public async Task What_fails_again_and_again_is_told_in_one_sentence_with_its_count()
    {
        peer.Fault = (_, _) => PeerFault.SlowDown;
        var failure = await Assert.ThrowsAsync<StoreException>(async () => await Retrying(Open()).DeleteAsync(Name, Token));
        Assert.EndsWith(" (8 attempts)", failure.Message, StringComparison.Ordinal);
        Assert.Equal(2, failure.Message.Split("asks for patience").Length);
    }

    [Fact]
    public async Task A_server_that_ignores_conditions_is_found()
    {
        peer.IgnoresConditions = true;
        Assert.False(await CreationProbe.IsRefusedAsync(Open(), Entropy.System, Token));
        var blind = await new StoreConformance(Open(), Entropy.System).RunAsync(Token);
        Assert.Contains(blind, r => r is { Name: "create-new-refuses", Passed: false });

        var looking = Open("&conditional-writes=no");
        Assert.False(looking.Capabilities.AtomicCreate);
        Assert.True(await CreationProbe.IsRefusedAsync(looking, Entropy.System, Token));
        var results = await new StoreConformance(looking, Entropy.System).RunAsync(Token);
        Assert.All(results.Where(r => r.Name != "create-new-one-winner"), r => Assert.True(r.Passed, $"{r.Name}: {r.Detail}"));
    }

    [Fact]
    public async Task A_creation_whose_answer_was_lost_is_ours_and_is_sent_once()
    {
        peer.Fault = (number, _) => number == 1 ? PeerFault.DropAfter : PeerFault.None;
        await Retrying(Open()).PutAsync(Name, new byte[] { 1, 2, 3 }, PutMode.CreateNew, Token);
        Assert.Equal([1, 2, 3], peer.Objects["shop/packs/ab/abcdef"]);
        Assert.Equal(["PUT", "HEAD", "GET"], peer.Seen.Select(s => s.Split(' ')[0]));
    }

    [Theory]
    [InlineData(PeerFault.InternalError, typeof(StoreFault.Failed))]
    [InlineData(PeerFault.SlowDown, typeof(StoreFault.Throttled))]
    [InlineData(PeerFault.Conflict, typeof(StoreFault.Throttled))]
    [InlineData(PeerFault.Full, typeof(StoreFault.OutOfSpace))]
    [InlineData(PeerFault.DropBefore, typeof(StoreFault.Failed))]
    [InlineData(PeerFault.DropAfter, typeof(StoreFault.Failed))]
    [InlineData(PeerFault.Silence, typeof(StoreFault.Failed))]
    public async Task A_failure_is_told_as_what_it_is_after_one_request(PeerFault fault, Type expected)
    {
        peer.Fault = (_, _) => fault;
        var limits = new S3Limits { Long = TimeSpan.FromMilliseconds(700), Short = TimeSpan.FromMilliseconds(700) };
        var failure = await FailureAsync(Open(limits: limits));
        Assert.IsType(expected, failure.Fault);
        Assert.True(peer.Requests == 1, string.Join('\n', peer.Seen));
        NoSecretIn(failure);
    }

    [Fact]
    public async Task An_answer_that_breaks_off_is_not_taken_for_the_object()
    {
        var store = Open();
        await store.PutAsync(Name, new byte[100_000], PutMode.CreateNew, Token);
        peer.Fault = (number, _) => number == 2 ? PeerFault.TruncatedBody : PeerFault.None;
        var failure = await Assert.ThrowsAsync<StoreException>(
            async () => (await store.ReadAsync(Name, new ByteRange(0, 100_000), Token)).Dispose());
        Assert.IsType<StoreFault.Failed>(failure.Fault);
        using var again = await store.ReadAsync(Name, new ByteRange(0, 100_000), Token);
        Assert.Equal(100_000, again.Memory.Length);
    }

    [Theory]
    [InlineData("AWS_SECRET_ACCESS_KEY", "another", "does not know these credentials")]
    [InlineData("AWS_ACCESS_KEY_ID", "AKANOTHER", "does not know these credentials")]
    [InlineData("AWS_ACCESS_KEY_ID", "", "no credentials were found")]
    public async Task Wrong_credentials_are_refused_in_words_that_hold_no_secret(string variable, string value, string expected)
    {
        var failure = await Assert.ThrowsAsync<StoreException>(
            async () => await Open(variable: variable, value: value).PutAsync(Name, new byte[3], PutMode.CreateNew, Token));
        Assert.IsType<StoreFault.Denied>(failure.Fault);
        Assert.Contains(expected, failure.Message, StringComparison.Ordinal);
        NoSecretIn(failure);
    }

    [Fact]
    public async Task Credentials_come_from_the_shared_file_of_a_profile()
    {
        using var home = new ScratchFolder();
        Directory.CreateDirectory(home.Text + "/.aws");
        await File.WriteAllTextAsync(
            home.Text + "/.aws/credentials",
            $"[night]\naws_access_key_id = {S3Peer.KeyId}\naws_secret_access_key = {S3Peer.Secret}\n",
            Token);
        var login = new S3Login(name => name == "AWS_PROFILE" ? "night" : null, home.Text);
        using var store = S3Store.Open(Address(""), login, new S3Limits(), TimeProvider.System);
        await store.PutAsync(Name, new byte[3], PutMode.CreateNew, Token);
        Assert.Equal(3, (await store.StatAsync(Name, Token))?.SizeBytes);
    }

    [Fact]
    public async Task A_bucket_that_is_gone_is_unreachable_and_not_empty()
    {
        var address = peer.Location().Replace(S3Peer.Bucket, "elsewhere", StringComparison.Ordinal);
        var store = Open(S3Address.Parse(address, out _, out _)!); // the same form as the tests above
        Func<Task>[] calls =
        [
            async () => (await store.ReadAsync(Name, new ByteRange(0, 3), Token)).Dispose(),
            async () => await store.StatAsync(Name, Token),
            async () => await store.PutAsync(Name, new byte[3], PutMode.CreateNew, Token),
            async () => { await foreach (var _ in store.ListAsync(ObjectPrefix.All, Token)) Assert.Fail("listed"); },
        ];
        foreach (var call in calls)
            Assert.IsType<StoreFault.Unreachable>((await Assert.ThrowsAsync<StoreException>(call)).Fault);
    }

    [Fact]
    public async Task A_server_that_does_not_listen_is_unreachable()
    {
        var store = Open();
        await peer.DisposeAsync();
        var failure = await FailureAsync(store);
        Assert.IsType<StoreFault.Unreachable>(failure.Fault);
        Assert.Contains("endpoint", failure.Problem.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_does_not_take_the_checksum_gets_none()
    {
        peer.RefusesChecksums = true;
        var store = Retrying(Open());
        await store.PutAsync(Name, new byte[3], PutMode.CreateNew, Token);
        await store.PutAsync(new ObjectName("packs/second"), new byte[4], PutMode.CreateNew, Token);
        Assert.Equal(3, peer.Requests);
        Assert.Equal(2, peer.Objects.Count);
    }

    [Fact]
    public async Task A_listing_out_of_order_is_refused()
    {
        var store = Open();
        foreach (var name in new[] { "a", "b", "c" }) await store.PutAsync(new ObjectName(name), new byte[1], PutMode.CreateNew, Token);
        peer.Objects["shop/.hidden/foreign"] = [1];
        var listed = new List<string>();
        await foreach (var info in store.ListAsync(ObjectPrefix.All, Token)) listed.Add(info.Name.Value);
        Assert.Equal(["a", "b", "c"], listed);
        peer.ListsBackwards = true;
        var failure = await Assert.ThrowsAsync<StoreException>(
            async () => { await foreach (var _ in store.ListAsync(ObjectPrefix.All, Token)) Assert.NotNull(store); });
        Assert.Contains("order", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cancelled_call_ends_at_once()
    {
        peer.Fault = (_, _) => PeerFault.Silence;
        using var source = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        var watch = Stopwatch.StartNew();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await Open().StatAsync(Name, source.Token));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(5), $"{watch.Elapsed}");
    }

    [Theory]
    [InlineData("s3://b", "b", "", false)]
    [InlineData("s3://b/a/c/", "b", "a/c/", false)]
    [InlineData("s3://b/a?endpoint=https://minio:9000", "b", "a/", true)]
    [InlineData("s3://b/a?endpoint=https%3A%2F%2Fminio%3A9000&path-style=false&region=eu-1", "b", "a/", false)]
    public void An_address_is_read(string text, string bucket, string prefix, bool pathStyle)
    {
        var address = S3Address.Parse(text, out var wrong, out _);
        Assert.True(address is not null, wrong);
        Assert.Equal((bucket, prefix, pathStyle, text), (address.Bucket, address.Prefix, address.PathStyle, address.Text));
    }

    [Theory]
    [InlineData("s3:///a", "bucket")]
    [InlineData("s3://b:9000/a", "port")]
    [InlineData("s3://b/a/.hidden", "prefix")]
    [InlineData("s3://b/a%20b", "prefix")]
    [InlineData("s3://b/a/../c", "..")]
    [InlineData("s3://b/../a", "..")]
    [InlineData("s3://B/a", "capitals")]
    [InlineData("s3://b/a?endpoint=minio", "endpoint")]
    [InlineData("s3://b/a?endpoint=https://minio/path", "endpoint")]
    [InlineData("s3://b/a?regoin=x", "not known")]
    [InlineData("s3://b/a?region=x&region=y", "twice")]
    [InlineData("s3://b/a?path-style=maybe", "path-style")]
    [InlineData("s3://b/a?conditional-writes=maybe", "conditional-writes")]
    [InlineData("s3://AK:hushhush@b/a", "points keep a copy")]
    [InlineData("s3://b/a?secret-key=hushhush", "points keep a copy")]
    [InlineData("s3://b/a?endpoint=https://AK:hushhush@minio", "points keep a copy")]
    public void A_wrong_address_is_refused_and_no_secret_repeated(string text, string expected)
    {
        Assert.Null(S3Address.Parse(text, out var wrong, out var hint));
        Assert.Contains(expected, wrong, StringComparison.Ordinal);
        Assert.DoesNotContain("hushhush", wrong + hint, StringComparison.Ordinal);
        Assert.NotEmpty(hint);
    }

    private static void NoSecretIn(StoreException failure)
    {
        Assert.DoesNotContain(S3Peer.Secret, failure.Message + failure.Problem.Hint, StringComparison.Ordinal);
        Assert.DoesNotContain("another", failure.Message + failure.Problem.Hint, StringComparison.Ordinal);
    }

    private static async Task<StoreException> FailureAsync(IStore store) => await Assert.ThrowsAsync<StoreException>(
        async () => await store.PutAsync(Name, new byte[] { 1, 2, 3 }, PutMode.CreateNew, Token));

    private static RetryingStore Retrying(IStore store, int attempts = 8) => new(
        store,
        new RetryPolicy { Attempts = attempts, FirstPause = TimeSpan.FromMilliseconds(2), LongestPause = TimeSpan.FromMilliseconds(5) },
        TimeProvider.System,
        Entropy.System);

    private S3Address Address(string more) => S3Address.Parse(peer.Location(more: more), out var wrong, out _)
        ?? throw new InvalidOperationException(wrong);

    private S3Store Open(string more = "", S3Limits? limits = null, string variable = "", string value = "") =>
        Open(Address(more), limits, name => name == variable ? value : S3Peer.Login.GetValueOrDefault(name));

    private S3Store Open(S3Address address, S3Limits? limits = null, Func<string, string?>? variables = null)
    {
        var login = new S3Login(variables ?? (name => S3Peer.Login.GetValueOrDefault(name)), "/nonexistent");
        var store = S3Store.Open(address, login, limits ?? new S3Limits(), TimeProvider.System);
        opened.Add(store);
        return store;
    }
}
