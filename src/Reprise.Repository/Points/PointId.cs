using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Reprise.Storage;

namespace Reprise.Repository.Points;

/// <summary>
/// The identifier of a recovery point, and of everything else that is named by when it was made (restores, drills):
/// <c>20261122T031502Z-7f3a</c>, the UTC second and its fraction in four hexadecimal digits.
/// </summary>
[JsonConverter(typeof(PointIdConverter))]
public readonly record struct PointId : IComparable<PointId>
{
    /// <summary>Length of every identifier, in characters.</summary>
    public const int Length = 21;

    internal const string Folder = "points";
    internal const string SessionsFolder = "sessions";

    private const string TimeFormat = "yyyyMMdd'T'HHmmss'Z'";
    private readonly string? value;

    private PointId(string value) => this.value = value;

    /// <summary>The identifier as text.</summary>
    public string Value => value ?? "";

    /// <summary>The second in the identifier; a name, not a proof of when it was made.</summary>
    public DateTimeOffset Time => DateTimeOffset.ParseExact(
        Value[..16], TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

    /// <summary>
    /// The identifier for <paramref name="time"/>: the four digits are the fraction of the second, in 65,536ths, so that
    /// identifiers of one clock sort by time. Whoever creates an object with it does so conditionally, and takes
    /// <see cref="Next"/> when the name is taken.
    /// </summary>
    public static PointId At(DateTimeOffset time)
    {
        var fraction = time.UtcTicks % TimeSpan.TicksPerSecond * 65536 / TimeSpan.TicksPerSecond;
        return new PointId(
            time.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture)
            + "-" + fraction.ToString("x4", CultureInfo.InvariantCulture));
    }

    /// <summary>The next identifier after this one.</summary>
    public PointId Next()
    {
        var fraction = int.Parse(Value.AsSpan(17), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return At(Time.AddTicks(((fraction + 1) * TimeSpan.TicksPerSecond / 65536) + 1));
    }

    /// <summary>Reads a whole identifier; false when <paramref name="text"/> is not one.</summary>
    public static bool TryParse(string text, out PointId id)
    {
        id = new PointId(text);
        return text.Length == Length
            && text[16] == '-'
            && Format.Hex.IsLower(text.AsSpan(17))
            && DateTimeOffset.TryParseExact(
                text[..16], TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out _);
    }

    /// <summary>The identifier that an object in <paramref name="folder"/> is named by, or null when it is named otherwise.</summary>
    internal static PointId? FromName(string folder, ObjectName name) =>
        new ObjectPrefix(folder).Contains(name) && TryParse(name.Value[(folder.Length + 1)..], out var id) ? id : null;

    /// <inheritdoc />
    public int CompareTo(PointId other) => string.CompareOrdinal(Value, other.Value);

    /// <inheritdoc />
    public override string ToString() => Value;

    public static bool operator <(PointId left, PointId right) => left.CompareTo(right) < 0;

    public static bool operator >(PointId left, PointId right) => left.CompareTo(right) > 0;

    public static bool operator <=(PointId left, PointId right) => left.CompareTo(right) <= 0;

    public static bool operator >=(PointId left, PointId right) => left.CompareTo(right) >= 0;
}

/// <summary>Writes and reads a <see cref="PointId"/> as its text; public because generated code of other projects calls it.</summary>
public sealed class PointIdConverter : JsonConverter<PointId>
{
    public override PointId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        PointId.TryParse(reader.GetString() ?? "", out var id) ? id : throw new JsonException("not a point identifier");

    public override void Write(Utf8JsonWriter writer, PointId value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.Value);
}
