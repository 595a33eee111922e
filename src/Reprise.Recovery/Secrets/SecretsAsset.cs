using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Reprise.Recovery.Assets;
using Reprise.Repository;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Secrets;

/// <summary>A set of secret references as the configuration names them.</summary>
public sealed record SecretsSettings
{
    /// <summary>The asset's name.</summary>
    public required string Name { get; init; }

    /// <summary>The names of the secrets.</summary>
    public required IReadOnlyList<string> References { get; init; }

    /// <summary>Where their values are.</summary>
    public required SecretSource Source { get; init; }

    /// <summary>Whether the values are kept too, encrypted in the point (<c>values: sealed</c>).</summary>
    public bool Sealed { get; init; }

    /// <summary>Whether a restore is refused unless they are those of the point (<c>must-match</c>).</summary>
    public bool MustMatch { get; init; }
}

/// <summary>
/// Secrets by name and keyed fingerprint, so that a restore can say that one is not the one of the point without ever
/// having stored it. With sealed values it can also write them back, on request only.
/// <para>Facts of a record: <c>source</c>; <c>fingerprint.NAME</c>, empty when the secret was not set. Stream
/// <c>values</c> of a sealed one: a JSON object.</para>
/// </summary>
public sealed class SecretsAsset : IRestorable
{
    /// <summary>How names and fingerprints alone are captured.</summary>
    public const string References = "references";

    /// <summary>How values are captured.</summary>
    public const string Sealed = "sealed";

    private const string FingerprintPrefix = "fingerprint.";
    private const string ValuesStream = "values";
    private const int MaxValuesBytes = 4 * 1024 * 1024;

    private readonly SecretsSettings settings;
    private readonly IDisk disk;
    private readonly SecretReader reader;
    private readonly SecretSlots slots;
    private readonly Func<string, string, string> fingerprint;

    /// <summary>Describes an asset; reads nothing yet.</summary>
    /// <param name="settings">what the configuration says.</param>
    /// <param name="disk">where files are.</param>
    /// <param name="environment">looks a variable up.</param>
    /// <param name="fingerprint">a fingerprint of (name, value) under a key that only the repository has.</param>
    public SecretsAsset(
        SecretsSettings settings,
        IDisk disk,
        Func<string, string?> environment,
        Func<string, string, string> fingerprint)
    {
        this.settings = settings;
        this.disk = disk;
        this.fingerprint = fingerprint;
        reader = new SecretReader(disk, environment);
        slots = new SecretSlots(disk, settings.Source);
    }

    /// <inheritdoc />
    public string Name => settings.Name;

    /// <inheritdoc />
    public string Kind => AssetKinds.Secrets;

    /// <inheritdoc />
    public Task<IReadOnlyList<Problem>> DiagnoseAsync(CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<Problem>>(
        [
            .. reader.Read(settings.Source, settings.References)
                .Where(s => s.Value is null)
                .Select(s => NotFound(s.Key)),
        ]);

    /// <inheritdoc />
    public async Task<AssetRecord> CaptureAsync(CaptureContext context, CancellationToken cancellationToken)
    {
        var values = reader.Read(settings.Source, settings.References);
        foreach (var (name, value) in values)
        {
            if (value is null) context.Problems.Add(NotFound(name));
        }

        var facts =
            new SortedDictionary<string, string>(StringComparer.Ordinal) { ["source"] = settings.Source.ToString() };
        foreach (var (name, value) in values)
            facts[FingerprintPrefix + name] = value is null ? "" : fingerprint(name, value);
        var list = string.Concat(facts.Select(f => $"{f.Key}={f.Value}\n"));
        return new AssetRecord
        {
            Name = Name,
            Kind = Kind,
            Method = settings.Sealed ? Sealed : References,
            Moment = context.Clock.GetUtcNow(),

            // Without values there is nothing that could be missing later: that it was not set is what is kept.
            State = settings.Sealed && values.Values.Any(v => v is null)
                ? AssetStates.Incomplete
                : AssetStates.Complete,
            SourceBytes = values.Values.Sum(v => v is null ? 0L : Encoding.UTF8.GetByteCount(v)),
            StoredBytes = 0,
            Sha256 = new Sha256Digest(SHA256.HashData(Encoding.UTF8.GetBytes(list))),
            Facts = facts,
            Streams = await SealAsync(values, context, cancellationToken),
        };
    }

    /// <summary>
    /// Compares every secret of the point and of the configuration with what is in force now; never throws because one
    /// is missing.
    /// </summary>
    public IReadOnlyList<SecretOutcome> Compare(AssetRecord record, PointId point)
    {
        var then = Fingerprints(record);
        var now = reader.Read(settings.Source, settings.References.Union(then.Keys, StringComparer.Ordinal));
        return [.. now.Select(s => Compare(s.Key, s.Value, then.GetValueOrDefault(s.Key, ""), point))];
    }

    /// <inheritdoc />
    public Task<TargetState> InspectAsync(CancellationToken cancellationToken)
    {
        var found = reader.Read(settings.Source, settings.References).Values.Count(v => v is not null);
        return Task.FromResult(new TargetState
        {
            Presence = slots.Live is { } live && disk.Stat(live) is null ? Presence.Absent : Presence.Readable,
            HasData = found > 0,
            Identity = new SortedDictionary<string, string>(
                StringComparer.Ordinal) { ["source"] = settings.Source.ToString() },
            Where = settings.Source.ToString(),
        });
    }

    /// <inheritdoc />
    public Task<IReadOnlyList<Problem>> PreflightAsync(RestoreItem item, CancellationToken cancellationToken)
    {
        string? why = null;
        if (item.Record.Method != Sealed) why = $"the point holds only the names of {Name}, not their values";
        else if (slots.Live is null) why =
            $"the values of {Name} come from the environment, which a restore cannot change";
        return Task.FromResult<IReadOnlyList<Problem>>(why is null
            ? []
            : [Refusal(why, "set the secrets where the application gets them from, by hand")]);
    }

    /// <inheritdoc />
    public async Task StageAsync(
        RestoreItem item, PointReader point, IProgressSink progress, CancellationToken cancellationToken)
    {
        var values = await UnsealAsync(item.Record, point, cancellationToken);
        slots.Stage(Slot.New(item.RestoreId), values, reader);
    }

    /// <inheritdoc />
    public Task<IReadOnlyList<CheckOutcome>> VerifyStagedAsync(
        RestoreItem item, IProgressSink progress, CancellationToken cancellationToken)
    {
        var then = Fingerprints(item.Record).Where(f => f.Value.Length > 0).ToList();
        var staged = reader.Read(slots.Source(Slot.New(item.RestoreId)), then.Select(f => f.Key));
        var wrong = then.Where(f => staged[f.Key] is not { } value || fingerprint(f.Key, value) != f.Value).ToList();
        return Task.FromResult<IReadOnlyList<CheckOutcome>>(
        [
            new CheckOutcome
            {
                Name = Name + "-values",
                Level = CheckLevel.Data,
                Outcome = wrong.Count == 0 ? Outcome.Pass : Outcome.Fail,
                Expected = $"{then.Count} secrets with the fingerprints of the point",
                Actual = wrong.Count == 0 ? "they have them" : string.Join(", ", wrong.Select(f => f.Key)) + " differ",
                Asset = Name,
                Reason = wrong.Count == 0 ? null : "another-answer",
            },
        ]);
    }

    /// <inheritdoc />
    public Task SwapAsync(RestoreItem item, Swap swap, CancellationToken cancellationToken)
    {
        slots.Swap(swap);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task<SlotState> InspectSlotAsync(RestoreItem item, Slot slot, CancellationToken cancellationToken) =>
        Task.FromResult(slots.Inspect(slot));

    /// <inheritdoc />
    public Task DiscardAsync(RestoreItem item, Slot slot, CancellationToken cancellationToken)
    {
        slots.Discard(slot);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public async Task<WrittenPaths> MaterialiseAsync(
        AssetRecord record,
        PointReader point,
        string folder,
        Survey survey,
        IProgressSink progress,
        CancellationToken cancellationToken)
    {
        if (record.Method != Sealed) return new WrittenPaths();
        var values = await UnsealAsync(record, point, cancellationToken);
        slots.Write(new DiskPath(folder) / "secrets.env", DotEnv.Empty.With(values), null);
        return WrittenPaths.Of("secrets.env");
    }

    internal static SortedDictionary<string, string> Fingerprints(AssetRecord record) => new(
        record.Facts
            .Where(f => f.Key.StartsWith(FingerprintPrefix, StringComparison.Ordinal))
            .ToDictionary(f => f.Key[FingerprintPrefix.Length..], f => f.Value),
        StringComparer.Ordinal);

    internal static async Task<SortedDictionary<string, string>> UnsealAsync(
        AssetRecord record, PointReader point, CancellationToken cancellationToken)
    {
        if (!record.Streams.TryGetValue(ValuesStream, out var content) || content.LengthBytes > MaxValuesBytes)
            throw Broken(record);
        var bytes = new byte[content.LengthBytes];
        try
        {
            await foreach (var block in point.ReadAsync(content, cancellationToken))
                block.Bytes.CopyTo(bytes.AsMemory((int)block.OffsetBytes));
            using var document = JsonDocument.Parse(bytes);
            var values = new SortedDictionary<string, string>(StringComparer.Ordinal);
            foreach (var value in document.RootElement.EnumerateObject()) values[value.Name] = value.Value.GetString() ?? "";
            return values;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw Broken(record);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    private static RepriseException Broken(AssetRecord record) => new(
        RepositoryErrors.Malformed,
        $"the sealed values of {record.Name} are no list of names and values",
        "run 'reprise verify' to see what is affected, and restore another point");

    private async Task<SortedDictionary<string, Content>> SealAsync(
        IReadOnlyDictionary<string, string?> values, CaptureContext context, CancellationToken cancellationToken)
    {
        var streams = new SortedDictionary<string, Content>(StringComparer.Ordinal);
        if (!settings.Sealed) return streams;
        using var json = new MemoryStream();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in values.Where(v => v.Value is not null)) writer.WriteString(name, value);
            writer.WriteEndObject();
        }

        var content = context.Writer.Begin(Cutting.ContentDefined);
        await content.WriteAsync(json.GetBuffer().AsMemory(0, (int)json.Length), cancellationToken);
        streams[ValuesStream] = await content.CompleteAsync(cancellationToken);
        CryptographicOperations.ZeroMemory(json.GetBuffer());
        return streams;
    }

    private SecretOutcome Compare(string name, string? now, string then, PointId point)
    {
        if (now is null)
        {
            return Outcome(SecretState.Missing, then.Length > 0
                ? $"secret {name} is not set in {settings.Source}, but was at point {point}"
                : $"secret {name} is not set in {settings.Source}");
        }

        if (then.Length == 0) return Outcome(SecretState.New, $"secret {name} is not known to point {point}");
        return fingerprint(name, now) == then
            ? Outcome(SecretState.Same, $"secret {name} is the one of point {point}")
            : Outcome(
                SecretState.Differs, $"secret {name} differs from point {point}: {SecretMeaning.WhenChanged(name)}");

        SecretOutcome Outcome(SecretState state, string message) => new(name, state, message, settings.MustMatch);
    }

    private Problem NotFound(string name) => new(
        RecoveryErrors.SecretMissing,
        Severity.Warning,
        $"secret {name} is not set in {settings.Source}",
        $"set {name} there, or take it out of the references of {Name}")
    {
        Asset = Name,
        Where = settings.Source.ToString(),
    };

    private Problem Refusal(string message, string hint) =>
        new(RecoveryErrors.SecretNotRestorable, Severity.Error, message, hint)
        {
            Asset = Name,
            Where = settings.Source.ToString(),
        };
}
