namespace Reprise.Repository.Pages;

/// <summary>The bounds of page maps. Memory of a map that is read: one record and its extents, below 16 MiB.</summary>
public static class PageLimits
{
    /// <summary>The smallest page (SQLite).</summary>
    public const int MinPageBytes = 512;

    /// <summary>The largest page (SQLite).</summary>
    public const int MaxPageBytes = 64 * 1024;

    /// <summary>Stored pages lie together in chunks of this size.</summary>
    public const int RunBytes = 256 * 1024;

    /// <summary>The most extents of one file: as many as a segment of 1 GiB has pages of 8 KiB.</summary>
    public const int MaxExtents = 128 * 1024;

    /// <summary>The longest record.</summary>
    public const int MaxRecordBytes = 8 * 1024 * 1024;

    /// <summary>The longest path or target.</summary>
    public const int MaxPathBytes = 4096;

    /// <summary>The longest segment of a path.</summary>
    public const int MaxNameBytes = 255;

    /// <summary>The most streams of pages of one asset.</summary>
    public const int MaxSources = 256;

    /// <summary>The longest file that is believed.</summary>
    public const long MaxFileBytes = 1L << 50;

    /// <summary>Whether pages may have this size: a power of two between the bounds.</summary>
    public static bool IsPageSize(long bytes) =>
        bytes is >= MinPageBytes and <= MaxPageBytes && System.Numerics.BitOperations.IsPow2(bytes);
}
