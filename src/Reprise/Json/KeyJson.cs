namespace Reprise.Json;

/// <summary><c>reprise/key-list/v1</c>.</summary>
internal sealed record KeyListJson
{
    /// <summary>The slots.</summary>
    public required IReadOnlyList<KeyJson> Keys { get; init; }

    /// <summary>The epoch whose master key seals what is written now.</summary>
    public required long Epoch { get; init; }

    /// <summary>Objects under <c>keys/</c> that the key file has no copy of.</summary>
    public required IReadOnlyList<string> KeyFileLacks { get; init; }

    /// <summary>Whether the recovery sheet was confirmed to lie elsewhere.</summary>
    public required bool SheetConfirmed { get; init; }
}

/// <summary>One key slot.</summary>
internal sealed record KeyJson
{
    /// <summary>Its name.</summary>
    public required string Id { get; init; }

    /// <summary><c>file</c>, <c>passphrase</c> or <c>sheet</c>.</summary>
    public required string Kind { get; init; }

    /// <summary><c>active</c>, <c>revoked</c> or <c>damaged</c>.</summary>
    public required string State { get; init; }

    /// <summary>The newest epoch that it opens, with all before; 0: nobody can tell.</summary>
    public required long OpensUpTo { get; init; }

    /// <summary>Whether the key of this command is this one.</summary>
    public required bool InUse { get; init; }
}

/// <summary><c>reprise/key-add/v1</c>, <c>reprise/key-rotate/v1</c> and <c>reprise/key-revoke/v1</c>.</summary>
internal sealed record KeyChangeJson
{
    /// <summary>The slots now.</summary>
    public required IReadOnlyList<KeyJson> Keys { get; init; }

    /// <summary>The epoch whose master key seals what is written now.</summary>
    public required long Epoch { get; init; }

    /// <summary>Whether that epoch is new.</summary>
    public bool Rotated { get; init; }

    /// <summary>The new slot, or null.</summary>
    public required string? Added { get; init; }

    /// <summary>The slot that was revoked, or null.</summary>
    public required string? Revoked { get; init; }

    /// <summary>Where the new key file or sheet is, or null.</summary>
    public required string? Path { get; init; }

    /// <summary>The key file that was brought up to date, or null.</summary>
    public required string? KeyFile { get; init; }

    /// <summary>Backups that ran and will fail.</summary>
    public required IReadOnlyList<string> Expelled { get; init; }
}
