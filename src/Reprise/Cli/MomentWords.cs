using System.CommandLine;
using System.Globalization;
using Reprise.Storage.Errors;

namespace Reprise.Cli;

/// <summary>Which moment of a server that was captured as files; exactly one of the first five.</summary>
internal sealed record MomentOptions
{
    /// <summary>Everything that was committed then or before.</summary>
    public DateTimeOffset? Time { get; init; }

    /// <summary>A place in the WAL.</summary>
    public string? Lsn { get; init; }

    /// <summary>The end of a transaction.</summary>
    public uint? Transaction { get; init; }

    /// <summary>A restore point.</summary>
    public string? Name { get; init; }

    /// <summary>As far as the WAL goes.</summary>
    public bool Latest { get; init; }

    /// <summary>Whose WAL, where two servers went on from one past.</summary>
    public string? Lineage { get; init; }

    /// <summary>Which timeline, or null: the newest that comes from the point.</summary>
    public uint? Timeline { get; init; }
}

/// <summary>The words with which a person names a moment.</summary>
internal sealed class MomentWords
{
    private readonly Option<string?> time = CommandTree.Value(
        "--time", "TIME", "what was committed then or before: RFC 3339, 'today 14:05', 'yesterday 23:10', '2h ago'");
    private readonly Option<string?> lsn = CommandTree.Value("--lsn", "LSN", "what was written before this place in the WAL");
    private readonly Option<string?> xid = CommandTree.Value("--xid", "NUMBER", "up to the end of this transaction, and with it");
    private readonly Option<string?> name = CommandTree.Value("--name", "NAME", "up to what pg_create_restore_point made");
    private readonly Option<bool> latest = CommandTree.Flag("--latest", "as far as the WAL in the repository goes");
    private readonly Option<bool> immediate = CommandTree.Flag("--immediate", "the moment of the point itself (what is done without any of these)");
    private readonly Option<string?> lineage = CommandTree.Value("--lineage", "LINEAGE", "whose WAL, where two servers went on from one past");
    private readonly Option<string?> timeline = CommandTree.Value("--timeline", "NUMBER", "follow this timeline instead of the newest");

    /// <summary>All of them.</summary>
    public IReadOnlyList<Option> All => [time, lsn, xid, name, latest, immediate, lineage, timeline];

    /// <summary>What was given; null: the moment of the point.</summary>
    public MomentOptions? Read(ParseResult parse, CommandContext context)
    {
        var options = new MomentOptions
        {
            Time = parse.GetValue(time) is { } text ? Moment(text, context) : null,
            Lsn = parse.GetValue(lsn),
            Transaction = parse.GetValue(xid) is { } number ? Number("--xid", number) : null,
            Name = parse.GetValue(name),
            Latest = parse.GetValue(latest),
            Lineage = parse.GetValue(lineage),
            Timeline = parse.GetValue(timeline) is { } followed ? Number("--timeline", followed) : null,
        };
        bool[] given = [options.Time is not null, options.Lsn is not null, options.Transaction is not null, options.Name is not null, options.Latest, parse.GetValue(immediate)];
        var moments = given.Count(g => g);
        if (moments > 1) throw new RepriseException(
            CliErrors.OptionConflict, "several moments are named", "give one of --time, --lsn, --xid, --name, --latest and --immediate");
        if (moments == 1 && !parse.GetValue(immediate)) return options;
        if (options.Lineage is null && options.Timeline is null) return null;
        throw new RepriseException(
            CliErrors.OptionConflict, "--lineage and --timeline say which WAL is followed, and no moment behind the point is named", "add --time TIME or --latest");
    }

    private static DateTimeOffset Moment(string text, CommandContext context) =>
        MomentText.Parse(text, context.Host.Clock.GetUtcNow(), context.Host.Clock.LocalTimeZone) ?? throw new RepriseException(
            CliErrors.OptionValue,
            $"--time '{text}' is no moment, or one that this time zone has twice or not at all",
            "write 2026-11-22T14:05:00Z, 'today 14:05', 'yesterday 23:10' or '2h ago'");

    // As txid_current() gives it, with its epoch in front, or as it is in the WAL.
    private static uint Number(string option, string text) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && (uint)number > 0
            ? (uint)number
            : throw new RepriseException(CliErrors.OptionValue, $"{option} '{text}' is no such number", "give the number as PostgreSQL says it");
}
