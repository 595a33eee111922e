using Reprise.Storage.Errors;

namespace Reprise.Repository.Checking;

/// <summary>
/// One of the parts that a repository is read in by turns. The name of a pack, which is a hash, says which part it lies in,
/// for as long as it exists: whoever has read every part once has read every pack that was there before.
/// </summary>
public readonly record struct SamplePart
{
    /// <summary>How many parts there are.</summary>
    public const int Count = 8;

    /// <summary>Takes a number from 0 to <see cref="Count"/> - 1.</summary>
    public SamplePart(int number)
    {
        Invariant.Check(number is >= 0 and < Count, $"part {number} of {Count}");
        Number = number;
    }

    /// <summary>Which one, from 0.</summary>
    public int Number { get; }

    /// <summary>The part that comes after this one, the first after the last.</summary>
    public SamplePart Next => new((Number + 1) % Count);

    /// <summary>The part of a day, for whoever cannot remember what was read.</summary>
    public static SamplePart Of(DateTimeOffset day) => new(DateOnly.FromDateTime(day.UtcDateTime).DayNumber % Count);

    internal bool Holds(string pack) => Convert.ToInt32(pack[..2], 16) % Count == Number;
}
