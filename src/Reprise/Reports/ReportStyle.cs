namespace Reprise.Reports;

/// <summary>How a report looks: light, dark, on a phone, on paper. Colour never says anything alone.</summary>
internal static class ReportStyle
{
    /// <summary>Holds neither less-than signs nor ampersands, so that the page stays XML.</summary>
    public const string Css = """

        :root { color-scheme: light dark;
          --paper: #fbfaf8; --card: #ffffff; --ink: #1d2328; --soft: #59636b; --line: #dcd9d3; --track: #eceae5;
          --good: #14694a; --good-tint: #e2f2ea; --bad: #a3241c; --bad-tint: #fbe6e3;
          --unsure: #7a5200; --unsure-tint: #fcf0d6; --bar: #2f5f8a; }
        @media (prefers-color-scheme: dark) { :root {
          --paper: #14181b; --card: #1c2226; --ink: #e7eaec; --soft: #a3adb5; --line: #343c42; --track: #2a3136;
          --good: #6fd3a6; --good-tint: #17342a; --bad: #ff9c92; --bad-tint: #431f1c;
          --unsure: #f2c25c; --unsure-tint: #3a2e12; --bar: #7fb2de; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--paper); color: var(--ink);
          font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif; }
        main { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; overflow-wrap: anywhere; }
        h1, h2, h3, p, ul, dl, dd, table, pre { margin: 0; }
        h1 { font-size: 1rem; font-weight: 600; color: var(--soft); }
        h2 { font-size: 1.2rem; line-height: 1.3; margin: 2.25rem 0 0.6rem; }
        h3 { font-size: 0.95rem; margin: 1.1rem 0 0.3rem; }
        .soft { color: var(--soft); font-size: 0.9rem; }
        .meta { color: var(--soft); font-size: 0.9rem; margin-bottom: 1rem; }
        code, pre, .mono { font-family: ui-monospace, "SFMono-Regular", Consolas, "Liberation Mono", monospace; font-size: 0.85em; }

        .verdict { display: flex; gap: 1rem; align-items: center; padding: 1.1rem 1.25rem; border-radius: 12px;
          border: 1px solid currentColor; }
        .verdict p { font-size: 1.35rem; line-height: 1.3; font-weight: 600; color: var(--ink); }
        .verdict .word { font-size: 0.8rem; text-transform: uppercase; letter-spacing: 0.06em; font-weight: 700; color: inherit; }
        .verdict .reason { font-size: 1rem; font-weight: 400; margin-top: 0.25rem; }
        .verdict svg { flex: none; width: 3rem; height: 3rem; }
        .pass { color: var(--good); } .fail { color: var(--bad); }
        .could-not-verify { color: var(--unsure); } .not-run, .not-applicable { color: var(--soft); }
        .verdict.pass { background: var(--good-tint); } .verdict.fail { background: var(--bad-tint); }
        .verdict.could-not-verify { background: var(--unsure-tint); }

        .figures { display: grid; grid-template-columns: repeat(3, 1fr); gap: 0.75rem; margin-top: 0.75rem; }
        .card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 0.9rem 1rem; }
        .card h3 { margin: 0; font-weight: 600; color: var(--soft); font-size: 0.85rem; }
        .card .value { font-size: 1.6rem; font-weight: 650; line-height: 1.25; }
        .card .against { font-size: 0.9rem; }
        .card .soft { margin-top: 0.35rem; font-size: 0.8rem; }
        .pips { display: flex; gap: 4px; margin-top: 0.55rem; }
        .pip { flex: 1; height: 8px; border-radius: 2px; border: 1px solid var(--soft); }
        .pip.reached { background: var(--bar); border-color: var(--bar); }
        .pip.unasked { border-style: dotted; }

        .list { list-style: none; padding: 0; display: grid; gap: 0.6rem; }
        .item { background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--soft); border-radius: 8px;
          padding: 0.7rem 0.9rem; }
        .item.error { border-left-color: var(--bad); } .item.warning { border-left-color: var(--unsure); }
        .item .head { font-weight: 600; }
        .item .next { margin-top: 0.2rem; }
        .tag { display: inline-block; font-size: 0.75rem; font-weight: 600; border: 1px solid currentColor; border-radius: 4px;
          padding: 0 0.4em; margin-right: 0.35em; max-width: 100%; }
        .plain { padding-left: 1.2rem; } .plain li { margin: 0.2rem 0; }
        .quote { color: var(--ink); }

        .phases { display: grid; gap: 0.5rem; }
        .phase { display: grid; grid-template-columns: 10.5rem minmax(0, 1fr) 6rem; gap: 0 0.75rem; align-items: center; }
        .phase .name { font-weight: 600; white-space: nowrap; } .phase .name .soft { font-weight: 400; margin-left: 0.35em; }
        .phase .took { text-align: right; font-variant-numeric: tabular-nums; line-height: 1.2; }
        .phase .took .soft { display: block; font-size: 0.75rem; }
        .phase svg { display: block; width: 100%; height: 18px; }
        .phase .why { grid-column: 2 / 4; }
        .track { fill: var(--track); } .measured { fill: var(--bar); }
        .simulated { fill: url(#hatch); stroke: var(--bar); stroke-width: 1.5; }
        .excluded { stroke: var(--soft); stroke-width: 1.5; stroke-dasharray: 2 5; }
        .hatch { stroke: var(--bar); stroke-width: 2.5; }
        .mark { stroke: var(--ink); stroke-width: 2; }
        .scale { display: grid; grid-template-columns: 10.5rem minmax(0, 1fr) 6rem; gap: 0 0.75rem; }
        .scale { margin: 0.3rem 0 0.6rem; } .scale .ends { display: flex; justify-content: space-between; }

        table { width: 100%; border-collapse: collapse; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
        th, td { text-align: left; vertical-align: top; padding: 0.45rem 0.7rem; border-top: 1px solid var(--line); }
        thead th { border-top: 0; font-size: 0.8rem; color: var(--soft); font-weight: 600; }
        td.state { white-space: nowrap; font-weight: 600; } td.number { text-align: right; white-space: nowrap; }
        table + .soft { margin-top: 0.4rem; } .soft + table { margin-top: 0.4rem; }
        .checks td:first-child { width: 10.5rem; } .checks td:last-child { width: 5rem; }
        .facts { display: grid; grid-template-columns: 13rem minmax(0, 1fr); gap: 0.3rem 1rem; }
        .facts dt { color: var(--soft); font-size: 0.9rem; }
        pre { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 0.8rem 1rem; margin: 0.6rem 0;
          white-space: pre-wrap; overflow-wrap: anywhere; }
        footer p { margin-top: 0.8rem; }

        @media (max-width: 40rem) {
          main { padding: 1rem 0.75rem 2rem; }
          .figures { grid-template-columns: 1fr; }
          .verdict { align-items: flex-start; padding: 0.9rem; } .verdict p { font-size: 1.15rem; }
          .verdict svg { width: 2.2rem; height: 2.2rem; }
          .phase { grid-template-columns: minmax(0, 1fr) fit-content(55%); gap: 0.15rem 0.5rem; }
          .phase .picture { grid-column: 1 / 3; grid-row: 2; } .phase .why { grid-column: 1 / 3; grid-row: 3; }
          .phase .took .soft { display: inline; margin-left: 0.45em; }
          .phase .name { white-space: normal; }
          .scale { grid-template-columns: 1fr; } .scale .blank { display: none; }
          .facts { grid-template-columns: 1fr; gap: 0; } .facts dd { margin-bottom: 0.4rem; }
          table, thead, tbody, tr, th, td { display: block; border: 0; }
          thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
          table { border: 1px solid var(--line); }
          tr { padding: 0.5rem 0.75rem; border-top: 1px solid var(--line); } tbody tr:first-child { border-top: 0; }
          td, td.number, .checks td:first-child, .checks td:last-child { padding: 0.1rem 0; width: auto; text-align: left; }
          td[data-label]::before { content: attr(data-label) "\00a0"; color: var(--soft); font-size: 0.85rem; }
        }
        @media print {
          :root { color-scheme: light; --paper: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb; --track: #eee;
            --good: #14694a; --good-tint: #fff; --bad: #a3241c; --bad-tint: #fff; --unsure: #7a5200; --unsure-tint: #fff; --bar: #2f5f8a; }
          body { font-size: 10.5pt; } main { max-width: none; padding: 0; }
          .verdict, .card, .item, .phase, tr, pre { break-inside: avoid; } h2, h3 { break-after: avoid; }
          * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
          @page { margin: 16mm; }
        }

        """;
}
