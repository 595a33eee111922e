using Reprise.Peers;
using Reprise.Storage;
using Reprise.Storage.Runtime;
using Reprise.Storage.S3;
using Reprise.Storage.Wrapping;

namespace Reprise.Tests.Storage.S3;

/// <summary>Versions, deletions that cover them, and locks, as a store sees them.</summary>
public sealed class S3VersionTests : IAsyncDisposable
{
    private static readonly ObjectName Name = new("packs/a");
    private readonly S3Peer peer = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => peer.DisposeAsync();

    [Fact]
    public async Task Former_versions_are_listed_read_and_uncovered_page_by_page_while_requests_fail()
    {
        peer.Content.Versioned = true;
        peer.PageObjects = 2;
        IStore store = Open("");
        Assert.True(store.Capabilities.KeepsVersions);
        await store.PutAsync(Name, new byte[] { 1 }, PutMode.CreateNew, Token);
        await store.PutAsync(Name, new byte[] { 2, 2 }, PutMode.Replace, Token);
        await store.PutAsync(new ObjectName("packs/b"), new byte[] { 3 }, PutMode.CreateNew, Token);
        await store.DeleteAsync(Name, Token);
        peer.Fault = (number, _) => number % 3 == 0 ? PeerFault.SlowDown : PeerFault.None;

        var versions = await ListAsync(store);
        Assert.Equal(4, versions.Count);
        Assert.Equal(["packs/a", "packs/b"], versions.Where(v => v.IsCurrent).Select(v => v.Name.Value));
        var deletion = Assert.Single(versions, v => v.IsDeletion);
        var first = versions.Single(v => v.SizeBytes == 1 && v.Name == Name);
        using (var bytes = await store.ReadVersionAsync(first, new ByteRange(0, 1), Token)) Assert.Equal([1], bytes.Memory.ToArray());
        Assert.Null(await store.StatAsync(Name, Token));
        await store.UncoverAsync(deletion, Token);
        await store.UncoverAsync(deletion, Token);
        Assert.Equal(2, (await store.StatAsync(Name, Token))?.SizeBytes);
    }

    [Fact]
    public async Task What_is_written_is_locked_and_locks_are_only_made_longer()
    {
        peer.Content.Versioned = peer.Content.Locks = true;
        var store = Open("&lock-days=10&lock-mode=compliance");
        await store.PutAsync(Name, new byte[] { 1 }, PutMode.CreateNew, Token);
        var kept = Assert.Single(peer.Content.VersionsOf("shop/packs/a"));
        Assert.Equal("COMPLIANCE", kept.Mode);
        Assert.InRange((kept.RetainUntil ?? default) - DateTimeOffset.UtcNow, TimeSpan.FromDays(9.9), TimeSpan.FromDays(10.1));
        Assert.False(peer.Content.Remove("shop/packs/a", kept.Id));

        var version = Assert.Single(await ListAsync(store));
        await Open("&lock-days=20&lock-mode=compliance").ProtectAsync(version, Token);
        await Open("&lock-days=3&lock-mode=compliance").ProtectAsync(version, Token);
        Assert.InRange((kept.RetainUntil ?? default) - DateTimeOffset.UtcNow, TimeSpan.FromDays(19.9), TimeSpan.FromDays(20.1));
    }

    [Theory]
    [InlineData("&lock-days=0", "lock-days")]
    [InlineData("&lock-days=4000", "lock-days")]
    [InlineData("&lock-mode=governance", "without lock-days")]
    [InlineData("&lock-days=3&lock-mode=loose", "lock-mode")]
    public void A_lock_that_cannot_be_meant_is_refused(string more, string expected)
    {
        Assert.Null(S3Address.Parse(peer.Location(more: more), out var wrong, out _));
        Assert.Contains(expected, wrong, StringComparison.Ordinal);
    }

    private static async Task<List<ObjectVersion>> ListAsync(IStore store)
    {
        var versions = new List<ObjectVersion>();
        await foreach (var version in store.VersionsAsync(ObjectPrefix.All, Token)) versions.Add(version);
        return versions;
    }

    private RetryingStore Open(string more)
    {
        var address = S3Address.Parse(peer.Location(more: more), out var wrong, out _) ?? throw new InvalidOperationException(wrong);
        var login = new S3Login(name => S3Peer.Login.GetValueOrDefault(name), "/nonexistent");
        var policy = new RetryPolicy { FirstPause = TimeSpan.FromMilliseconds(2), LongestPause = TimeSpan.FromMilliseconds(5) };
        return new RetryingStore(S3Store.Open(address, login, new S3Limits(), TimeProvider.System), policy, TimeProvider.System, Entropy.System);
    }
}
