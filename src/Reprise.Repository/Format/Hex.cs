using System.Buffers;

namespace Reprise.Repository.Format;

/// <summary>Lower-case hexadecimal, as all our names use it.</summary>
internal static class Hex
{
    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789abcdef");

    /// <summary>Whether <paramref name="text"/> holds nothing but lower-case hexadecimal digits.</summary>
    public static bool IsLower(ReadOnlySpan<char> text) => !text.ContainsAnyExcept(Digits);
}
