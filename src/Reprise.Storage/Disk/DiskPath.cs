using System.Text;

namespace Reprise.Storage.Disk;

/// <summary>
/// An absolute path or a relative one, kept as the bytes that the kernel knows: Linux allows every byte but NUL and
/// slash in a name, and a backup must not lose a file because its name is not text. On Windows the bytes are UTF-8.
/// </summary>
public readonly struct DiskPath : IEquatable<DiskPath>, IComparable<DiskPath>
{
    private readonly byte[]? bytes;

    /// <summary>Takes a copy of <paramref name="bytes"/>, separators being <c>/</c>.</summary>
    public DiskPath(ReadOnlySpan<byte> bytes)
    {
        Errors.Invariant.Check(!bytes.Contains((byte)0), "a path cannot contain a NUL byte");
        this.bytes = bytes.ToArray();
    }

    /// <summary>Takes <paramref name="text"/> as UTF-8; on Windows, backslashes become slashes.</summary>
    public DiskPath(string text)
        : this(Encoding.UTF8.GetBytes(OperatingSystem.IsWindows() ? text.Replace('\\', '/') : text))
    {
    }

    /// <summary>The bytes, without a closing NUL.</summary>
    public ReadOnlySpan<byte> Bytes => bytes;

    /// <summary>Whether there is nothing in it.</summary>
    public bool IsEmpty => bytes is null or { Length: 0 };

    /// <summary>Whether it starts at the root.</summary>
    public bool IsAbsolute =>
        bytes is { Length: > 0 } b && (b[0] == '/' || (OperatingSystem.IsWindows() && b.Length > 1 && b[1] == ':'));

    /// <summary>The last segment.</summary>
    public DiskPath Name => new(Bytes[(Bytes.LastIndexOf((byte)'/') + 1)..]);

    /// <summary>The folder that holds it; the root for one at the root; empty for a lone name.</summary>
    public DiskPath Parent => Bytes.LastIndexOf((byte)'/') switch
    {
        < 0 => default,
        0 => new("/"u8),
        var slash => new(Bytes[..slash]),
    };

    /// <summary>Appends a relative path.</summary>
    public static DiskPath operator /(DiskPath folder, DiskPath name)
    {
        if (folder.IsEmpty) return name;
        if (name.IsEmpty) return folder;
        var closed = folder.Bytes[^1] == (byte)'/';
        var joined = new byte[folder.Bytes.Length + (closed ? 0 : 1) + name.Bytes.Length];
        folder.Bytes.CopyTo(joined);
        if (!closed) joined[folder.Bytes.Length] = (byte)'/';
        name.Bytes.CopyTo(joined.AsSpan(joined.Length - name.Bytes.Length));
        return new DiskPath(joined);
    }

    /// <summary>Appends a relative path given as text.</summary>
    public static DiskPath operator /(DiskPath folder, string name) => folder / new DiskPath(name);

    /// <summary>The same path with <paramref name="suffix"/> after its last segment.</summary>
    public DiskPath WithSuffix(string suffix) => new([.. Bytes, .. Encoding.UTF8.GetBytes(suffix)]);

    /// <summary>Whether this is <paramref name="folder"/> or lies below it.</summary>
    public bool IsWithin(DiskPath folder) =>
        Bytes.StartsWith(folder.Bytes)
        && (Bytes.Length == folder.Bytes.Length || folder.Bytes[^1] == '/' || Bytes[folder.Bytes.Length] == '/');

    /// <summary>The order of a tree: a slash sorts before every other byte, so that a folder is followed by what it holds.</summary>
    public static int CompareInTree(DiskPath one, DiskPath other)
    {
        var common = one.Bytes.CommonPrefixLength(other.Bytes);
        if (common == one.Bytes.Length || common == other.Bytes.Length)
            return one.Bytes.Length.CompareTo(other.Bytes.Length);
        var (first, second) = (one.Bytes[common], other.Bytes[common]);
        return (first == '/' ? 0 : first).CompareTo(second == '/' ? 0 : second);
    }

    /// <summary>
    /// The path as text for people and for libraries that want text; bytes that are not UTF-8 become <c>\xNN</c>.
    /// </summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        var rest = Bytes;
        while (!rest.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(rest, out var rune, out var consumed) == System.Buffers.OperationStatus.Done
                && !Rune.IsControl(rune))
            {
                text.Append(rune.ToString());
                rest = rest[consumed..];
            }
            else
            {
                text.Append("\\x").Append(rest[0].ToString("x2", null));
                rest = rest[1..];
            }
        }

        return text.ToString();
    }

    /// <inheritdoc />
    public int CompareTo(DiskPath other) => Bytes.SequenceCompareTo(other.Bytes);

    /// <inheritdoc />
    public bool Equals(DiskPath other) => Bytes.SequenceEqual(other.Bytes);

    /// <inheritdoc />
    public override bool Equals(object? obj) => obj is DiskPath other && Equals(other);

    /// <inheritdoc />
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(Bytes);
        return hash.ToHashCode();
    }

    public static bool operator ==(DiskPath left, DiskPath right) => left.Equals(right);

    public static bool operator !=(DiskPath left, DiskPath right) => !left.Equals(right);

    public static bool operator <(DiskPath left, DiskPath right) => left.CompareTo(right) < 0;

    public static bool operator >(DiskPath left, DiskPath right) => left.CompareTo(right) > 0;

    public static bool operator <=(DiskPath left, DiskPath right) => left.CompareTo(right) <= 0;

    public static bool operator >=(DiskPath left, DiskPath right) => left.CompareTo(right) >= 0;
}
