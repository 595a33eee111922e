namespace Reprise.Tests.House;

/// <summary>Each rule of the house can fail: a bad input is named, the good one beside it is not.</summary>
public class TidyRulesTests
{
    [Fact]
    public void Files_lines_and_methods_have_a_greatest_length()
    {
        Assert.Empty(TidyRules.Lengths(Source(Repeat("int a;\n", 600))));
        Assert.Equal(["file-length"], Rules(TidyRules.Lengths(Source(Repeat("int a;\n", 601)))));
        Assert.Empty(TidyRules.Lengths(Source(new string('a', 120))));
        Assert.Equal(["line-length"], Rules(TidyRules.Lengths(Source(new string('a', 121)))));
        Assert.Empty(TidyRules.Lengths(Source(Method("void Long()", 57))));
        var finding = Assert.Single(TidyRules.Lengths(Source(Method("void Long()", 58))));
        Assert.Equal(("method-length", 3, "Long has 61 lines"), (finding.Rule, finding.Line, finding.What));
    }

    [Theory]
    [InlineData("Task<int> A<T>(Func<T, bool> f = null) where T : class")]
    [InlineData("[Fact]\n    public void A()")]
    [InlineData("public A(int x) : base(x)")]
    [InlineData("public static bool operator ==(C left, C right)")]
    public void A_method_is_recognised_in_every_form(string header)
    {
        Assert.Equal(["method-length"], Rules(TidyRules.Lengths(Source(Method(header, 70)))));
    }

    [Fact]
    public void An_expression_and_an_accessor_are_methods_and_a_table_is_none()
    {
        var arms = Repeat("        1 => 2,\n", 70);
        Assert.Equal(
            ["method-length"],
            Rules(
                TidyRules.Lengths(Source($"class C\n{{\n    int A(int x) => x switch\n    {{\n{arms}    }};\n}}\n"))));
        Assert.Equal(
            ["method-length"],
            Rules(
                TidyRules.Lengths(
                    Source(
                        $"class C\n{{\n    int A\n    {{\n        get\n        {{\n{arms}        }}\n    }}\n}}\n"))));
        Assert.Empty(
            TidyRules.Lengths(
                Source(
                    $"class C\n{{\n    static readonly int[] a =\n    [\n{Repeat("        1,\n", 70)}    ];\n}}\n")));
    }

    [Fact]
    public void Members_after_a_long_type_header_are_still_found()
    {
        var code = SourceText.CodeOf("""
            namespace N;
            [X("class Y {")]
            public sealed record R(int A) : B<int>
            {
                private readonly Dictionary<int, string> d = new() { [1] = "}" };
                public int P { get; init; } = 5;
                public string Q => $"{d[1]} {{ {(A > 0 ? "x}" : "y")}";
                // void Commented() {
                void M() { if (A > 1) { } }
                sealed class Inner { void N() { } }
            }
            """);
        Assert.Equal(["R", "Inner"], SourceMembers.TypesOf(code).Select(t => t.Name));
        Assert.Equal(
            ["M", "N"], SourceMembers.Of(code).Where(m => m.IsMethod && m.Name.Length > 0).Select(m => m.Name));
    }

    [Theory]
    [InlineData("var x = \"a // b\"; // c", "var x = \"      \";     ")]
    [InlineData("@\"a\"\"b\" x", "\"     \" x")]
    [InlineData("$\"{f(\"}\")}\" x", "\"         \" x")]
    [InlineData("\"\"\"a \"b\" c\"\"\" x", "\"           \" x")]
    [InlineData("'\"' x", "\" \" x")]
    [InlineData("/* a\nb */ x", "    \n     x")]
    public void Prose_is_blanked_and_code_is_kept(string source, string code) =>
        Assert.Equal(code, SourceText.CodeOf(source));

    [Fact]
    public void Leftovers_are_named()
    {
        Assert.Equal(["leftover"], Rules(TidyRules.Leftovers(Source("int a; // TO" + "DO later"))));
        Assert.Equal(["leftover"], Rules(TidyRules.Leftovers(new("dev", "#!/bin/sh\n# FIX" + "ME\n"))));
        Assert.Empty(TidyRules.Leftovers(Source("int todos; // what is to be done")));
    }

    [Theory]
    [InlineData("class BackupManager;", true)]
    [InlineData("static class PathUtils;", true)]
    [InlineData("record PageData(int X);", true)]
    [InlineData("interface IEventHandler;", true)]
    [InlineData("class Handlers;", false)]
    [InlineData("class DataFolder;", false)]
    [InlineData("// class BackupManager;", false)]
    [InlineData("void M<T>() where T : class { }", false)]
    public void Words_that_say_nothing_are_no_names(string code, bool found)
    {
        Assert.Equal(found ? 1 : 0, TidyRules.Names(Source(code)).Count());
    }

    [Fact]
    public void A_pragma_gives_its_reason_and_a_lifted_ban_is_counted()
    {
        Assert.Equal(["pragma"], Rules(TidyRules.Pragmas(Source("#pragma warning disable CA1\n"))));
        Assert.Empty(TidyRules.Pragmas(Source("#pragma warning disable CA1 // because the kernel says so\n")));
        Assert.Equal(
            ["ban-lifted"],
            Rules(TidyRules.Pragmas(Source("#pragma warning disable RS0030 // this room opens files\n"))));
        Assert.Equal(
            ["pragma", "ban-lifted"], Rules(TidyRules.Pragmas(Source("#pragma warning disable CA1, RS0030 // no\n"))));
    }

    [Fact]
    public void A_document_has_one_title()
    {
        Assert.Empty(TidyRules.Titles(new("a.md", "# One\n## Two\n```sh\n# a comment\n```\n")));
        Assert.Equal(["title"], Rules(TidyRules.Titles(new("a.md", "## Two\n"))));
        Assert.Equal(["title"], Rules(TidyRules.Titles(new("a.md", "# One\n# Two\n"))));
    }

    [Fact]
    public void A_link_leads_somewhere()
    {
        const string target = "# T\n## What it does (and why)\n";
        IEnumerable<Finding> Check(string text) =>
            TidyRules.Links(new("docs/a.md", text), p => p is "docs/a.md" or "docs/b.md" or "c.md", _ => target);
        Assert.Empty(
            Check(
                "[b](b.md) [c](../c.md) [self](#t) [w](b.md#what-it-does-and-why) [x](https://example.org/y) "
                    + "`[n](o.md)`"));
        Assert.Equal(["link"], Rules(Check("[b](d.md)")));
        Assert.Equal(["link"], Rules(Check("[b](../b.md)")));
        Assert.Equal(["link"], Rules(Check("[b](b.md#nothing)")));
    }

    [Fact]
    public void Paths_of_one_machine_are_named()
    {
        Assert.Equal(
            ["machine"],
            Rules(TidyRules.PathsOfThisMachine(new("a.txt", "x\n/machine/of/mine/x\n"), ["/machine/of/mine"])));
        Assert.Empty(TidyRules.PathsOfThisMachine(new("a.txt", "/machine/x\n"), ["/machine/of/mine"]));
    }

    [Fact]
    public void Calls_into_libc_stand_in_one_room()
    {
        const string code = "[LibraryImport(\"libc\")] static partial int fsync(int file);";
        Assert.Equal(["interop"], Rules(TidyRules.Interop(new("src/Reprise.Storage/Local/A.cs", code))));
        Assert.Empty(TidyRules.Interop(new("src/Reprise.Storage/Disk/A.cs", code)));
        Assert.Empty(TidyRules.Interop(new("src/Reprise.Storage/Local/A.cs", "// unsafe\n")));
    }

    [Fact]
    public void A_public_type_has_a_summary()
    {
        const string path = "src/Reprise.Storage/A.cs";
        Assert.Equal(["summary"], Rules(TidyRules.Summaries(new(path, "public sealed class A;"))));
        Assert.Empty(
            TidyRules.Summaries(
                new(path, "/// <summary>An A.</summary>\n[X]\npublic sealed class A;\ninternal class B;")));
    }

    [Fact]
    public void A_test_asserts_or_calls_what_does()
    {
        CommittedFile[] files =
        [
            Source("class T { [Fact] public void Good() { Assert.True(x); } [Fact] public void Bad() { Work(); } }"),
            Source("class U { void Must() { Assert.Equal(1, 2); } void Far() { Must(); } }"),
            Source(
                "class V { [Theory] public void Also() => Far(); [Fact] public void Gen() => G.Sample(i => i == i); }"),
            Source("class W { [Fact] public void Skips() { Assert.Skip(\"x\"); } }"),
        ];
        Assert.Equal(
            ["Bad asserts nothing", "Skips asserts nothing"], TestRules.WithoutAssertion(files).Select(f => f.What));
    }

    [Fact]
    public void A_test_is_not_switched_off()
    {
        Assert.Equal(["skip"], Rules(TestRules.SwitchedOff(Source("[Fact(Skip = \"later\")] void A() { }"))));
        Assert.Empty(TestRules.SwitchedOff(Source("[Fact] void A() { x.Skip = 1; } // [Fact(Skip = 1)]")));
    }

    [Fact]
    public void An_exception_is_rule_path_and_reason()
    {
        var exception = TidyException.Parse("line-length src/a.cs a table that reads better unbroken");
        Assert.True(exception.Covers(new Finding("line-length", "src/a.cs", 7, "130")));
        Assert.False(exception.Covers(new Finding("line-length", "src/b.cs", 7, "130")));
        Assert.False(exception.Covers(new Finding("file-length", "src/a.cs", 0, "601")));
        Assert.Throws<FormatException>(() => TidyException.Parse("line-length src/a.cs"));
        var folder = TidyException.Parse("line-length src/a/* waits for its owner");
        Assert.True(folder.Covers(new Finding("line-length", "src/a/b.cs", 7, "130")));
        Assert.False(folder.Covers(new Finding("line-length", "src/ab.cs", 7, "130")));
    }

    private static CommittedFile Source(string text) => new("test/a.cs", text);

    private static IEnumerable<string> Rules(IEnumerable<Finding> findings) => findings.Select(f => f.Rule);

    private static string Method(string header, int lines) =>
        $"class C\n{{\n    {header}\n    {{\n{Repeat("        a();\n", lines)}    }}\n}}\n";

    private static string Repeat(string text, int times) => string.Concat(Enumerable.Repeat(text, times));
}
