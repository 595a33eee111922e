using Reprise.Acceptance.Runbooks.Causes;

namespace Reprise.Acceptance.Runbooks.Kills;

/// <summary>How an operator finds out whether a step that was interrupted took effect: he looks at what it would have left.</summary>
/// <param name="machine">where he looks.</param>
/// <param name="shape">the runbook.</param>
/// <param name="effects">what was counted.</param>
internal sealed class Look(Machine machine, RunbookShape shape, Effects effects)
{
    private readonly int restores = effects.Restores();
    private readonly int undos = effects.Undos();

    /// <summary>Knows how far the run is.</summary>
    public Striker? Striker { get; set; }

    /// <summary>Whether it is there.</summary>
    public async Task<bool> IsThereAsync(string step)
    {
        var view = Striker?.View() ?? throw new InvalidOperationException("nobody runs");
        switch (shape.Find(step).Builtin)
        {
            case "restore":
                return effects.Restores() - restores > view.Passed.Count(s => s != step && shape.Calls(s, "restore"));
            case "undo":
                return effects.Undos() - undos > view.TakenBack.Count(s => shape.Find(s).Undo != step && shape.Calls(shape.Find(s).Undo, "undo"));
            case "recover":
                return File.Exists(machine.Shop.Application + "/reprise.yaml");
            case "forget":
                return (await machine.RepriseAsync("status", "--json")).Result("status").GetProperty("former").GetArrayLength() == 0;
            case "":
                return !Directory.Exists(machine.Shop.Application);
            default:
                throw new InvalidOperationException($"nobody knows how one looks at {step}");
        }
    }
}
