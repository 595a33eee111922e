using System.CommandLine;
using Reprise.Json;

namespace Reprise.Cli;

/// <summary>What <c>wal push</c> was asked.</summary>
/// <param name="File">the path, as PostgreSQL puts it for %p.</param>
internal sealed record WalPushOptions(string File);

/// <summary>What <c>wal get</c> was asked.</summary>
/// <param name="Name">of the file, as PostgreSQL puts it for %f.</param>
/// <param name="Target">where it shall stand, as PostgreSQL puts it for %p.</param>
/// <param name="Lineage">whose, or null: there is only one that can be meant.</param>
internal sealed record WalGetOptions(string Name, string Target, string? Lineage);

/// <summary>What <c>wal adopt</c> was asked.</summary>
/// <param name="DataFolder">the data directory, or null: the folder in which it runs.</param>
internal sealed record WalAdoptOptions(string? DataFolder);

/// <summary><c>reprise wal push</c>, <c>reprise wal get</c>, <c>reprise wal adopt</c></summary>
internal static class WalCommand
{
    /// <summary>
    /// What <c>wal get</c> ends with whenever it neither fetched the file nor knows that there is none: PostgreSQL takes
    /// every code up to 125 for the end of the archive, and promotes.
    /// </summary>
    public const int RecoveryMustNotGoOn = 255;

    /// <summary>What it ends with when a listing shows that there is no later WAL of the timeline.</summary>
    public const int NoLater = 1;

    /// <summary>The word of <see cref="WalGetJson.Answer"/> for a file that was written.</summary>
    public const string Fetched = "fetched";

    /// <summary>The word for the end of the archive.</summary>
    public const string End = "end";

    /// <summary>Whether a command line, understood or not, asks for a file of a recovery.</summary>
    public static bool IsGet(IReadOnlyList<string> arguments)
    {
        var wal = -1;
        for (var i = 0; i < arguments.Count; i++)
        {
            if (wal >= 0 && arguments[i] == "get") return true;
            if (wal < 0 && arguments[i] == "wal") wal = i;
        }

        return false;
    }

    /// <summary>Adds the commands when they can do something.</summary>
    public static void AddTo(CommandTree tree, Operations operations)
    {
        if (operations.Wal is not { } wal) return;
        var command = new Command("wal", "the write-ahead log of PostgreSQL, into the repository and out of it");
        tree.Add(tree.Root, command, null, "reprise wal push pg_wal/000000010000000000000001");
        AddPush(tree, command, wal);
        AddGet(tree, command, wal);
        AddAdopt(tree, command, wal);
    }

    private static void AddPush(CommandTree tree, Command parent, WalOperationSet wal)
    {
        var file = CommandTree.Needed("FILE", "the file, as PostgreSQL puts it for %p");
        tree.Add(
            parent,
            new Command("push", "archive_command = 'reprise wal push %p --config FILE': ends with 0 only when the file is durable") { file },
            CommandTree.Call(
                Documents.WalPush, wal.Push, (parse, _) => new WalPushOptions(parse.GetValue(file) ?? ""), RenderPush),
            "reprise wal push pg_wal/000000010000000000000001");
    }

    private static void AddGet(CommandTree tree, Command parent, WalOperationSet wal)
    {
        var name = CommandTree.Needed("NAME", "the name of the file, as PostgreSQL puts it for %f");
        var target = CommandTree.Needed("TARGET", "where it shall stand, as PostgreSQL puts it for %p");
        var lineage = CommandTree.Value("--lineage", "LINEAGE", "whose WAL, where two servers went on from one past");
        tree.Add(
            parent,
            new Command("get", "restore_command = 'reprise wal get %f %p --config FILE': 0 fetched, 1 there is no later one, else 255")
            {
                name, target, lineage,
            },
            (parse, run) => GetAsync(
                run,
                parse,
                context => wal.Get(
                    new WalGetOptions(parse.GetValue(name) ?? "", parse.GetValue(target) ?? "", parse.GetValue(lineage)), context)),
            "reprise wal get 000000010000000000000001 pg_wal/RECOVERYXLOG");
    }

    private static void AddAdopt(CommandTree tree, Command parent, WalOperationSet wal)
    {
        var folder = CommandTree.Value("--data", "FOLDER", "the data directory (the folder in which the command runs)");
        tree.Add(
            parent,
            new Command("adopt", "makes this server the one that archives, where another one has claimed its timeline") { folder },
            CommandTree.Call(
                Documents.WalAdopt, wal.Adopt, (parse, _) => new WalAdoptOptions(parse.GetValue(folder)), RenderAdopt),
            "reprise wal adopt --data /var/lib/postgresql/17/main");
    }

    // Only an answer of the operation may be 0 or 1; whatever else happened, and our own bugs, are 255.
    private static async Task<int> GetAsync(
        CommandRun run, ParseResult parse, Func<CommandContext, Task<CommandReport<WalGetJson>>> call)
    {
        string? answer = null;
        var exit = await run.ExecuteAsync(
            Documents.WalGet,
            parse,
            async context =>
            {
                var report = await call(context);
                answer = report.Result?.Answer;
                return report;
            },
            RenderGet);
        return (exit, answer) switch
        {
            (0, Fetched) => 0,
            (0, End) => NoLater,
            _ => RecoveryMustNotGoOn,
        };
    }

    // PostgreSQL puts what is printed into its log, once a segment: only a person at a terminal wants to read it.
    private static void RenderPush(WalPushJson result, Output output, CommandContext context)
    {
        if (!context.Host.Terminal.OutIsTerminal) return;
        output.Line($"{result.File}: {result.Stored switch { "new" => "stored", "same" => "was there already", _ => "stored again" }}");
    }

    private static void RenderGet(WalGetJson result, Output output, CommandContext context)
    {
        if (!context.Host.Terminal.OutIsTerminal) return;
        output.Line(result.Answer == Fetched ? $"{result.File} fetched" : $"there is no WAL from {result.File} on");
    }

    private static void RenderAdopt(WalAdoptJson result, Output output, CommandContext context)
    {
        output.Paragraph(result.Adopted
            ? $"this server archives as lineage {result.Lineage} now; up to {result.ForkedAt} of timeline {result.ForkedOn} its past is that of {result.Parent}"
            : $"this server archives timeline {result.Timeline} as lineage {result.Lineage} already; nothing was changed");
        if (result.Adopted) output.Line("next: reprise backup");
    }
}
