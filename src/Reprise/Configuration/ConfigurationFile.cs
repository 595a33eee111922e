using System.Text;
using Reprise.Recovery.Secrets;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Configuration;

/// <summary>Finds and reads a <c>reprise.yaml</c> and the <c>.env</c> beside it.</summary>
internal static class ConfigurationFile
{
    /// <summary>The largest configuration and the largest <c>.env</c>, in bytes.</summary>
    public const int MaxBytes = 1024 * 1024;

    /// <summary>Its usual name.</summary>
    public const string UsualName = "reprise.yaml";

    private const int MaxLinks = 16;

    /// <summary>Reads the configuration at <paramref name="path"/>.</summary>
    /// <param name="disk">where it lies.</param>
    /// <param name="path">as it was given; relative to <paramref name="workingFolder"/>.</param>
    /// <param name="workingFolder">absolute.</param>
    /// <param name="environment">the variables of the process.</param>
    public static ApplicationConfiguration Load(
        IDisk disk, string path, string workingFolder, IReadOnlyDictionary<string, string> environment)
    {
        var full = Path.GetFullPath(path, workingFolder);
        var text = ReadText(disk, full, path) ?? throw new RepriseException(new Problem(
            ConfigurationErrors.Missing,
            Severity.Error,
            $"there is no configuration {path}",
            "run reprise init to write one, or name it with --config FILE; on a machine that replaces a lost one: "
                + "reprise runbook run host-lost --repository LOCATION --key-file FILE")
        {
            Where = path,
        });
        return ConfigurationParser.Parse(text, path, full, ReadVariables(disk, full, path, environment));
    }

    /// <summary>The variables for a configuration at <paramref name="full"/>, which need not exist.</summary>
    public static Variables ReadVariables(
        IDisk disk, string full, string shownAs, IReadOnlyDictionary<string, string> environment)
    {
        var beside = Path.Combine(Path.GetDirectoryName(full) ?? full, ".env");
        var shown = Path.Combine(Path.GetDirectoryName(shownAs) ?? "", ".env");
        var text = ReadText(disk, beside, shown);
        return new Variables(environment, text is null ? DotEnv.Empty : DotEnv.Parse(text, shown));
    }

    /// <summary>The text of a file that a person wrote, or null when it does not exist.</summary>
    /// <exception cref="RepriseException"><c>config-unreadable</c> or <c>config-too-large</c>.</exception>
    public static string? ReadText(IDisk disk, string full, string shownAs)
    {
        try
        {
            if (Follow(disk, new DiskPath(full), shownAs) is not { } path) return null;
            var status = disk.Stat(path);
            if (status is null) return null;
            if (status.Type != FileType.Regular)
            {
                throw Unreadable(shownAs, $"{shownAs} is not a file", "name the file itself", null);
            }

            if (status.SizeBytes > MaxBytes) throw TooLarge(shownAs, status.SizeBytes);
            var bytes = new byte[MaxBytes + 1];
            using var file = disk.OpenRead(path);
            var length = file.Read(0, bytes);
            if (length > MaxBytes) throw TooLarge(shownAs, length);
            var content = bytes.AsSpan(0, length);
            if (content.StartsWith("\uFEFF"u8)) content = content[3..];
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(content);
        }
        catch (DecoderFallbackException e)
        {
            throw Unreadable(shownAs, $"{shownAs} is not UTF-8 text (byte {e.Index})", "save it as UTF-8", e);
        }
        catch (RepriseException e) when (e.Code == StorageErrors.FileMissing)
        {
            return null;
        }
        catch (RepriseException e) when (
            e.Code != ConfigurationErrors.Unreadable && e.Code != ConfigurationErrors.TooLarge)
        {
            throw Unreadable(shownAs, $"{shownAs} cannot be read: {e.Message}", e.Problem.Hint, e);
        }
    }

    // The disk never follows a link at the last segment, but a configuration is often one (a mounted config map).
    private static DiskPath? Follow(IDisk disk, DiskPath path, string shownAs)
    {
        for (var links = 0; links < MaxLinks; links++)
        {
            var status = disk.Stat(path);
            if (status is null) return null;
            if (status.Type != FileType.SymbolicLink) return path;
            var target = disk.ReadSymbolicLink(path);
            path = target.IsAbsolute ? target : path.Parent / target;
        }

        throw Unreadable(
            shownAs, $"{shownAs} is a chain of more than {MaxLinks} symbolic links", "name the file itself", null);
    }

    private static RepriseException TooLarge(string shownAs, long bytes) => new(new Problem(
        ConfigurationErrors.TooLarge,
        Severity.Error,
        $"{shownAs} is larger than {MaxBytes} bytes ({bytes})",
        "name the right file: a configuration is a few kilobytes")
    {
        Where = shownAs,
    });

    private static RepriseException Unreadable(string shownAs, string message, string hint, Exception? inner) =>
        new(new Problem(ConfigurationErrors.Unreadable, Severity.Error, message, hint) { Where = shownAs }, inner);
}
