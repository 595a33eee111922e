namespace Reprise.Acceptance.Runbooks;

/// <summary>
/// A runbook in which every kind of step is, and the program that its steps start: it counts what it did in a file, and
/// stands still before or after that when a test wants to strike there.
/// </summary>
internal static class KillRunbook
{
    /// <summary>Its name.</summary>
    public const string Id = "every-step";

    /// <summary>The steps that start a program, in their order, on the way forward.</summary>
    public static readonly string[] Forward =
        ["look", "ready", "keep", "keep-once", "change", "changed", "slowly", "went-slowly", "again", "again-went", "settled", "final", "gone"];

    /// <summary>Those that take acts back, and those that prove it, in the order in which they run.</summary>
    public static readonly string[] Backward = ["again-back", "is-again-back", "slowly-back", "is-slowly-back", "change-back", "is-change-back"];

    /// <summary>What may never be done twice.</summary>
    public static readonly string[] Once = ["keep-once", "change", "slowly", "final", "slowly-back", "change-back"];

    /// <summary>
    /// <c>step NAME</c>: with a file <c>hold/NAME-before</c> or <c>hold/NAME-after</c> it says <c>held</c> and waits
    /// until somebody writes into the pipe.
    /// </summary>
    public const string Program = """
        #!/bin/sh
        hold() {
          [ -e "hold/$1" ] || return 0
          echo $$ > "held/$1.next" && mv "held/$1.next" "held/$1"
          read -r _ < hold/pipe
        }
        hold "$1-before"
        echo "$1" >> effects
        hold "$1-after"
        """;

    /// <summary>The text.</summary>
    public const string Text = """
        ---
        runbook: every-step
        title: "Every kind of step"
        incident: [kill]
        symptoms: ["it is killed"]
        escalation: "somebody"
        ---

        # Every kind of step

        ```observe look
        why: "looks"
        run: [./step, look]
        ```
        ```check ready
        why: "a condition"
        run: [./step, ready]
        ```
        ```decide way
        why: "a choice"
        question: "Which way?"
        options:
          short: { text: "nothing is done", next: end }
          long: { text: "everything" }
        ```
        ```capture keep
        why: "keeps what is there"
        run: [./step, keep]
        ```
        ```capture keep-once
        why: "keeps what is there, once only"
        run: [./step, keep-once]
        idempotent: false
        ```
        ```act change
        why: "changes something"
        run: [./step, change]
        effect: reversible
        undo: change-back
        ```
        ```verify changed
        why: "proves it"
        run: [./step, changed]
        ```
        ```act slowly
        why: "costs something"
        run: [./step, slowly]
        effect: costly
        undo: slowly-back
        ```
        ```verify went-slowly
        why: "proves it"
        run: [./step, went-slowly]
        ```
        ```act again
        why: "may be done twice"
        run: [./step, again]
        effect: reversible
        idempotent: true
        undo: again-back
        ```
        ```verify again-went
        why: "proves it"
        run: [./step, again-went]
        ```
        ```wait settled
        why: "waits"
        run: [./step, settled]
        every: 1s
        within: 60s
        ```
        ```manual hand
        why: "a person does it"
        do: "Do it."
        ```
        ```act final
        why: "cannot be taken back"
        run: [./step, final]
        on: application
        effect: irreversible
        irreversible: "it is gone"
        ```
        ```verify gone
        why: "proves it"
        run: [./step, gone]
        ```
        ```undo change-back
        why: "takes it back"
        run: [./step, change-back]
        verify: { run: [./step, is-change-back] }
        ```
        ```undo slowly-back
        why: "takes it back"
        run: [./step, slowly-back]
        verify: { run: [./step, is-slowly-back] }
        ```
        ```undo again-back
        why: "takes it back"
        run: [./step, again-back]
        idempotent: true
        verify: { run: [./step, is-again-back] }
        ```
        """;
}
