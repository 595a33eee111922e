namespace Reprise.Acceptance.Harness;

/// <summary>
/// A folder of its own, deleted at the end whatever happened; short, because socket paths end at 107 bytes.
/// </summary>
public sealed class TemporaryFolder : IDisposable
{
    /// <summary>Makes the folder.</summary>
    public TemporaryFolder()
    {
        Root = Directory.CreateTempSubdirectory("ra-").FullName;
    }

    /// <summary>Its absolute path.</summary>
    public string Root { get; }

    /// <summary>The path of something in it.</summary>
    public string this[string name] => Path.Combine(Root, name);

    /// <summary>Makes a folder in it and returns its path.</summary>
    public string Folder(string name) => Directory.CreateDirectory(this[name]).FullName;

    /// <summary>Writes a file in it and returns its path; missing folders are made.</summary>
    public string File(string name, string content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(this[name])!); // a path below Root always has a parent
        System.IO.File.WriteAllText(this[name], content);
        return this[name];
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (Directory.Exists(Root)) Directory.Delete(Root, recursive: true);
    }
}
