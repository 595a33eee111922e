using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Reprise.Json;

/// <summary>Every document that <c>--json</c> can print.</summary>
internal static class Documents
{
    private static readonly DocumentContext Context = new(new JsonSerializerOptions(DocumentContext.Default.Options)
    {
        // The output is read by people too, and never becomes part of a web page.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    public static Document<BackupJson> Backup { get; } = new("backup", Context.EnvelopeBackupJson);

    public static Document<PointsJson> Points { get; } = new("points", Context.EnvelopePointsJson);

    public static Document<PointsShowJson> PointsShow { get; } = new("points-show", Context.EnvelopePointsShowJson);

    public static Document<VerifyJson> Verify { get; } = new("verify", Context.EnvelopeVerifyJson);

    public static Document<RestoreJson> Restore { get; } = new("restore", Context.EnvelopeRestoreJson);

    public static Document<RestoreJson> Undo { get; } = new("undo", Context.EnvelopeRestoreJson);

    public static Document<RestoreJson> RestoreForget { get; } = new("restore-forget", Context.EnvelopeRestoreJson);

    public static Document<ChecksJson> Check { get; } = new("check", Context.EnvelopeChecksJson);

    public static Document<DoctorJson> Doctor { get; } = new("doctor", Context.EnvelopeDoctorJson);

    public static Document<InitJson> Init { get; } = new("init", Context.EnvelopeInitJson);

    public static Document<StatusJson> Status { get; } = new("status", Context.EnvelopeStatusJson);

    public static Document<ExportJson> Export { get; } = new("export", Context.EnvelopeExportJson);

    public static Document<DrillJson> Drill { get; } = new("drill", Context.EnvelopeDrillJson);

    public static Document<PruneJson> Prune { get; } = new("prune", Context.EnvelopePruneJson);

    public static Document<StoreCheckJson> StoreCheck { get; } = new("store-check", Context.EnvelopeStoreCheckJson);

    public static Document<StoreRecoverJson> StoreRecover { get; } = new("store-recover", Context.EnvelopeStoreRecoverJson);

    public static Document<WalPushJson> WalPush { get; } = new("wal-push", Context.EnvelopeWalPushJson);

    public static Document<WalGetJson> WalGet { get; } = new("wal-get", Context.EnvelopeWalGetJson);

    public static Document<WalAdoptJson> WalAdopt { get; } = new("wal-adopt", Context.EnvelopeWalAdoptJson);

    public static Document<StreamJson> Stream { get; } = new("stream", Context.EnvelopeStreamJson);

    public static Document<RecoverJson> Recover { get; } = new("recover", Context.EnvelopeRecoverJson);

    public static Document<KeyListJson> KeyList { get; } = new("key-list", Context.EnvelopeKeyListJson);

    public static Document<KeyChangeJson> KeyAdd { get; } = new("key-add", Context.EnvelopeKeyChangeJson);

    public static Document<KeyChangeJson> KeyRotate { get; } = new("key-rotate", Context.EnvelopeKeyChangeJson);

    public static Document<KeyChangeJson> KeyRevoke { get; } = new("key-revoke", Context.EnvelopeKeyChangeJson);

    public static Document<KeySheetJson> KeySheet { get; } = new("key-sheet", Context.EnvelopeKeySheetJson);

    public static Document<EvidenceListJson> EvidenceList { get; } = new("evidence-list", Context.EnvelopeEvidenceListJson);

    public static Document<EvidenceShowJson> EvidenceShow { get; } = new("evidence-show", Context.EnvelopeEvidenceShowJson);

    public static Document<EvidenceVerifyJson> EvidenceVerify { get; } = new("evidence-verify", Context.EnvelopeEvidenceVerifyJson);

    public static Document<DrillNoteJson> DrillNote { get; } = new("drill-note", Context.EnvelopeDrillNoteJson);

    public static Document<DemoJson> Demo { get; } = new("demo", Context.EnvelopeDemoJson);

    public static Document<RunbookListJson> RunbookList { get; } = new("runbook-list", Context.EnvelopeRunbookListJson);

    public static Document<RunbookListJson> RunbookFind { get; } = new("runbook-find", Context.EnvelopeRunbookListJson);

    public static Document<RunbookShowJson> RunbookShow { get; } = new("runbook-show", Context.EnvelopeRunbookShowJson);

    public static Document<RunbookCheckJson> RunbookCheck { get; } = new("runbook-check", Context.EnvelopeRunbookCheckJson);

    public static Document<RunbookRunJson> RunbookRun { get; } = new("runbook-run", Context.EnvelopeRunbookRunJson);

    public static Document<RunbookRunJson> RunbookResume { get; } = new("runbook-resume", Context.EnvelopeRunbookRunJson);

    public static Document<RunbookRunJson> RunbookReport { get; } = new("runbook-report", Context.EnvelopeRunbookRunJson);

    public static Document<RunbookExportJson> RunbookExport { get; } = new("runbook-export", Context.EnvelopeRunbookExportJson);

    public static Document<NothingJson> Error { get; } = new("error", Context.EnvelopeNothingJson);
}

/// <summary>One kind of document.</summary>
/// <param name="Command">the command, as the schema names it.</param>
/// <param name="Type">how it is written.</param>
internal sealed record Document<T>(string Command, JsonTypeInfo<Envelope<T>> Type)
    where T : class
{
    /// <summary><c>reprise/COMMAND/v1</c>.</summary>
    public string Schema => $"reprise/{Command}/v1";

    /// <summary>The document as text, ended by a line break.</summary>
    public string Write(Envelope<T> envelope) => JsonSerializer.Serialize(envelope, Type) + "\n";
}

/// <summary>Times as the contract has them: RFC 3339, UTC, milliseconds.</summary>
internal sealed class UtcTimeConverter : JsonConverter<DateTimeOffset>
{
    private const string Form = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    /// <inheritdoc />
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        DateTimeOffset.Parse(reader.GetString() ?? "", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

    /// <inheritdoc />
    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.UtcDateTime.ToString(Form, CultureInfo.InvariantCulture));
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    WriteIndented = true,
    NewLine = "\n",
    Converters = [typeof(UtcTimeConverter)],
    GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(Envelope<BackupJson>))]
[JsonSerializable(typeof(Envelope<PointsJson>))]
[JsonSerializable(typeof(Envelope<PointsShowJson>))]
[JsonSerializable(typeof(Envelope<VerifyJson>))]
[JsonSerializable(typeof(Envelope<RestoreJson>))]
[JsonSerializable(typeof(Envelope<ChecksJson>))]
[JsonSerializable(typeof(Envelope<DoctorJson>))]
[JsonSerializable(typeof(Envelope<InitJson>))]
[JsonSerializable(typeof(Envelope<StatusJson>))]
[JsonSerializable(typeof(Envelope<ExportJson>))]
[JsonSerializable(typeof(Envelope<DrillJson>))]
[JsonSerializable(typeof(Envelope<PruneJson>))]
[JsonSerializable(typeof(Envelope<StoreCheckJson>))]
[JsonSerializable(typeof(Envelope<StoreRecoverJson>))]
[JsonSerializable(typeof(Envelope<RecoverJson>))]
[JsonSerializable(typeof(Envelope<StreamJson>))]
[JsonSerializable(typeof(Envelope<WalPushJson>))]
[JsonSerializable(typeof(Envelope<WalGetJson>))]
[JsonSerializable(typeof(Envelope<WalAdoptJson>))]
[JsonSerializable(typeof(Envelope<KeyListJson>))]
[JsonSerializable(typeof(Envelope<KeyChangeJson>))]
[JsonSerializable(typeof(Envelope<KeySheetJson>))]
[JsonSerializable(typeof(Envelope<EvidenceListJson>))]
[JsonSerializable(typeof(Envelope<EvidenceShowJson>))]
[JsonSerializable(typeof(Envelope<EvidenceVerifyJson>))]
[JsonSerializable(typeof(Envelope<DrillNoteJson>))]
[JsonSerializable(typeof(Envelope<DemoJson>))]
[JsonSerializable(typeof(Envelope<RunbookListJson>))]
[JsonSerializable(typeof(Envelope<RunbookShowJson>))]
[JsonSerializable(typeof(Envelope<RunbookCheckJson>))]
[JsonSerializable(typeof(Envelope<RunbookRunJson>))]
[JsonSerializable(typeof(Envelope<RunbookExportJson>))]
[JsonSerializable(typeof(Envelope<NothingJson>))]
internal sealed partial class DocumentContext : JsonSerializerContext;
