using System.Text.Json.Serialization;

namespace Reprise.Recovery.Postgres;

/// <summary>
/// What is kept of one database beside its dump: what <c>pg_restore</c> cannot give a database of another name.
/// </summary>
internal sealed record CatalogDatabase
{
    public required string Name { get; init; }

    public required string Owner { get; init; }

    public required string Encoding { get; init; }

    public required string Collate { get; init; }

    public required string Ctype { get; init; }

    /// <summary><c>c</c> libc, <c>i</c> ICU, <c>b</c> built in.</summary>
    public required string Provider { get; init; }

    public string? Locale { get; init; }

    public string? IcuRules { get; init; }

    public string? CollationVersion { get; init; }

    public int ConnectionLimit { get; init; } = -1;

    public string? Tablespace { get; init; }

    public string? Comment { get; init; }

    /// <summary>Null: the default grants.</summary>
    public IReadOnlyList<CatalogGrant>? Grants { get; init; }

    public IReadOnlyList<CatalogSetting> Settings { get; init; } = [];

    public IReadOnlyList<CatalogExtension> Extensions { get; init; } = [];

    /// <summary>Last values of sequences, at most <see cref="CatalogSql.MaxSequences"/> of them.</summary>
    public IReadOnlyDictionary<string, long> Sequences { get; init; } = new SortedDictionary<string, long>();

    public long LargeObjects { get; init; }

    public long SizeBytes { get; init; }

    /// <summary>The time zone in which a session there begins: text of times in the dump is in it.</summary>
    public string? TimeZone { get; init; }

    /// <summary>How bytes are written as text there.</summary>
    public string? ByteaOutput { get; init; }

    /// <summary>The migration it was at, or null.</summary>
    public string? Migration { get; init; }

    /// <summary>Roles that own something in the dump.</summary>
    public IReadOnlyList<string> Owners { get; init; } = [];

    /// <summary>
    /// Put before the names of its streams in the record: empty, or <c>0/</c>, <c>1/</c>, … when there are several.
    /// </summary>
    public string Prefix { get; init; } = "";

    /// <summary>Length of the dump when it is laid out as a file.</summary>
    public long DumpBytes { get; init; }
}

/// <summary>One grant on a database; the grantee is null for everybody.</summary>
internal sealed record CatalogGrant(string? Grantee, string Privilege, bool Grantable);

/// <summary>
/// One <c>ALTER DATABASE … SET</c> or <c>ALTER ROLE … IN DATABASE … SET</c>; the role is null for everybody.
/// </summary>
internal sealed record CatalogSetting(string? Role, string Name, string Value);

/// <summary>One extension.</summary>
internal sealed record CatalogExtension(string Name, string Version);

/// <summary>One role of the server.</summary>
internal sealed record CatalogRole
{
    public required string Name { get; init; }

    public bool Superuser { get; init; }

    public bool Inherit { get; init; } = true;

    public bool CreateRole { get; init; }

    public bool CreateDatabase { get; init; }

    public bool Login { get; init; }

    public bool Replication { get; init; }

    public bool BypassRls { get; init; }

    public int ConnectionLimit { get; init; } = -1;

    public string? ValidUntil { get; init; }

    public string? Comment { get; init; }

    public IReadOnlyList<CatalogSetting> Settings { get; init; } = [];

    public IReadOnlyList<CatalogMembership> MemberOf { get; init; } = [];
}

/// <summary>Membership in a role.</summary>
internal sealed record CatalogMembership(string Role, bool Admin);

/// <summary>What the snapshot says of itself.</summary>
internal sealed record CatalogSnapshot
{
    public required string Snapshot { get; init; }

    public required DateTimeOffset Now { get; init; }

    public required CatalogDatabase Database { get; init; }

    public IReadOnlyList<CatalogTable> Tables { get; init; } = [];
}

/// <summary>One table that a dump may hold rows of.</summary>
internal sealed record CatalogTable(long Oid, string Schema, string Name, bool OfExtension)
{
    /// <summary>As <c>pg_class.relkind</c> has it; null where only tables were asked for.</summary>
    public string? Kind { get; init; }
}

/// <summary>What the server says of itself.</summary>
internal sealed record CatalogServer
{
    public required string Version { get; init; }

    public required int Number { get; init; }

    public required string User { get; init; }

    public bool Superuser { get; init; }

    public bool CreateDatabase { get; init; }

    public bool CreateRole { get; init; }

    public bool SignalBackend { get; init; }

    public bool Recovery { get; init; }

    [JsonIgnore]
    public int Major => Number / 10000;
}

/// <summary>
/// The JSON of this room; the queries in <see cref="CatalogSql"/> make it, and points keep parts of it.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(CatalogSnapshot))]
[JsonSerializable(typeof(CatalogServer))]
[JsonSerializable(typeof(ServerArchiving))]
[JsonSerializable(typeof(IReadOnlyList<CatalogDatabase>))]
[JsonSerializable(typeof(IReadOnlyList<CatalogRole>))]
[JsonSerializable(typeof(IReadOnlyList<CatalogExtension>))]
[JsonSerializable(typeof(IReadOnlyList<string>))]
[JsonSerializable(typeof(IReadOnlyList<long>))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, long>))]
[JsonSerializable(typeof(IReadOnlyList<DatabaseState>))]
[JsonSerializable(typeof(IReadOnlyList<CatalogTable>))]
internal sealed partial class CatalogJson : JsonSerializerContext;

/// <summary>A database of the server, as a swap looks at it.</summary>
internal sealed record DatabaseState(
    string Name, long Oid, string Owner, bool Owned, bool Connectable, long? SizeBytes);
