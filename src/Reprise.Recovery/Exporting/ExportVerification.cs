using System.Text;
using Reprise.Recovery.Assets;
using Reprise.Repository;
using Reprise.Repository.Points;
using Reprise.Repository.Sealing;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Storage.Runtime;

namespace Reprise.Recovery.Exporting;

/// <summary>What is wrong with one file of an export.</summary>
/// <param name="File">its name.</param>
/// <param name="Asset">the asset that it holds, or null.</param>
/// <param name="Problem">what is wrong.</param>
public sealed record ExportDamage(string File, string? Asset, Problem Problem);

/// <summary>What a verification of an export found.</summary>
public sealed record ExportVerificationResult
{
    /// <summary>What the export says of itself, or null when that cannot be read.</summary>
    public required ExportMetadata? Metadata { get; init; }

    /// <summary>What its signature is worth. <see cref="SignatureState.NotInForce"/>: it is not signed.</summary>
    public required SignatureState Signature { get; init; }

    /// <summary>How many files were read whole.</summary>
    public required int FilesRead { get; init; }

    /// <summary>How many bytes that was.</summary>
    public required long BytesRead { get; init; }

    /// <summary>The files that are missing, foreign, altered or malformed.</summary>
    public required IReadOnlyList<ExportDamage> Damage { get; init; }

    /// <summary>Everything that is wrong or worth a note, damage included. An error is exit 5.</summary>
    public required IReadOnlyList<Problem> Problems { get; init; }
}

/// <summary>
/// Proves an export from its folder alone, which may come from anywhere: nothing in it is believed before it was
/// compared, and nothing outside it is ever opened.
/// </summary>
public sealed class ExportVerification(IDisk disk, Cpu cpu)
{
    /// <summary>The longest metadata.json, SHA256SUMS and signature.</summary>
    public const int MaxDescriptionBytes = 1024 * 1024;

    private const string Again = "take the export again from where it was made, or make another with 'reprise export'";
    private const int HmacLength = 64;

    private static readonly string[] Descriptions =
        [ExportNames.Metadata, ExportNames.Signature, ExportNames.Checksums];

    /// <summary>Reads everything. Throws only when there is no such folder, or it cannot be read (exit 4).</summary>
    public async Task<ExportVerificationResult> RunAsync(
        DiskPath folder, SigningKeys signing, IProgressSink progress, CancellationToken cancellationToken)
    {
        if (disk.Stat(folder / ".") is not { Type: FileType.Folder })
        {
            throw new RepriseException(
                StorageErrors.FileMissing,
                $"there is no folder {folder}",
                "name the folder that 'reprise export' wrote");
        }

        var found = new Findings();
        var present = Present(folder, found);
        var metadataBytes = Description(folder, ExportNames.Metadata, present, found);
        var metadata = Parse(metadataBytes, found);
        var signature = Judge(folder, present, metadata, metadataBytes, signing, found);
        var hashes = Checksums(folder, present, found);
        var owners = CompareLists(metadata, hashes, present, found);
        progress.Begin("verify files", present.Values.Sum(s => s.SizeBytes));
        foreach (var (name, hash) in (hashes ?? []).Where(h => present.ContainsKey(h.Key)))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var facts = await cpu.RunAsync(
                () => FileFacts.Read(disk, folder / name, progress.Advance, cancellationToken), cancellationToken);
            found.FilesRead++;
            found.BytesRead += facts.SizeBytes;
            CompareFile(name, hash, facts, owners.GetValueOrDefault(name), found);
        }

        return new ExportVerificationResult
        {
            Metadata = metadata,
            Signature = signature,
            FilesRead = found.FilesRead,
            BytesRead = found.BytesRead,
            Damage = found.Damage,
            Problems = [.. found.Damage.Select(d => d.Problem), .. found.Others],
        };
    }

    // The regular files; everything else in the folder is foreign, a link or a sub-folder too.
    private SortedDictionary<string, FileStatus> Present(DiskPath folder, Findings found)
    {
        var present = new SortedDictionary<string, FileStatus>(StringComparer.Ordinal);
        var count = 0;
        foreach (var entry in disk.List(folder))
        {
            if (++count > ChecksumList.MaxFiles)
            {
                var many = $"the folder holds more than {ChecksumList.MaxFiles} entries";
                found.Add(ExportErrors.ExportForeign, ".", null, many);
                break;
            }

            var name = entry.Name.ToString();
            if (disk.Stat(folder / entry.Name) is not { } status) continue;
            if (status.Type == FileType.Regular)
            {
                present[name] = status;
                continue;
            }

            var what = $"{name} is not a regular file but a {Word(status.Type)}";
            found.Add(ExportErrors.ExportForeign, name, null, what);
        }

        return present;
    }

    private static string Word(FileType type) => type switch
    {
        FileType.SymbolicLink => "symbolic link",
        FileType.Folder => "folder",
        FileType.Fifo => "pipe",
        FileType.Socket => "socket",
        _ => "device",
    };

    private byte[]? Description(
        DiskPath folder, string name, SortedDictionary<string, FileStatus> present, Findings found)
    {
        if (!present.ContainsKey(name))
        {
            found.Add(ExportErrors.ExportIncomplete, name, null, $"{name} is missing");
            return null;
        }

        using var file = disk.OpenRead(folder / name);
        var bytes = new byte[MaxDescriptionBytes + 1];
        var length = file.Read(0, bytes);
        if (length <= MaxDescriptionBytes) return bytes[..length];
        found.Add(ExportErrors.ExportMalformed, name, null, $"{name} is longer than {MaxDescriptionBytes} bytes");
        return null;
    }

    private static ExportMetadata? Parse(byte[]? bytes, Findings found)
    {
        if (bytes is null) return null;
        var metadata = ExportMetadata.TryDecode(bytes);
        var wrong = metadata switch
        {
            null => "is not JSON of the documented form",
            { Schema: not ExportMetadata.CurrentSchema } => $"has the schema '{Short(metadata.Schema)}'",
            _ when !PointId.TryParse(metadata.Point, out _) => "names no point",
            _ when metadata.Assets.SelectMany(a => a.Files()).FirstOrDefault(f => !IsSound(f)) is { } file =>
                $"describes the file '{Short(file.File)}' in a way that no export does",
            _ => null,
        };
        if (wrong is null) return metadata;
        found.Add(ExportErrors.ExportMalformed, ExportNames.Metadata, null, $"{ExportNames.Metadata} {wrong}");
        return null;
    }

    private static bool IsSound(ExportedFile file) =>
        ExportNames.IsPlain(file.File)
        && !Descriptions.Contains(file.File, StringComparer.Ordinal)
        && file.SizeBytes >= 0
        && file.Sha256.Length == 2 * Sha256Digest.Length
        && file.Sha256.All(char.IsAsciiHexDigitLower);

    // Text of a stranger for a message: short, and nothing that moves a cursor.
    private static string Short(string text) =>
        string.Concat(text.Take(80).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c));

    private SignatureState Judge(
        DiskPath folder,
        SortedDictionary<string, FileStatus> present,
        ExportMetadata? metadata,
        byte[]? bytes,
        SigningKeys signing,
        Findings found)
    {
        var state = SignatureState.NotInForce;
        var hasKey = signing.Current is not null || signing.Previous is not null;
        if (!present.ContainsKey(ExportNames.Signature))
        {
            if (hasKey || metadata is { Signed: true }) state = SignatureState.Missing;
        }
        else if (bytes is null)
        {
            state = SignatureState.Wrong;
        }
        else if (Hmac(folder, present, found) is { } hmac)
        {
            state = signing.Verify(bytes, hmac) switch
            {
                true => SignatureState.Valid,
                false => SignatureState.Wrong,
                null => SignatureState.NotVerifiable,
            };
        }
        else
        {
            return SignatureState.Wrong;
        }

        if (Sentence(state) is { } problem) found.Others.Add(problem);
        return state;
    }

    private byte[]? Hmac(DiskPath folder, SortedDictionary<string, FileStatus> present, Findings found)
    {
        if (Description(folder, ExportNames.Signature, present, found) is not { } bytes) return null;
        var text = Encoding.Latin1.GetString(bytes).TrimEnd('\n', '\r');
        if (text.Length == HmacLength && text.All(char.IsAsciiHexDigit)) return Convert.FromHexString(text);
        found.Add(
            ExportErrors.ExportMalformed,
            ExportNames.Signature,
            null,
            $"{ExportNames.Signature} is not {HmacLength} hexadecimal digits");
        return null;
    }

    private static Problem? Sentence(SignatureState state) => state switch
    {
        SignatureState.Valid => null,
        SignatureState.NotInForce => new Problem(
            ExportErrors.ExportUnsigned,
            Severity.Note,
            "the export is not signed: whoever could write to the folder could have replaced it as a whole",
            "set BACKUP_METADATA_HMAC_KEY where exports are made"),
        SignatureState.Missing => Bad(
            RepositoryErrors.SignatureMissing,
            "the export has no metadata.json.hmac although it should be signed",
            "treat it as forged unless you know why; " + Again),
        SignatureState.Wrong => Bad(
            RepositoryErrors.SignatureWrong,
            "metadata.json.hmac does not belong to metadata.json under the keys at hand",
            "check BACKUP_METADATA_HMAC_KEY and _PREVIOUS; if they are right, treat the export as forged"),
        SignatureState.NotVerifiable => Bad(
            RepositoryErrors.SignatureNotVerifiable,
            "the export is signed, but BACKUP_METADATA_HMAC_KEY is not set: whether it is genuine cannot be told",
            "set BACKUP_METADATA_HMAC_KEY (or _PREVIOUS after a rotation) and run the command again"),
        _ => throw new InvariantException($"signature state {state}"),
    };

    private static Problem Bad(ErrorCode code, string message, string hint) =>
        new(code, Severity.Error, message, hint) { Where = ExportNames.Signature };

    private SortedDictionary<string, string>? Checksums(
        DiskPath folder, SortedDictionary<string, FileStatus> present, Findings found)
    {
        if (Description(folder, ExportNames.Checksums, present, found) is not { } bytes) return null;
        var (hashes, wrong) = ChecksumList.Decode(bytes);
        foreach (var reason in wrong)
            found.Add(ExportErrors.ExportMalformed, ExportNames.Checksums, null, $"{ExportNames.Checksums}: {reason}");
        return hashes;
    }

    // Three lists must agree: what lies there, what has a checksum, and what the signed metadata names.
    private static Dictionary<string, (ExportedAsset Asset, ExportedFile File)> CompareLists(
        ExportMetadata? metadata,
        SortedDictionary<string, string>? hashes,
        SortedDictionary<string, FileStatus> present,
        Findings found)
    {
        var owners = new Dictionary<string, (ExportedAsset Asset, ExportedFile File)>(StringComparer.Ordinal);
        foreach (var (asset, file) in (metadata?.Assets ?? []).SelectMany(a => a.Files(), (a, f) => (a, f)))
        {
            if (owners.TryAdd(file.File, (asset, file))) continue;
            var twice = $"{ExportNames.Metadata} names {file.File} twice";
            found.Add(ExportErrors.ExportMalformed, ExportNames.Metadata, asset.Name, twice);
        }

        var needed = owners.Keys.Append(ExportNames.Metadata);
        if (present.ContainsKey(ExportNames.Signature)) needed = needed.Append(ExportNames.Signature);
        var unlisted = needed.Where(n => hashes is not null && !hashes.ContainsKey(n));
        foreach (var name in unlisted.Order(StringComparer.Ordinal))
        {
            found.Add(
                ExportErrors.ExportIncomplete,
                ExportNames.Checksums,
                owners.GetValueOrDefault(name).Asset?.Name,
                $"{ExportNames.Checksums} has no line for {name}");
        }

        var named = (hashes?.Keys ?? Enumerable.Empty<string>()).Union(owners.Keys);
        foreach (var name in named.Where(n => !present.ContainsKey(n)).Order(StringComparer.Ordinal))
        {
            // What is there but no regular file, and the metadata, were named before.
            if (name == ExportNames.Metadata || found.Damage.Exists(d => d.File == name)) continue;
            found.Add(
                ExportErrors.ExportIncomplete, name, owners.GetValueOrDefault(name).Asset?.Name, $"{name} is missing");
        }

        foreach (var name in present.Keys.Where(n => !Descriptions.Contains(n, StringComparer.Ordinal)))
        {
            if (metadata is null ? hashes?.ContainsKey(name) != false : owners.ContainsKey(name)) continue;
            var list = metadata is null ? ExportNames.Checksums : ExportNames.Metadata;
            found.Add(ExportErrors.ExportForeign, name, null, $"{name} is not named by {list}");
        }

        return owners;
    }

    private static void CompareFile(
        string name, string hash, FileFacts facts, (ExportedAsset Asset, ExportedFile File) owner, Findings found)
    {
        var actual = facts.Sha256.ToString();
        string? wrong = null;
        if (owner.File is { } file && file.SizeBytes != facts.SizeBytes)
            wrong = $"has {facts.SizeBytes} bytes instead of {file.SizeBytes}";
        else if (hash != actual) wrong = $"has another SHA-256 than {ExportNames.Checksums} says";
        else if (owner.File is { } described && described.Sha256 != actual)
            wrong = $"has another SHA-256 than {ExportNames.Metadata} says";
        if (wrong is not null) found.Add(ExportErrors.ExportAltered, name, owner.Asset?.Name, $"{name} {wrong}");
    }

    private sealed class Findings
    {
        public List<ExportDamage> Damage { get; } = [];

        public List<Problem> Others { get; } = [];

        public int FilesRead { get; set; }

        public long BytesRead { get; set; }

        public void Add(ErrorCode code, string file, string? asset, string message) => Damage.Add(new ExportDamage(
            file, asset, new Problem(code, Severity.Error, message, Again) { Asset = asset, Where = file }));
    }
}
