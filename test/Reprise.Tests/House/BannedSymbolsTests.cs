using System.Reflection;

namespace Reprise.Tests.House;

/// <summary>
/// The analyzer ignores an entry that names nothing, so a typing error would lift a ban in silence: every entry must
/// be a member that exists, every overload of a banned method must be listed, and every entry says what to do instead.
/// </summary>
public class BannedSymbolsTests
{
    private static readonly string[] Lists = ["BannedSymbols.txt", "BannedSymbols.Libraries.txt"];

    // Of these, some overloads are good: the ones that take a TimeProvider, a stream, or nothing.
    private static readonly string[] PartlyBanned =
    [
        "M:System.Threading.Tasks.Task.Delay", "M:System.Threading.Tasks.Task.WaitAsync",
        "M:System.Threading.Tasks.Task`1.WaitAsync", "M:System.Threading.CancellationTokenSource.#ctor",
        "M:System.Threading.PeriodicTimer.#ctor", "M:System.Threading.SemaphoreSlim.WaitAsync",
        "M:System.IO.StreamReader.#ctor", "M:System.IO.StreamWriter.#ctor",
        "M:System.Linq.Expressions.Expression`1.Compile",
    ];

    private static readonly string[] Homes =
    [
        "System.Private.CoreLib",
        "System.Console",
        "System.Collections.Concurrent",
        "System.ComponentModel.EventBasedAsync",
        "System.ComponentModel.TypeConverter", "System.Diagnostics.Process", "System.Formats.Tar",
        "System.IO.Compression.ZipFile", "System.IO.FileSystem.DriveInfo", "System.IO.FileSystem.Watcher",
        "System.IO.MemoryMappedFiles", "System.Linq.Expressions", "System.Net.Http", "System.Net.Requests",
        "System.Reflection.Emit", "System.Security.Cryptography", "System.Threading", "System.Threading.Channels",
        "System.Threading.Tasks.Parallel",
    ];

    [Fact]
    public void Every_entry_names_something_that_exists_and_says_what_to_do_instead()
    {
        foreach (var (entry, instead) in Entries())
        {
            Assert.True(Resolve(entry), $"{entry} does not exist");
            Assert.True(instead.Length >= 8, $"{entry} does not say what to do instead");
        }

        Assert.True(Entries().Count() > 100, "the lists were not read");
    }

    [Fact]
    public void No_overload_of_a_banned_method_is_forgotten()
    {
        var entries = Entries().Select(e => e.Entry).ToHashSet(StringComparer.Ordinal);
        foreach (var method in
            entries.Where(e => e.StartsWith("M:", StringComparison.Ordinal)).Select(NameOf).Distinct())
        {
            if (PartlyBanned.Contains(method)) continue;
            var all = Members(TypeOf(method)!).Where(m => NameOf(m) == method); // resolved by the test above
            Assert.All(all, m => Assert.Contains(m, entries));
        }
    }

    [Theory]
    [InlineData("M:System.Threading.Tasks.Task.Run(System.Action)", true)]
    [InlineData("M:System.Threading.Tasks.Task.Run``1(System.Func{``0})", true)]
    [InlineData("P:System.Threading.Tasks.Task`1.Result", true)]
    [InlineData("T:System.IO.File", true)]
    [InlineData("T:System.IO.Fiel", false)]
    [InlineData("M:System.Threading.Tasks.Task.Run(System.Acton)", false)]
    [InlineData("P:System.Threading.Tasks.Task.Result", false)]
    [InlineData("M:System.Threading.Tasks.Task.Result", false)]
    public void An_entry_that_names_nothing_is_found(string entry, bool exists) => Assert.Equal(exists, Resolve(entry));

    private static IEnumerable<(string Entry, string Instead)> Entries() => Lists
        .SelectMany(l => Clone.Get(l).Lines)
        .Where(l => l.Length > 0 && !l.StartsWith("//", StringComparison.Ordinal))
        .Select(l => l.Split(';', 2))
        .Select(parts => (parts[0], parts.Length == 2 ? parts[1] : ""));

    private static bool Resolve(string entry) => entry.StartsWith("T:", StringComparison.Ordinal)
        ? FindType(entry[2..]) is not null
        : TypeOf(entry) is { } type && Members(type).Contains(entry);

    // M:System.Threading.Tasks.Task.Run``1(System.Func{``0}) without its parameters and its arity.
    private static string NameOf(string entry) => entry.Split('(')[0].Split("``")[0];

    private static Type? TypeOf(string entry)
    {
        var name = NameOf(entry)[2..].Replace(".#ctor", "\u0001ctor", StringComparison.Ordinal);
        return FindType(name[..Math.Max(0, name.LastIndexOfAny(['.', '\u0001']))]);
    }

    private static Type? FindType(string name) =>
        name.Length == 0 ? null : Homes.Select(h => Assembly.Load(h).GetType(name)).FirstOrDefault(t => t is not null);

    private static IEnumerable<string> Members(Type type)
    {
        const BindingFlags all =
            BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        var methods = type.GetMethods(all).Cast<MethodBase>().Concat(type.GetConstructors(all & ~BindingFlags.Static));
        return type.GetProperties(all).Select(p => $"P:{type.FullName}.{p.Name}").Concat(methods.Select(Identifier));
    }

    private static string Identifier(MethodBase method)
    {
        var arity = method.IsGenericMethod ? $"``{method.GetGenericArguments().Length}" : "";
        var parameters = string.Join(',', method.GetParameters().Select(p => Shown(p.ParameterType)));
        var name = method.IsConstructor ? "#ctor" : method.Name;
        return $"M:{method.DeclaringType!.FullName}.{name}{arity}" // a member of a type that was looked up
            + (parameters.Length > 0 ? $"({parameters})" : "");
    }

    private static string Shown(Type type)
    {
        if (type.IsGenericMethodParameter) return $"``{type.GenericParameterPosition}";
        if (type.IsGenericTypeParameter) return $"`{type.GenericParameterPosition}";
        if (type.IsArray) return Shown(type.GetElementType()!) + "[]"; // an array has an element type
        var name = $"{type.Namespace}.{type.Name}";
        if (!type.IsGenericType) return name;
        var arguments = string.Join(',', type.GetGenericArguments().Select(Shown));
        return $"{name[..name.IndexOf('`', StringComparison.Ordinal)]}{{{arguments}}}";
    }
}
