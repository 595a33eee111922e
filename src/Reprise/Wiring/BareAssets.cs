using Reprise.Recovery.Assets;
using Reprise.Recovery.Files;
using Reprise.Recovery.Postgres;
using Reprise.Recovery.Sqlite;
using Reprise.Repository.Points;

namespace Reprise.Wiring;

/// <summary>Assets that only write what a point holds into a folder: nothing live is known of them.</summary>
internal sealed class BareAssets(Machine machine)
{
    /// <summary>Who writes this record, or null when nobody has to (secrets).</summary>
    public IRestorable? For(AssetRecord record) => record.Kind switch
    {
        AssetKinds.Files => new FilesAsset(
            record.Name,
            new FilesSettings { Root = machine.TemporaryFolder, Include = ["**"] },
            machine.Disk,
            machine.Cpu,
            machine.Clock),
        AssetKinds.Sqlite => new SqliteAsset(
            record.Name,
            new SqliteSettings { Path = Path.Combine(machine.TemporaryFolder, "reprise.db") },
            machine.Disk,
            machine.Cpu,
            machine.Clock),
        AssetKinds.Postgres => new PostgresAsset(
            record.Name, new PostgresSettings { ConnectionText = "dbname=unused" }, AssetFactory.PostgresHost(machine)),
        _ => null,
    };
}
