using Reprise.Repository.Sealing;

namespace Reprise.Wiring;

/// <summary>
/// The recovery sheet: a page for a person, and below it the lines of a key. The page is itself a key file, so that what
/// was typed or scanned from paper can be used as it is.
/// </summary>
internal static class RecoverySheet
{
    /// <summary>The text of the sheet.</summary>
    public static string Text(string application, string location, KeyFile key, DateTimeOffset now) => $"""
        RECOVERY SHEET for {application}                                   {now:yyyy-MM-dd}

        Print this page, keep it away from the computer that it protects, and delete the file.
        Whoever has this page and the repository can read every backup. Without it, and
        without the key file, nobody can: not even the people who wrote the program.

        To bring the application back on another computer:

          1. Install reprise, and bring the repository there. When this page was made it
             was at {location}
          2. Type or scan the lines below, from "reprise-key" to "check", into a file,
             for example sheet.txt. A wrong character is noticed.
          3. reprise recover --repository PLACE --key-file sheet.txt --to FOLDER
             It prints what to type next. To be led through all of it instead:
             reprise runbook run host-lost --repository PLACE --key-file sheet.txt

        Without reprise: kit/reader in the repository has a Python program that restores too.

        {key.Format()}
        """ + "\n";
}
