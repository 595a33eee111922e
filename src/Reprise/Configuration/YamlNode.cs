namespace Reprise.Configuration;

/// <summary>A piece of YAML with its place.</summary>
internal abstract record YamlNode
{
    private YamlNode(Place place) => Place = place;

    /// <summary>Where it starts.</summary>
    public Place Place { get; }

    /// <summary>What it is, for messages.</summary>
    public abstract string Kind { get; }

    /// <summary>A single value.</summary>
    /// <param name="Text">its text, variables not yet put in.</param>
    /// <param name="IsPlain">whether it stood without quotes.</param>
    /// <param name="Place">where it starts.</param>
    public sealed record Scalar(string Text, bool IsPlain, Place Place) : YamlNode(Place)
    {
        /// <inheritdoc />
        public override string Kind => IsNull ? "nothing" : "a single value";

        /// <summary>Whether nothing stands there: <c>key:</c>, <c>~</c> or <c>null</c> without quotes.</summary>
        public bool IsNull => IsPlain && Text is "" or "~" or "null" or "Null" or "NULL";
    }

    /// <summary>Keys with values, in order.</summary>
    public sealed record Mapping(IReadOnlyList<YamlEntry> Entries, Place Place) : YamlNode(Place)
    {
        /// <inheritdoc />
        public override string Kind => "a mapping";
    }

    /// <summary>Items in order.</summary>
    public sealed record Sequence(IReadOnlyList<YamlNode> Items, Place Place) : YamlNode(Place)
    {
        /// <inheritdoc />
        public override string Kind => "a list";
    }
}

/// <summary>One key of a mapping.</summary>
/// <param name="Key">its text.</param>
/// <param name="Place">where the key starts.</param>
/// <param name="Value">what stands behind it.</param>
internal sealed record YamlEntry(string Key, Place Place, YamlNode Value);
