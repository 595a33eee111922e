using Reprise.Cli;
using Reprise.Configuration;
using Reprise.Recovery.Exporting;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary>Reads of a recovered configuration where it expects repository and key to be.</summary>
internal sealed class ConfigurationPlaces(Host host)
{
    /// <summary>Null when the configuration cannot be read here: variables that a bare host lacks are common.</summary>
    public ConfiguredPlaces? Of(string text, string folder)
    {
        var file = Path.Combine(folder, ConfigurationFile.UsualName);
        try
        {
            var variables = ConfigurationFile.ReadVariables(host.Disk, file, file, host.Environment);
            var repository = ConfigurationParser.Parse(text, file, file, variables).Repository;
            return new ConfiguredPlaces(repository.Location.ToString() ?? "", repository.KeyFile);
        }
        catch (RepriseException e) when (e.Code.Exit == ExitCodes.Usage)
        {
            return null;
        }
    }
}
