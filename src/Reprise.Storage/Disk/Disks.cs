namespace Reprise.Storage.Disk;

/// <summary>Chooses the disk of this machine.</summary>
public static class Disks
{
    /// <summary>
    /// <see cref="LinuxDisk"/> on Linux, else <see cref="PortableDisk"/>, which documents what it cannot do.
    /// </summary>
    public static IDisk OfThisMachine() => OperatingSystem.IsLinux() ? new LinuxDisk() : new PortableDisk();
}
