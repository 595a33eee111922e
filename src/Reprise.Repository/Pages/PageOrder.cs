using Reprise.Repository.Format;
using Reprise.Storage.Disk;

namespace Reprise.Repository.Pages;

/// <summary>
/// The order of the entries of a map: each folder before what it holds, a slash sorting before every other byte. A
/// writer keeps it, a reader proves it, and so nothing that is written leaves the root.
/// </summary>
internal sealed class PageOrder
{
    private readonly List<DiskPath> folders = [];
    private DiskPath? last;

    /// <summary><c>malformed</c> unless <paramref name="entry"/> may come next.</summary>
    public void Take(PagedEntry entry)
    {
        if (last is null ? !entry.Path.IsEmpty : DiskPath.CompareInTree(last.Value, entry.Path) >= 0)
            throw ByteReader.Broken($"a page map has '{entry.Path}' after '{last}'");
        last = entry.Path;
        while (folders.Count > 0 && !(folders[^1].IsEmpty || entry.Path.IsWithin(folders[^1]))) folders.RemoveAt(folders.Count - 1);
        if (!entry.Path.IsEmpty && entry.Path.Parent != folders[^1])
            throw ByteReader.Broken($"a page map has '{entry.Path}' without the folder that holds it");
        if (entry.Type != PagedEntryType.File) folders.Add(entry.Path);
    }
}
