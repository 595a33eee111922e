using Reprise.Configuration;
using Reprise.Recovery.Runbooks;
using Reprise.Storage.Errors;

namespace Reprise.Runbooks;

/// <summary>Reads what stands in the fence of one step.</summary>
internal static class StepReader
{
    private static readonly string[] Everywhere = ["why", "phase", "next", "see", "otherwise"];
    private static readonly string[] Actions = ["builtin", "with", "run", "within"];

    /// <summary>The step in <paramref name="node"/>.</summary>
    public static RunbookStep Read(StepType type, string id, YamlNode node, Variables variables, Place place)
    {
        var section = Section.Of(node, $"{type.ToString().ToLowerInvariant()} '{id}'", variables, [.. Keys(type)]);
        var action = Action(section, Needs(type, section));
        var effect = Effect(section, type);
        return new RunbookStep
        {
            Type = type,
            Id = id,
            Where = place.ToString(),
            Why = section.NeedText("why"),
            Action = action,
            On = Known(type, "on") ? section.Text("on") : null,
            Effect = effect,
            Idempotent = Known(type, "idempotent") && (section.Flag("idempotent") ?? type == StepType.Capture),
            Undo = Known(type, "undo") ? section.Text("undo") : null,
            Irreversible = Known(type, "irreversible") ? section.Text("irreversible") : null,
            Within = Known(type, "within") ? section.Duration("within") : null,
            Every = Known(type, "every") ? section.Duration("every") : null,
            For = Known(type, "for") ? section.Duration("for") : null,
            Phase = section.Word("phase", [.. RunPhases.All]) ?? Phase(type, action),
            Next = section.Text("next"),
            OnFail = Known(type, "on-fail") ? section.Text("on-fail") : null,
            See = section.Text("see"),
            Otherwise = section.Text("otherwise"),
            Text = type switch
            {
                StepType.Decide => section.NeedText("question"),
                StepType.Manual => section.NeedText("do"),
                _ => null,
            },
            Options = type == StepType.Decide ? [.. Options(section, variables)] : [],
            Default = type == StepType.Decide ? Default(section) : null,
            Verify = type == StepType.Undo ? Proof(section) : null,
        };
    }

    private static bool Known(StepType type, string key) => Keys(type).Contains(key);

    /// <summary>What may stand in a step of this type.</summary>
    public static IEnumerable<string> Keys(StepType type) => Everywhere.Concat(type switch
    {
        StepType.Observe or StepType.Check or StepType.Verify => [.. Actions, "on-fail"],
        StepType.Decide => ["question", "options", "default"],
        StepType.Capture => [.. Actions, "on-fail", "idempotent"],
        StepType.Act => [.. Actions, "on-fail", "idempotent", "on", "effect", "undo", "irreversible"],
        StepType.Wait => [.. Actions, "on-fail", "every", "for"],
        StepType.Manual => ["do"],
        StepType.Undo => [.. Actions, "idempotent", "verify"],
        _ => throw new InvariantException($"step type {type}"),
    });

    private static bool Needs(StepType type, Section section) => type switch
    {
        StepType.Decide or StepType.Manual => false,
        StepType.Wait => section.Find("for") is null,
        _ => true,
    };

    private static StepAction? Action(Section section, bool isNeeded)
    {
        // Kinds of steps without an action do not know these keys.
        if (section.Find("builtin") is null && section.Find("run") is null)
        {
            if (!isNeeded) return null;
            throw section.Place.Error(
                RunbookErrors.Invalid, "the step does nothing", "add builtin: NAME, or run: [program, argument]");
        }

        return ActionOf(section);
    }

    private static StepAction ActionOf(Section section)
    {
        if (section.Find("builtin") is not null && section.Find("run") is { } second)
            throw RunbookParser.Wrong(second, "the step does two things", "keep builtin: or run:");
        if (section.Find("run") is { } run)
        {
            if (run is YamlNode.Scalar)
            {
                throw RunbookParser.Wrong(
                    run, "run must be a list of arguments", "write [program, argument, …]: no shell is started");
            }

            var arguments = section.Texts("run");
            if (arguments.Count == 0) throw RunbookParser.Wrong(run, "run names no program", "write [program, argument, …]");
            if (section.Find("with") is { } with) throw RunbookParser.Wrong(with, "with belongs to builtin", "remove it");
            return new StepAction { Run = arguments };
        }

        var name = section.NeedText("builtin");
        if (Builtins.Find(name) is not { } builtin)
        {
            var near = NearestWord.Find(name, Builtins.All.Select(b => b.Name));
            throw RunbookParser.Wrong(
                section.Need("builtin"),
                $"there is no builtin '{name}'",
                (near is null ? "" : $"did you mean {near}? ") + $"known: {string.Join(", ", Builtins.All.Select(b => b.Name))}");
        }

        return new StepAction { Builtin = name, With = With(section, builtin) };
    }

    private static SortedDictionary<string, IReadOnlyList<string>> With(Section section, Builtin builtin)
    {
        var with = new SortedDictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        if (section.Child("with", [.. builtin.Takes]) is { } given)
        {
            foreach (var entry in given.Entries)
            {
                with[entry.Key] = entry.Value is YamlNode.Sequence
                    ? given.Texts(entry.Key)
                    : [given.NeedText(entry.Key)];
            }
        }

        if (builtin.Needs.FirstOrDefault(n => !with.ContainsKey(n)) is { } missing)
        {
            throw RunbookParser.Wrong(
                section.Need("builtin"), $"{builtin.Name} needs {missing}", $"add with: {{ {missing}: … }}");
        }

        return with;
    }

    private static StepAction? Proof(Section section) =>
        section.Child("verify", "builtin", "with", "run") is { } proof ? ActionOf(proof) : null;

    private static EffectClass Effect(Section section, StepType type)
    {
        if (type == StepType.Capture) return EffectClass.Reversible;
        if (type == StepType.Undo) return EffectClass.Reversible;
        if (type != StepType.Act) return EffectClass.Read;
        _ = section.Need("effect");
        var word = section.Word("effect", "read", "reversible", "costly", "irreversible");
        return Enum.Parse<EffectClass>(word ?? "read", ignoreCase: true);
    }

    private static string Phase(StepType type, StepAction? action) => type switch
    {
        StepType.Observe or StepType.Check => "detect",
        StepType.Decide => "decide",
        StepType.Capture => "mobilise",
        StepType.Verify => "verify",
        _ => action?.Builtin is { } name && Builtins.Find(name) is { } builtin ? builtin.Phase : "restore",
    };

    private static IEnumerable<StepOption> Options(Section section, Variables variables)
    {
        var options = Section.OfNames(section.Need("options"), section.PathOf("options"), variables);
        foreach (var entry in options.Entries)
        {
            if (!RunbookParser.IsName(entry.Key))
                throw entry.Place.Error(RunbookErrors.Invalid, $"'{entry.Key}' is no name", "write it-like-this");
            if (entry.Value is YamlNode.Scalar)
            {
                yield return new StepOption(entry.Key, options.NeedText(entry.Key), null);
                continue;
            }

            var option = Section.Of(entry.Value, section.PathOf($"options.{entry.Key}"), variables, "text", "next");
            yield return new StepOption(entry.Key, option.NeedText("text"), option.Text("next"));
        }
    }

    private static string? Default(Section section) => section.Text("default") is not { } chosen
        ? null
        : section.Find("options") is YamlNode.Mapping options && options.Entries.Any(e => e.Key == chosen)
            ? chosen
            : throw RunbookParser.Wrong(section.Need("default"), $"'{chosen}' is none of the options", "name one of them");
}
