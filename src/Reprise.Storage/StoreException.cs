using Reprise.Storage.Errors;

namespace Reprise.Storage;

/// <summary>
/// Why a store call failed: a closed set. <see cref="Retry"/> says that the same call may succeed later,
/// <see cref="MayHaveTakenEffect"/> that the caller must look before believing that nothing happened.
/// </summary>
public abstract record StoreFault(ErrorCode Code, bool Retry, bool MayHaveTakenEffect)
{
    /// <summary>The object does not exist. Do not retry.</summary>
    public sealed record NotFound() : StoreFault(StorageErrors.ObjectMissing, false, false);

    /// <summary>The object is shorter than the range. Do not retry.</summary>
    public sealed record Truncated() : StoreFault(StorageErrors.ObjectTruncated, false, false);

    /// <summary>The name is taken. Do not retry.</summary>
    public sealed record AlreadyExists() : StoreFault(StorageErrors.ObjectExists, false, false);

    /// <summary>No room is left. Do not retry.</summary>
    public sealed record OutOfSpace() : StoreFault(StorageErrors.DiskFull, false, false);

    /// <summary>Permission was refused. Do not retry.</summary>
    public sealed record Denied() : StoreFault(StorageErrors.StoreDenied, false, false);

    /// <summary>The store does not exist or cannot be reached. Retry; nothing happened.</summary>
    public sealed record Unreachable() : StoreFault(StorageErrors.StoreUnavailable, true, false);

    /// <summary>The store asks for patience. Retry; nothing happened.</summary>
    public sealed record Throttled() : StoreFault(StorageErrors.StoreUnavailable, true, false);

    /// <summary>The medium failed or the answer was lost. Retry; it may have taken effect.</summary>
    public sealed record Failed() : StoreFault(StorageErrors.MediumFailed, true, true);
}

/// <summary>A failed store call: which object, which fault, what to do next.</summary>
public sealed class StoreException : RepriseException
{
    /// <summary>Raises <paramref name="fault"/> for <paramref name="name"/>.</summary>
    public StoreException(StoreFault fault, ObjectName? name, string message, string hint, Exception? inner = null)
        : base(new Problem(fault.Code, Severity.Error, message, hint) { Where = name?.Value }, inner)
    {
        Fault = fault;
        Name = name;
    }

    /// <summary>The message without what differs each time, such as the number of a request: equal failures have equal ones.</summary>
    public string Sentence { get => field ?? Message; init; }

    /// <summary>What happened.</summary>
    public StoreFault Fault { get; }

    /// <summary>The object concerned, or null when it was the store as a whole.</summary>
    public ObjectName? Name { get; }
}
