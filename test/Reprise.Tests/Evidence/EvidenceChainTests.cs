using System.Text;
using Reprise.Recovery.Evidence;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Tests.Evidence;

/// <summary>A good chain passes; every change of it is found, offline and without any key of ours.</summary>
public sealed class EvidenceChainTests : IDisposable
{
    private readonly EvidenceBench bench = new();
    private EvidencePublicKey? key;

    public void Dispose() => bench.Dispose();

    [Fact]
    public async Task A_good_chain_passes_and_comes_back_as_it_was()
    {
        var set = await bench.ThreeAsync();
        var verdict = bench.Log().VerifyClient();
        Assert.Empty(verdict.Problems);
        Assert.True(verdict.IsIntact);
        Assert.True(verdict.NewestKnown);
        Assert.False(verdict.KeyTakenOnTrust);
        Assert.Equal([1, 2, 3], verdict.Entries.Select(e => e.Sequence));
        Assert.Equal(["drill", "drill", "note"], verdict.Entries.Select(e => e.Statement?.Kind));
        Assert.Equal([null, verdict.Entries[0].Sha256, verdict.Entries[1].Sha256], verdict.Entries.Select(e => e.Statement?.Previous));
        Assert.Equal("rows are missing", verdict.Entries[2].Statement?.Note?.Gap);
        AssertSame(Drills.Passed(), verdict.Entries[0].Statement?.Drill);
        AssertSame(Drills.Failed(), verdict.Entries[1].Statement?.Drill);

        // Whoever has nothing but the folder is told what it takes on trust.
        var alone = EvidenceChain.Verify(set, new EvidenceTrust());
        Assert.True(alone.IsIntact);
        Assert.True(alone.KeyTakenOnTrust);
        Assert.False(alone.NewestKnown);
    }

    [Fact]
    public async Task Every_byte_that_is_flipped_is_found()
    {
        await bench.Log().KeepAsync(Drills.Unsure(), default);
        await bench.Log().KeepAsync(Drills.Unsure("20261213T031502Z-0001"), default);
        await bench.Log().NoteAsync(EvidenceBench.Note(), default);
        var set = bench.Client.Read();
        Assert.Equal(3, set.Envelopes.Count);
        var flipped = 0;
        foreach (var (number, bytes) in set.Envelopes)
        {
            for (var i = 0; i < bytes.Length; i++)
            {
                // Each bit would be eight times as long; the lowest one also keeps Base64 and JSON mostly valid.
                var changed = bytes.ToArray();
                changed[i] ^= 1;
                Assert.True(IsFoundAlone(set, number, changed), $"byte {i} of number {number}");
                if (i % 97 == 0) Assert.False(EvidenceChain.Verify(With(set, number, changed), new EvidenceTrust()).IsIntact);
                flipped++;
            }
        }

        Assert.True(flipped > 5000, $"only {flipped} bytes were flipped");
    }

    [Fact]
    public async Task Every_byte_of_the_newest_is_guarded_in_three_bits()
    {
        // The newest has no next one that names its hash.
        var set = await bench.ThreeAsync();
        var bytes = set.Envelopes[3].ToArray();
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            // The bits between turn letters of Base64 into other letters, as the lowest one does.
            if (bit % 8 is not (0 or 5 or 7)) continue;
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.True(IsFoundAlone(set, 3, bytes), $"bit {bit}");
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        Assert.Equal(set.Envelopes[3].ToArray(), bytes);
    }

    [Fact]
    public async Task Every_byte_of_a_public_key_that_is_flipped_is_found()
    {
        var set = await bench.ThreeAsync();
        var (id, bytes) = set.Keys.Single();
        for (var i = 0; i < bytes.Length; i++)
        {
            var changed = bytes.ToArray();
            changed[i] ^= 1;
            var keys = new Dictionary<string, ReadOnlyMemory<byte>> { [id] = changed };
            Assert.False(EvidenceChain.Verify(set with { Keys = keys }, new EvidenceTrust()).IsIntact, $"byte {i}");
        }
    }

    [Theory]
    [InlineData(1, "evidence-missing")]
    [InlineData(2, "evidence-missing")]
    [InlineData(3, "evidence-newest-missing")]
    public async Task A_piece_that_was_deleted_is_named(long number, string code)
    {
        await bench.ThreeAsync();
        Disks.OfThisMachine().DeleteFile(bench.Folder / EvidenceName.Of(number));
        Assert.Equal([code], Codes(bench.Log().VerifyClient()));
        await bench.Store.DeleteAsync(new Reprise.Storage.ObjectName($"evidence/{EvidenceName.Of(number)}"), default);
        Assert.Equal([code], Codes(await bench.Log().VerifyRepositoryAsync(default)));
    }

    [Fact]
    public async Task All_of_it_deleted_is_named()
    {
        await bench.ThreeAsync();
        foreach (var name in new[] { 1, 2, 3 }) Disks.OfThisMachine().DeleteFile(bench.Folder / EvidenceName.Of(name));
        Assert.Equal(["evidence-newest-missing"], Codes(bench.Log().VerifyClient()));
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 1)]
    [InlineData(1, 3)]
    [InlineData(3, 2)]
    [InlineData(3, 4)]
    [InlineData(1, 4)]
    public async Task A_piece_in_the_place_of_another_one_is_replayed(long from, long to)
    {
        var set = await bench.ThreeAsync();
        Assert.Equal(["evidence-replayed"], Codes(EvidenceChain.Verify(With(set, to, set.Envelopes[from]), new EvidenceTrust())));
    }

    [Fact]
    public async Task Two_pieces_that_were_swapped_are_replayed()
    {
        var set = await bench.ThreeAsync();
        var swapped = With(With(set, 1, set.Envelopes[2]), 2, set.Envelopes[1]);
        Assert.Equal(["evidence-replayed", "evidence-replayed"], Codes(EvidenceChain.Verify(swapped, new EvidenceTrust())));
    }

    [Fact]
    public async Task Another_genuine_piece_under_the_same_number_is_replayed()
    {
        var set = await bench.ThreeAsync();

        // The same key, so that only the chain can tell: what it signed in another life of the folder.
        using var mine = EvidenceKey.OpenOrMake(Disks.OfThisMachine(), bench.Scratch / "state" / "shop.evidence.key", out _);
        var other = EvidenceEnvelope.Sign(Statement(2, set), mine);
        var verdict = EvidenceChain.Verify(With(set, 2, other.Bytes), new EvidenceTrust());
        Assert.Equal(["evidence-replayed"], Codes(verdict));

        // At the end of the chain, what this host remembers tells.
        bench.Client.Write(EvidenceName.Of(3), EvidenceEnvelope.Sign(Statement(3, set), mine).Bytes);
        Assert.Equal(["evidence-replayed"], Codes(bench.Log().VerifyClient()));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_piece_that_somebody_else_signed_again_is_named(long number)
    {
        var set = await bench.ThreeAsync();
        using var other = EvidenceKey.OpenOrMake(Disks.OfThisMachine(), bench.Scratch / "other.key", out _);
        var forged = With(set, number, EvidenceEnvelope.Sign(Statement(number, set), other).Bytes);
        var mine = set.Keys.Keys.Single();
        var trust = new EvidenceTrust { Keys = [mine] };
        Assert.Contains("evidence-other-key", Codes(EvidenceChain.Verify(forged, trust)));

        // Also when the forger lays his public key beside it, and also without anything to compare.
        var keys = new Dictionary<string, ReadOnlyMemory<byte>>(set.Keys) { [other.Public.Id] = Encoding.ASCII.GetBytes(other.Public.Pem) };
        Assert.Contains("evidence-other-key", Codes(EvidenceChain.Verify(forged with { Keys = keys }, trust)));
        Assert.False(EvidenceChain.Verify(forged with { Keys = keys }, new EvidenceTrust()).IsIntact);
    }

    [Fact]
    public async Task A_whole_chain_that_somebody_else_signed_again_is_named_by_who_remembers_the_key()
    {
        var set = await bench.ThreeAsync();
        using var other = EvidenceKey.OpenOrMake(Disks.OfThisMachine(), bench.Scratch / "other.key", out _);
        string? previous = null;
        foreach (var number in new long[] { 1, 2, 3 })
        {
            var forged = EvidenceEnvelope.Sign(Statement(number, set) with { Previous = previous }, other);
            previous = forged.Sha256;
            bench.Client.Write(EvidenceName.Of(number), forged.Bytes);
        }

        bench.Client.Write(EvidenceName.OfKey(other.Public.Id), Encoding.ASCII.GetBytes(other.Public.Pem));
        Assert.Equal(["evidence-other-key", "evidence-other-key", "evidence-other-key"], Codes(bench.Log().VerifyClient()));
    }

    [Fact]
    public async Task The_other_form_of_the_same_signature_is_refused()
    {
        // (r, n - s) verifies as well in every library: without a rule, bytes could change unnoticed.
        var set = await bench.ThreeAsync();
        var envelope = EvidenceEnvelope.Parse(set.Envelopes[3]) ?? throw new InvalidOperationException("not an envelope");
        var reader = new System.Formats.Asn1.AsnReader(envelope.Signature, System.Formats.Asn1.AsnEncodingRules.DER).ReadSequence();
        var (r, s) = (reader.ReadInteger(), reader.ReadInteger());
        var order = System.Numerics.BigInteger.Parse(
            "0FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551",
            System.Globalization.NumberStyles.HexNumber,
            System.Globalization.CultureInfo.InvariantCulture);
        var writer = new System.Formats.Asn1.AsnWriter(System.Formats.Asn1.AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteInteger(r);
            writer.WriteInteger(order - s);
        }

        var text = Encoding.UTF8.GetString(set.Envelopes[3].Span)
            .Replace(Convert.ToBase64String(envelope.Signature), Convert.ToBase64String(writer.Encode()), StringComparison.Ordinal);
        Assert.Equal(
            ["evidence-altered"],
            Codes(EvidenceChain.Verify(With(set, 3, Encoding.UTF8.GetBytes(text)), new EvidenceTrust())));
    }

    // Without the pieces around it: the chain is not needed to find a changed byte.
    private bool IsFoundAlone(EvidenceSet set, long number, byte[] changed)
    {
        var alone = set with
        {
            Envelopes = new Dictionary<long, ReadOnlyMemory<byte>> { [number] = changed },
            Keys = new Dictionary<string, ReadOnlyMemory<byte>>(),
        };
        key ??= EvidencePublicKey.Parse(set.Keys.Single().Value.Span) ?? throw new InvalidOperationException("no key");
        var entry = EvidenceChain.Verify(alone, new EvidenceTrust { Keys = [key.Id], AtHand = [key] }).Entries.Single();
        return entry is { Statement: null, Defect.Exit: ExitCodes.Damaged };
    }

    private static EvidenceStatement Statement(long number, EvidenceSet set)
    {
        var envelope = EvidenceEnvelope.Parse(set.Envelopes[number]) ?? throw new InvalidOperationException("not an envelope");
        var statement = StatementCodec.Decode(envelope.Payload) ?? throw new InvalidOperationException("not a statement");
        return statement with { Recorded = statement.Recorded.AddMinutes(1) };
    }

    private static EvidenceSet With(EvidenceSet set, long number, ReadOnlyMemory<byte> bytes) =>
        set with { Envelopes = new SortedDictionary<long, ReadOnlyMemory<byte>>(set.Envelopes.ToDictionary()) { [number] = bytes } };

    private static IEnumerable<string> Codes(EvidenceVerdict verdict) => verdict.Problems.Select(p => p.Code.Name);

    // Records compare their lists by reference: their one form in JSON says whether they are the same.
    private static void AssertSame(DrillRecord expected, DrillRecord? actual) => Assert.Equal(Text(expected), Text(actual));

    private static string Text(DrillRecord? record) => Encoding.UTF8.GetString(
        CanonicalJson.Bytes(System.Text.Json.JsonSerializer.SerializeToElement(record!, EvidenceTypes.DrillRecord)));
}
