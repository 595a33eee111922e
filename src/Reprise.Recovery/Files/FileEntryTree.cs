using Reprise.Recovery.Assets;
using Reprise.Storage.Disk;

namespace Reprise.Recovery.Files;

/// <summary>Entries of a file list in the words that every room knows.</summary>
internal static class FileEntryTree
{
    /// <summary>The entry; null for what is missing in the point and only named there.</summary>
    public static TreeEntry? ToTree(this FileEntry entry) => entry.Type == FileEntryType.Missing ? null : new TreeEntry
    {
        Type = entry.Type switch
        {
            FileEntryType.Folder => FileType.Folder,
            FileEntryType.SymbolicLink => FileType.SymbolicLink,
            FileEntryType.Fifo => FileType.Fifo,
            _ => FileType.Regular,
        },
        Path = entry.Path,
        Mode = entry.Mode,
        User = entry.User,
        Group = entry.Group,
        Modified = entry.Modified,
        Attributes = entry.Attributes,
        LinkText = entry.Type == FileEntryType.SymbolicLink ? entry.Target : default,
        HardLinkTo = entry.Type == FileEntryType.HardLink ? entry.Target : default,
        SizeBytes = entry.Content?.LengthBytes ?? 0,
        Content = entry.Content,
    };
}
