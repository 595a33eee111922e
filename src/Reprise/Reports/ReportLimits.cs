using Reprise.Recovery.Evidence;

namespace Reprise.Reports;

/// <summary>What the drill did not touch, what it does not prove, and how the page is checked.</summary>
internal sealed class ReportLimits(HtmlText page, DrillReportFacts facts, ReportWords words)
{
    private DrillRecord Drill => facts.Drill;

    /// <summary>What was asked, recovered, and left out.</summary>
    public void Scope()
    {
        page.Element("h2", words.Scope);
        using (page.Tag("dl", ("class", "facts")))
        {
            Fact(words.Hypothesis, Drill.Scenario.Hypothesis);
            if (Drill.Scenario.Fault is { } fault) Fact(words.Fault, fault);
            if (Drill.Scenario.Runbook is { } runbook) Fact(words.Runbook, runbook);
            Fact(words.Recovered, Drill.InScope.Count == 0 ? words.None : string.Join(", ", Drill.InScope));
            if (Drill.OutOfScope.Count == 0) Fact(words.LeftOut, words.None);
            foreach (var left in Drill.OutOfScope) Fact(words.LeftOut, $"{left.Name}: {left.Reason}");
            foreach (var part in Drill.Scenario.NotExercised)
            {
                page.Element("dt", words.NotExercised);
                words.WriteRecorded(page, "dd", part);
            }
        }
    }

    /// <summary>What nobody may conclude.</summary>
    public void NotProven()
    {
        page.Element("h2", words.NotProven);
        using (page.Tag("ul", ("class", "plain")))
        {
            page.Element("li", words.RootCouldLie);
            page.Element("li", words.NotTheFuture);
            foreach (var sentence in Drill.NotProven) words.WriteRecorded(page, "li", sentence);
        }
    }

    /// <summary>How production was kept out of it, and what was cleaned up.</summary>
    public void Separation()
    {
        page.Element("h2", words.How);
        using (page.Tag("dl", ("class", "facts")))
        {
            Judged(words.Apart, Drill.Separation.Outcome, Drill.Separation.Facts);
            Judged(words.CleanUp, Drill.CleanUp.Outcome, Drill.CleanUp.Facts);
            Fact(words.Environment, string.Join(", ", Drill.Environment.OrderBy(e => e.Key, StringComparer.Ordinal).Select(e => $"{e.Key} {e.Value}")));
            Fact(words.Tool, $"reprise {Drill.ToolVersion}" + (Drill.ToolSha256 is { } sha256 ? $" (SHA-256 {sha256})" : ""));
        }
    }

    /// <summary>Hashes, key, and the commands that verify them.</summary>
    public void Integrity()
    {
        page.Element("h2", words.Integrity);
        using (page.Tag("footer"))
        {
            using (page.Tag("dl", ("class", "facts")))
            {
                if (Drill.Input is { } input)
                {
                    Fact(words.Repository, $"{input.Location} ({input.Repository})");
                    Fact(words.PointHash, input.PointSha256, "mono");
                }

                if (facts.Evidence is { } evidence)
                {
                    Fact(words.Evidence, evidence.Name, "mono");
                    Fact(words.EvidenceHash, evidence.Sha256, "mono");
                    Fact(words.PreviousHash, evidence.Statement?.Previous ?? words.None, "mono");
                    Fact(words.Key, evidence.KeyId ?? words.NotKnown, "mono");
                }
            }

            if (facts.Evidence is { KeyId: { } keyId } signed)
            {
                page.Element("p", words.PageIsNoProof);
                page.Element("pre", OpensslCommands.Text(signed.Name, keyId));
                page.Element("p", words.CompareKey, ("class", "soft"));
            }
            else
            {
                page.Element("p", words.NotSigned);
            }

            page.Element("p", words.Recorded, ("class", "soft"));
        }
    }

    private void Fact(string name, string value, string style = "quote")
    {
        page.Element("dt", name);
        page.Element("dd", value, ("class", style));
    }

    private void Judged(string name, Recovery.Assets.Outcome outcome, IReadOnlyList<string> sentences)
    {
        page.Element("dt", name);
        using (page.Tag("dd"))
        {
            page.Element(
                "span",
                $"{ReportSummary.Mark(outcome)} {words.Of(outcome)}",
                ("class", ReportSummary.ClassOf(outcome)));
            foreach (var sentence in sentences) words.WriteRecorded(page, "div", sentence);
        }
    }
}

/// <summary>The commands that verify one piece of evidence with nothing of ours, as the guide shows them.</summary>
internal static class OpensslCommands
{
    /// <summary>To be typed in the folder of the evidence; the last one answers <c>Verified OK</c>.</summary>
    public static string Text(string name, string keyId) => $"""
        sed 's/.*"payload":"\([^"]*\)".*/\1/' {name} | openssl base64 -d -A > statement.json
        sed 's/.*"sig":"\([^"]*\)".*/\1/' {name} | openssl base64 -d -A > signature.der
        size=$(($(wc -c < statement.json)))
        (printf 'DSSEv1 28 application/vnd.in-toto+json %d ' $size; cat statement.json) > signed.bin
        openssl dgst -sha256 -verify keys/{keyId}.pub -signature signature.der signed.bin
        """;
}
