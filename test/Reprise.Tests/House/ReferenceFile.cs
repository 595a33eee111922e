namespace Reprise.Tests.House;

/// <summary>
/// A page of docs/reference that is generated from the code. The tests compare it; <c>./dev docs</c> runs the same
/// tests with REPRISE_WRITE_DOCS=1, which writes it.
/// </summary>
internal static class ReferenceFile
{
    /// <summary>The committed page must be <paramref name="generated"/>, to the byte.</summary>
    public static void MustBe(string path, string generated)
    {
        var file = Path.Combine(Clone.Root, path);
        if (Environment.GetEnvironmentVariable("REPRISE_WRITE_DOCS") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!); // a path below the root has a parent
            File.WriteAllText(file, generated);
        }

        var committed = File.Exists(file) ? File.ReadAllText(file) : "";
        Assert.True(committed == generated, $"{path} is not what the code says; ./dev docs rewrites it");
    }
}
