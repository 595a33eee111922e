using System.Text.Json;
using Reprise.Storage.Disk;

namespace Reprise.Recovery.Checks;

/// <summary>Asks whether two assets fit together: no row points to a file that is not there.</summary>
internal sealed class SetAsker(CheckTools tools, DataAsker data)
{
    private const int Named = 3;

    public async Task<CheckAnswer> AskAsync(CheckDefinition.Set check, CancellationToken cancellationToken)
    {
        var expected = $"every path that {check.Asset} names is a file of {check.Files}";
        if (!tools.Folders.TryGetValue(check.Files, out var folder))
        {
            return CheckAnswer.CouldNotVerify(
                expected, $"{check.Files} is not a set of files", RecoveryErrors.AssetUnknown.Name);
        }

        // A form that PostgreSQL and SQLite both take: one text, whatever the number of rows.
        var array = data.IsSqlite(check.Asset)
            ? "select json_group_array(path) from named where path is not null"
            : "select coalesce(pg_catalog.json_agg(path), '[]'::json)::text from named where path is not null";
        var query = check.Query.Trim().TrimEnd(';');
        var (text, problem) = await data.TryAskAsync(
            check.Asset, $"with named(path) as ({query}) {array}", cancellationToken);
        if (problem is not null) return problem with { Expected = expected };
        return await tools.Cpu.RunAsync(() => Judge(check, expected, new DiskPath(folder), text ?? "[]"), cancellationToken);
    }

    private CheckAnswer Judge(CheckDefinition.Set check, string expected, DiskPath folder, string text)
    {
        using var document = JsonDocument.Parse(text);
        var paths = document.RootElement.EnumerateArray().Select(e => e.ToString()).ToList();
        if (paths.Count == 0)
            return CheckAnswer.CouldNotVerify(expected, "no row names a file, so that nothing was compared", "set-empty");
        var root = new DiskPath(Path.GetFullPath(check.Root, folder.ToString()));
        var wrong = new List<string>();
        foreach (var path in paths)
        {
            var full = new DiskPath(Path.GetFullPath(path.TrimStart('/'), root.ToString()));
            if (!full.IsWithin(folder)) wrong.Add($"{path} leaves {check.Files}");
            else if (tools.Disk.Stat(full) is not { Type: FileType.Regular or FileType.SymbolicLink })
                wrong.Add($"{path} is not there");
        }

        if (wrong.Count == 0) return CheckAnswer.Pass(expected, $"{paths.Count:N0} of {paths.Count:N0}");
        var more = wrong.Count > Named ? $" and {wrong.Count - Named:N0} more" : "";
        return CheckAnswer.Fail(expected, string.Join(", ", wrong.Take(Named)) + more, "file-missing");
    }
}
