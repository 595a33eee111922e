using System.CommandLine;
using System.Text;
using Reprise.Cli;
using Reprise.Tests.House;

namespace Reprise.Tests.Cli;

/// <summary>Every command and every option is documented, in docs/reference/commands.md.</summary>
public class CommandReferenceTests
{
    [Fact]
    [Trait("kind", "reference")]
    public void The_reference_of_commands_is_what_help_prints()
    {
        var bench = new CommandBench();
        var tree = new CommandTree(Composition.Operations(bench.Host), "0.1.0");
        var page = new StringBuilder("""
            # Commands

            What `reprise COMMAND --help` prints. A value that begins with `-` is refused, so that a mistyped option
            never becomes one; there are no response files. Ctrl-C and SIGTERM put back what is half-done, however long
            that takes. This page is generated from the code.

            """);
        foreach (var command in All(tree.Root))
        {
            var name = CommandLine.NameOf(tree, command);
            page.Append($"\n## reprise{(name.Length == 0 ? "" : " " + name)}\n\n```\n");
            page.Append(HelpText.Of(tree, command, Terminal.UsualWidth)).Append("```\n");
        }

        ReferenceFile.MustBe("docs/reference/commands.md", page.ToString());
    }

    [Fact]
    public void Every_command_and_every_option_says_what_it_is()
    {
        var tree = new CommandTree(new CommandBench().Operations, "0.1.0");
        Assert.All(All(tree.Root), command =>
        {
            Assert.False(string.IsNullOrWhiteSpace(command.Description), command.Name);
            Assert.All(command.Options, option =>
            {
                Assert.False(string.IsNullOrWhiteSpace(option.Description), option.Name);
                Assert.True(option.Arity.MaximumNumberOfValues == 0 || option.HelpName is not null, option.Name);
            });
            Assert.All(command.Arguments, a => Assert.False(string.IsNullOrWhiteSpace(a.Description), a.Name));
        });
    }

    private static IEnumerable<Command> All(Command command) => command.Subcommands.SelectMany(All).Prepend(command);
}
