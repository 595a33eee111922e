using Reprise.Recovery;
using Reprise.Recovery.Files;
using Reprise.Storage.Errors;

namespace Reprise.Tests.Files;

public class PathPatternsTests
{
    [Theory]
    [InlineData("compose.yaml", "compose.yaml", true)]
    [InlineData("compose.yaml", "compose.yam", false)]
    [InlineData("compose.yaml", "sub/compose.yaml", false)]
    [InlineData("./compose.yaml", "compose.yaml", true)]
    [InlineData("uploads", "uploads/a/b", true)]
    [InlineData("uploads/", "uploads/a/b", true)]
    [InlineData("uploads/**", "uploads", true)]
    [InlineData("uploads/**", "uploads/a/b/c", true)]
    [InlineData("uploads/*", "uploads", false)]
    [InlineData("uploads/*", "uploads/a", true)]
    [InlineData("**/*.log", "a.log", true)]
    [InlineData("**/*.log", "a/b/c.log", true)]
    [InlineData("**/*.log", "a/b/c.logs", false)]
    [InlineData("a/**/z", "a/z", true)]
    [InlineData("a/**/z", "a/b/c/z", true)]
    [InlineData("a/**/z", "a/b/c/y", false)]
    [InlineData("a/**/b/**/c", "a/x/b/y/b/z/c", true)]
    [InlineData("**", "anything/at/all", true)]
    [InlineData(".", "anything/at/all", true)]
    [InlineData("**/**/x", "x", true)]
    [InlineData("*", ".hidden", true)]
    [InlineData("?.txt", "é.txt", true)]
    [InlineData("?.txt", "ab.txt", false)]
    [InlineData("a*b*c", "aXbYbZc", true)]
    [InlineData("a*b*c", "aXbYbZ", false)]
    [InlineData("[a-c]x", "bx", true)]
    [InlineData("[a-c]x", "dx", false)]
    [InlineData("[!a-c]x", "dx", true)]
    [InlineData("[!a-c]x", "ax", false)]
    [InlineData("[]]x", "]x", true)]
    [InlineData("[a\\]]x", "]x", true)]
    [InlineData("\\*x", "*x", true)]
    [InlineData("\\*x", "ax", false)]
    [InlineData("a**b", "axxb", true)]
    [InlineData("Config", "config", false)]
    public void A_pattern_matches_what_it_says(string pattern, string path, bool matches) =>
        Assert.Equal(matches, Matches(new PathPatterns([pattern], folderItself: true), path));

    [Fact]
    public void An_exclusion_of_what_is_in_a_folder_keeps_the_folder()
    {
        var patterns = new PathPatterns(["tmp/**", "cache"], folderItself: false);
        Assert.False(Matches(patterns, "tmp"));
        Assert.True(Matches(patterns, "tmp/a"));
        Assert.True(Matches(patterns, "tmp/a/b"));
        Assert.True(Matches(patterns, "cache"));
    }

    [Fact]
    public void A_folder_in_which_nothing_can_match_is_not_entered()
    {
        var patterns = new PathPatterns(["config/*.yaml", "uploads/**"], folderItself: true);
        Assert.Null(patterns.Enter(patterns.Start, "node_modules"u8));
        Assert.NotNull(patterns.Enter(patterns.Start, "config"u8));
        var config = patterns.Enter(patterns.Start, "config"u8)!;
        Assert.False(patterns.Matches(config));
        Assert.Null(patterns.Enter(config, "sub"u8));
        Assert.True(patterns.Matches(patterns.Enter(config, "a.yaml"u8)!));
    }

    [Fact]
    public void A_name_that_is_not_text_is_matched_by_a_star_and_a_question_mark()
    {
        byte[] name = [(byte)'a', 0xff, (byte)'b'];
        foreach (var (pattern, expected) in new[] { ("a*b", true), ("a?b", true), ("a[x]b", false), ("a[!x]b", true) })
        {
            var patterns = new PathPatterns([pattern], folderItself: true);
            Assert.Equal(expected, patterns.Enter(patterns.Start, name) is { } state && patterns.Matches(state));
        }
    }

    [Theory]
    [InlineData("/etc")]
    [InlineData("../x")]
    [InlineData("a/../b")]
    [InlineData("a//b")]
    [InlineData("[abc")]
    [InlineData("[z-a]")]
    [InlineData("a\nb")]
    public void A_pattern_that_cannot_be_is_refused(string pattern)
    {
        var error = Assert.Throws<RepriseException>(() => new PathPatterns([pattern], folderItself: true));
        Assert.Equal(RecoveryErrors.PatternInvalid, error.Code);
        Assert.NotEmpty(error.Problem.Hint);
    }

    [Fact]
    public void Patterns_are_bounded()
    {
        var many = Enumerable.Repeat("a", PathPatterns.MaxPatterns + 1).ToList();
        Assert.Throws<RepriseException>(() => new PathPatterns(many, folderItself: true));
        var deep = string.Join('/', Enumerable.Repeat("a", PathPatterns.MaxSegments + 1));
        Assert.Throws<RepriseException>(() => new PathPatterns([deep], folderItself: true));
        var deepest = string.Join('/', Enumerable.Repeat("a", PathPatterns.MaxSegments));
        Assert.True(Matches(new PathPatterns([deepest], folderItself: true), deepest));
    }

    [Fact]
    public void A_pattern_made_to_be_slow_is_not()
    {
        var pattern = string.Concat(Enumerable.Repeat("*a", 60));
        var patterns = new PathPatterns([pattern], folderItself: true);
        var clock = TimeProvider.System;
        var started = clock.GetTimestamp();
        Assert.False(Matches(patterns, new string('a', 200) + "b"));
        Assert.True(clock.GetElapsedTime(started) < TimeSpan.FromSeconds(1));
    }

    private static bool Matches(PathPatterns patterns, string path)
    {
        PathPatterns.State? state = patterns.Start;
        var matched = patterns.Matches(state);
        foreach (var name in path.Split('/'))
        {
            if (matched) return true;
            state = patterns.Enter(state, System.Text.Encoding.UTF8.GetBytes(name));
            if (state is null) return false;
            matched = patterns.Matches(state);
        }

        return matched;
    }
}
