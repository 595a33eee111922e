using System.Security.Cryptography;
using System.Text;
using Reprise.Recovery.Assets;

namespace Reprise.Recovery.Postgres;

/// <summary>
/// The names of databases set beside the live one: <c>shop__new_ID</c> and <c>shop__before_ID</c>. PostgreSQL keeps 63
/// bytes of a name: a longer one is cut in front, and eight digits of its hash keep two such databases apart.
/// </summary>
internal static class SlotNames
{
    private const int MaxBytes = 63;
    private const int HashDigits = 8;

    public static string Of(string database, Slot slot)
    {
        var suffix = (slot.Kind == SlotKind.New ? "__new_" : "__before_") + slot.Id.Value;
        var room = MaxBytes - suffix.Length;
        var bytes = Encoding.UTF8.GetBytes(database);
        if (bytes.Length <= room) return database + suffix;
        var end = room - HashDigits - 1;
        while (end > 0 && (bytes[end] & 0xC0) == 0x80) end--;
        var hash = Convert.ToHexStringLower(SHA256.HashData(bytes))[..HashDigits];
        return $"{Encoding.UTF8.GetString(bytes, 0, end)}~{hash}{suffix}";
    }
}

/// <summary>One database of a restore: what the point says of it, and the name that it has or gets.</summary>
/// <param name="Facts">as captured.</param>
/// <param name="Live">the name under which it lives.</param>
internal sealed record RestoreDatabase(CatalogDatabase Facts, string Live)
{
    public string Staged(RestoreItem item) => SlotNames.Of(Live, Slot.New(item.RestoreId));

    /// <summary>Rows of this database in a record, by table.</summary>
    public IEnumerable<(string Key, long Rows)> RowsOf(RestoreItem item)
    {
        var prefix = Facts.Prefix.Length == 0 ? "" : TableName.Part(Facts.Name) + "/";
        return item.Record.Rows
            .Where(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal))
            .Select(pair => (pair.Key[prefix.Length..], pair.Value));
    }
}
