using System.Globalization;

namespace Reprise.Peers;

/// <summary>One version of an object; without content it is a deletion.</summary>
/// <param name="Id">never used twice.</param>
/// <param name="Content">null: a delete marker.</param>
/// <param name="Modified">by the server's clock.</param>
public sealed record PeerVersion(string Id, byte[]? Content, DateTimeOffset Modified)
{
    /// <summary>Until when nobody can remove this version; null: anybody can.</summary>
    public DateTimeOffset? RetainUntil { get; set; }

    /// <summary>GOVERNANCE or COMPLIANCE, when it is retained.</summary>
    public string Mode { get; set; } = "";
}

/// <summary>
/// What the peer keeps: objects, and once it is told to, every version of them, some of which nobody can remove before a
/// day. Nothing here is locked; whoever calls it holds <see cref="Gate"/>.
/// </summary>
public sealed class PeerBucket
{
    private readonly SortedDictionary<string, List<PeerVersion>> history = new(StringComparer.Ordinal);
    private int versions;

    /// <summary>Held while the bucket is looked at or changed.</summary>
    public Lock Gate { get; } = new();

    /// <summary>What every key holds now.</summary>
    public SortedDictionary<string, byte[]> Objects { get; } = new(StringComparer.Ordinal);

    /// <summary>Whether former versions are kept.</summary>
    public bool Versioned { get; set; }

    /// <summary>Whether versions can be locked; that needs <see cref="Versioned"/>.</summary>
    public bool Locks { get; set; }

    /// <summary>The server's clock.</summary>
    public Func<DateTimeOffset> Now { get; set; } = () => DateTimeOffset.UtcNow;

    /// <summary>The versions of a key, oldest first.</summary>
    public IReadOnlyList<PeerVersion> VersionsOf(string key) => history.GetValueOrDefault(key, []);

    /// <summary>Every key that has versions.</summary>
    public IReadOnlyCollection<string> VersionedKeys => history.Keys;

    /// <summary>Puts an object, as whoever may put does; returns its version.</summary>
    public PeerVersion Put(string key, byte[] content)
    {
        Objects[key] = content;
        return Append(key, content);
    }

    /// <summary>Deletes an object, as whoever may delete does: with versions, a marker covers them.</summary>
    public void Delete(string key)
    {
        Objects.Remove(key);
        if (Versioned) Append(key, null);
    }

    /// <summary>Removes a version; false when it is locked, which nobody can change.</summary>
    public bool Remove(string key, string version)
    {
        if (!history.TryGetValue(key, out var all) || all.FirstOrDefault(v => v.Id == version) is not { } found) return true;
        if (found.RetainUntil > Now()) return false;
        all.Remove(found);
        if (all.Count == 0) history.Remove(key);
        if (all.Count > 0 && all[^1].Content is { } current) Objects[key] = current;
        else Objects.Remove(key);
        return true;
    }

    /// <summary>Locks a version; false when that would shorten a lock.</summary>
    public static bool Retain(PeerVersion version, string mode, string until)
    {
        var day = DateTimeOffset.Parse(until, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
        if (version.RetainUntil > day) return false;
        (version.RetainUntil, version.Mode) = (day, mode);
        return true;
    }

    private PeerVersion Append(string key, byte[]? content)
    {
        var version = new PeerVersion(Versioned ? $"v{++versions:D6}" : "null", content, Now());
        if (!Versioned) return version;
        if (!history.TryGetValue(key, out var all)) history[key] = all = [];
        all.Add(version);
        return version;
    }
}
