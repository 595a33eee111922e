using Reprise.Json;

namespace Reprise.Cli;

/// <summary>Points as text.</summary>
internal static class PointText
{
    /// <summary>The assets of a point, one a line.</summary>
    public static void Assets(PointJson point, Output output)
    {
        var rows = point.Assets.Select(a => (string[])
        [
            a.Name,
            a.Kind,
            a.State == "complete" ? a.Method : $"{a.Method}, {a.State}",
            Content(a),
        ]).ToList();
        output.Table(rows, [.. point.Assets.Select(a => a.State == "complete" ? Tone.Plain : Output.ToneOf(a.State))]);
    }

    /// <summary><c>41,202 rows in 12 tables, 1.1 GiB</c></summary>
    public static string Content(AssetJson asset)
    {
        var total = asset.Rows.Values.Sum();
        var amount = asset.Kind switch
        {
            "postgres" or "sqlite" when asset.Rows.Count > 0 =>
                $"{Amounts.Count(total, "row")} in {Amounts.Count(asset.Rows.Count, "table")}, ",
            "files" when asset.Rows.Count > 0 => $"{Amounts.Count(total, "entry", "entries")}, ",
            "secrets" when asset.Rows.Count > 0 => $"{Amounts.Count(total, "name")}, ",
            _ => "",
        };
        var migration = asset.Migration is null ? "" : $", {asset.Migration}";
        return asset.Kind == "secrets"
            ? amount.TrimEnd(',', ' ')
            : $"{amount}{Amounts.Bytes(asset.SourceBytes)}{migration}";
    }
}
