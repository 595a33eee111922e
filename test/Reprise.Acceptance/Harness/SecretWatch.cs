using System.Text;
using Xunit.Sdk;

namespace Reprise.Acceptance.Harness;

/// <summary>
/// Reads the command lines of all processes of this machine, again and again, while something runs: whatever stands in
/// one is readable for every user. Sees what lives longer than one round of some ten milliseconds, on average.
/// </summary>
public sealed class SecretWatch : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    private readonly List<byte[]> forms;
    private readonly SortedSet<string> found = new(StringComparer.Ordinal);
    private readonly Thread poller;
    private volatile bool over;

    /// <summary>Watches for these secrets from now on.</summary>
    public SecretWatch(params string[] secrets)
    {
        forms = [.. secrets.SelectMany(Forms).Select(Encoding.UTF8.GetBytes)];
        if (forms.Count == 0) throw new ArgumentException("nothing to look for", nameof(secrets));
        poller = new Thread(Poll) { IsBackground = true, Name = "secret watch" };
        poller.Start();
    }

    /// <summary>How often every process was looked at.</summary>
    public int Rounds { get; private set; }

    /// <summary>How many command lines were read.</summary>
    public int Read { get; private set; }

    /// <summary>A secret as it is, in an address, and in Base64, alone or within a longer text.</summary>
    public static IEnumerable<string> Forms(string secret)
    {
        yield return secret;
        yield return Uri.EscapeDataString(secret);
        var bytes = Encoding.UTF8.GetBytes(secret);
        yield return Convert.ToBase64String(bytes);
        for (var before = 0; before < 3; before++)
        {
            // Of a text in which it begins there, the characters that do not depend on its neighbours.
            var all = Convert.ToBase64String([.. new byte[before], .. bytes]);
            yield return all[(((8 * before) + 5) / 6)..(8 * (before + bytes.Length) / 6)];
        }
    }

    /// <summary>Ends the watch and fails when it saw a secret, or when it saw nothing at all.</summary>
    public void MustHaveSeenNothing()
    {
        Dispose();
        if (Rounds < 2 || Read < 10) throw new XunitException($"it looked {Rounds} times and read {Read} command lines");
        if (found.Count > 0) throw new XunitException($"secrets in command lines:\n{string.Join('\n', found)}");
    }

    /// <summary>The command lines in which a secret stood.</summary>
    public IReadOnlyCollection<string> Found => found;

    /// <inheritdoc />
    public void Dispose()
    {
        over = true;
        if (poller.IsAlive) poller.Join();
    }

    private void Poll()
    {
        while (!over)
        {
            foreach (var folder in Directory.EnumerateDirectories("/proc"))
            {
                if (char.IsAsciiDigit(Path.GetFileName(folder)[0])) Look(folder);
            }

            Rounds++;
            Thread.Sleep(Pause);
        }
    }

    private void Look(string folder)
    {
        byte[] line;
        try
        {
            line = File.ReadAllBytes(folder + "/cmdline");
        }
        catch (IOException)
        {
            // It ended meanwhile.
            return;
        }

        Read++;
        if (forms.Exists(f => line.AsSpan().IndexOf(f) >= 0)) found.Add(Encoding.UTF8.GetString(line).Replace('\0', ' '));
    }
}
