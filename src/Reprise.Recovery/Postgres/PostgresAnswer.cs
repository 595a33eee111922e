using Reprise.Recovery.Assets;

namespace Reprise.Recovery.Postgres;

/// <summary>What one question about one recovered database came to.</summary>
/// <param name="Outcome">how it went.</param>
/// <param name="Expected">what the point says.</param>
/// <param name="Actual">what the server says.</param>
/// <param name="Reason">why it did not pass, kebab-case; said of nothing that passed.</param>
internal sealed record PostgresAnswer(Outcome Outcome, string? Expected, string? Actual, string? Reason = null)
{
    /// <summary>The answer as a check of the asset; the database is named where the asset has several.</summary>
    public CheckOutcome As(
        string question, CheckLevel level, RestoreItem item, RestoreDatabase database, TimeSpan elapsed, bool required = true) => new()
    {
        Name = database.Facts.Prefix.Length == 0
            ? $"{item.Record.Name}-{question}"
            : $"{item.Record.Name}-{database.Live}-{question}",
        Level = level,
        Outcome = Outcome,
        Expected = Expected,
        Actual = Actual,
        Elapsed = elapsed,
        Asset = item.Record.Name,
        Required = required,
        Reason = Outcome is Outcome.Pass or Outcome.NotApplicable ? null : Reason,
    };
}
