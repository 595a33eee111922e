using Reprise.Repository.Format;
using Reprise.Storage.Errors;

namespace Reprise.Repository.Sealing;

/// <summary>
/// Finds the master keys from one opened slot: it starts from the epoch of the slot, which the slot itself vouches for,
/// and goes up; an epoch counts when the one before authenticates it and when it knows every master key that is known
/// already. What does not count is named, and used for nothing.
/// </summary>
internal sealed class KeyChain
{
    private readonly byte[] id;
    private readonly KeyStock stock;
    private readonly OpenSlot open;
    private readonly SortedDictionary<uint, byte[]> masters = [];
    private readonly SortedDictionary<uint, Epoch> epochs = [];
    private readonly SortedDictionary<string, Slot> slots = new(StringComparer.Ordinal);
    private readonly List<Problem> problems = [];
    private readonly HashSet<string> damaged = new(StringComparer.Ordinal);
    private readonly HashSet<string> forged = new(StringComparer.Ordinal);

    private KeyChain(byte[] id, KeyStock stock, OpenSlot open)
    {
        this.id = id;
        this.stock = stock;
        this.open = open;
    }

    /// <summary>The keys.</summary>
    public KeyRing Ring => field ??= new KeyRing(id, masters);

    /// <summary>What is wrong under <c>keys/</c>.</summary>
    public IReadOnlyList<Problem> Problems => problems;

    /// <summary>Names that cannot be read anywhere.</summary>
    public IReadOnlySet<string> Damaged => damaged;

    /// <summary>Names under which somebody without keys put something.</summary>
    public IReadOnlySet<string> Forged => forged;

    /// <summary>Every slot that can be read and is genuine.</summary>
    public IReadOnlyDictionary<string, Slot> Slots => slots;

    /// <summary>Every epoch that counts, but the first, which has no object.</summary>
    public IReadOnlyDictionary<uint, Epoch> Epochs => epochs;

    /// <summary>The slot that was opened.</summary>
    public Slot Mine => open.Slot;

    /// <summary>Something that may be a newer epoch than <see cref="KeyRing.CurrentEpoch"/>, so that nothing may be written.</summary>
    public Problem? MaybeNewer { get; private set; }

    /// <summary>The slots that open the epoch in force, with their public keys as that epoch vouches for them.</summary>
    public SortedDictionary<string, byte[]> InForce()
    {
        var current = masters.Keys.Last();
        var found = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        if (epochs.TryGetValue(current, out var epoch))
            foreach (var slot in epoch.Slots) found[slot.Name] = slot.PublicKey;
        foreach (var slot in slots.Values.Where(s => s.Since == current)) found.TryAdd(slot.Name, slot.PublicKey);
        return found;
    }

    /// <summary>
    /// Opens slot <paramref name="name"/> and follows the epochs. <c>key-invalid</c>: the slot is damaged;
    /// <c>key-wrong</c>: the secret is another one; <c>key-revoked</c>.
    /// </summary>
    public static KeyChain Open(byte[] id, KeyStock stock, string name, byte[] secret)
    {
        var chain = new KeyChain(id, stock, OpenSlot(id, stock, name, secret));
        chain.masters[chain.Mine.Since] = chain.open.Master;
        chain.ReadEpochs();
        if (!chain.masters.ContainsKey(1))
        {
            throw new RepriseException(
                RepositoryErrors.KeyInvalid,
                $"slot {name} was added in key epoch {chain.Mine.Since}, and {KeyStock.Folder}/{Epoch.Prefix}{chain.Mine.Since} is missing or damaged, "
                + "without which it opens nothing earlier",
                "use a key file that has a copy of it");
        }

        chain.ReadSlots();
        chain.CompareWithStore();
        return chain;
    }

    /// <summary>The slot as the key file or the store has it, whichever is whole; null when it is not there.</summary>
    /// <exception cref="RepriseException"><c>key-invalid</c> when no copy is whole.</exception>
    public static Slot? FindSlot(KeyStock stock, string name, Func<Slot, bool>? chosen = null)
    {
        RepriseException? broken = null;
        Slot? found = null;
        foreach (var copy in stock.Copies(name))
        {
            try
            {
                var slot = Slot.Decode(copy);
                if (slot.Name != name) throw ByteReader.Broken($"it is slot {slot.Name}");
                if (chosen is null || chosen(slot)) return slot;
                found ??= slot;
            }
            catch (RepriseException e) when (e.Code == RepositoryErrors.Malformed)
            {
                broken = e;
            }
        }

        if (found is null && broken is not null) throw DamagedSlot(name, broken);
        return found;
    }

    private static OpenSlot OpenSlot(byte[] id, KeyStock stock, string name, byte[] secret)
    {
        OpenSlot? opened = null;
        var found = FindSlot(stock, name, slot => (opened = slot.Open(secret, id)) is not null) ?? throw new RepriseException(
            RepositoryErrors.KeyInvalid, $"slot {name} is neither in the key file nor in the repository", "use another copy of the key, or the recovery sheet");
        return opened ?? throw new RepriseException(
            RepositoryErrors.KeyWrong, $"the key does not open its slot {found.Name}", "use the key of this repository, or the recovery sheet");
    }

    private void ReadEpochs()
    {
        var known = stock.Names.Where(n => n.StartsWith(Epoch.Prefix, StringComparison.Ordinal))
            .Select(n => (Name: n, Number: NumberOf(n)))
            .OrderBy(n => n.Number)
            .ToList();
        foreach (var (name, _) in known.Where(n => n.Number >= Mine.Since)) ReadEpoch(name);

        // Those before the slot was made: their master keys are known by now, and the objects only looked at.
        foreach (var (name, _) in known.Where(n => n.Number > 0 && n.Number < Mine.Since)) ReadEpoch(name);
        foreach (var (name, _) in known.Where(n => n.Number == 0)) Foreign(name);
    }

    private void ReadEpoch(string name)
    {
        Problem? wrong = null;
        foreach (var copy in stock.Copies(name))
        {
            try
            {
                var epoch = Epoch.Decode(copy);
                if (epoch.Name != name) throw ByteReader.Broken($"it is epoch {epoch.Number}");
                wrong = Take(epoch);
                if (wrong is null)
                {
                    epochs[epoch.Number] = epoch;
                    return;
                }
            }
            catch (RepriseException e) when (e.Code == RepositoryErrors.Malformed)
            {
                wrong ??= Problem(RepositoryErrors.ObjectDamaged, name, $"is damaged: {e.Message}", "use a key file that has a copy of it, then: reprise key rotate");
            }
        }

        if (wrong is null) return;
        problems.Add(wrong);
        if (wrong.Code == RepositoryErrors.KeyForged) forged.Add(name);
        else damaged.Add(name);
        if (wrong.Code != RepositoryErrors.KeyForged && NumberOf(name) > masters.Keys.Last()) MaybeNewer = wrong;
    }

    // Null: it counts, and its master keys are taken.
    private Problem? Take(Epoch epoch)
    {
        var former = masters.GetValueOrDefault(epoch.Follows);
        if (former is not null && !epoch.IsGenuine(former, id)) return ForgedProblem(epoch.Name);
        var master = masters.GetValueOrDefault(epoch.Number) ?? epoch.Open(open, id);
        if (master is null && former is not null && epoch.Slots.All(s => s.Name != Mine.Name)) throw Revoked(epoch.Number);
        if (master is null)
        {
            return Problem(
                RepositoryErrors.ObjectDamaged, epoch.Name, $"follows epoch {epoch.Follows}, which this key does not know", "use a newer copy of the key");
        }

        var history = epoch.Former(master, id);
        if (history is null
            || !history.TryGetValue(epoch.Follows, out var followed)
            || !epoch.IsGenuine(followed, id)
            || masters.Any(m => m.Key < epoch.Number && !(history.TryGetValue(m.Key, out var same) && same.AsSpan().SequenceEqual(m.Value))))
            return ForgedProblem(epoch.Name);
        foreach (var (number, key) in history) masters.TryAdd(number, key);
        masters.TryAdd(epoch.Number, master);
        return null;
    }

    private void ReadSlots()
    {
        foreach (var name in stock.Names.Where(n => !n.StartsWith(Epoch.Prefix, StringComparison.Ordinal)))
        {
            if (!SlotKinds.IsSlot(name))
            {
                Foreign(name);
                continue;
            }

            try
            {
                if (FindSlot(stock, name, IsGenuine) is { } slot && IsGenuine(slot)) slots[name] = slot;
                else forged.Add(name);
            }
            catch (RepriseException e) when (e.Code == RepositoryErrors.KeyInvalid)
            {
                damaged.Add(name);
            }
        }
    }

    private bool IsGenuine(Slot slot) => masters.TryGetValue(slot.Since, out var master) && slot.IsGenuine(master, id);

    // Whatever the key file makes up for is still wrong in the store, where every other key looks for it.
    private void CompareWithStore()
    {
        var needed = InForce().Keys.Concat(masters.Keys.Where(m => m > 1).Select(m => Epoch.Prefix + m)).ToHashSet(StringComparer.Ordinal);
        foreach (var name in stock.Names.Union(needed, StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            if (problems.Any(p => p.Where == $"{KeyStock.Folder}/{name}")) continue;
            var good = Good(name);
            if (stock.InStore(name) is not { } there)
            {
                if (needed.Contains(name) || good is not null)
                    problems.Add(Problem(Storage.Errors.StorageErrors.ObjectMissing, name, "is gone from the repository" + MadeUpFor(good), Heal));
            }
            else if (good is null || !good.AsSpan().SequenceEqual(there))
            {
                problems.Add(forged.Contains(name) || IsWhole(name, there)
                    ? ForgedProblem(name)
                    : Problem(RepositoryErrors.ObjectDamaged, name, "is damaged" + MadeUpFor(good), Heal));
            }
        }
    }

    private const string Heal = "reprise key rotate writes again what this key has a copy of; find out who changed it";

    private static string MadeUpFor(byte[]? good) => good is null ? "" : "; the key file has a copy";

    /// <summary>The bytes of an object that counts, or null.</summary>
    public byte[]? Good(string name) =>
        slots.TryGetValue(name, out var slot) ? slot.Bytes
        : NumberOf(name) is var number and > 0 && epochs.TryGetValue(number, out var epoch) ? epoch.Bytes
        : null;

    private static bool IsWhole(string name, byte[] bytes)
    {
        try
        {
            if (SlotKinds.IsSlot(name)) Slot.Decode(bytes);
            else Epoch.Decode(bytes);
            return true;
        }
        catch (RepriseException e) when (e.Code == RepositoryErrors.Malformed || e.Code == RepositoryErrors.FormatNewer)
        {
            return false;
        }
    }

    private static uint NumberOf(string name) =>
        name.StartsWith(Epoch.Prefix, StringComparison.Ordinal)
        && uint.TryParse(name.AsSpan(Epoch.Prefix.Length), System.Globalization.NumberStyles.None, null, out var number)
        && number is > 1 and <= Epoch.MaxNumber
            ? number
            : 0;

    private void Foreign(string name) => problems.Add(new Problem(
        RepositoryErrors.ObjectForeign,
        Severity.Warning,
        $"{KeyStock.Folder}/{name} is no key object, and is ignored",
        "find out who put it there, then delete it") { Where = $"{KeyStock.Folder}/{name}" });

    private static Problem ForgedProblem(string name) => Problem(
        RepositoryErrors.KeyForged,
        name,
        "was made by somebody who does not have the keys, and is ignored",
        "find out who wrote into the repository; no key was taken from it");

    private static Problem Problem(ErrorCode code, string name, string what, string hint) =>
        new(code, Severity.Error, $"{KeyStock.Folder}/{name} {what}", hint) { Where = $"{KeyStock.Folder}/{name}" };

    private RepriseException Revoked(uint epoch) => new(
        RepositoryErrors.KeyRevoked,
        $"slot {Mine.Name} was revoked: key epoch {epoch} is not sealed to it",
        "use a key that is in force; 'reprise key list' with one of those names them");

    private static RepriseException DamagedSlot(string name, RepriseException inner) => new(
        new Problem(
            RepositoryErrors.KeyInvalid,
            Severity.Error,
            $"slot {name} is damaged: {inner.Message}",
            "use another key; a key file or a recovery sheet has a copy of its own slot") { Where = $"{KeyStock.Folder}/{name}" },
        inner);
}

/// <summary>What slots are called.</summary>
internal static class SlotKinds
{
    public const string File = "file";
    public const string Passphrase = "passphrase";
    public const string Sheet = "sheet";

    /// <summary>Whether it is a name of a slot: a kind and eight hexadecimal digits.</summary>
    public static bool IsSlot(string name) =>
        Of(name) is File or Passphrase or Sheet && name.Length == Of(name).Length + 9 && Hex.IsLower(name.AsSpan()[^8..]);

    /// <summary>The kind in a name.</summary>
    public static string Of(string name) => name.Split('-')[0];
}
