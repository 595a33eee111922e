using System.Security.Cryptography;
using Reprise.Recovery.Assets;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Checks;

/// <summary>Asks the data itself: databases through their rooms, files through the disk.</summary>
internal sealed class DataAsker(CheckTools tools)
{
    private const int BlockBytes = 256 * 1024;
    private const int MaxNamed = 3;

    public async Task<CheckAnswer> AskAsync(
        string asset, string query, Expectation? expect, CancellationToken cancellationToken)
    {
        var expectation = expect ?? Expectation.Anything;
        var (answer, problem) = await TryAskAsync(asset, query, cancellationToken);
        return problem is null
            ? CheckAnswer.Judge(expectation, answer)
            : problem with { Expected = expectation.ToString() };
    }

    /// <summary>The answer, or why there is none.</summary>
    public async Task<(string? Answer, CheckAnswer? Problem)> TryAskAsync(
        string asset, string query, CancellationToken cancellationToken)
    {
        if (!tools.Sql.TryGetValue(asset, out var questions))
        {
            return (null, CheckAnswer.CouldNotVerify(
                "", $"{asset} is not a database that can be asked", RecoveryErrors.AssetUnknown.Name));
        }

        using var late = new CancellationTokenSource(CheckRunner.QuestionLimit, tools.Clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, late.Token);
        try
        {
            return (await questions.AskAsync(asset, query, both.Token), null);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return (null, CheckAnswer.CouldNotVerify(
                "", $"no answer within {CheckRunner.QuestionLimit.TotalSeconds:0} s", "too-slow"));
        }
        catch (RepriseException e)
        {
            return (null, CheckAnswer.CouldNotVerify("", e.Problem));
        }
    }

    /// <summary>Whether the asset is a SQLite file.</summary>
    public bool IsSqlite(string asset) => tools.Sql.GetValueOrDefault(asset) is SqliteQuestions;

    public async Task<CheckAnswer> AskAsync(
        CheckDefinition.Rows check, CheckSubject subject, CancellationToken cancellationToken)
    {
        if (!subject.Point.TryGetValue(check.Asset, out var record)) return NoPoint(check.Asset);
        var expected = $"the rows of point {subject.Name}, {check.Tolerance}";
        var state = await InspectAsync(check.Asset, cancellationToken);
        if (Unreadable(expected, state) is { } unreadable) return unreadable;
        if (state.RowsAreEstimates)
            return CheckAnswer.CouldNotVerify(
                expected, "the rows could not be counted within the bound", "rows-not-counted");
        var off = record.Rows.Keys.Union(state.Rows.Keys, StringComparer.Ordinal)
            .Select(table => (Table: table, Was: Count(record.Rows, table), Is: Count(state.Rows, table)))
            .Where(t => !check.Tolerance.Allows(t.Was, t.Is))
            .ToList();
        var counted = $"{state.Rows.Values.Sum():N0} rows in {state.Rows.Count} tables";
        if (off.Count == 0) return CheckAnswer.Pass(expected, counted);
        var named = string.Join(", ", off.Take(MaxNamed).Select(t => $"{t.Table} {t.Is:N0} instead of {t.Was:N0}"));
        var more = off.Count > MaxNamed ? $" and {off.Count - MaxNamed} more tables" : "";
        return CheckAnswer.Fail(expected, named + more, "another-answer");
    }

    public async Task<CheckAnswer> AskAsync(
        CheckDefinition.Migration check, CheckSubject subject, CancellationToken cancellationToken)
    {
        var then = subject.Point.GetValueOrDefault(check.Asset)?.Migration;
        if (then is null && check.Head is null) return NoPoint(check.Asset);
        var expected = then is null ? $"the head of {check.Tool}" : $"{then} as in point {subject.Name}";
        var state = await InspectAsync(check.Asset, cancellationToken);
        if (Unreadable(expected, state) is { } unreadable) return unreadable;
        var prefix = check.Tool + ":";
        if (state.Migration is not { } now || !now.StartsWith(prefix, StringComparison.Ordinal))
        {
            return CheckAnswer.Fail(expected, state.Migration ?? $"no revision of {check.Tool}", "another-answer");
        }

        if (then is not null && then != now) return CheckAnswer.Fail(expected, now, "another-answer");
        if (check.Head is null) return CheckAnswer.Pass(expected, now);
        var run = await tools.Children.RunAsync(
            tools.Entered(check.Head with { Within = CheckRunner.QuestionLimit }), cancellationToken);
        if (run.Exit != 0)
        {
            return CheckAnswer.CouldNotVerify(
                expected,
                $"{check.Head.Program} ended with {run.Exit}: {run.LastError}",
                RecoveryErrors.ChildFailed.Name);
        }

        var heads = Heads(run.Output);
        expected = $"the head of the code, {prefix}{string.Join(',', heads)}";
        return heads.SetEquals(now[prefix.Length..].Split(','))
            ? CheckAnswer.Pass(expected, now)
            : CheckAnswer.Fail(expected, now, "another-answer");
    }

    public Task<CheckAnswer> AskAsync(CheckDefinition.File check, CancellationToken cancellationToken) =>
        tools.Cpu.RunAsync(() => Look(check, cancellationToken), cancellationToken);

    private static CheckAnswer NoPoint(string asset) =>
        CheckAnswer.NotApplicable($"no point describes {asset} as it should be here");

    private static long Count(IReadOnlyDictionary<string, long> rows, string table) => rows.GetValueOrDefault(table);

    private static CheckAnswer? Unreadable(string expected, TargetState state) => state.Presence switch
    {
        Presence.Readable => null,
        Presence.Absent => CheckAnswer.Fail(expected, $"{state.Where} is not there", "absent"),
        _ => CheckAnswer.CouldNotVerify(
            expected,
            state.Unreadable?.Message ?? $"{state.Where} cannot be read",
            state.Unreadable?.Code.Name ?? "unreadable"),
    };

    // Tools print one head a line, the revision first: "3f2a (head)".
    private static HashSet<string> Heads(string output) => output
        .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        .Select(line => line.Split(' ', '\t')[0])
        .ToHashSet(StringComparer.Ordinal);

    private Task<TargetState> InspectAsync(string name, CancellationToken cancellationToken) =>
        tools.Assets.FirstOrDefault(a => a.Name == name)?.InspectAsync(cancellationToken)
        ?? throw new RepriseException(
            RecoveryErrors.AssetUnknown,
            $"there is no asset {name}",
            "correct the check, or add the asset to the configuration");

    private CheckAnswer Look(CheckDefinition.File check, CancellationToken cancellationToken)
    {
        var expected = check.Sha256 is null ? "it is there" : $"SHA-256 {check.Sha256}";
        var path = new DiskPath(check.Path);
        if (tools.Disk.Stat(path) is null) return CheckAnswer.Fail(expected, $"{path} is not there", "absent");
        if (check.Sha256 is null) return CheckAnswer.Pass(expected, "it is");
        using var file = tools.Disk.OpenRead(path);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[BlockBytes];
        var offset = 0L;
        for (int got; (got = file.Read(offset, buffer)) > 0; offset += got)
        {
            cancellationToken.ThrowIfCancellationRequested();
            hash.AppendData(buffer, 0, got);
        }

        var actual = Convert.ToHexStringLower(hash.GetHashAndReset());
        return string.Equals(actual, check.Sha256, StringComparison.OrdinalIgnoreCase)
            ? CheckAnswer.Pass(expected, actual)
            : CheckAnswer.Fail(expected, actual, "another-answer");
    }
}
