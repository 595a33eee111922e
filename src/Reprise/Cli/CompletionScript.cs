using System.CommandLine;
using System.Text;

namespace Reprise.Cli;

/// <summary>
/// Completion for shells, written out from the commands as they are: completing starts no program, so that it is
/// instant and works where the program cannot run.
/// </summary>
internal static class CompletionScript
{
    /// <summary>The shells that are known.</summary>
    public static readonly string[] Shells = ["bash", "zsh", "fish", "pwsh"];

    /// <summary>The script for <paramref name="shell"/>, or null when that shell is not known.</summary>
    public static string? Of(string shell, CommandTree tree) => shell switch
    {
        "bash" => Bash(tree),
        "zsh" => Zsh(tree),
        "fish" => Fish(tree),
        "pwsh" => PowerShell(tree),
        _ => null,
    };

    // Every command with the words that can follow it: further commands, then options.
    private static IEnumerable<(string Path, Command Command)> Commands(CommandTree tree)
    {
        yield return ("", tree.Root);
        foreach (var command in tree.Root.Subcommands)
        {
            yield return (command.Name, command);
            foreach (var further in command.Subcommands) yield return ($"{command.Name} {further.Name}", further);
        }
    }

    private static IEnumerable<string> Words(CommandTree tree, Command command) =>
        command.Subcommands.Select(c => c.Name)
        .Concat(command.Name == "completion" ? Shells : [])
        .Concat(tree.OptionsOf(command).Select(o => o.Name));

    private static string FileOptions(CommandTree tree) => string.Join('|', Commands(tree)
        .SelectMany(c => tree.OptionsOf(c.Command))
        .Where(o => o.HelpName is "FILE" or "FOLDER" or "LOCATION")
        .Select(o => o.Name)
        .Distinct()
        .Order(StringComparer.Ordinal));

    private static string Bash(CommandTree tree)
    {
        var text = new StringBuilder("""
            # reprise completion for bash: source this file, or put it into /etc/bash_completion.d/reprise
            _reprise() {
              local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} path="" words="" i
              case $previous in

            """);
        text.AppendLine($"    {FileOptions(tree)}) COMPREPLY=($(compgen -f -- \"$word\")); return ;;");
        text.Append("""
              esac
              for ((i = 1; i < COMP_CWORD; i++)); do
                case "$path ${COMP_WORDS[i]}" in

            """);
        foreach (var (path, _) in Commands(tree).Where(c => c.Path.Length > 0))
        {
            text.AppendLine(
                $"      \"{(path.Contains(' ', StringComparison.Ordinal) ? path : " " + path)}\") path=\"{path}\" ;;");
        }

        text.Append("""
                esac
              done
              case $path in

            """);
        foreach (var (path, command) in Commands(tree))
        {
            text.AppendLine($"    \"{path}\") words=\"{string.Join(' ', Words(tree, command))}\" ;;");
        }

        text.Append("""
              esac
              COMPREPLY=($(compgen -W "$words" -- "$word"))
            }
            complete -o default -F _reprise reprise

            """);
        return Lines(text);
    }

    private static string Zsh(CommandTree tree)
    {
        var text = new StringBuilder("""
            #compdef reprise
            # reprise completion for zsh: put it as _reprise into a folder of $fpath, or source it after compinit
            _reprise() {
              local typed="" i
              local -a known
              for ((i = 2; i < CURRENT; i++)); do
                case "$typed ${words[i]}" in

            """);
        foreach (var (path, _) in Commands(tree).Where(c => c.Path.Length > 0))
        {
            text.AppendLine(
                $"      \"{(path.Contains(' ', StringComparison.Ordinal) ? path : " " + path)}\") typed=\"{path}\" ;;");
        }

        text.Append("""
                esac
              done
              case $typed in

            """);
        foreach (var (path, command) in Commands(tree))
        {
            text.AppendLine($"    \"{path}\") known=({string.Join(' ', Described(tree, command))}) ;;");
        }

        text.Append("""
              esac
              _describe 'reprise' known
              _files
            }
            compdef _reprise reprise

            """);
        return Lines(text);
    }

    private static IEnumerable<string> Described(CommandTree tree, Command command) =>
        command.Subcommands.Select(c => ZshWord(c.Name, c.Description))
            .Concat(command.Name == "completion" ? Shells.Select(s => ZshWord(s, null)) : [])
            .Concat(tree.OptionsOf(command).Select(o => ZshWord(o.Name, o.Description)));

    private static string ZshWord(string word, string? description)
    {
        // A colon ends the word, a quote the argument.
        var text = (description ?? "")
            .Replace("'", "'\\''", StringComparison.Ordinal)
            .Replace(":", "\\:", StringComparison.Ordinal);
        return text.Length == 0 ? $"'{word}'" : $"'{word}:{text}'";
    }

    private static string Fish(CommandTree tree)
    {
        var text = new StringBuilder(
            "# reprise completion for fish: put it into ~/.config/fish/completions/reprise.fish\n");
        foreach (var (path, command) in Commands(tree))
        {
            var words = path.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            var seen = string.Join("; and ", words.Select(w => $"__fish_seen_subcommand_from {w}"));
            var when = words.Length == 0 ? "__fish_use_subcommand" : seen;
            foreach (var further in command.Subcommands)
            {
                text.AppendLine(
                    $"complete -c reprise -f -n '{when}' -a {further.Name} -d '{FishText(further.Description)}'");
            }

            if (command.Name == "completion")
            {
                text.AppendLine($"complete -c reprise -f -n '{when}' -a '{string.Join(' ', Shells)}'");
            }

            foreach (var option in command.Options)
            {
                var condition = option.Recursive ? "" : $" -n '{when}'";
                var value = option.Arity.MaximumNumberOfValues > 0 ? " -r" : "";
                text.AppendLine(
                    $"complete -c reprise{condition} -l {option.Name[2..]}{value} -d '{FishText(option.Description)}'");
            }
        }

        return Lines(text);
    }

    private static string FishText(string? text) => (text ?? "").Replace("'", "\\'", StringComparison.Ordinal);

    private static string PowerShell(CommandTree tree)
    {
        var text = new StringBuilder("""
            # reprise completion for PowerShell: add it to $PROFILE
            Register-ArgumentCompleter -Native -CommandName reprise -ScriptBlock {
              param($word, $ast, $position)
              $known = @{

            """);
        foreach (var (path, command) in Commands(tree))
        {
            text.AppendLine($"    '{path}' = '{string.Join(' ', Words(tree, command))}'");
        }

        text.Append("""
              }
              $path = ''
              foreach ($typed in $ast.CommandElements | Select-Object -Skip 1) {
                if ($typed.Extent.EndOffset -ge $position) { break }
                $longer = "$path $typed".Trim()
                if ($known.ContainsKey($longer)) { $path = $longer }
              }
              $known[$path] -split ' ' | Where-Object { $_ -like "$word*" } |
                ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
            }

            """);
        return Lines(text);
    }

    private static string Lines(StringBuilder text) => text.Replace("\r\n", "\n").ToString();
}
