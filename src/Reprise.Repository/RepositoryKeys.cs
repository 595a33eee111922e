using Reprise.Repository.Format;
using Reprise.Repository.Index;
using Reprise.Repository.Points;
using Reprise.Repository.Pruning;
using Reprise.Repository.Sealing;
using Reprise.Storage;
using Reprise.Storage.Errors;

namespace Reprise.Repository;

/// <summary>
/// The keys of an open repository: who can open it, and how that changes. An epoch is a master key. Slots (key file,
/// passphrase, sheet) open all epochs up to the last one that is sealed to them.
/// </summary>
public sealed class RepositoryKeys
{
    private readonly RepositoryHost host;
    private readonly Zstd zstd;
    private readonly byte[] id;
    private readonly byte[] secret;
    private readonly KeyFile? file;
    private KeyStock stock;
    private KeyChain chain;

    private RepositoryKeys(RepositoryHost host, Zstd zstd, byte[] id, byte[] secret, KeyFile? file, KeyStock stock, KeyChain chain)
    {
        (this.host, this.zstd, this.id, this.secret, this.file, this.stock, this.chain) = (host, zstd, id, secret, file, stock, chain);
        Sealer = new Sealer(chain.Ring, host.Entropy);
    }

    /// <summary>The epoch that is written with.</summary>
    public long Epoch => Sealer.Keys.CurrentEpoch;

    /// <summary>The name of the slot that was opened.</summary>
    public string InUse => chain.Mine.Name;

    /// <summary>
    /// What is wrong under <c>keys/</c>: damaged, gone, not ours, forged. Nothing that was opened relies on it.
    /// </summary>
    public IReadOnlyList<Problem> Problems => chain.Problems;

    /// <summary>Objects under <c>keys/</c> that the key file has no copy of: with the repository's own gone, it opens less.</summary>
    public IReadOnlyList<string> FileLacks => file is null ? [] : [.. Good().Keys.Except(file.KeyObjects.Keys, StringComparer.Ordinal)];

    /// <summary>Every slot.</summary>
    public IReadOnlyList<KeySlot> Slots
    {
        get
        {
            var inForce = chain.InForce();
            var names = chain.Slots.Keys.Concat(inForce.Keys).Concat(chain.Damaged.Where(SlotKinds.IsSlot));
            return [.. names.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).Select(n => Of(n, inForce.ContainsKey(n)))];
        }
    }

    /// <summary>The key file as it should be now, with copies of everything; null when a passphrase opened the repository.</summary>
    public KeyFile? File => file is null ? null : new KeyFile(id, InUse, secret, Good());

    internal Sealer Sealer { get; private set; }

    internal static async Task<RepositoryKeys> OpenAsync(RepositoryHost host, Zstd zstd, byte[] id, KeyFile key, CancellationToken cancellationToken)
    {
        var found = await KeyStock.ReadAsync(host.Store, key.KeyObjects, cancellationToken);
        var keys = new RepositoryKeys(host, zstd, id, key.Secret, key, found, KeyChain.Open(id, found, key.Slot, key.Secret));
        await keys.ReadFormerAsync(cancellationToken);
        return keys;
    }

    /// <summary>Tries every passphrase slot of the store, each of which takes a part of a second.</summary>
    internal static async Task<RepositoryKeys> OpenAsync(RepositoryHost host, Zstd zstd, byte[] id, string passphrase, CancellationToken cancellationToken)
    {
        var found = await KeyStock.ReadAsync(host.Store, new Dictionary<string, byte[]>(), cancellationToken);
        RepriseException? broken = null, revoked = null;
        var tried = 0;
        foreach (var name in found.Names.Where(n => SlotKinds.IsSlot(n) && SlotKinds.Of(n) == SlotKinds.Passphrase))
        {
            try
            {
                if (KeyChain.FindSlot(found, name)?.Stretching is not { } stretching) continue;
                tried++;
                var stretched = await host.Cpu.RunAsync(() => stretching.Secret(passphrase), cancellationToken);
                var keys = new RepositoryKeys(host, zstd, id, stretched, null, found, KeyChain.Open(id, found, name, stretched));
                await keys.ReadFormerAsync(cancellationToken);
                return keys;
            }
            catch (RepriseException e) when (e.Code == RepositoryErrors.KeyRevoked)
            {
                revoked ??= e;
            }
            catch (RepriseException e) when (e.Code == RepositoryErrors.KeyInvalid)
            {
                broken ??= e;
            }
            catch (RepriseException e) when (e.Code == RepositoryErrors.KeyWrong)
            {
                // It may be the passphrase of the next slot.
            }
        }

        throw revoked ?? broken ?? new RepriseException(
            RepositoryErrors.KeyWrong,
            tried == 0 ? "no passphrase opens this repository: it has no passphrase slot" : "the passphrase opens none of the passphrase slots of this repository",
            "use a key file, or the recovery sheet; with one of these, 'reprise key add passphrase' sets a passphrase");
    }

    /// <summary>The slots and the first keys of a new repository.</summary>
    internal static SortedDictionary<string, byte[]> Create(byte[] id, RepositoryHost host, out KeyFile file, out KeyFile sheet)
    {
        var ring = new KeyRing(id, new Dictionary<uint, byte[]> { [1] = host.Entropy.Bytes(KeyRing.KeyLength) });
        var (fileSlot, fileSecret) = MakeSlot(SlotKinds.File, ring, host);
        var (sheetSlot, sheetSecret) = MakeSlot(SlotKinds.Sheet, ring, host);
        var objects = new SortedDictionary<string, byte[]>(StringComparer.Ordinal)
        {
            [fileSlot.Name] = fileSlot.Bytes, [sheetSlot.Name] = sheetSlot.Bytes,
        };
        file = new KeyFile(id, fileSlot.Name, fileSecret, objects);
        sheet = new KeyFile(id, sheetSlot.Name, sheetSecret, objects);
        return objects;
    }

    internal static RepositoryKeys JustMade(RepositoryHost host, Zstd zstd, byte[] id, KeyFile file)
    {
        var written = KeyStock.Written(file.KeyObjects);
        return new RepositoryKeys(host, zstd, id, file.Secret, file, written, KeyChain.Open(id, written, file.Slot, file.Secret));
    }

    /// <summary>Takes up what others changed since. <c>key-revoked</c> when this key was revoked meanwhile.</summary>
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        if ((await KeyStock.ListAsync(host.Store, cancellationToken)).ToHashSet(StringComparer.Ordinal).SetEquals(stock.StoreNames)) return;
        await ReadAgainAsync(cancellationToken);
    }

    /// <summary>Fails when nothing may be written: something may be a newer master key, and cannot be read.</summary>
    internal void DemandWritable()
    {
        if (chain.MaybeNewer is { } problem)
            throw new RepriseException(problem with { Message = problem.Message + "; it may be the master key in force, so nothing is written" });
    }

    /// <summary>Adds a slot whose secret is random: a key file, or a sheet. Nothing needs to be sealed anew.</summary>
    public async Task<KeyFile> AddAsync(bool asSheet, CancellationToken cancellationToken)
    {
        await ReadAgainAsync(cancellationToken);
        var (slot, slotSecret) = MakeSlot(asSheet ? SlotKinds.Sheet : SlotKinds.File, chain.Ring, host);
        await StoreAsync(slot, cancellationToken);
        return new KeyFile(id, slot.Name, slotSecret, Good());
    }

    /// <summary>Adds a slot that a passphrase opens; returns its name.</summary>
    public async Task<string> AddPassphraseAsync(string passphrase, CancellationToken cancellationToken)
    {
        await ReadAgainAsync(cancellationToken);
        var stretching = Stretching.Fresh(host.Entropy);
        var stretched = await host.Cpu.RunAsync(() => stretching.Secret(passphrase), cancellationToken);
        var slot = Slot.Create(NewName(SlotKinds.Passphrase, host), stretched, stretching, chain.Ring, host.Entropy);
        await StoreAsync(slot, cancellationToken);
        return slot.Name;
    }

    /// <summary>
    /// Puts a new master key into force, sealed to every slot in force but <paramref name="revoke"/>. Backups that run are
    /// expelled (<c>session-expelled</c>), since what they would commit could not be told from a forgery. Cut off, it is
    /// done again as a whole. Afterwards this object still knows all keys, even when its own slot was revoked.
    /// </summary>
    public async Task<KeyRotation> RotateAsync(string? revoke, CancellationToken cancellationToken)
    {
        await ReadAgainAsync(cancellationToken);
        DemandWritable();
        var slots = Remaining(revoke);
        await HealAsync(cancellationToken);
        var former = Sealer;
        var before = await CatalogAsync(former, cancellationToken);

        var master = host.Entropy.Bytes(KeyRing.KeyLength);
        var epoch = await StoreEpochAsync(master, slots, cancellationToken);
        var ring = new KeyRing(id, new Dictionary<uint, byte[]>(chain.Ring.Epochs) { [epoch.Number] = master });
        var sealer = new Sealer(ring, host.Entropy);
        var sessions = new Sessions(host.Store, sealer, zstd);
        var expelled = await sessions.UnfinishedAsync(clean: false, cancellationToken);
        foreach (var writer in expelled) await sessions.ExpelAsync(writer, cancellationToken);
        await FormerEpochs.WriteAsync(host.Store, sealer, zstd, await HashesAsync(former, before, cancellationToken), cancellationToken);

        if (revoke == InUse) Sealer = sealer;
        else await ReadAgainAsync(cancellationToken);
        return new KeyRotation(epoch.Number, [.. slots.Select(s => s.Name)], [.. expelled]);
    }

    private static (Slot Slot, byte[] Secret) MakeSlot(string kind, KeyRing ring, RepositoryHost host)
    {
        var random = host.Entropy.Bytes(Slot.SecretLength);
        return (Slot.Create(NewName(kind, host), random, null, ring, host.Entropy), random);
    }

    private static string NewName(string kind, RepositoryHost host) => $"{kind}-{Convert.ToHexStringLower(host.Entropy.Bytes(4))}";

    private KeySlot Of(string name, bool inForce)
    {
        var opens = inForce
            ? chain.Ring.CurrentEpoch
            : chain.Epochs.Values.Where(e => e.Slots.Any(s => s.Name == name)).Select(e => e.Number)
                .Append(chain.Slots.TryGetValue(name, out var slot) ? slot.Since : 0)
                .Max();
        var state = chain.Slots.ContainsKey(name)
            ? inForce ? KeySlotState.InForce : KeySlotState.Revoked
            : KeySlotState.Damaged;
        return new KeySlot(name, SlotKinds.Of(name), state, opens, name == InUse);
    }

    private SortedDictionary<string, byte[]> Good()
    {
        var good = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (var slot in chain.Slots.Values) good[slot.Name] = slot.Bytes;
        foreach (var epoch in chain.Epochs.Values) good[epoch.Name] = epoch.Bytes;
        return good;
    }

    private async Task ReadAgainAsync(CancellationToken cancellationToken)
    {
        stock = await KeyStock.ReadAsync(host.Store, file?.KeyObjects ?? new Dictionary<string, byte[]>(), cancellationToken);
        chain = KeyChain.Open(id, stock, InUse, secret);
        Sealer = new Sealer(chain.Ring, host.Entropy);
        await ReadFormerAsync(cancellationToken);
    }

    private async Task ReadFormerAsync(CancellationToken cancellationToken) => Sealer = new Sealer(chain.Ring, host.Entropy)
    {
        Former = await FormerEpochs.ReadAsync(host.Store, Sealer, zstd, cancellationToken),
    };

    private async Task StoreAsync(Slot slot, CancellationToken cancellationToken)
    {
        DemandWritable();
        if (chain.InForce().Count >= Sealing.Epoch.MaxSlots)
            throw new RepriseException(RepositoryErrors.KeyInvalid, $"a repository has at most {Sealing.Epoch.MaxSlots} keys", "revoke one first");
        var epoch = Epoch;
        await host.Store.PutAsync(KeyStock.NameOf(slot.Name), slot.Bytes, PutMode.CreateNew, cancellationToken);

        // A rotation that listed the slots before this one was there has left it out.
        await ReadAgainAsync(cancellationToken);
        if (Epoch != epoch)
        {
            throw new RepriseException(
                RepositoryErrors.KeyChanged, $"somebody rotated the keys while slot {slot.Name} was added, so that it may not be in force", "add it again");
        }
    }

    private List<(string Name, byte[] PublicKey)> Remaining(string? revoke)
    {
        var inForce = chain.InForce();
        var lost = chain.Damaged.Where(n => SlotKinds.IsSlot(n) && !inForce.ContainsKey(n)).ToList();
        if (revoke is not null && !inForce.ContainsKey(revoke) && !lost.Contains(revoke))
        {
            throw new RepriseException(
                RepositoryErrors.KeyUnknown,
                $"no slot in force is called '{revoke}'",
                $"choose among {string.Join(", ", inForce.Keys)}");
        }

        if (lost.FirstOrDefault(n => n != revoke) is { } unreadable)
        {
            throw new RepriseException(
                RepositoryErrors.KeyInvalid,
                $"slot {unreadable} is damaged, so that a new master key cannot be sealed to it",
                $"use a key file that has a copy of it, or give it up: reprise key revoke {unreadable}");
        }

        var remaining = inForce.Where(s => s.Key != revoke).Select(s => (s.Key, s.Value)).ToList();
        if (remaining.Count == 0)
        {
            throw new RepriseException(
                RepositoryErrors.KeyLast, $"{revoke} is the last key: revoking it would lock everybody out", "add another key first: reprise key add file");
        }

        return remaining;
    }

    // What the store lost and this key has a copy of is written again, because every other key looks for it there.
    private async Task HealAsync(CancellationToken cancellationToken)
    {
        foreach (var (name, bytes) in Good())
        {
            if (stock.InStore(name)?.AsSpan().SequenceEqual(bytes) == true) continue;
            await host.Store.PutAsync(KeyStock.NameOf(name), bytes, PutMode.Replace, cancellationToken);
        }
    }

    private async Task<Epoch> StoreEpochAsync(
        byte[] master, IReadOnlyList<(string Name, byte[] PublicKey)> slots, CancellationToken cancellationToken)
    {
        var epoch = Sealing.Epoch.Create(chain.Ring.CurrentEpoch + 1, master, chain.Ring, slots, host.Entropy);
        try
        {
            var mode = chain.Forged.Contains(epoch.Name) ? PutMode.Replace : PutMode.CreateNew;
            await host.Store.PutAsync(KeyStock.NameOf(epoch.Name), epoch.Bytes, mode, cancellationToken);
            return epoch;
        }
        catch (StoreException e) when (e.Fault is StoreFault.AlreadyExists)
        {
            throw new RepriseException(
                RepositoryErrors.KeyChanged, "somebody else rotated the keys at the same time", "look at 'reprise key list', then do it again if it is still needed", e);
        }
    }

    private Task<PointCatalog> CatalogAsync(Sealer former, CancellationToken cancellationToken) =>
        new CatalogReader(host.Store, former, zstd, SigningKeys.None).ReadAsync(cancellationToken);

    // Everything of the former epochs that is genuine, now that nobody can add to it. A read that went wrong once must not
    // disown a point for ever, so that points are read several times, and what is known of them otherwise counts too.
    private async Task<List<byte[]>> HashesAsync(Sealer former, PointCatalog before, CancellationToken cancellationToken)
    {
        var now = await CatalogAsync(former, cancellationToken);
        var catalogs = new List<PointCatalog> { before, now };
        if (now.Problems.Count > 0) catalogs.Add(await CatalogAsync(former, cancellationToken));
        var points = catalogs.SelectMany(c => c.Points).ToList();
        var hashes = points.Select(p => p.Sha256)
            .Concat(points.SelectMany(p => p.Manifest.Live).Select(l => l.Sha256))
            .Distinct().Select(h => h.Bytes.ToArray()).ToList();
        await foreach (var hash in DropRecord.HashesAsync(host.Store, former, zstd, cancellationToken)) hashes.Add(hash);
        hashes.AddRange(former.Former.Hashes);
        await foreach (var (name, _) in ChunkIndex.ObjectsAsync(host.Store, former, zstd, cancellationToken))
            hashes.Add(Convert.FromHexString(name.Value[(ChunkIndex.Folder.Length + 1)..]));
        return hashes;
    }
}

/// <summary>One way to open the repository.</summary>
/// <param name="Name">e.g. <c>file-1a2b3c4d</c>.</param>
/// <param name="Kind"><c>file</c>, <c>passphrase</c> or <c>sheet</c>.</param>
/// <param name="State">whether it opens what is written now.</param>
/// <param name="OpensUpTo">the newest epoch that it opens; it opens all before.</param>
/// <param name="InUse">whether it is the one that was used now.</param>
public sealed record KeySlot(string Name, string Kind, KeySlotState State, long OpensUpTo, bool InUse);

/// <summary>Whether a slot opens what is written now.</summary>
public enum KeySlotState
{
    /// <summary>It does.</summary>
    InForce,

    /// <summary>It opens only what was written before it was revoked.</summary>
    Revoked,

    /// <summary>Its object is damaged or gone; a key file or sheet may still have a copy of it.</summary>
    Damaged,
}

/// <summary>What a rotation did.</summary>
/// <param name="Epoch">the number of the master key in force now.</param>
/// <param name="Slots">the slots that it is sealed to.</param>
/// <param name="Expelled">backups that ran, and will fail.</param>
public sealed record KeyRotation(long Epoch, IReadOnlyList<string> Slots, IReadOnlyList<PointId> Expelled);
