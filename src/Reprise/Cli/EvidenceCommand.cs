using System.CommandLine;
using Reprise.Json;
using Reprise.Storage.Errors;

namespace Reprise.Cli;

/// <summary>Which evidence is looked at.</summary>
internal sealed record EvidenceOptions
{
    /// <summary>Absolute path of a folder that holds a copy, or null: this host and the repository.</summary>
    public string? From { get; init; }

    /// <summary>Only the copy of this host; the repository is not opened.</summary>
    public bool Offline { get; init; }

    /// <summary>Absolute path of the public key that counts, or null: the ones that are remembered.</summary>
    public string? Key { get; init; }

    /// <summary>A key that is trusted from now on, or null.</summary>
    public string? AcceptKey { get; init; }
}

/// <summary>One piece of evidence.</summary>
internal sealed record EvidenceShowOptions
{
    /// <summary>Which one, as it was typed.</summary>
    public required string Name { get; init; }

    /// <summary>Where it is looked for.</summary>
    public required EvidenceOptions Where { get; init; }

    /// <summary>Absolute path for the page, or null: none is written.</summary>
    public string? Report { get; init; }

    /// <summary>The language of the page.</summary>
    public required Language Language { get; init; }
}

/// <summary><c>reprise evidence list|show|verify</c></summary>
internal static class EvidenceCommand
{
    /// <summary>Adds the commands that can do something.</summary>
    public static void AddTo(CommandTree tree, Operations operations)
    {
        if (operations.EvidenceList is not { } list
            || operations.EvidenceShow is not { } show
            || operations.EvidenceVerify is not { } verify) return;
        var command = new Command("evidence", "what drills saw, signed and chained");
        tree.Add(tree.Root, command, null, "reprise evidence verify");
        AddList(tree, command, list);
        AddShow(tree, command, show);
        AddVerify(tree, command, verify);
    }

    private static Option<string?> FromOption() =>
        CommandTree.Value("--from", "FOLDER", "a copy of the evidence in a folder; needs neither configuration nor repository");

    private static Option<bool> OfflineOption() =>
        CommandTree.Flag("--offline", "only the copy of this host; the repository is not opened");

    private static void AddList(CommandTree tree, Command parent, Operation<EvidenceOptions, EvidenceListJson> list)
    {
        var (from, offline) = (FromOption(), OfflineOption());
        tree.Add(parent, new Command("list", "every drill and note, and whether it is intact") { from, offline }, CommandTree.Call(
            Documents.EvidenceList,
            list,
            (parse, context) => Where(parse, context, from, offline),
            RenderList), "reprise evidence list");
    }

    private static void AddShow(CommandTree tree, Command parent, Operation<EvidenceShowOptions, EvidenceShowJson> show)
    {
        var (from, offline) = (FromOption(), OfflineOption());
        var name = CommandTree.Needed("EVIDENCE", "its number, the id of the drill or note or its beginning, or latest");
        var report = CommandTree.Value("--report", "FILE", "writes the report of the drill as one HTML page");
        var language = CommandTree.Value("--language", "en|fr", "of the report; that of the environment without it");
        var command = new Command("show", "one drill or note, and its report") { name, report, language, from, offline };
        tree.Add(parent, command, CommandTree.Call(
            Documents.EvidenceShow,
            show,
            (parse, context) => new EvidenceShowOptions
            {
                Name = parse.GetRequiredValue(name)!, // The parser demands it.
                Where = Where(parse, context, from, offline),
                Report = parse.GetValue(report) is { } file ? context.FullPath(file) : null,
                Language = LanguageOf(parse, language, context),
            },
            RenderShow), "reprise evidence show latest --report drill.html");
    }

    private static void AddVerify(CommandTree tree, Command parent, Operation<EvidenceOptions, EvidenceVerifyJson> verify)
    {
        var (from, offline) = (FromOption(), OfflineOption());
        var key = CommandTree.Value("--key", "FILE", "the public key that counts, instead of those that this host remembers");
        var accept = CommandTree.Value("--accept-key", "KEY", "trusts a key from now on: at least 16 digits of its identifier");
        var command = new Command("verify", "proves that no evidence was changed, removed, replayed or signed again")
        {
            from, offline, key, accept,
        };
        tree.Add(parent, command, CommandTree.Call(
            Documents.EvidenceVerify,
            verify,
            (parse, context) => Where(parse, context, from, offline) with
            {
                Key = parse.GetValue(key) is { } file ? context.FullPath(file) : null,
                AcceptKey = parse.GetValue(accept),
            },
            RenderVerify), "reprise evidence verify --from /media/audit/evidence --key shop.pub");
    }

    /// <summary>The language that was asked for, else that of the environment.</summary>
    internal static Language LanguageOf(ParseResult parse, Option<string?> option, CommandContext context) =>
        parse.GetValue(option) is null
            ? Calendar.LanguageOf(context.Host.Environment)
            : CommandTree.Word(parse, option, "en", "en", "fr") == "fr" ? Language.French : Language.English;

    private static EvidenceOptions Where(
        ParseResult parse, CommandContext context, Option<string?> from, Option<bool> offline)
    {
        var folder = parse.GetValue(from) is { } path ? context.FullPath(path) : null;
        var isOffline = parse.GetValue(offline);
        return folder is not null && isOffline
            ? throw new RepriseException(
                CliErrors.OptionConflict, "--from and --offline exclude each other", "--from opens no repository anyway")
            : new EvidenceOptions { From = folder, Offline = isOffline };
    }

    private static void RenderList(EvidenceListJson result, Output output, CommandContext context)
    {
        if (result.Evidence.Count == 0)
        {
            output.Line("there is no evidence yet");
            output.Line("next: reprise drill");
            return;
        }

        output.Table(
            [.. result.Evidence.Select(e => (string[])
            [
                e.Defect is null ? "ok" : "BAD",
                Amounts.Count(e.Sequence),
                e.Recorded is { } time ? context.Calendar.Short(time) : "?",
                What(e),
            ])],
            [.. result.Evidence.Select(e => e.Defect is null ? Tone.Good : Tone.Bad)],
            0);
    }

    private static void RenderShow(EvidenceShowJson result, Output output, CommandContext context)
    {
        var evidence = result.Evidence;
        output.Line($"evidence {Amounts.Count(evidence.Sequence)}: {What(evidence)}");
        var rows = new List<string[]>
        {
            new[] { "intact", evidence.Defect ?? "yes" },
            new[] { "signed", evidence.Recorded is { } time ? context.Calendar.Both(time) : "?" },
            new[] { "key", evidence.KeyId ?? "?" },
            new[] { "SHA-256", evidence.Sha256 },
            new[] { "before it", evidence.Previous ?? "nothing" },
        };
        output.Table(rows);
        if (result.Report is { } report) output.Paragraph($"the report is in {report}");
        else if (evidence.Kind == "drill") output.Line($"next: reprise evidence show {evidence.Sequence} --report drill.html");
    }

    private static void RenderVerify(EvidenceVerifyJson result, Output output, CommandContext context)
    {
        foreach (var place in result.Places)
        {
            var isGood = place.Verdict == "pass";
            var count = Amounts.Count(place.Pieces, "piece");
            output.Paragraph(place.Pieces == 0 && isGood
                ? $"{place.Where}: nothing is there, and nothing is known to be missing"
                : $"{place.Where}: " + output.Paint(
                    isGood ? $"{count}, unchanged, in a row, by a trusted key" : $"{count}, and not all of it is genuine",
                    isGood ? Tone.Good : Tone.Bad), 2);
            foreach (var key in place.TrustedKeys)
            {
                output.Paragraph(
                    place.KeyTakenOnTrust ? $"  key {key}, taken on trust: compare it with the host that drills" : $"  key {key}", 4);
            }

            if (isGood && place.Pieces > 0 && !place.NewestKnown)
                output.Paragraph("  whether it ends with the newest is not known here", 4);
        }

        output.Paragraph(
            "this proves that nothing was changed since; not that a drill took place: root on the drilling host could have signed a false one", 2);
    }

    private static string What(EvidenceJson evidence) => evidence switch
    {
        { Kind: "drill" } => $"drill {evidence.Drill}, {Output.WordOf(evidence.Verdict ?? "?")}, level {evidence.Level}",
        { Kind: "note", Closes: not null } => $"note {evidence.Note} on drill {evidence.Drill}: closes {evidence.Closes}",
        { Kind: "note" } => $"note {evidence.Note} on drill {evidence.Drill}: {evidence.Gap}",
        _ => evidence.Defect ?? "?",
    };
}
