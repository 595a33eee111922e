namespace Reprise.Simulation.Store;

/// <summary>How an object at rest differs from what was written.</summary>
public abstract record Damage
{
    private Damage()
    {
    }

    /// <summary>It is gone.</summary>
    public sealed record Lost : Damage;

    /// <summary>Only its first bytes are left.</summary>
    public sealed record Truncated(int LengthBytes) : Damage;

    /// <summary>One byte is another one.</summary>
    public sealed record Flipped(int OffsetBytes, byte Mask) : Damage;
}

/// <summary>
/// What rests in a simulated store: the objects as they were written, and the damage laid over them. It survives every
/// crash of its clients.
/// </summary>
public sealed class StoreMedium
{
    private readonly SortedDictionary<string, byte[]> pristine = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Damage> damage = new(StringComparer.Ordinal);

    /// <summary>The names that can be seen, in order.</summary>
    public IEnumerable<string> Names => pristine.Keys.Where(name => damage.GetValueOrDefault(name) is not Damage.Lost);

    /// <summary>What can be seen under the name, or null.</summary>
    public byte[]? Find(string name)
    {
        if (!pristine.TryGetValue(name, out var bytes)) return null;
        switch (damage.GetValueOrDefault(name))
        {
            case null: return bytes;
            case Damage.Lost: return null;
            case Damage.Truncated cut: return bytes[..Math.Min(cut.LengthBytes, bytes.Length)];
            case Damage.Flipped flip:
                if (bytes.Length == 0) return bytes;
                byte[] flipped = [.. bytes];
                flipped[flip.OffsetBytes % bytes.Length] ^= flip.Mask;
                return flipped;
            case var other: throw new InvalidOperationException($"damage {other}");
        }
    }

    /// <summary>Writes an object whole; what was damaged is well again.</summary>
    public void Put(string name, byte[] content)
    {
        pristine[name] = content;
        damage.Remove(name);
    }

    /// <summary>Deletes an object.</summary>
    public void Delete(string name)
    {
        pristine.Remove(name);
        damage.Remove(name);
    }

    /// <summary>Lays damage over an object until it is written again.</summary>
    public void Harm(string name, Damage how) => damage[name] = how;

    /// <summary>Takes all damage away: the medium was repaired.</summary>
    public void Heal() => damage.Clear();
}
