using System.Buffers.Binary;
using System.Security.Cryptography;
using Reprise.Storage.Runtime;

namespace Reprise.Repository.Pages;

/// <summary>What is remembered of one stored page.</summary>
/// <param name="Hash">a keyed hash of its bytes: equal pages of one repository have equal ones.</param>
/// <param name="Crc32C">of its bytes.</param>
public readonly record struct PageMark(ulong Hash, uint Crc32C)
{
    /// <summary>Length of an encoded mark.</summary>
    public const int EncodedBytes = 12;

    internal void Write(Span<byte> to)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(to, Hash);
        BinaryPrimitives.WriteUInt32LittleEndian(to[sizeof(ulong)..], Crc32C);
    }

    internal static PageMark Read(ReadOnlySpan<byte> from) => new(
        BinaryPrimitives.ReadUInt64LittleEndian(from), BinaryPrimitives.ReadUInt32LittleEndian(from[sizeof(ulong)..]));
}

/// <summary>
/// Marks pages. The hash is the first half of a GMAC (AES-256-GCM over nothing, the page as associated data) under one
/// nonce: three times as fast as HMAC. Nonces may repeat only because its output never leaves the seal. Used by one
/// thread at a time.
/// </summary>
public sealed class PageHasher : IDisposable
{
    private const int TagBytes = 16;
    private const int NonceBytes = 12;
    private readonly AesGcm cipher;
    private readonly int pageBytes;
    private readonly PageMark zero;

    internal PageHasher(ReadOnlySpan<byte> key, int pageBytes)
    {
        cipher = new AesGcm(key, TagBytes);
        this.pageBytes = pageBytes;
        zero = Mark(new byte[pageBytes]);
    }

    /// <summary>The mark of one page; the last one of a file may be shorter.</summary>
    public PageMark Mark(ReadOnlySpan<byte> page)
    {
        Span<byte> nonce = stackalloc byte[NonceBytes];
        Span<byte> tag = stackalloc byte[TagBytes];
        nonce.Clear();
        cipher.Encrypt(nonce, [], [], tag, page);
        return new PageMark(BinaryPrimitives.ReadUInt64LittleEndian(tag), Crc32C.Of(page));
    }

    /// <summary>Marks all pages of <paramref name="bytes"/>, which begin at a page and stay the caller's.</summary>
    public PageBlock Block(ReadOnlyMemory<byte> bytes)
    {
        var count = (bytes.Length + pageBytes - 1) / pageBytes;
        var marks = new PageMark[count];
        var zeros = new bool[count];
        for (var page = 0; page < count; page++)
        {
            var at = page * pageBytes;
            var span = bytes.Span.Slice(at, Math.Min(pageBytes, bytes.Length - at));
            zeros[page] = span.Length == pageBytes && !span.ContainsAnyExcept((byte)0);
            marks[page] = zeros[page] ? zero : Mark(span);
        }

        return new PageBlock(bytes, marks, zeros);
    }

    /// <inheritdoc />
    public void Dispose() => cipher.Dispose();
}

/// <summary>Marked pages that follow each other in a file.</summary>
/// <param name="Bytes">of all of them.</param>
/// <param name="Marks">one a page.</param>
/// <param name="IsZero">which pages are whole and nothing but zeros.</param>
public sealed record PageBlock(ReadOnlyMemory<byte> Bytes, PageMark[] Marks, bool[] IsZero);
