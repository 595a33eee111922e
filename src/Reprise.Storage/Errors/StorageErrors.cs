namespace Reprise.Storage.Errors;

/// <summary>The codes that the storage layer raises.</summary>
public static class StorageErrors
{
    /// <summary>The store cannot be reached or does not exist.</summary>
    public static readonly ErrorCode StoreUnavailable =
        new("store-unavailable", ExitCodes.Unavailable, "the store does not exist or cannot be reached");

    /// <summary>The store answered that we may not.</summary>
    public static readonly ErrorCode StoreDenied =
        new("store-denied", ExitCodes.Unavailable, "the store exists, but permission was refused");

    /// <summary>The store lets two clients create the same name.</summary>
    public static readonly ErrorCode StoreNotAtomic = new(
        "store-not-atomic", ExitCodes.Refused, "the store lets two clients create the same object, so that prune needs --exclusive");

    /// <summary>The store breaks what a repository stands on.</summary>
    public static readonly ErrorCode StoreUnfit = new(
        "store-unfit", ExitCodes.CheckFailed, "a check of the store failed: it does not keep what a repository stands on");

    /// <summary>The store keeps no former versions to bring back.</summary>
    public static readonly ErrorCode StoreUnversioned = new(
        "store-unversioned", ExitCodes.Refused, "the store keeps no former versions of objects, so that none can be brought back");

    /// <summary>No room on a disk or in a bucket.</summary>
    public static readonly ErrorCode DiskFull =
        new("disk-full", ExitCodes.Unavailable, "no room is left where something had to be written");

    /// <summary>An object that should be there is not.</summary>
    public static readonly ErrorCode ObjectMissing =
        new("object-missing", ExitCodes.Damaged, "an object that is needed is not in the store");

    /// <summary>An object is shorter than the range asked for.</summary>
    public static readonly ErrorCode ObjectTruncated =
        new("object-truncated", ExitCodes.Damaged, "an object is shorter than it must be");

    /// <summary>A name exists already with other bytes.</summary>
    public static readonly ErrorCode ObjectExists =
        new("object-exists", ExitCodes.Refused, "an object of this name exists already with other content");

    /// <summary>The medium failed (EIO, a failed fsync).</summary>
    public static readonly ErrorCode MediumFailed =
        new("medium-failed", ExitCodes.Unavailable, "the disk or the network failed while reading or writing");

    /// <summary>A file or folder of the user's could not be opened for lack of permission.</summary>
    public static readonly ErrorCode FileDenied =
        new("file-denied", ExitCodes.Unavailable, "a file or folder cannot be read or written with these permissions");

    /// <summary>A file or folder that is needed does not exist.</summary>
    public static readonly ErrorCode FileMissing =
        new("file-missing", ExitCodes.Unavailable, "a file or folder that is needed does not exist");

    /// <summary>Something is already there where something new had to be made.</summary>
    public static readonly ErrorCode FileExists =
        new("file-exists", ExitCodes.Refused, "a file or folder is in the way of one that had to be made");

    /// <summary>A rename between two file systems or two mounts.</summary>
    public static readonly ErrorCode CrossesFileSystems =
        new("crosses-file-systems", ExitCodes.Refused, "a file cannot be moved in one step between two file systems");

    /// <summary>This platform or file system cannot do it.</summary>
    public static readonly ErrorCode DiskUnsupported =
        new("disk-unsupported", ExitCodes.Unavailable, "this platform or file system cannot do what was asked of it");
}
