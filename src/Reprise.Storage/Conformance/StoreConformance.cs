using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;

namespace Reprise.Storage.Conformance;

/// <summary>One sentence of the semantics of <see cref="IStore"/>, asked of a real store.</summary>
/// <param name="Name">which, in kebab-case.</param>
/// <param name="Passed">whether it held.</param>
/// <param name="Detail">what was seen when it did not hold, else empty.</param>
public sealed record ConformanceResult(string Name, bool Passed, string Detail);

/// <summary>
/// The semantics of <see cref="IStore"/> as executable checks. The tests run them on every store that we ship, the user
/// runs them on his own (<c>reprise store check</c>). Everything is written below <c>conformance-RANDOM</c> and deleted
/// at the end; at most 21 MiB are written.
/// </summary>
public sealed class StoreConformance
{
    private const int Contenders = 8;

    private readonly IStore store;
    private readonly Entropy entropy;
    private readonly string folder;

    /// <summary>Prepares the checks of <paramref name="store"/>; nothing is called yet.</summary>
    public StoreConformance(IStore store, Entropy entropy)
    {
        this.store = store;
        this.entropy = entropy;
        folder = "conformance-" + Convert.ToHexStringLower(entropy.Bytes(8));
    }

    /// <summary>
    /// Asks every check, in order, also after one failed; a store that throws something unexpected fails that check.
    /// </summary>
    public async Task<IReadOnlyList<ConformanceResult>> RunAsync(CancellationToken cancellationToken)
    {
        (string Name, Func<CancellationToken, Task<string>> Check)[] checks =
        [
            ("put-then-read", PutThenReadAsync),
            ("empty-object", EmptyObjectAsync),
            ("read-ranges", ReadRangesAsync),
            ("truncated-range", TruncatedRangeAsync),
            ("missing-object", MissingObjectAsync),
            ("create-new-refuses", CreateNewRefusesAsync),
            ("create-new-one-winner", CreateNewOneWinnerAsync),
            ("content-named-again", ContentNamedAgainAsync),
            ("content-named-other-size", ContentNamedOtherSizeAsync),
            ("replace", ReplaceAsync),
            ("replace-is-atomic", ReplaceIsAtomicAsync),
            ("delete", DeleteAsync),
            ("list-after-write", ListAfterWriteAsync),
            ("list-order", ListOrderAsync),
            ("list-prefix-is-a-folder", ListPrefixAsync),
            ("longest-name", LongestNameAsync),
            ("largest-object", LargestObjectAsync),
        ];
        var results = new List<ConformanceResult>();
        foreach (var (name, check) in checks) results.Add(await AskAsync(name, check, cancellationToken));
        results.Add(await AskAsync("clean-up", CleanUpAsync, cancellationToken));
        return results;
    }

    private static async Task<ConformanceResult> AskAsync(
        string name, Func<CancellationToken, Task<string>> check, CancellationToken cancellationToken)
    {
        try
        {
            var seen = await check(cancellationToken);
            return new ConformanceResult(name, seen.Length == 0, seen);
        }
        catch (RepriseException e)
        {
            return new ConformanceResult(name, false, $"{e.Code}: {e.Message}");
        }
    }

    private async Task<string> PutThenReadAsync(CancellationToken cancellationToken)
    {
        var content = entropy.Bytes(100_000);
        await store.PutAsync(Named("read"), content, PutMode.CreateNew, cancellationToken);
        var info = await store.StatAsync(Named("read"), cancellationToken);
        if (info?.SizeBytes != content.Length)
            return $"stat says {info?.SizeBytes.ToString() ?? "nothing"}, not {content.Length}";
        return await CompareAsync("read", content, cancellationToken);
    }

    private async Task<string> EmptyObjectAsync(CancellationToken cancellationToken)
    {
        await store.PutAsync(Named("empty"), ReadOnlyMemory<byte>.Empty, PutMode.CreateNew, cancellationToken);
        return await CompareAsync("empty", [], cancellationToken);
    }

    private async Task<string> ReadRangesAsync(CancellationToken cancellationToken)
    {
        var content = entropy.Bytes(10_000);
        await store.PutAsync(Named("ranges"), content, PutMode.CreateNew, cancellationToken);
        foreach (var (offset, length) in new[] { (0, 1), (9_999, 1), (1_234, 5_678), (10_000, 0), (0, 10_000) })
        {
            using var part = await store.ReadAsync(Named("ranges"), new ByteRange(offset, length), cancellationToken);
            if (!part.Memory.Span.SequenceEqual(content.AsSpan(offset, length)))
                return $"{part.Memory.Length} of {length} bytes at {offset} came, and are not those written";
        }

        return "";
    }

    private async Task<string> TruncatedRangeAsync(CancellationToken cancellationToken)
    {
        await store.PutAsync(Named("short"), entropy.Bytes(100), PutMode.CreateNew, cancellationToken);
        foreach (var (offset, length) in new[] { (0, 101), (100, 1), (200, 0), (99, 2) })
        {
            var fault = await FaultOfAsync(async () =>
                (await store.ReadAsync(Named("short"), new ByteRange(offset, length), cancellationToken)).Dispose());
            if (fault is not StoreFault.Truncated)
                return $"{length} bytes at {offset} of 100 gave {Say(fault)}, not truncated";
        }

        return "";
    }

    private async Task<string> MissingObjectAsync(CancellationToken cancellationToken)
    {
        var fault = await FaultOfAsync(async () =>
            (await store.ReadAsync(Named("absent"), new ByteRange(0, 1), cancellationToken)).Dispose());
        if (fault is not StoreFault.NotFound) return $"reading what is absent gave {Say(fault)}, not not-found";
        return await store.StatAsync(Named("absent"), cancellationToken) is null ? "" : "stat sees what is absent";
    }

    private async Task<string> CreateNewRefusesAsync(CancellationToken cancellationToken)
    {
        var content = entropy.Bytes(100);
        await store.PutAsync(Named("once"), content, PutMode.CreateNew, cancellationToken);
        foreach (var again in new[] { content, entropy.Bytes(100), entropy.Bytes(7) })
        {
            var fault = await FaultOfAsync(() =>
                store.PutAsync(Named("once"), again, PutMode.CreateNew, cancellationToken).AsTask());
            if (fault is not StoreFault.AlreadyExists)
                return $"a second creation gave {Say(fault)}, not already-exists";
        }

        return await CompareAsync("once", content, cancellationToken);
    }

    private async Task<string> CreateNewOneWinnerAsync(CancellationToken cancellationToken)
    {
        for (var round = 0; round < 4; round++)
        {
            var name = $"race-{round}";
            var contents = Enumerable.Range(0, Contenders).Select(_ => entropy.Bytes(20_000)).ToArray();
            var faults = await Task.WhenAll(contents.Select(content => FaultOfAsync(() =>
                store.PutAsync(Named(name), content, PutMode.CreateNew, cancellationToken).AsTask())));
            var winners = faults.Count(fault => fault is null);
            if (winners != 1) return $"{winners} of {Contenders} clients created the same name";
            if (faults.FirstOrDefault(fault => fault is not (null or StoreFault.AlreadyExists)) is { } odd)
                return $"a loser got {Say(odd)}, not already-exists";
            var wrong = await CompareAsync(name, contents[Array.IndexOf(faults, null)], cancellationToken);
            if (wrong.Length > 0) return "the winner's bytes are not there: " + wrong;
        }

        return "";
    }

    private async Task<string> ContentNamedAgainAsync(CancellationToken cancellationToken)
    {
        var content = entropy.Bytes(5_000);
        for (var i = 0; i < 2; i++)
            await store.PutAsync(Named("content"), content, PutMode.ContentNamed, cancellationToken);
        return await CompareAsync("content", content, cancellationToken);
    }

    private async Task<string> ContentNamedOtherSizeAsync(CancellationToken cancellationToken)
    {
        await store.PutAsync(Named("torn"), entropy.Bytes(10), PutMode.ContentNamed, cancellationToken);
        var fault = await FaultOfAsync(() =>
            store.PutAsync(Named("torn"), entropy.Bytes(11), PutMode.ContentNamed, cancellationToken).AsTask());
        return fault is StoreFault.AlreadyExists
            ? ""
            : $"another size under the name gave {Say(fault)}, not already-exists";
    }

    private async Task<string> ReplaceAsync(CancellationToken cancellationToken)
    {
        byte[] content = [];
        foreach (var length in new[] { 1_000, 10, 5_000 })
        {
            content = entropy.Bytes(length);
            await store.PutAsync(Named("replaced"), content, PutMode.Replace, cancellationToken);
            var wrong = await CompareAsync("replaced", content, cancellationToken);
            if (wrong.Length > 0) return wrong;
        }

        return "";
    }

    private async Task<string> ReplaceIsAtomicAsync(CancellationToken cancellationToken)
    {
        const int length = 300_000;
        byte[] Filled(int value) => [.. Enumerable.Repeat((byte)value, length)];
        await store.PutAsync(Named("atomic"), Filled(0), PutMode.Replace, cancellationToken);
        var writing = WriteAllAsync();
        var wrong = "";
        do
        {
            using var read = await store.ReadAsync(Named("atomic"), new ByteRange(0, length), cancellationToken);
            if (read.Memory.Span.ContainsAnyExcept(read.Memory.Span[0])) wrong = "a reader saw two writings mixed";
        }
        while (!writing.IsCompleted);
        await writing;
        return wrong;

        async Task WriteAllAsync()
        {
            for (var value = 1; value <= 20; value++)
                await store.PutAsync(Named("atomic"), Filled(value), PutMode.Replace, cancellationToken);
        }
    }

    private async Task<string> DeleteAsync(CancellationToken cancellationToken)
    {
        await store.PutAsync(Named("gone"), entropy.Bytes(10), PutMode.CreateNew, cancellationToken);
        for (var i = 0; i < 2; i++) await store.DeleteAsync(Named("gone"), cancellationToken);
        await store.DeleteAsync(Named("never/there"), cancellationToken);
        if (await store.StatAsync(Named("gone"), cancellationToken) is not null)
            return "a deleted object is still there";
        var content = entropy.Bytes(20);
        await store.PutAsync(Named("gone"), content, PutMode.CreateNew, cancellationToken);
        return await CompareAsync("gone", content, cancellationToken);
    }

    private async Task<string> ListAfterWriteAsync(CancellationToken cancellationToken)
    {
        for (var i = 0; i < 10; i++)
        {
            await store.PutAsync(Named($"listed/{i}"), entropy.Bytes(i), PutMode.CreateNew, cancellationToken);
            var found = await NamesAsync(folder + "/listed", cancellationToken);
            if (found.Count != i + 1) return $"after {i + 1} objects a listing sees {found.Count}";
            if (found[i].SizeBytes != i) return $"a listing says {found[i].SizeBytes} bytes of an object of {i}";
        }

        await store.DeleteAsync(Named("listed/5"), cancellationToken);
        var rest = await NamesAsync(folder + "/listed", cancellationToken);
        return rest.Count == 9 ? "" : $"after a deletion a listing sees {rest.Count} objects, not 9";
    }

    private async Task<string> ListOrderAsync(CancellationToken cancellationToken)
    {
        // A dash and a dot sort before the slash, a digit after it: folders cannot be listed one after the other.
        string[] names = ["order/a/b", "order/a-b", "order/a.b", "order/a0", "order/B", "order/a/A", "order/Z"];
        foreach (var name in names)
            await store.PutAsync(Named(name), entropy.Bytes(1), PutMode.CreateNew, cancellationToken);
        var found = await NamesAsync(folder + "/order", cancellationToken);
        var expected = names.Select(Named).Order().ToList();
        return found.Select(info => info.Name).SequenceEqual(expected)
            ? ""
            : $"the order is {string.Join(' ', found.Select(info => info.Name))}, not {string.Join(' ', expected)}";
    }

    private async Task<string> ListPrefixAsync(CancellationToken cancellationToken)
    {
        await store.PutAsync(Named("pre/x"), entropy.Bytes(1), PutMode.CreateNew, cancellationToken);
        await store.PutAsync(Named("prefix"), entropy.Bytes(1), PutMode.CreateNew, cancellationToken);
        var found = await NamesAsync(folder + "/pre", cancellationToken);
        if (found.Count != 1 || found[0].Name != Named("pre/x"))
            return $"the folder pre lists {found.Count} objects, not 1";
        var none = await NamesAsync(folder + "/nothing", cancellationToken);
        return none.Count == 0 ? "" : "a folder that does not exist lists objects";
    }

    private async Task<string> LongestNameAsync(CancellationToken cancellationToken)
    {
        var start = folder + "/";
        var name = new ObjectName(start + "s/" + new string('x', ObjectName.MaxLength - start.Length - 2));
        var content = entropy.Bytes(10);
        await store.PutAsync(name, content, PutMode.CreateNew, cancellationToken);
        var found = await NamesAsync(folder + "/s", cancellationToken);
        return found.Count == 1 && found[0].Name == name ? "" : "the longest name is not listed as it was written";
    }

    private async Task<string> LargestObjectAsync(CancellationToken cancellationToken)
    {
        var content = entropy.Bytes(StoreLimits.MaxObjectBytes);
        await store.PutAsync(Named("largest"), content, PutMode.CreateNew, cancellationToken);
        return await CompareAsync("largest", content, cancellationToken);
    }

    private async Task<string> CleanUpAsync(CancellationToken cancellationToken)
    {
        foreach (var info in await NamesAsync(folder, cancellationToken))
            await store.DeleteAsync(info.Name, cancellationToken);
        var left = await NamesAsync(folder, cancellationToken);
        return left.Count == 0 ? "" : $"{left.Count} objects are still listed after they were deleted";
    }

    private ObjectName Named(string name) => new(folder + "/" + name);

    private async Task<string> CompareAsync(string name, byte[] content, CancellationToken cancellationToken)
    {
        using var read = await store.ReadAsync(Named(name), new ByteRange(0, content.Length), cancellationToken);
        return read.Memory.Span.SequenceEqual(content)
            ? ""
            : $"{read.Memory.Length} bytes came back that are not those written";
    }

    private async Task<List<ObjectInfo>> NamesAsync(string prefix, CancellationToken cancellationToken)
    {
        var found = new List<ObjectInfo>();
        await foreach (var info in store.ListAsync(new ObjectPrefix(prefix), cancellationToken)) found.Add(info);
        return found;
    }

    private static async Task<StoreFault?> FaultOfAsync(Func<Task> action)
    {
        try
        {
            await action();
            return null;
        }
        catch (StoreException e)
        {
            return e.Fault;
        }
    }

    private static string Say(StoreFault? fault) => fault is null ? "no failure" : fault.GetType().Name;
}
