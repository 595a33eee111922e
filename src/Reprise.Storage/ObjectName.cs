namespace Reprise.Storage;

/// <summary>
/// The name of an object in a store: one to four segments of <c>a-z A-Z 0-9 . _ -</c>, joined by <c>/</c>, at most
/// 200 characters, no segment starting with a dot. Every medium that we support keeps such names as they are.
/// </summary>
public readonly record struct ObjectName : IComparable<ObjectName>
{
    /// <summary>The longest name, in characters.</summary>
    public const int MaxLength = 200;

    private readonly string? value;

    /// <summary>Takes <paramref name="value"/> after checking it; a bad name is our bug.</summary>
    public ObjectName(string value)
    {
        Errors.Invariant.Check(IsValid(value), $"object name '{value}' is not valid");
        this.value = value;
    }

    /// <summary>The name as text.</summary>
    public string Value => value ?? "";

    /// <summary>The first segment; the whole name where it is the only one.</summary>
    public string Folder => Value.IndexOf('/') is var at and >= 0 ? Value[..at] : Value;

    /// <summary>Whether <paramref name="text"/> could be a name.</summary>
    public static bool IsValid(string text)
    {
        if (text.Length is 0 or > MaxLength) return false;
        var segments = 1;
        var start = true;
        foreach (var c in text)
        {
            if (c == '/')
            {
                if (start || ++segments > 4) return false;
                start = true;
                continue;
            }

            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or '-')) return false;
            if (start && c == '.') return false;
            start = false;
        }

        return !start;
    }

    /// <inheritdoc />
    public int CompareTo(ObjectName other) => string.CompareOrdinal(Value, other.Value);

    /// <inheritdoc />
    public override string ToString() => Value;

    public static bool operator <(ObjectName left, ObjectName right) => left.CompareTo(right) < 0;

    public static bool operator >(ObjectName left, ObjectName right) => left.CompareTo(right) > 0;

    public static bool operator <=(ObjectName left, ObjectName right) => left.CompareTo(right) <= 0;

    public static bool operator >=(ObjectName left, ObjectName right) => left.CompareTo(right) >= 0;
}

/// <summary>A folder of names: <c>packs</c> means every object whose name starts with <c>packs/</c>; empty means all.</summary>
/// <param name="Folder">without the closing slash.</param>
public readonly record struct ObjectPrefix(string Folder)
{
    /// <summary>Every object of the store.</summary>
    public static ObjectPrefix All => new("");

    /// <summary>Whether <paramref name="name"/> lies under this prefix.</summary>
    public bool Contains(ObjectName name) =>
        Folder.Length == 0
        || (name.Value.Length > Folder.Length
            && name.Value[Folder.Length] == '/'
            && name.Value.StartsWith(Folder, StringComparison.Ordinal));

    /// <inheritdoc />
    public override string ToString() => Folder.Length == 0 ? "*" : Folder + "/*";
}

/// <summary>What a listing or a stat says of an object. Meaning is never kept in metadata: only name and size are used.</summary>
/// <param name="Name">its name.</param>
/// <param name="SizeBytes">its length in bytes.</param>
public readonly record struct ObjectInfo(ObjectName Name, long SizeBytes);

/// <summary>A part of an object.</summary>
/// <param name="OffsetBytes">where it starts.</param>
/// <param name="LengthBytes">its length, at most <see cref="StoreLimits.MaxObjectBytes"/>.</param>
public readonly record struct ByteRange(long OffsetBytes, int LengthBytes)
{
    /// <summary>Whether a store may be asked for it.</summary>
    public bool IsValid => OffsetBytes >= 0 && LengthBytes is >= 0 and <= StoreLimits.MaxObjectBytes;
}
