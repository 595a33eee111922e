using Reprise.Storage.Errors;
using SQLitePCL;

namespace Reprise.Recovery.Sqlite;

/// <summary>The SQLite library that travels with the program; loaded once, by the first use of this type.</summary>
internal static class SqliteEngine
{
    // Before 3.51.3 a second connection could reset a WAL that another one was writing (sqlite.org/wal.html).
    private const int OldestSafeVersion = 3_051_003;

    /// <summary>Its version, like <c>3.53.3</c>.</summary>
    public static string Version { get; } = Load();

    private static string Load()
    {
        Batteries_V2.Init();
        var version = raw.sqlite3_libversion().utf8_to_string();
        Invariant.Check(raw.sqlite3_libversion_number() >= OldestSafeVersion, $"SQLite {version} resets WALs wrongly");
        return version;
    }
}
