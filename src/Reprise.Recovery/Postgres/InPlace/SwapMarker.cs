using System.Text.Json;
using System.Text.Json.Serialization;
using Reprise.Recovery.Assets;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres.InPlace;

/// <summary>
/// One exchange as it is written down before it begins: every move in order. How far it came is asked of the disk, which
/// knows each thing by its number.
/// </summary>
internal sealed record SwapMarker
{
    private const int MaxBytes = 1024 * 1024;

    /// <summary>The slot that becomes live, or null.</summary>
    public required string? Incoming { get; init; }

    /// <summary>The slot that what is live goes to.</summary>
    public required string Outgoing { get; init; }

    /// <summary>Whether something was live.</summary>
    public required bool HadLive { get; init; }

    public required IReadOnlyList<SwapMove> Moves { get; init; }

    /// <summary>Folders that are made for it; empty ones are taken away again when it is taken back.</summary>
    public required IReadOnlyList<SwapFolder> Made { get; init; }

    /// <summary>Folders that it empties, and that are deleted at its end.</summary>
    public required IReadOnlyList<SwapFolder> Emptied { get; init; }

    [JsonIgnore]
    public Swap Swap => new(Incoming is null ? null : SlotOf(Incoming), SlotOf(Outgoing));

    /// <summary>The one that was begun and not ended, or null.</summary>
    public static SwapMarker? Read(IDisk disk, DiskPath path)
    {
        if (disk.Stat(path) is null) return null;
        using var file = disk.OpenRead(path);
        var bytes = new byte[Math.Min(file.Stat().SizeBytes, MaxBytes)];
        var length = file.Read(0, bytes);
        try
        {
            if (JsonSerializer.Deserialize(bytes.AsSpan(0, length), SwapJson.Default.SwapMarker) is { } read) return read;
        }
        catch (JsonException)
        {
            // It was renamed to this name when it was whole: somebody changed it since.
        }

        throw new RepriseException(
            RecoveryErrors.OperationInterrupted,
            $"{path} cannot be read, so that the exchange that it belongs to can neither be finished nor be taken back",
            "bring that file back from where it was changed; it names every move in order");
    }

    /// <summary>Writes it, whole or not at all, and durably.</summary>
    public void Write(IDisk disk, DiskPath path)
    {
        var fresh = path.WithSuffix(".new");
        disk.DeleteFile(fresh);
        using (var file = disk.CreateNew(fresh))
        {
            var bytes = JsonSerializer.SerializeToUtf8Bytes(this, SwapJson.Default.SwapMarker);
            Invariant.Check(bytes.Length <= MaxBytes, "a data directory has few entries");
            file.Write(0, bytes);
            file.Sync();
        }

        disk.Rename(fresh, path);
        disk.SyncFolder(path.Parent);
    }

    private static Slot SlotOf(string text)
    {
        var dash = text.IndexOf('-', StringComparison.Ordinal);
        if (dash > 0 && PointId.TryParse(text[(dash + 1)..], out var id))
            return text[..dash] == "new" ? Slot.New(id) : Slot.Before(id);
        throw new RepriseException(RecoveryErrors.OperationInterrupted, $"'{text}' is no slot", "bring the changed file back");
    }
}

/// <summary>One move.</summary>
/// <param name="From">what is renamed; of an exchange, the live name.</param>
/// <param name="To">its new name, where nothing is; of an exchange, the other name.</param>
/// <param name="IsExchange">whether both names are there, and are exchanged.</param>
/// <param name="Device">of what arrives: at <paramref name="To"/>, or of an exchange at <paramref name="From"/>.</param>
/// <param name="Inode">its number.</param>
internal sealed record SwapMove(string From, string To, bool IsExchange, long Device, ulong Inode);

/// <summary>A folder of an exchange.</summary>
internal sealed record SwapFolder(string Path, int Mode, uint User, uint Group);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(SwapMarker))]
internal sealed partial class SwapJson : JsonSerializerContext;
