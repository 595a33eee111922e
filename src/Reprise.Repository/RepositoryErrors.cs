using Reprise.Storage.Errors;

namespace Reprise.Repository;

/// <summary>The codes that the repository layer raises.</summary>
public static class RepositoryErrors
{
    /// <summary>There is no repository at the location.</summary>
    public static readonly ErrorCode RepositoryMissing =
        new("repository-missing", ExitCodes.Unavailable, "the location holds no repository");

    /// <summary>There is one already.</summary>
    public static readonly ErrorCode RepositoryExists =
        new("repository-exists", ExitCodes.Refused, "the location holds a repository already");

    /// <summary>The key file does not exist or cannot be read.</summary>
    public static readonly ErrorCode KeyMissing =
        new("key-missing", ExitCodes.Unavailable, "the key file does not exist or cannot be read");

    /// <summary>The key file is not one.</summary>
    public static readonly ErrorCode KeyInvalid =
        new("key-invalid", ExitCodes.Unavailable, "the key file is incomplete or was altered");

    /// <summary>The key is of another repository or was never one of this one.</summary>
    public static readonly ErrorCode KeyWrong =
        new("key-wrong", ExitCodes.Unavailable, "the key does not open this repository");

    /// <summary>The key was one of this repository.</summary>
    public static readonly ErrorCode KeyRevoked =
        new("key-revoked", ExitCodes.Unavailable, "the key was revoked: the repository has a newer master key that is not sealed to it");

    /// <summary>Somebody without the keys in force wrote something.</summary>
    public static readonly ErrorCode KeyForged =
        new("key-forged", ExitCodes.Damaged, "an object was made by somebody who does not have the keys in force");

    /// <summary>Which objects are from before a rotation cannot be told.</summary>
    public static readonly ErrorCode KeyUnproven =
        new("key-unproven", ExitCodes.Damaged, "whether objects from before the last rotation are genuine cannot be told");

    /// <summary>The keys changed meanwhile.</summary>
    public static readonly ErrorCode KeyChanged =
        new("key-changed", ExitCodes.Unavailable, "somebody else changed the keys at the same time");

    /// <summary>No slot of this name.</summary>
    public static readonly ErrorCode KeyUnknown =
        new("key-unknown", ExitCodes.Usage, "no key slot in force has this name");

    /// <summary>It would lock everybody out.</summary>
    public static readonly ErrorCode KeyLast =
        new("key-last", ExitCodes.Refused, "the last key of a repository cannot be revoked");

    /// <summary>An object was written by a newer version.</summary>
    public static readonly ErrorCode FormatNewer =
        new("format-newer", ExitCodes.Unavailable, "an object was written by a newer Reprise");

    /// <summary>An object is not what it must be.</summary>
    public static readonly ErrorCode ObjectDamaged =
        new("object-damaged", ExitCodes.Damaged, "an object was altered, truncated, or swapped with another one");

    /// <summary>A stored structure breaks its own rules.</summary>
    public static readonly ErrorCode Malformed =
        new("malformed", ExitCodes.Damaged, "a stored structure breaks the rules of the format");

    /// <summary>The bytes that came out have another hash than those that went in.</summary>
    public static readonly ErrorCode ContentDamaged =
        new("content-damaged", ExitCodes.Damaged, "content does not have the length or the hash that its point says");

    /// <summary>A point that others name is not there.</summary>
    public static readonly ErrorCode PointMissing =
        new("point-missing", ExitCodes.Damaged, "a point that a later point names was deleted, or the repository was rolled back");

    /// <summary>A point is not the one that others saw under this name.</summary>
    public static readonly ErrorCode PointForged =
        new("point-forged", ExitCodes.Damaged, "a point is not the one that a later point saw under this name");

    /// <summary>No point of this name.</summary>
    public static readonly ErrorCode PointUnknown =
        new("point-unknown", ExitCodes.Usage, "no point has this name, or several do");

    /// <summary>There is no point that the request could mean.</summary>
    public static readonly ErrorCode NoPoint =
        new("no-point", ExitCodes.Unavailable, "the repository holds no complete point");

    /// <summary>A signature is missing.</summary>
    public static readonly ErrorCode SignatureMissing =
        new("signature-missing", ExitCodes.Damaged, "a point is not signed although signing was in force when it was taken");

    /// <summary>A signature is wrong.</summary>
    public static readonly ErrorCode SignatureWrong =
        new("signature-wrong", ExitCodes.Damaged, "the signature of a point does not belong to its manifest");

    /// <summary>A signature cannot be checked.</summary>
    public static readonly ErrorCode SignatureNotVerifiable =
        new("signature-not-verifiable", ExitCodes.Damaged, "a point is signed, but BACKUP_METADATA_HMAC_KEY is not set");

    /// <summary>A prune gave this writer up.</summary>
    public static readonly ErrorCode SessionExpelled =
        new("session-expelled", ExitCodes.Unavailable, "a prune took this backup for dead; nothing was committed");

    /// <summary>A pack that points need is bad, and its content is stored again.</summary>
    public static readonly ErrorCode PackStoredAgain =
        new("pack-stored-again", ExitCodes.Damaged, "a pack that points need is missing or damaged; the backup stored again what the sources still have");

    /// <summary>Something in the repository is not ours.</summary>
    public static readonly ErrorCode ObjectForeign =
        new("object-foreign", ExitCodes.Damaged, "an object stands among the points and is none; it is ignored");

    /// <summary>A prune deletes nothing as long as something is wrong with the points.</summary>
    public static readonly ErrorCode PruneHeld =
        new("prune-held", ExitCodes.Refused, "nothing was pruned, because something has to be looked at first");

    /// <summary>What was compressed does not decompress to what it was.</summary>
    public static readonly ErrorCode MemoryUnsound =
        new("memory-unsound", ExitCodes.Unavailable, "data changed in memory while it was prepared; the machine may be faulty");

    /// <summary>Other WAL stands at the same place.</summary>
    public static readonly ErrorCode WalConflict =
        new("wal-conflict", ExitCodes.Refused, "the repository holds other WAL for the same place of the same timeline");

    /// <summary>Somebody else archives this timeline.</summary>
    public static readonly ErrorCode WalClaimed =
        new("wal-claimed", ExitCodes.Refused, "another machine or data directory archives this timeline already");

    /// <summary>WAL between two stretches is not there.</summary>
    public static readonly ErrorCode WalGap =
        new("wal-gap", ExitCodes.Damaged, "WAL that is needed is not in the repository, though later WAL of the timeline is");

    /// <summary>A damaged range was replaced by the same range from its source.</summary>
    public static readonly ErrorCode WalStoredAgain =
        new("wal-stored-again", ExitCodes.Damaged, "a range of WAL in the repository was damaged, and was stored again from its source");
}
