using System.Security.Cryptography;
using System.Text;
using Reprise.Configuration;
using Reprise.Recovery.Runbooks;
using Reprise.Repository.Format;
using Reprise.Runbooks;
using Reprise.Storage;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary>
/// What lies readable beside the sealed points, for somebody who has the repository and nothing else: the runbooks, as
/// they are written, the page that says what every byte means, and a reader that needs nothing of ours. Names hold the
/// hash of the text, so that nothing is ever replaced and a medium that keeps everything keeps this too. Facts of the
/// configuration are not in it: the repository tells its keeper nothing else.
/// </summary>
internal static class Kit
{
    private const string Folder = ClearFolders.Kit;

    /// <summary>Writes what is not there yet. Null, or a warning: a point is worth as much without it.</summary>
    public static async Task<Problem?> WriteAsync(
        Machine machine, ApplicationConfiguration configuration, CancellationToken cancellationToken)
    {
        try
        {
            var store = machine.Store(configuration.Repository.Location);
            var there = new HashSet<string>(StringComparer.Ordinal);
            await foreach (var found in store.ListAsync(new ObjectPrefix(Folder), cancellationToken)) there.Add(found.Name.Value);
            foreach (var (name, bytes) in Reader())
            {
                if (!there.Contains(name.Value)) await store.PutAsync(name, bytes, PutMode.ContentNamed, cancellationToken);
            }

            Problem? unfit = null;
            var secrets = new RunSecrets(machine, configuration);
            foreach (var runbook in RunbookLibrary.Open(machine.Disk, configuration.Folder).All)
            {
                var name = NameOf(runbook);
                if (there.Contains(name)) continue;
                if (!ObjectName.IsValid(name) || secrets.Redact(runbook.Text) != runbook.Text)
                {
                    // The kit is not sealed: a secret in somebody's own text would be there for every keeper to read.
                    unfit ??= Unwritten($"{runbook.Source} holds the value of a secret, or a name that no medium keeps", runbook.Source);
                    continue;
                }

                await store.PutAsync(
                    new ObjectName(name), Encoding.UTF8.GetBytes(runbook.Text), PutMode.ContentNamed, cancellationToken);
            }

            return unfit;
        }
        catch (RepriseException e)
        {
            return Unwritten(e.Message, e.Problem.Where);
        }
        catch (OperationCanceledException)
        {
            // The point is committed; saying that the backup was interrupted would be wrong.
            return Unwritten("interrupted", null);
        }
    }

    /// <summary><c>kit/runbooks/en/database-unavailable.1-0123456789abcdef.runbook.md</c></summary>
    public static string NameOf(Runbook runbook) =>
        $"{Folder}/runbooks/{runbook.Language}/{runbook.Id}.{runbook.Version}-{runbook.Sha256[..16]}{RunbookLibrary.Ending}";

    /// <summary><c>kit/reader/v0-0123456789abcdef/format.md</c>, and the reader beside it: together, as they were released.</summary>
    public static IReadOnlyList<(ObjectName Name, byte[] Bytes)> Reader()
    {
        var parts = ClearFolders.ReaderFiles.Select(n => (Name: n, Bytes: Resource($"{Folder}/{n}"))).ToList();
        var hash = Convert.ToHexStringLower(SHA256.HashData([.. parts.SelectMany(p => p.Bytes)]))[..16];
        return [.. parts.Select(p => (new ObjectName($"{Folder}/reader/v0-{hash}/{p.Name}"), p.Bytes))];
    }

    private static byte[] Resource(string name)
    {
        using var stream = typeof(Kit).Assembly.GetManifestResourceStream(name) ?? throw new InvariantException($"{name} is not in the program");
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static Problem Unwritten(string why, string? where) => new(
        RunbookErrors.KitNotWritten,
        Severity.Warning,
        $"the point is taken, but the runbooks and the reader could not be put into the repository: {why}",
        "the next backup tries again; reprise runbook export writes runbooks elsewhere")
    {
        Where = where,
    };
}
