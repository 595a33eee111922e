using System.Text;
using System.Text.Json.Nodes;
using Reprise.Configuration;
using Reprise.Recovery.Evidence;
using Reprise.Recovery.Exporting;
using Reprise.Recovery.Postgres;
using Reprise.Recovery.Secrets;
using Reprise.Repository.Sealing;
using Reprise.Runbooks;
using Reprise.Storage.Disk;
using Reprise.Storage.Runtime;
using Reprise.Tests.Evidence;
using Reprise.Tests.Files;
using Reprise.Tests.Golden;
using Reprise.Tests.House;
using Reprise.Tests.Storage;

namespace Reprise.Tests.Hostile;

/// <summary>Texts that people, programs and thieves may have altered: configuration, runbooks, exports, evidence, dumps.</summary>
public class HostileTextTests
{
    private const long Small = 1024 * 1024;

    [Fact]
    public void The_configuration()
    {
        var variables = new Variables(new Dictionary<string, string> { ["DATABASE_URL"] = "postgres://ada:x@db/shop", ["HOME"] = "/home/ada" }, DotEnv.Empty);
        string[] samples = [.. Clone.Files.Where(f => f.Path.StartsWith("examples/shop/reprise", StringComparison.Ordinal)).Select(f => f.Text)];
        Fuzzing.Run(2500, samples, text => ConfigurationParser.Parse(text, "reprise.yaml", "/srv/shop/reprise.yaml", variables), 64 * Small);
    }

    [Fact]
    public void Runbooks()
    {
        string[] samples = [.. RunbookLibrary.BuiltIn().Select(r => r.Text)];
        Fuzzing.Run(800, samples, text => RunbookParser.Parse(text, "x.runbook.md"), 64 * Small);
    }

    [Fact]
    public async Task Exports()
    {
        using var scratch = new ScratchFolder(memory: true);
        var outside = Path.Combine(scratch.Text, "outside");
        await File.WriteAllTextAsync(outside, "nobody opens this");
        var folder = Directory.CreateDirectory(Path.Combine(scratch.Text, "export")).FullName;
        var metadata = new ExportMetadata
        {
            Schema = ExportMetadata.CurrentSchema, Application = "shop", Point = "20260102T040405Z-0000", Created = "2026-01-02T04:04:05Z",
            Kind = "manual", State = "complete", SkewSeconds = 0, Writer = "reprise 0", Signed = false,
            Assets =
            [
                new ExportedAsset
                {
                    Name = "ledger", Kind = "sqlite", Method = "pages", Moment = "2026-01-02T04:04:05Z", State = "complete", File = "ledger.db", SizeBytes = 3,
                    Sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                },
            ],
        };
        await File.WriteAllTextAsync(Path.Combine(folder, "ledger.db"), "abc");
        var verification = new ExportVerification(Disks.OfThisMachine(), new Cpu(new OnTheSpot(), 1));
        var good = metadata.Encode();
        var document = JsonNode.Parse(good)!; // It is an object.
        foreach (var seed in Fuzzing.Seeds(300))
        {
            var altered = seed % 2 == 0 ? Encoding.UTF8.GetBytes(JsonMutator.Mutate(document, seed).ToJsonString()) : new Mutator(seed).Mutate([good]);
            Verify(altered, Sums(altered));
        }

        Fuzzing.Run(200, [Sums(good)], sums => Verify(good, sums), 8 * Small);
        Fuzzing.Run(3000, [Sums(good)], sums => Assert.All(ChecksumList.Decode(sums).Hashes.Keys, n => Assert.DoesNotContain('/', n)), 8 * Small);

        void Verify(byte[] description, byte[] sums)
        {
            File.WriteAllBytes(Path.Combine(folder, "metadata.json"), description);
            File.WriteAllBytes(Path.Combine(folder, "SHA256SUMS"), sums);
            var result = verification.RunAsync(new DiskPath(folder), SigningKeys.None, new NotingProgress(), default).GetAwaiter().GetResult();
            Assert.InRange(result.FilesRead, 0, 2);
        }

        static byte[] Sums(byte[] description) => Encoding.ASCII.GetBytes(
            $"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  ledger.db\n{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(description))}  metadata.json\n");
    }

    [Fact]
    public async Task Evidence()
    {
        using var bench = new EvidenceBench();
        var set = await bench.ThreeAsync();
        byte[][] envelopes = [.. set.Envelopes.Values.Select(e => e.ToArray())];
        Fuzzing.Run(1500, envelopes, bytes => EvidenceEnvelope.Parse(bytes), 8 * Small);
        Fuzzing.Run(300, envelopes, bytes => EvidenceChain.Verify(
            set with { Envelopes = new Dictionary<long, ReadOnlyMemory<byte>>(set.Envelopes) { [2] = bytes } }, new EvidenceTrust()), 8 * Small);
        Fuzzing.Run(500, [.. set.Keys.Values.Select(k => k.ToArray())], bytes => EvidenceChain.Verify(
            set with { Keys = set.Keys.Keys.ToDictionary(k => k, _ => (ReadOnlyMemory<byte>)bytes) }, new EvidenceTrust()), 8 * Small);
    }

    [Fact]
    public async Task Dumps_and_their_lists()
    {
        var dump = await GoldenFolder.InputAsync("shop.dump");
        Fuzzing.Run(2000, [dump], bytes =>
        {
            var parser = new DumpHeadParser();
            parser.Take(bytes);
            if (parser.Head is { } head) _ = head.Data.ToDictionary(e => e.Id);
        }, 8 * Small);
        Fuzzing.Run(1000, [dump], bytes =>
        {
            using var parser = new DumpParser(new Nobody());
            parser.TakeAsync(bytes, default).AsTask().GetAwaiter().GetResult();
            parser.Finish();
        }, 8 * Small);
        var tables = DumpTables.Encode(
        [
            new DumpTable(7, DumpBlock.Rows, 3, new() { LengthBytes = 9, Sha256 = default, Parts = [new(0, 1, 2, 30, 9)] }),
            new DumpTable(9, DumpBlock.LargeObjects, -1, new() { LengthBytes = 0, Sha256 = default, Parts = [] }),
        ]).ToArray();
        Fuzzing.Run(3000, [tables], bytes => DumpTables.Decode(bytes), 8 * Small);
    }

    private sealed class Nobody : IDumpSink
    {
        public ValueTask TakeHeadAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => default;

        public ValueTask EndHeadAsync(DumpHead head, CancellationToken cancellationToken) => default;

        public ValueTask BeginAsync(DumpEntry entry, DumpBlock block, CancellationToken cancellationToken) => default;

        public ValueTask TakeAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => default;

        public ValueTask EndAsync(DumpEntry entry, long rows, CancellationToken cancellationToken) => default;
    }
}
