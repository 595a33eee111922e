using Reprise.Storage.Disk;

namespace Reprise.Tests.Simulation;

/// <summary>What is wrong with how a disk is used, or with the disk.</summary>
public enum DiskDefect
{
    /// <summary>The folder of a new name is never synced.</summary>
    FoldersAreNotSynced,

    /// <summary>The bytes of a new file are never synced.</summary>
    FilesAreNotSynced,

    /// <summary>A file is published by copying it under its final name.</summary>
    PublishesByCopy,

    /// <summary>A failed sync is repeated until it succeeds.</summary>
    SyncsAgain,

    /// <summary>Nothing of the whole file system is synced.</summary>
    FileSystemIsNotSynced,
}

/// <summary>A disk with one planted defect.</summary>
internal sealed class PlantedDisk(IDisk inner, DiskDefect defect) : PassingDisk(inner)
{
    public override void SyncFolder(DiskPath folder)
    {
        if (defect != DiskDefect.FoldersAreNotSynced) base.SyncFolder(folder);
    }

    public override void SyncFileSystem(DiskPath path)
    {
        if (defect != DiskDefect.FileSystemIsNotSynced) base.SyncFileSystem(path);
    }

    public override IDiskFile CreateNew(DiskPath path) => new PlantedFile(base.CreateNew(path), defect);

    public override bool RenameNew(DiskPath from, DiskPath to)
    {
        if (defect != DiskDefect.PublishesByCopy) return base.RenameNew(from, to);
        if (Stat(to) is not null) return false;
        using (var source = OpenRead(from))
        using (var target = Inner.CreateNew(to))
        {
            var bytes = new byte[source.Stat().SizeBytes];
            source.Read(0, bytes);
            target.Write(0, bytes);
            target.Sync();
        }

        DeleteFile(from);
        return true;
    }

    private sealed class PlantedFile(IDiskFile inner, DiskDefect defect) : PassingFile(inner)
    {
        public override void Sync()
        {
            if (defect == DiskDefect.FilesAreNotSynced) return;
            try
            {
                base.Sync();
            }
            catch (Reprise.Storage.Errors.RepriseException) when (defect == DiskDefect.SyncsAgain)
            {
                base.Sync();
            }
        }
    }
}
