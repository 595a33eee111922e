namespace Reprise.Recovery.Runbooks;

/// <summary>An operation of Reprise that a step may name.</summary>
/// <param name="Name">its name.</param>
/// <param name="Takes">what it may be given.</param>
/// <param name="Needs">what it must be given.</param>
/// <param name="Phase">the part of a recovery that its time belongs to.</param>
/// <param name="ChangesSomething">whether it may stand in a step that must not change anything.</param>
public sealed record Builtin(
    string Name, IReadOnlyList<string> Takes, IReadOnlyList<string> Needs, string Phase, bool ChangesSomething);

/// <summary>The operations that steps may name. A binding carries each of them out.</summary>
public static class Builtins
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<Builtin> All { get; } =
    [
        new("status", [], [], "detect", false),
        new("doctor", [], [], "detect", false),
        new("points", [], [], "detect", false),
        new("check", ["names", "config"], [], "detect", false),
        new("readable", ["asset", "point"], ["asset"], "detect", false),
        new("unreadable", ["asset"], ["asset"], "verify", false),
        new("silent", ["url"], ["url"], "verify", false),
        new("http", ["url", "status"], ["url"], "detect", false),
        new("tcp", ["host", "port"], ["host", "port"], "detect", false),
        new("clock", ["url"], ["url"], "detect", false),
        new("log", [], [], "detect", false),
        new("database-log", ["asset"], ["asset"], "detect", false),
        new("secrets", ["point"], [], "detect", false),
        new("verify", ["point"], [], "verify", false),
        new("backup", ["config"], [], "mobilise", true),
        new("stop", [], [], "mobilise", true),
        new("start", [], [], "start", true),
        new("start-database", ["asset"], ["asset"], "start", true),
        new("stop-database", ["asset"], ["asset"], "mobilise", true),
        new("restore", ["point", "assets", "restore-secrets", "config"], [], "restore", true),
        new("undo", ["restore", "config"], [], "restore", true),
        new("forget", ["restore"], ["restore"], "cut-over", true),
        new("recover", ["to", "point", "restore-secrets"], ["to"], "restore", true),
    ];

    /// <summary>The operation of this name, or null.</summary>
    public static Builtin? Find(string name) => All.FirstOrDefault(b => b.Name == name);
}
