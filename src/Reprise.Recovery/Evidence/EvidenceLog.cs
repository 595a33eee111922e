using System.Text;
using Reprise.Repository;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Evidence;

/// <summary>What a log of evidence stands on.</summary>
public sealed record EvidenceHost
{
    /// <summary>The file system.</summary>
    public required IDisk Disk { get; init; }

    /// <summary>The copy of this host: <c>evidence</c> in its state folder.</summary>
    public required DiskPath Folder { get; init; }

    /// <summary>The key that signs; outside the repository.</summary>
    public required DiskPath KeyFile { get; init; }

    /// <summary>Evidence in the repository; null when the repository could not be opened.</summary>
    public required EvidenceObjects? Repository { get; init; }

    /// <summary>Time.</summary>
    public required TimeProvider Clock { get; init; }

    /// <summary>Which application.</summary>
    public required string Application { get; init; }

    /// <summary>Who writes notes: the user of the system.</summary>
    public required string Author { get; init; }
}

/// <summary>Evidence that was kept.</summary>
/// <param name="Id">number and drill, e.g. <c>00000007-20261122T031502Z-7f3a</c>.</param>
/// <param name="Entry">as it lies there.</param>
/// <param name="Problems">what needs attention, e.g. that it is on this host only.</param>
public sealed record KeptEvidence(string Id, EvidenceEntry Entry, IReadOnlyList<Problem> Problems);

/// <summary>
/// The chain of evidence: every drill and every note, whatever came of it, signed, one naming the one before, kept in
/// the repository and on this host. Nothing is ever rewritten or deleted.
/// </summary>
public sealed class EvidenceLog(EvidenceHost host)
{
    private const int LockTries = 100;
    private const int NumberTries = 5;
    private static readonly TimeSpan LockPause = TimeSpan.FromMilliseconds(100);

    private readonly EvidenceFolder folder = new(host.Disk, host.Folder);

    /// <summary>
    /// Signs what a drill saw and keeps it. It is durable on this host and, when the repository can be written, there
    /// too; a repository that cannot is a warning, and the next piece brings this one along.
    /// </summary>
    public Task<KeptEvidence> KeepAsync(DrillRecord drill, CancellationToken cancellationToken) =>
        AppendAsync(
            _ => new EvidenceStatement
            {
                Sequence = 0,
                Previous = null,
                Kind = StatementCodec.Drill,
                Recorded = host.Clock.GetUtcNow(),
                Application = host.Application,
                Drill = drill,
            },
            cancellationToken);

    /// <summary>
    /// Adds a note to a drill, or closes one. <c>evidence-unknown</c>, <c>note-invalid</c>.
    /// </summary>
    public Task<KeptEvidence> NoteAsync(NoteRequest request, CancellationToken cancellationToken) =>
        AppendAsync(
            chain => new EvidenceStatement
            {
                Sequence = 0,
                Previous = null,
                Kind = StatementCodec.Note,
                Recorded = host.Clock.GetUtcNow(),
                Application = host.Application,
                Note = new EvidenceHistory(chain).Note(request, host.Author, host.Clock.GetUtcNow()),
            },
            cancellationToken);

    /// <summary>Everything that is known here: the copy of this host and what only the repository has. Writes nothing.</summary>
    public async Task<EvidenceHistory> ReadAsync(CancellationToken cancellationToken)
    {
        var problems = new List<Problem>();
        var memory = Remembered(problems);
        var client = folder.Read();
        var all = host.Repository is null
            ? client
            : await new EvidenceCopies(host.Repository).MissingAsync(client, cancellationToken);
        var verdict = EvidenceChain.Verify(all, Trust(memory, client, null));
        return new EvidenceHistory(verdict with { Problems = [.. problems, .. verdict.Problems] });
    }

    /// <summary>Actions that nobody has closed, the one that is due first in front.</summary>
    public async Task<IReadOnlyList<OpenAction>> OpenActionsAsync(CancellationToken cancellationToken) =>
        (await ReadAsync(cancellationToken)).OpenActions(host.Clock.GetUtcNow());

    /// <summary>Everything that is known here, unjudged.</summary>
    public Task<EvidenceSet> GatherAsync(CancellationToken cancellationToken) => host.Repository is null
        ? Task.FromResult(folder.Read())
        : new EvidenceCopies(host.Repository).MissingAsync(folder.Read(), cancellationToken);

    /// <summary>Verifies the copy of this host, offline.</summary>
    public EvidenceVerdict VerifyClient()
    {
        var problems = new List<Problem>();
        var memory = Remembered(problems);
        var client = folder.Read();
        var verdict = EvidenceChain.Verify(client, Trust(memory, client, null));
        return verdict with { Problems = [.. problems, .. verdict.Problems] };
    }

    /// <summary>Verifies what lies in the repository, and that it is the same as on this host.</summary>
    public async Task<EvidenceVerdict> VerifyRepositoryAsync(CancellationToken cancellationToken)
    {
        var objects = host.Repository ?? throw new InvariantException("there is no repository to verify");
        var client = folder.Read();
        var memory = folder.ReadMemory();
        var stored = await new EvidenceCopies(objects).ReadAsync(cancellationToken);
        var verdict = EvidenceChain.Verify(stored, Trust(memory, client, memory?.InRepository));
        verdict = verdict with { Problems = [.. verdict.Problems, .. EvidenceCopies.Compare(client, stored, memory, verdict)] };
        if (verdict.IsIntact && verdict.Entries.Count > 0) await RememberAsync(verdict, stored, cancellationToken);
        return verdict;
    }

    // What was good once is remembered, so that its removal is noticed: also on a host that never drilled.
    private async Task RememberAsync(EvidenceVerdict verdict, EvidenceSet stored, CancellationToken cancellationToken)
    {
        using var held = await LockAsync(cancellationToken);
        var memory = folder.ReadMemory();
        var newest = verdict.Entries[^1];
        if (memory is not null && memory.InRepository >= newest.Sequence) return;
        var client = folder.Read();
        foreach (var (id, bytes) in stored.Keys.Where(k => !client.Keys.ContainsKey(k.Key))) folder.Write(EvidenceName.OfKey(id), bytes);
        foreach (var entry in verdict.Entries.Where(e => !client.Envelopes.ContainsKey(e.Sequence))) folder.Write(entry.Name, entry.Bytes);
        var isNewer = memory is null || memory.Sequence < newest.Sequence;
        folder.WriteMemory(new EvidenceMemory
        {
            Sequence = isNewer ? newest.Sequence : memory!.Sequence, // isNewer says so
            Sha256 = isNewer ? newest.Sha256 : memory!.Sha256, // as above
            InRepository = newest.Sequence,
            Keys = memory is { Keys.Count: > 0 } ? memory.Keys : verdict.TrustedKeys,
        });
    }

    /// <summary>
    /// Trusts a key from now on. <c>evidence-unknown</c> when its public half is neither here nor in the repository.
    /// </summary>
    public async Task AcceptKeyAsync(string keyId, CancellationToken cancellationToken)
    {
        using var held = await LockAsync(cancellationToken);
        var client = folder.Read();
        var set = host.Repository is null
            ? client
            : await new EvidenceCopies(host.Repository).MissingAsync(client, cancellationToken);
        var found = set.Keys.Where(k => keyId.Length >= 16 && k.Key.StartsWith(keyId, StringComparison.Ordinal)).ToList();
        if (found is not [var (id, bytes)] || EvidencePublicKey.Parse(bytes.Span)?.Id != id)
        {
            throw new RepriseException(
                EvidenceErrors.Unknown,
                $"no public key {keyId} lies beside the evidence",
                "write at least 16 of its digits; reprise evidence list shows which key signed what");
        }

        folder.Write(EvidenceName.OfKey(id), bytes);
        var memory = folder.ReadMemory() ?? new EvidenceMemory { Sequence = 0, Sha256 = "", InRepository = 0, Keys = [] };
        folder.WriteMemory(memory with { Keys = [.. memory.Keys.Append(id).Distinct().Order(StringComparer.Ordinal)] });
    }

    private static EvidenceTrust Trust(EvidenceMemory? memory, EvidenceSet client, long? upTo)
    {
        if (memory is null) return new EvidenceTrust();
        var newest = Math.Min(upTo ?? memory.Sequence, memory.Sequence);
        var sha256 = newest == memory.Sequence ? memory.Sha256
            : client.Envelopes.TryGetValue(newest, out var bytes) ? EvidenceCopies.Sha256(bytes)
            : null;
        return new EvidenceTrust
        {
            Keys = memory.Keys.Count == 0 ? null : memory.Keys,
            AtHand = [.. client.Keys.Select(k => EvidencePublicKey.Parse(k.Value.Span)).OfType<EvidencePublicKey>()],
            Newest = sha256 is null ? null : newest,
            NewestSha256 = sha256,
        };
    }

    private async Task<KeptEvidence> AppendAsync(
        Func<EvidenceVerdict, EvidenceStatement> make, CancellationToken cancellationToken)
    {
        using var held = await LockAsync(cancellationToken);
        using var key = EvidenceKey.OpenOrMake(host.Disk, host.KeyFile, out var isNew);
        var problems = new List<Problem>();
        var memory = Remembered(problems);
        var objects = host.Repository is null ? null : new EvidenceCopies(host.Repository);
        if (host.Repository is null) problems.Add(OnlyHere("it could not be opened"));
        for (var attempt = 1; ; attempt++)
        {
            var inRepository = memory?.InRepository ?? 0;
            if (objects is not null)
            {
                (var reached, inRepository) = await ExchangeAsync(objects, memory, problems, cancellationToken);
                if (!reached) objects = null;
            }

            var client = folder.Read();
            var trust = Trust(memory, client, null);
            var chain = EvidenceChain.Verify(client, trust);
            var next = Next(make(chain), chain, memory);
            var envelope = EvidenceEnvelope.Sign(next, key);
            Invariant.Check(envelope.IsSignedBy(key.Public), "a signature of ours does not hold");
            var stored = objects is not null && await StoreAsync(objects, next.Sequence, envelope, key, problems, cancellationToken);
            var isTaken = objects is not null && !stored && problems.All(p => p.Code != EvidenceErrors.NotInRepository);
            if (isTaken && attempt < NumberTries) continue;
            if (isTaken) problems.Add(OnlyHere($"other bytes lie there under number {next.Sequence}; reprise evidence verify"));
            folder.Write(EvidenceName.OfKey(key.Public.Id), Encoding.ASCII.GetBytes(key.Public.Pem));
            folder.Write(EvidenceName.Of(next.Sequence), envelope.Bytes);
            NameChangedKey(key, isNew, memory, problems);
            folder.WriteMemory(new EvidenceMemory
            {
                Sequence = next.Sequence,
                Sha256 = envelope.Sha256,
                InRepository = stored ? next.Sequence : inRepository,
                Keys = [.. (memory?.Keys ?? WellFormedKeys(chain)).Append(key.Public.Id).Distinct().Order(StringComparer.Ordinal)],
            });
            var entry = new EvidenceEntry(next.Sequence, envelope.Sha256, key.Public.Id, next, null) { Bytes = envelope.Bytes };
            return new KeptEvidence($"{next.Sequence:D8}-{next.Drill?.Id ?? next.Note?.Id}", entry, problems);
        }
    }

    // Bringing both copies together comes first, so that the new piece follows the newest of either.
    private async Task<(bool Reached, long InRepository)> ExchangeAsync(
        EvidenceCopies objects, EvidenceMemory? memory, List<Problem> problems, CancellationToken cancellationToken)
    {
        try
        {
            var client = folder.Read();
            foreach (var (name, bytes) in await objects.NewForClientAsync(client, Trust(memory, client, null), cancellationToken))
                folder.Write(name, bytes);
            return (true, await objects.SendAsync(folder.Read(), memory?.InRepository ?? 0, cancellationToken));
        }
        catch (RepriseException e) when (e.Code.Exit == ExitCodes.Unavailable)
        {
            problems.Add(OnlyHere(e.Message));
            return (false, memory?.InRepository ?? 0);
        }
    }

    private static async Task<bool> StoreAsync(
        EvidenceCopies objects,
        long number,
        EvidenceEnvelope envelope,
        EvidenceKey key,
        List<Problem> problems,
        CancellationToken cancellationToken)
    {
        try
        {
            await objects.SendKeyAsync(key.Public, cancellationToken);
            return await objects.Objects.TryCreateAsync(EvidenceName.Of(number), envelope.Bytes, cancellationToken);
        }
        catch (RepriseException e) when (e.Code.Exit == ExitCodes.Unavailable)
        {
            problems.Add(OnlyHere(e.Message));
            return false;
        }
    }

    // After the newest that this host knows, even when that one is gone: the gap stays to be seen.
    private static EvidenceStatement Next(EvidenceStatement statement, EvidenceVerdict chain, EvidenceMemory? memory)
    {
        var newest = chain.Entries.Count == 0 ? null : chain.Entries[^1];
        var isRemembered = memory is { Sequence: > 0 } && memory.Sequence >= (newest?.Sequence ?? 0);
        return statement with
        {
            Sequence = 1 + (isRemembered ? memory!.Sequence : newest?.Sequence ?? 0), // isRemembered says that it is there
            Previous = isRemembered ? memory!.Sha256 : newest?.Sha256, // as above
        };
    }

    private EvidenceMemory? Remembered(List<Problem> problems)
    {
        try
        {
            return folder.ReadMemory();
        }
        catch (RepriseException e) when (e.Code == EvidenceErrors.Altered)
        {
            // What a drill saw is kept and judged all the same; that the memory is spoilt is told.
            problems.Add(e.Problem);
            return null;
        }
    }

    private static IReadOnlyList<string> WellFormedKeys(EvidenceVerdict chain) =>
        [.. chain.Entries.Where(e => e.IsWellFormed).Select(e => e.KeyId).OfType<string>().Distinct()];

    private static void NameChangedKey(EvidenceKey key, bool isNew, EvidenceMemory? memory, List<Problem> problems)
    {
        if (!isNew || memory is null || memory.Keys.Count == 0 || memory.Keys.Contains(key.Public.Id)) return;
        problems.Add(new Problem(
            EvidenceErrors.OtherKey,
            Severity.Warning,
            $"the key that signed evidence is gone; a new one was made: {EvidenceChain.Short(key.Public.Id)}",
            "tell everybody who verifies evidence elsewhere; they accept it with 'reprise evidence verify --accept-key'"));
    }

    private static Problem OnlyHere(string why) => new(
        EvidenceErrors.NotInRepository,
        Severity.Warning,
        $"the evidence is kept on this host only, not in the repository: {why}",
        "the next drill or note brings it there; until then, keep this host");

    // Others hold it for milliseconds. A drill that took minutes must not lose what it saw to a note.
    private async Task<IDisposable> LockAsync(CancellationToken cancellationToken)
    {
        for (var attempt = 1; attempt < LockTries; attempt++)
        {
            if (folder.TryLock() is { } held) return held;
            await Task.Delay(LockPause, host.Clock, cancellationToken);
        }

        return folder.TryLock() ?? throw new RepriseException(
            RecoveryErrors.OperationRunning,
            $"another process adds evidence (it holds {host.Folder / "lock"})",
            "wait until it has ended, then run the command again");
    }
}
