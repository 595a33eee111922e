using Reprise.Configuration;
using Reprise.Recovery.Runbooks;

namespace Reprise.Runbooks;

/// <summary>Reads <c>rehearsal:</c> of a front matter, and holds it against the steps that it speaks of.</summary>
internal static class RehearsalReader
{
    private const string Key = "rehearsal";
    private const string SealedSecrets = "sealed-secrets";

    /// <summary>What is declared, or null: nothing is.</summary>
    public static Rehearsal? Read(
        Section head, Variables variables, IReadOnlyList<RunbookStep> steps, IReadOnlyList<RunbookInput> inputs)
    {
        if (head.Find(Key) is not { } value) return null;
        if (value is YamlNode.Mapping { Entries: [{ Key: "none" }, ..] })
            return new Rehearsal(Section.Of(value, Key, variables, "none").NeedText("none"), []);
        IReadOnlyList<YamlNode> nodes = value is YamlNode.Sequence list ? list.Items : [value];
        if (nodes.Count == 0) throw RunbookParser.Wrong(value, "rehearsal is empty", "write { incident: … }, or { none: why }");
        return new Rehearsal(null, [.. nodes.Select(n => Variant(n, variables, steps, inputs))]);
    }

    private static RehearsalVariant Variant(
        YamlNode node, Variables variables, IReadOnlyList<RunbookStep> steps, IReadOnlyList<RunbookInput> inputs)
    {
        var section = Section.Of(node, Key, variables, "incident", "needs", "decide", "inputs", "by-hand");
        _ = section.Need("incident");
        var word = section.Word("incident", [.. RehearsalWords.All.Select(i => i.Word)]) ?? "";
        return new RehearsalVariant
        {
            Incident = RehearsalWords.Find(word) ?? throw RunbookParser.Wrong(section.Need("incident"), "no incident", "name one"),
            NeedsSealedSecrets = section.Word("needs", SealedSecrets) is not null,
            Decide = Pairs(section, "decide", variables, name => Options(steps, name)),
            Inputs = Pairs(section, "inputs", variables, name => inputs.Any(i => i.Name == name) ? [] : null),
            ByHand = ByHand(section, steps),
        };
    }

    // The answers that a decision knows; null: it is none.
    private static IReadOnlyList<string>? Options(IReadOnlyList<RunbookStep> steps, string name) =>
        steps.FirstOrDefault(s => s.Id == name) is { Type: StepType.Decide } step ? [.. step.Options.Select(o => o.Key)] : null;

    private static SortedDictionary<string, string> Pairs(
        Section section, string key, Variables variables, Func<string, IReadOnlyList<string>?> known)
    {
        var pairs = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (section.Find(key) is not { } value) return pairs;
        foreach (var entry in Section.OfNames(value, section.PathOf(key), variables).Entries)
        {
            if (known(entry.Key) is not { } options)
            {
                throw entry.Place.Error(
                    RunbookErrors.Invalid,
                    $"the runbook has no {(key == "decide" ? "decision" : "input")} '{entry.Key}'",
                    "name one of this runbook");
            }

            var chosen = section.TextOf(entry.Value, $"{section.PathOf(key)}.{entry.Key}");
            if (options.Count > 0 && !options.Contains(chosen))
            {
                throw RunbookParser.Wrong(
                    entry.Value, $"'{entry.Key}' has no option '{chosen}'", $"it takes {string.Join(", ", options)}");
            }

            pairs[entry.Key] = chosen;
        }

        return pairs;
    }

    private static IReadOnlyList<string> ByHand(Section section, IReadOnlyList<RunbookStep> steps)
    {
        var names = section.Texts("by-hand");
        for (var at = 0; at < names.Count; at++)
        {
            if (steps.Any(s => s.Id == names[at] && s.Type == StepType.Manual)) continue;
            throw RunbookParser.Wrong(
                ((YamlNode.Sequence)section.Need("by-hand")).Items[at], // Texts takes lists only.
                $"there is no manual step '{names[at]}'",
                "name a step of type manual of this runbook");
        }

        return names;
    }
}
