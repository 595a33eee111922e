using Reprise.Recovery.Runbooks;
using Reprise.Storage.Disk;

namespace Reprise.Rehearsing;

/// <summary>Starts the application of a sandbox in the background and stops it, as <c>control</c> does for production.</summary>
internal static class SandboxControl
{
    // Process 1 of the sandbox waits for us and reaps nobody, so that whoever has ended stays in the list as a zombie: a
    // process counts by its state. The second field of stat is a name and may hold anything.
    private const string Script =
        """
        # Written by a rehearsal; start does nothing when it runs already.
        log=LOG
        keep=$log.pid
        group=$(cat "$keep" 2>/dev/null)
        alive() {
          [ -n "$group" ] || return 1
          for stat in /proc/[0-9]*/stat; do
            { IFS= read -r line <"$stat"; } 2>/dev/null || continue
            set -- ${line##*)}
            [ "$3" = "$group" ] && [ "$1" != Z ] && return 0
          done
          return 1
        }
        case $1 in
          start)
            alive && exit 0
            setsid COMMAND >>"$log" 2>&1 </dev/null &
            group=$!
            echo "$group" >"$keep"
            sleep 0.3
            alive && exit 0
            tail -n 20 "$log" >&2
            exit 1
            ;;
          stop)
            alive || exit 0
            kill -s TERM -- "-$group" 2>/dev/null
            tries=0
            while alive; do
              tries=$((tries + 1))
              [ "$tries" != 100 ] || kill -s KILL -- "-$group" 2>/dev/null
              [ "$tries" -lt 120 ] || exit 1
              sleep 0.1
            done
            ;;
        esac
        """;

    /// <summary>The script.</summary>
    /// <param name="log">where the output goes.</param>
    /// <param name="command">the program, in the foreground.</param>
    public static string Text(DiskPath log, IReadOnlyList<string> command) =>
        Script.Replace("\r\n", "\n", StringComparison.Ordinal)
            .Replace("LOG", Placeholders.Line([log.ToString()]), StringComparison.Ordinal)
            .Replace("COMMAND", Placeholders.Line(command), StringComparison.Ordinal) + "\n";
}
