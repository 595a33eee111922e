using System.Text;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Files;

/// <summary>
/// The names of users and groups from the files of this machine. Names from directory services are not asked for: a
/// backup must not wait for a server. Owners are restored by number, as containers need it; names tell when a number
/// means somebody else.
/// </summary>
internal static class OwnerNames
{
    private const int MaxBytes = 1024 * 1024;

    /// <summary>Number and name, as <c>0=root,33=www-data,1001=</c>.</summary>
    public static string Describe(IDisk disk, string file, IEnumerable<uint> numbers)
    {
        var names = Read(disk, new DiskPath(file));
        return string.Join(',', numbers.Select(number => $"{number}={names.GetValueOrDefault(number, "")}"));
    }

    /// <summary>What <see cref="Describe"/> wrote.</summary>
    public static IEnumerable<(uint Number, string Name)> Parse(string text)
    {
        foreach (var item in text.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = item.Split('=');
            if (parts.Length == 2 && uint.TryParse(parts[0], out var number)) yield return (number, parts[1]);
        }
    }

    /// <summary>All names of a passwd or group file; none where there is no such file.</summary>
    public static Dictionary<uint, string> Read(IDisk disk, DiskPath path)
    {
        var names = new Dictionary<uint, string>();
        foreach (var line in Text(disk, path).Split('\n'))
        {
            var fields = line.Split(':');
            if (fields.Length > 2
                && uint.TryParse(fields[2], out var number)
                && !fields[0].AsSpan().ContainsAny(",=\n"))
                names.TryAdd(number, fields[0]);
        }

        return names;
    }

    private static string Text(IDisk disk, DiskPath path) =>
        Encoding.UTF8.GetString(SystemFile.Read(disk, path, MaxBytes));
}

/// <summary>Small files of the system that may or may not be there.</summary>
internal static class SystemFile
{
    /// <summary>
    /// At most the first <paramref name="maxBytes"/> bytes; none when there is no such file that we can read.
    /// </summary>
    public static byte[] Read(IDisk disk, DiskPath path, int maxBytes)
    {
        try
        {
            if (disk.Stat(path) is not { Type: FileType.Regular }) return [];
            using var file = disk.OpenRead(path);
            var bytes = new byte[(int)Math.Min(file.Stat().SizeBytes, maxBytes)];
            return bytes[..file.Read(0, bytes)];
        }
        catch (RepriseException e) when (e.Code == StorageErrors.FileDenied || e.Code == StorageErrors.FileMissing)
        {
            // A bare container has no such file, and nothing that we do depends on it.
            return [];
        }
    }
}
