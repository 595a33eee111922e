namespace Reprise.Recovery.Assets;

/// <summary>One secret now, compared with a point by keyed fingerprint. Never holds a value.</summary>
/// <param name="Name">the name of the reference.</param>
/// <param name="State">how it compares.</param>
/// <param name="Message">
/// a sentence for people: <c>secret JWT_SECRET differs from point 2026…: tokens issued before it will be refused</c>.
/// </param>
/// <param name="MustMatch">whether a restore is refused unless it is the same.</param>
public sealed record SecretOutcome(string Name, SecretState State, string Message, bool MustMatch)
{
    /// <summary>Whether it is as it was at the point, or the point does not know it.</summary>
    public bool IsHarmless => State is SecretState.Same or SecretState.New;
}

/// <summary>How a secret compares with the one of a point.</summary>
public enum SecretState
{
    /// <summary>The one that was in force.</summary>
    Same,

    /// <summary>Another one.</summary>
    Differs,

    /// <summary>It cannot be found now.</summary>
    Missing,

    /// <summary>The point does not know it.</summary>
    New,
}
