using Reprise.Cli;
using Reprise.Json;
using Reprise.Storage.Errors;

namespace Reprise.Tests.Cli;

/// <summary>One place decides the exit code.</summary>
public class ExitDecisionTests
{
    [Theory]
    [InlineData("", 0)]
    [InlineData("6", 6)]
    [InlineData("7", 7)]
    [InlineData("6 7", 7)]
    [InlineData("7 6 5", 5)]
    [InlineData("5 1", 1)]
    [InlineData("4 6", 4)]
    [InlineData("3 7", 3)]
    [InlineData("4 5", 5)]
    [InlineData("130 5", 130)]
    [InlineData("130 1", 1)]
    [InlineData("0", 0)]
    [InlineData("0 6", 6)]
    public void The_worst_error_counts(string exits, int expected) =>
        Assert.Equal(
            expected,
            ExitDecision.Of(exits.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(e => Error(int.Parse(e)))));

    [Fact]
    public void Warnings_and_notes_change_nothing()
    {
        Assert.Equal(0, ExitDecision.Of([Error(5) with { Severity = Severity.Warning }]));
        Assert.Equal(0, ExitDecision.Of([Error(1) with { Severity = Severity.Note }]));
    }

    [Fact]
    public void An_exit_code_that_is_not_of_the_contract_is_our_bug() =>
        Assert.Throws<InvariantException>(() => ExitDecision.Of([Error(9)]));

    [Theory]
    [InlineData(4, 6)]
    [InlineData(5, 6)]
    [InlineData(2, 6)]
    [InlineData(1, 1)]
    [InlineData(130, 130)]
    public void What_a_diagnosis_finds_is_exit_6(int found, int expected) =>
        Assert.Equal(expected, ExitDecision.Of(
            new CommandReport<DoctorJson>(Samples.Doctor(), [Error(found)]) { IsDiagnosis = true }));

    [Fact]
    public void A_diagnosis_that_came_to_nothing_has_the_exit_of_its_error() =>
        Assert.Equal(2, ExitDecision.Of(new CommandReport<DoctorJson>(null, [Error(2)]) { IsDiagnosis = true }));

    private static Problem Error(int exit) =>
        new(new ErrorCode("test", exit, "made for this test"), Severity.Error, "m", "h");
}
