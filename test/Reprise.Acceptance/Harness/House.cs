using System.Runtime.CompilerServices;
using System.Runtime.Versioning;

// The published program is a Linux one, and so are the programs that judge it.
[assembly: SupportedOSPlatform("linux")]

namespace Reprise.Acceptance.Harness;

/// <summary>Where things lie in the clone that the tests were built from.</summary>
public static class House
{
    /// <summary>The root of the clone.</summary>
    public static string Root { get; } = Find();

    /// <summary>Whether this is CI, where nothing that is missing may be skipped.</summary>
    public static bool IsCi => Environment.GetEnvironmentVariable("CI") == "true";

    private static string Find([CallerFilePath] string thisFile = "")
    {
        for (var folder = Path.GetDirectoryName(thisFile); folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "Reprise.slnx"))) return folder;
        }

        throw new InvalidOperationException($"no Reprise.slnx above {thisFile}");
    }
}
