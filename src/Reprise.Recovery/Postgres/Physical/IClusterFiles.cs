using Reprise.Repository.Pages;

namespace Reprise.Recovery.Postgres.Physical;

/// <summary>The files of a server: read on its disk, or through the server itself.</summary>
internal interface IClusterFiles
{
    /// <summary>How many blocks are read ahead.</summary>
    int BlocksInFlight { get; }

    /// <summary>Opens one; null: it is known already that it is gone.</summary>
    ValueTask<IClusterFile?> OpenAsync(ScannedEntry found, CancellationToken cancellationToken);
}

/// <summary>One of them. Blocks are asked for by one caller at a time, and several may be on their way.</summary>
internal interface IClusterFile : IDisposable
{
    /// <summary>As it goes into the map.</summary>
    PagedEntry Entry { get; }

    /// <summary>How much of it is read; what it grows by meanwhile comes out of the WAL.</summary>
    long SizeBytes { get; }

    /// <summary>Whether it was there when it was read; asked once its first block is.</summary>
    Task<bool> IsThereAsync();

    /// <summary>Where data begins at or behind <paramref name="from"/>, or null: there is no more.</summary>
    ValueTask<long?> NextDataAsync(long from, CancellationToken cancellationToken);

    /// <summary>Reads a block, and gives <paramref name="judge"/>, on one of the machine's cores, how much came.</summary>
    Task<T> ReadAsync<T>(long offset, Memory<byte> into, Func<int, T> judge, CancellationToken cancellationToken);

    /// <summary>Reads what was read before once more; returns how much came.</summary>
    Task<int> ReadAgainAsync(long offset, Memory<byte> into, CancellationToken cancellationToken);
}
