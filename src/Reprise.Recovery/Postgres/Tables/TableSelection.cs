namespace Reprise.Recovery.Postgres.Tables;

/// <summary>What of a dump belongs to one table.</summary>
/// <param name="Root">the entry that makes it.</param>
/// <param name="Tables">the numbers of the entries that make it and its partitions.</param>
/// <param name="Items">everything that belongs to it, in the order of the dump.</param>
internal sealed record TableGroup(DumpItem Root, IReadOnlySet<int> Tables, IReadOnlyList<DumpItem> Items);

/// <summary>
/// Finds the entries of a dump that belong to a table by what they need: the dump says of each which others it cannot do
/// without. Views, and foreign keys of other tables, need the table too and do not belong to it.
/// </summary>
internal static class TableSelection
{
    private const string Attach = "TABLE ATTACH";

    // Of whose tag the name of the table is the first part.
    private static readonly HashSet<string> Named = new(StringComparer.Ordinal)
    {
        "CONSTRAINT", "CHECK CONSTRAINT", "FK CONSTRAINT", "TRIGGER", "RULE", "POLICY", "DEFAULT",
    };

    private static readonly HashSet<string> Belonging = new(StringComparer.Ordinal)
    {
        "TABLE DATA", "INDEX", "SEQUENCE", "SEQUENCE OWNED BY", "SEQUENCE SET", "COMMENT", "ACL", "SECURITY LABEL", "ROW SECURITY", "STATISTICS",
        "INDEX ATTACH",
    };

    /// <summary>The group of a table; null: the dump does not make it.</summary>
    public static TableGroup? Of(DumpHead head, string schema, string name)
    {
        if (head.Items.FirstOrDefault(i => i.Kind == "TABLE" && i.Schema == schema && i.Tag == name) is not { } root) return null;
        var makers = head.Items.Where(i => i.Kind == "TABLE").ToDictionary(i => i.Id);
        var tables = new HashSet<int> { root.Id };
        var attached = head.Items.Where(i => i.Kind == Attach).ToList();
        for (var before = 0; before < tables.Count;)
        {
            before = tables.Count;
            foreach (var link in attached.Where(l => l.Needs.Any(n => tables.Contains(n) && !IsPartition(makers[n], l))))
                tables.UnionWith(link.Needs.Where(makers.ContainsKey));
        }

        var byId = tables.ToDictionary(id => id, id => makers[id]);
        var chosen = new HashSet<int>(tables);
        var items = new List<DumpItem>();
        foreach (var item in head.Items)
        {
            if (tables.Contains(item.Id)) items.Add(item);
            else if (item.Kind == Attach ? tables.IsSupersetOf(item.Needs) : item.Needs.Any(chosen.Contains) && IsOwn(item, byId)) items.Add(item);
            else continue;
            chosen.Add(item.Id);
        }

        return new TableGroup(root, tables, items);
    }

    // A link needs the partition and its parent; which one is which, its own name says.
    private static bool IsPartition(DumpItem table, DumpItem link) => table.Tag == link.Tag && table.Schema == link.Schema;

    private static bool IsOwn(DumpItem item, Dictionary<int, DumpItem> tables) =>
        Named.Contains(item.Kind)
            ? item.Needs.Any(n => tables.TryGetValue(n, out var table) && item.Schema == table.Schema && item.Tag.StartsWith(table.Tag + " ", StringComparison.Ordinal))
                && IsAbout(item, tables)
            : Belonging.Contains(item.Kind);

    // The beginning of a tag may be the name of one table and a part of another's.
    private static bool IsAbout(DumpItem item, Dictionary<int, DumpItem> tables)
    {
        var words = new SqlWords(item.Definition);
        if (!words.Take("ALTER TABLE")) return true;
        words.Take("ONLY");
        return words.Qualified() is { } named && tables.Values.Any(t => (t.Schema, t.Tag) == named);
    }
}
