using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Reprise.Recovery.Assets;
using Reprise.Recovery.Checks;
using Reprise.Recovery.Evidence;
using Reprise.Recovery.Processes;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Drills;

/// <summary>
/// Namespaces in which production does not exist: network, processes, mounts, shared memory. They are held by a program
/// that waits for the end of its standard input: when we die, however that may be, it ends, and the kernel ends
/// everything else that lives in them.
/// </summary>
internal sealed class Separation : IAsyncDisposable
{
    // What production's places are called inside is done before anything else may start there. Options of a mount that
    // are left out when it is made read-only would be taken away, which a user namespace refuses.
    private const string HoldScript =
        """
        read -r pid rest </proc/self/stat || exit 70
        mount -t proc proc /proc 2>/dev/null && echo "did proc /proc" || echo "undone proc /proc"
        empty=$1
        shift
        open='|'
        close() {
          done=0
          while read -r device at type options rest; do
            at=$(printf '%b' "$at")
            case $type in proc | sysfs | devpts | devtmpfs | mqueue | cgroup | cgroup2) continue ;; esac
            case $at in /dev | /dev/* | /proc | /proc/* | /sys | /sys/*) continue ;; esac
            case $open in *"|$at|"*) continue ;; esac
            how=ro
            for flag in nosuid nodev noexec noatime nodiratime relatime; do
              case ,$options, in *",$flag,"*) how=$how,$flag ;; esac
            done
            mount -o "remount,bind,$how" "$at" 2>/dev/null || done=1
          done </proc/self/mounts
          return $done
        }
        while [ "$#" -ge 2 ]; do
          case $1 in
            open) mount --bind "$2" "$2" 2>/dev/null && open="$open$2|" ;;
            close) close ;;
            hide) mount --bind "$empty" "$2" 2>/dev/null ;;
            freeze) mount --rbind "$2" "$2" 2>/dev/null && mount -o remount,bind,ro "$2" 2>/dev/null ;;
          esac && echo "did $1 $2" || echo "undone $1 $2"
          shift 2
        done
        echo "pid $pid"
        exec cat >/dev/null
        """;

    private const string GoTo = "cd \"$1\" && shift && exec \"$@\"";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan Attempt = TimeSpan.FromSeconds(3);

    private readonly DrillHost host;
    private readonly CancellationTokenSource ending = new();
    private readonly List<Task<ChildResult>> running = [];
    private readonly List<string> facts = [];
    private bool ofUser;
    private string? holder;
    private string? door;
    private bool isClosed;
    private Outcome outcome = Outcome.CouldNotVerify;

    private Separation(DrillHost host) => this.host = host;

    /// <summary>What was done, and what was tried from inside.</summary>
    public DrillSeparation Facts => new(outcome, [.. facts]);

    /// <summary>Whether production cannot be reached from inside.</summary>
    public bool IsProven => outcome == Outcome.Pass;

    /// <summary>Whether nothing but the sandbox can be written from inside.</summary>
    public bool IsClosed => isClosed;

    /// <summary>Makes them, as far as this machine allows it, and tries production from inside.</summary>
    /// <param name="host">what a drill stands on.</param>
    /// <param name="folder">of the sandbox.</param>
    /// <param name="production">what must not be reached.</param>
    /// <param name="only">the only folders that can be written inside; empty: all but production's can.</param>
    /// <param name="cancellationToken">ends the making.</param>
    public static async Task<Separation> MakeAsync(
        DrillHost host,
        DiskPath folder,
        IReadOnlyList<ProductionPlace> production,
        IReadOnlyList<DiskPath> only,
        CancellationToken cancellationToken)
    {
        var made = new Separation(host);
        IReadOnlyList<ProductionPlace> places = [.. production.Concat(LocalServers.Sockets(host.Disk)).DistinctBy(p => p.Path)];
        try
        {
            await made.HoldAsync(folder, places, only, cancellationToken);
            if (made.holder is not null) await made.ProbeAsync(folder, places, cancellationToken);
            return made;
        }
        catch
        {
            await made.DisposeAsync();
            throw;
        }
    }

    /// <summary>Puts a program inside; where there is no inside, it runs as it is.</summary>
    public ChildCommand Enter(ChildCommand command) => Enter(command, []);

    /// <summary>Puts a server inside, as somebody whom PostgreSQL agrees to run as.</summary>
    public ChildCommand EnterAsServer(ChildCommand command) => Enter(command, AsServer);

    /// <summary>What stands before a program that runs as that somebody, for whoever is inside already.</summary>
    public IReadOnlyList<string> AsServer => this switch
    {
        { host.IsRoot: true } => ["runuser", "-u", PostgresUser, "--"],
        { ofUser: true } => ["unshare", $"--map-user={UnprivilegedId}", $"--map-group={UnprivilegedId}", "--"],
        _ => [],
    };

    /// <summary>The user as which root starts a server.</summary>
    public const string PostgresUser = "postgres";

    private const string UnprivilegedId = "1000";

    /// <summary>Connects from inside, or null: there is no inside.</summary>
    public Func<string, int, CancellationToken, Task<Stream>>? Dial => door is { } path
        ? (name, port, cancellationToken) => Gateway.ConnectAsync(path, Gateway.Tcp(name, port), cancellationToken)
        : null;

    /// <summary>Ends everything that lives inside.</summary>
    public async ValueTask DisposeAsync()
    {
        ending.Cancel();
        foreach (var task in running)
        {
            try
            {
                await task;
            }
            catch (OperationCanceledException)
            {
                // It was ended by us.
            }
            catch (RepriseException)
            {
                // It never started, which was told where it mattered.
            }
        }

        ending.Dispose();
    }

    private ChildCommand Enter(ChildCommand command, IReadOnlyList<string> who)
    {
        if (holder is null) return command with { Arguments = [.. who, .. command.Arguments] };
        string[] user = ofUser ? ["--user", "--preserve-credentials"] : [];
        return command with
        {
            Arguments =
            [
                "nsenter", "--target", holder, "--net", "--pid", "--mount", "--ipc", .. user, "--",
                "sh", "-c", GoTo, "sh", command.Folder ?? "/", .. who, .. command.Arguments,
            ],
            Folder = "/",
        };
    }

    private async Task HoldAsync(
        DiskPath folder,
        IReadOnlyList<ProductionPlace> production,
        IReadOnlyList<DiskPath> only,
        CancellationToken cancellationToken)
    {
        var empty = folder / "empty-file";
        host.Disk.CreateNew(empty).Dispose();
        var places = production
            .Where(p => p.Kind != ProductionKind.Port && host.Disk.Stat(new DiskPath(p.Path)) is not null)
            .Where(p => !folder.IsWithin(new DiskPath(p.Path)))
            .SelectMany(p => new[] { p.Kind == ProductionKind.Folder ? "freeze" : "hide", p.Path });
        string[] closing = only.Count == 0 ? [] : [.. only.SelectMany(o => new[] { "open", o.ToString() }), "close", "/"];
        string[] script = ["sh", "-c", HoldScript, "sh", empty.ToString(), .. closing, .. places];
        string[] spaces = ["--net", "--pid", "--mount", "--ipc", "--fork", "--kill-child"];
        if (host.IsRoot && await TryHoldAsync(["unshare", .. spaces, "--", .. script], cancellationToken)) return;
        ofUser = await TryHoldAsync(
            ["unshare", "--user", "--map-root-user", .. spaces, "--", .. script], cancellationToken);
        if (!ofUser) facts.Add("no namespaces can be made here: the sandbox shares the network of this machine");
    }

    private async Task<bool> TryHoldAsync(string[] command, CancellationToken cancellationToken)
    {
        var said = new StringBuilder();
        var task = host.Children.RunAsync(
            new ChildCommand(command) { Folder = "/" },
            (_, token) => Task.Delay(Timeout.InfiniteTimeSpan, host.Clock, token),
            (block, _) =>
            {
                lock (said) said.Append(Encoding.UTF8.GetString(block.Span));
                return ValueTask.CompletedTask;
            },
            ending.Token);
        running.Add(task);
        var began = host.Clock.GetTimestamp();
        while (!task.IsCompleted && host.Clock.GetElapsedTime(began) < Patience)
        {
            string[] lines;
            lock (said) lines = said.ToString().Split('\n');
            if (lines.FirstOrDefault(l => l.StartsWith("pid ", StringComparison.Ordinal)) is { } line && lines[^1].Length == 0)
            {
                holder = line["pid ".Length..];
                facts.Add(
                    "everything ran in namespaces of its own for network, processes, mounts and shared memory"
                    + (command.Contains("--user") ? ", and for users" : ""));
                isClosed = lines.Contains("did close /");
                facts.AddRange(lines.Where(l => l.StartsWith("did ", StringComparison.Ordinal)).Select(Did));
                facts.AddRange(lines.Where(l => l.StartsWith("undone ", StringComparison.Ordinal)).Select(Undone));
                return true;
            }

            await Task.Delay(Glance, host.Clock, cancellationToken);
        }

        return false;
    }

    private static string Did(string line) => line.Split(' ', 3) switch
    {
        [_, "hide", var path] => $"{path} is hidden there behind an empty file",
        [_, "freeze", var path] => $"{path} can only be read there",
        [_, "open", var path] => $"{path} can be written there",
        [_, "close", _] => "nothing else can be written there",
        _ => "processes outside cannot be seen there",
    };

    private static string Undone(string line) => line.Split(' ', 3) switch
    {
        [_, "hide", var path] => $"{path} could not be hidden there",
        [_, "freeze", var path] => $"{path} could not be made read-only there",
        [_, "open", var path] => $"{path} could not be kept writable there",
        [_, "close", _] => "not everything else could be made read-only there",
        _ => "processes outside can be seen there, not reached by network",
    };

    private async Task ProbeAsync(
        DiskPath folder, IReadOnlyList<ProductionPlace> production, CancellationToken cancellationToken)
    {
        var path = (folder / "door").ToString();
        var task = host.Children.RunAsync(
            Enter(new ChildCommand([host.ProgramPath, Gateway.Command, path]) { Folder = "/" }), ending.Token);
        running.Add(task);
        var began = host.Clock.GetTimestamp();
        while (host.Disk.Stat(new DiskPath(path)) is null)
        {
            if (task.IsCompleted || host.Clock.GetElapsedTime(began) >= Patience)
            {
                facts.Add("whether production can be reached from inside could not be tried: the door did not open");
                return;
            }

            await Task.Delay(Glance, host.Clock, cancellationToken);
        }

        door = path;
        var reached = false;
        foreach (var place in production.Where(p => p.Kind is ProductionKind.Port or ProductionKind.Socket))
        {
            var inside = await TryAsync(() => Gateway.ConnectAsync(path, Target(place), cancellationToken));
            facts.Add($"{place.Name} ({place.Path}) tried from inside: {inside ?? "it answered"}");
            reached |= inside is null;
        }

        outcome = reached ? Outcome.Fail : Outcome.Pass;
    }

    private static string Target(ProductionPlace place)
    {
        if (place.Kind == ProductionKind.Socket) return Gateway.Unix(place.Path);
        var at = place.Path.LastIndexOf(':');
        return Gateway.Tcp(
            place.Path[..at], int.Parse(place.Path.AsSpan(at + 1), NumberStyles.None, CultureInfo.InvariantCulture));
    }

    // Null when it connected, else what the system answered.
    private async Task<string?> TryAsync(Func<Task<Stream>> connect)
    {
        try
        {
            await using var stream = await connect().WaitAsync(Attempt, host.Clock);
            return null;
        }
        catch (SocketException e)
        {
            return $"not reached ({e.SocketErrorCode})";
        }
        catch (TimeoutException)
        {
            return "not reached (no answer)";
        }
    }
}
