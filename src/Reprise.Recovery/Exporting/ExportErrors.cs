using Reprise.Storage.Errors;

namespace Reprise.Recovery.Exporting;

/// <summary>The codes that exports and recoveries raise.</summary>
public static class ExportErrors
{
    /// <summary>Nothing signs the export.</summary>
    public static readonly ErrorCode ExportUnsigned =
        new(
            "export-unsigned", ExitCodes.Done,
            "an export is not signed because BACKUP_METADATA_HMAC_KEY is not set; a note");

    /// <summary>A killed export left something.</summary>
    public static readonly ErrorCode PartialLeft =
        new(
            "partial-left", ExitCodes.Done,
            "an export or a recovery that was killed left an unfinished folder; a note");

    /// <summary>A file that an export must have is not there.</summary>
    public static readonly ErrorCode ExportIncomplete =
        new("export-incomplete", ExitCodes.Damaged, "a file that belongs to an export is missing");

    /// <summary>A file that an export does not have is there.</summary>
    public static readonly ErrorCode ExportForeign =
        new(
            "export-foreign", ExitCodes.Damaged,
            "an export holds something that its checksums or its metadata do not name");

    /// <summary>A file of an export is not the one that was written.</summary>
    public static readonly ErrorCode ExportAltered =
        new(
            "export-altered", ExitCodes.Damaged,
            "a file of an export has another length or another SHA-256 than was written down");

    /// <summary>SHA256SUMS, metadata.json or metadata.json.hmac break their own rules.</summary>
    public static readonly ErrorCode ExportMalformed =
        new(
            "export-malformed", ExitCodes.Damaged,
            "checksums, metadata or signature of an export are not of the documented form");

    /// <summary>Nobody can write an asset into a folder.</summary>
    public static readonly ErrorCode AssetNotExportable =
        new(
            "asset-not-exportable", ExitCodes.Refused,
            "an asset of the point is of a kind or method that cannot be written into a folder");

    /// <summary>A newer point was passed over by recover.</summary>
    public static readonly ErrorCode PointSkipped =
        new("point-skipped", ExitCodes.Done, "a newer point is damaged or forged and was passed over; a warning");

    /// <summary>The point has no configuration.</summary>
    public static readonly ErrorCode ConfigurationAbsent =
        new("configuration-absent", ExitCodes.Incomplete, "the point holds no reprise.yaml");

    /// <summary>Two assets hold different files of one name.</summary>
    public static readonly ErrorCode PathTwice =
        new(
            "path-twice", ExitCodes.Incomplete,
            "two assets hold different files of one path; both were written, one under another name");

    /// <summary>A secret was not kept in the point.</summary>
    public static readonly ErrorCode SecretNotKept =
        new("secret-not-kept", ExitCodes.Done, "a secret that the application needs has to be set by hand; a warning");
}
