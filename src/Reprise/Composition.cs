using Reprise.Cli;

namespace Reprise;

/// <summary>Puts the program together by hand: what each command does stands here, and only here.</summary>
internal static class Composition
{
    /// <summary>What the commands do. One that is not set does not exist.</summary>
    public static Operations Operations(Host host)
    {
        _ = host;
        return new Operations();
    }
}
