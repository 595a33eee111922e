using System.Security.Cryptography;
using System.Text.Json;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Postgres;
using Reprise.Repository;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Storage;
using Reprise.Storage.Memory;
using Reprise.Storage.Runtime;
using Reprise.Tests.Fixtures;

namespace Reprise.Tests.Golden;

/// <summary>
/// Repositories that come out the same to the byte wherever and whenever they are written: clock and random bytes are
/// fixed, and nothing is compressed.
/// </summary>
internal sealed class GoldenRepository
{
    /// <summary>What opens the passphrase slot of <c>rotated</c>.</summary>
    public const string Passphrase = "correct horse battery staple";

    private const string SigningKey = "golden";
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly SteppedClock clock = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
    private readonly RepositoryHost host;

    private GoldenRepository(ulong seed, int level) => host = new RepositoryHost(
        Store, clock, new SeededEntropy(seed), new Cpu(new ConcurrentExclusiveSchedulerPair().ExclusiveScheduler, 1))
    {
        CompressionLevel = level,
    };

    public MemoryStore Store { get; } = new();

    /// <summary>Key files and sheets, by the name of the file they are kept in.</summary>
    public SortedDictionary<string, string> Keys { get; } = new(StringComparer.Ordinal);

    /// <summary>Every golden repository of this version.</summary>
    public static IReadOnlyList<string> Names => ["plain", "compressed", "rotated"];

    public static Task<GoldenRepository> WriteAsync(string name) => name switch
    {
        "plain" => PlainAsync(1, 0),
        "compressed" => PlainAsync(2, 3),
        "rotated" => RotatedAsync(),
        _ => throw new ArgumentOutOfRangeException(nameof(name)),
    };

    // Two points of every kind of asset; the second is signed.
    private static async Task<GoldenRepository> PlainAsync(ulong seed, int level)
    {
        var golden = new GoldenRepository(seed, level);
        var made = await PointRepository.CreateAsync(golden.host, None);
        using var repository = made.Repository;
        golden.Keys["file.key"] = made.File.Format();
        golden.Keys["sheet.txt"] = "Dear finder,\n\n  type these lines:\n" + made.Sheet.Format() + "\nThank you.\n";
        await golden.CommitAsync(repository, 1, everything: true, SigningKeys.None);
        await golden.CommitAsync(repository, 2, everything: true, SigningKeys.From(SigningKey, null));
        return golden;
    }

    // Keys that were added, rotated and revoked; a dropped point, an expelled writer, one at work, condemned packs.
    private static async Task<GoldenRepository> RotatedAsync()
    {
        var golden = new GoldenRepository(3, 0);
        var made = await PointRepository.CreateAsync(golden.host, None);
        using var repository = made.Repository;
        golden.Keys["before.key"] = made.File.Format();
        golden.Keys["sheet.txt"] = made.Sheet.Format();
        await repository.Keys.AddPassphraseAsync(Passphrase, None);
        var lost = await repository.Keys.AddAsync(asSheet: false, None);
        golden.Keys["revoked.key"] = lost.Format();
        var first = await golden.CommitAsync(repository, 1, everything: false, SigningKeys.None);
        var expelled = await golden.BeginAsync(repository);
        await repository.Keys.RotateAsync(lost.Slot, None);
        golden.Keys["file.key"] = repository.Keys.File!.Format(); // A key file opened it.
        await golden.CommitAsync(repository, 2, everything: false, SigningKeys.None);
        await repository.PruneAsync(c => [.. c.Points.Where(p => p.Id == first)], SigningKeys.None, None);
        await golden.CommitAsync(repository, 3, everything: false, SigningKeys.None);
        var atWork = await golden.BeginAsync(repository);
        golden.clock.Advance(TimeSpan.FromMinutes(1));
        await repository.PruneAsync(_ => [], SigningKeys.None, None);
        var text = "# What to do\n\nStay calm.\n"u8.ToArray();
        var hash = Convert.ToHexStringLower(SHA256.HashData(text))[..16];
        await golden.Store.PutAsync(new ObjectName($"kit/runbooks/en/calm.1-{hash}.runbook.md"), text, PutMode.CreateNew, None);

        // Neither ends its session: one was expelled, and the other stays at work for ever.
        GC.KeepAlive((expelled, atWork));
        return golden;
    }

    private async Task<PointWriter> BeginAsync(PointRepository repository)
    {
        clock.Advance(TimeSpan.FromHours(1));
        return await repository.BeginPointAsync(SigningKeys.None, None);
    }

    private async Task<PointId> CommitAsync(PointRepository repository, int version, bool everything, SigningKeys signing)
    {
        var earlier = await repository.ListPointsAsync(signing, None);
        clock.Advance(TimeSpan.FromHours(1));
        await using var writer = await repository.BeginPointAsync(signing, None);
        var assets = everything
            ? await AssetsAsync(writer, repository, version)
            : [Record("ledger", AssetKinds.Sqlite, "pages", ("database", await StoreAsync(writer, GoldenTree.Fixed(300 + version, 9))))];
        await writer.CommitAsync(
            new PointManifest
            {
                Id = writer.Id,
                Application = "golden",
                Created = clock.GetUtcNow(),
                Kind = PointKind.Scheduled,
                State = PointState.Complete,
                SkewSeconds = 0.5,
                Writer = "reprise 0",
                Assets = assets,
                Configuration = await StoreAsync(writer, "application: golden\n"u8.ToArray()),
                Live = [.. earlier.Points.Select(p => new PointReference(p.Id, p.Sha256))],
                Dropped = earlier.Dropped,
                SignedSince = signing.Current is null ? null : writer.Id,
            },
            None);
        return writer.Id;
    }

    private async Task<IReadOnlyList<AssetRecord>> AssetsAsync(PointWriter writer, PointRepository repository, int version)
    {
        var (toc, tables) = await GoldenDump.StoreAsync(writer, await GoldenFolder.InputAsync("shop.dump"));
        var (list, tree) = await GoldenTree.StoreAsync(writer, version);
        return
        [
            Record("main", AssetKinds.Postgres, "logical", ("toc", toc), ("tables", tables)) with
            {
                Facts = new SortedDictionary<string, string>
                {
                    ["databases"] = JsonSerializer.Serialize(
                        [new CatalogDatabase { Name = "shop", Owner = "postgres", Encoding = "UTF8", Collate = "C", Ctype = "C", Provider = "c" }],
                        CatalogJson.Default.IReadOnlyListCatalogDatabase),
                },
            },
            Record("ledger", AssetKinds.Sqlite, "pages", ("database", await StoreAsync(writer, await GoldenFolder.InputAsync("ledger.sqlite")))),
            Record("keys", AssetKinds.Secrets, "sealed", ("values", await StoreAsync(writer, "{\"API_KEY\":\"golden\"}"u8.ToArray()))) with
            {
                Facts = new SortedDictionary<string, string> { ["fingerprint.API_KEY"] = repository.Fingerprint("API_KEY", "golden") },
            },
            Record("files", AssetKinds.Files, "files", ("files", list)) with { Sha256 = tree },
        ];
    }

    private AssetRecord Record(string name, string kind, string method, params (string Name, Content Content)[] streams) => new()
    {
        Name = name,
        Kind = kind,
        Method = method,
        Moment = clock.GetUtcNow(),
        State = "complete",
        SourceBytes = streams.Sum(s => s.Content.LengthBytes),
        StoredBytes = 0,
        Sha256 = streams[0].Content.Sha256,
        Streams = new SortedDictionary<string, Content>(streams.ToDictionary(s => s.Name, s => s.Content), StringComparer.Ordinal),
    };

    private static async Task<Content> StoreAsync(PointWriter writer, byte[] bytes)
    {
        var content = writer.Begin(Cutting.Every(4096));
        await content.WriteAsync(bytes, None);
        return await content.CompleteAsync(None);
    }
}

/// <summary>Takes a dump apart and stores it, as a capture does, without a server.</summary>
internal sealed class GoldenDump(PointWriter writer) : IDumpSink
{
    private readonly ContentWriter head = writer.Begin(Cutting.ContentDefined);
    private readonly List<DumpTable> tables = [];
    private ContentWriter? rows;
    private DumpBlock block;

    public static async Task<(Content Toc, Content Tables)> StoreAsync(PointWriter writer, byte[] dump)
    {
        var sink = new GoldenDump(writer);
        using var parser = new DumpParser(sink);
        await parser.TakeAsync(dump, default);
        parser.Finish();
        var list = writer.Begin(Cutting.ContentDefined);
        await list.WriteAsync(DumpTables.Encode(sink.tables), default);
        return (await sink.head.CompleteAsync(default), await list.CompleteAsync(default));
    }

    public ValueTask TakeHeadAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => head.WriteAsync(bytes, cancellationToken);

    public ValueTask EndHeadAsync(DumpHead complete, CancellationToken cancellationToken) => default;

    public ValueTask BeginAsync(DumpEntry entry, DumpBlock kind, CancellationToken cancellationToken)
    {
        (rows, block) = (writer.Begin(Cutting.ContentDefined, hashedByPart: true), kind);
        return default;
    }

    public ValueTask TakeAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => rows!.WriteAsync(bytes, cancellationToken); // Begun before.

    public async ValueTask EndAsync(DumpEntry entry, long count, CancellationToken cancellationToken) =>
        tables.Add(new DumpTable(entry.Id, block, count, await rows!.CompleteAsync(cancellationToken))); // Begun before.
}
