using System.Buffers;
using System.Runtime.CompilerServices;
using Reprise.Simulation.Faults;
using Reprise.Simulation.Runtime;
using Reprise.Storage;
using Reprise.Storage.Errors;
using Reprise.Storage.Local;

namespace Reprise.Simulation.Store;

/// <summary>
/// One client of a <see cref="StoreMedium"/>. Each call takes a seeded time, so calls overtake one another; each may
/// fail before or after it took effect, be throttled or delayed, find no room, a flipped bit or an object that is too
/// short, or be the one at which the process dies. What was under way then takes effect or not, by seed. Objects that
/// are lost, cut or flipped at rest lie in the medium.
/// <para>Not modelled: listings that are stale, foreign objects, creation that is not atomic, clocks that differ
/// between clients, objects that are durable only after a while, latency that depends on size, and a store that
/// lies: the planted defects of the tests wrap it for that.</para>
/// </summary>
public sealed class SimulatedStore : IStore
{
    private readonly StoreMedium medium;
    private readonly SimulationLoop loop;
    private readonly FaultPlan plan;
    private readonly FaultCounters counters;
    private readonly Chance chance;
    private readonly List<Action> underWay = [];

    /// <summary>Connects a client that lives as long as the loop.</summary>
    public SimulatedStore(StoreMedium medium, SimulationLoop loop, ulong seed, FaultPlan plan, FaultCounters counters)
    {
        this.medium = medium;
        this.loop = loop;
        this.plan = plan;
        this.counters = counters;
        chance = Chance.For(seed, "store");
        loop.WhenHalting(LoseOrKeepWhatIsUnderWay);
    }

    /// <inheritdoc />
    public StoreCapabilities Capabilities { get; } = new("simulated", "simulated");

    /// <summary>Calls that have not ended: none may be left when the work that made them has.</summary>
    public int InFlight { get; private set; }

    /// <inheritdoc />
    public async ValueTask PutAsync(
        ObjectName name, ReadOnlyMemory<byte> content, PutMode mode, CancellationToken cancellationToken)
    {
        Invariant.Check(content.Length <= StoreLimits.MaxObjectBytes, $"object {name} is too large");
        var bytes = content.ToArray();
        await CallAsync(
            $"put {name} {mode}",
            name,
            CallTraits.Change | CallTraits.Room | CallTraits.Remote,
            () => Put(name, bytes, mode),
            cancellationToken);
    }

    /// <inheritdoc />
    public async ValueTask<IMemoryOwner<byte>> ReadAsync(
        ObjectName name, ByteRange range, CancellationToken cancellationToken)
    {
        Invariant.Check(range.IsValid, $"range {range} is not valid");
        IMemoryOwner<byte>? read = null;
        var fault = await CallAsync(
            $"read {name} {range.OffsetBytes}+{range.LengthBytes}",
            name,
            CallTraits.Read | CallTraits.Remote,
            () => read = Read(name, range),
            cancellationToken);
        if (read is null) throw new SimulationFailureException("a read ended without bytes");
        if (fault == FaultKind.FlippedRead && range.LengthBytes > 0)
            read.Memory.Span[chance.Below(range.LengthBytes)] ^= (byte)(1 << chance.Below(8));
        return read;
    }

    /// <inheritdoc />
    public async ValueTask<ObjectInfo?> StatAsync(ObjectName name, CancellationToken cancellationToken)
    {
        ObjectInfo? found = null;
        await CallAsync(
            $"stat {name}",
            name,
            CallTraits.Look | CallTraits.Remote,
            () => found = medium.Find(name.Value) is { } bytes ? new ObjectInfo(name, bytes.Length) : null,
            cancellationToken);
        return found;
    }

    /// <inheritdoc />
    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        ObjectPrefix prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        List<ObjectInfo> found = [];
        await CallAsync(
            $"list {prefix}",
            null,
            CallTraits.Look | CallTraits.Remote,
            () => found.AddRange(medium.Names
                .Select(n => new ObjectInfo(new ObjectName(n), medium.Find(n)?.Length ?? 0))
                .Where(info => prefix.Contains(info.Name))),
            cancellationToken);
        foreach (var info in found)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (chance.OneIn(4)) await Task.Yield();
            yield return info;
        }
    }

    /// <inheritdoc />
    public async ValueTask DeleteAsync(ObjectName name, CancellationToken cancellationToken) => await CallAsync(
        $"delete {name}",
        name,
        CallTraits.Change | CallTraits.Remote,
        () => medium.Delete(name.Value),
        cancellationToken);

    private async Task<FaultKind?> CallAsync(
        string call, ObjectName? name, CallTraits traits, Action effect, CancellationToken cancellationToken)
    {
        loop.AssertOnLoop(call);
        cancellationToken.ThrowIfCancellationRequested();
        var fault = plan.Decide(traits, call);
        Note(call, fault);
        var once = new Once(effect);
        if (traits.HasFlag(CallTraits.Change)) underWay.Add(once.Run);
        InFlight++;
        try
        {
            if (fault == FaultKind.CrashBefore) await DieAsync(call);
            await Task.Delay(Latency(fault), loop.Clock, cancellationToken);
            if (Refusal(fault, name, call) is { } refusal) throw refusal;
            once.Run();
            if (fault == FaultKind.CrashAfter) await DieAsync(call);
            if (fault == FaultKind.ErrorAfter) throw Failure(new StoreFault.Failed(), name, call);
            return fault;
        }
        finally
        {
            InFlight--;
            underWay.Remove(once.Run);
        }
    }

    private void Note(string call, FaultKind? fault)
    {
        if (fault is not { } kind)
        {
            loop.Log.Add(call);
            return;
        }

        counters.Add(kind);
        loop.Log.Notable($"{kind}({call})");
    }

    private Task DieAsync(string call)
    {
        loop.Crash(call);
        return SimulationLoop.Never();
    }

    // Mostly the same, so that two clients that began together stay together and want the same names.
    private TimeSpan Latency(FaultKind? fault)
    {
        if (fault == FaultKind.Delay) return TimeSpan.FromSeconds(chance.Between(1, 90));
        return chance.OneIn(5) ? TimeSpan.FromMicroseconds(chance.Between(200, 30_000)) : TimeSpan.FromMilliseconds(5);
    }

    private static StoreException? Refusal(FaultKind? fault, ObjectName? name, string call) => fault switch
    {
        FaultKind.ErrorBefore => Failure(new StoreFault.Unreachable(), name, call),
        FaultKind.Throttled => Failure(new StoreFault.Throttled(), name, call),
        FaultKind.OutOfSpace => Failure(new StoreFault.OutOfSpace(), name, call),
        FaultKind.TruncatedRead => Failure(new StoreFault.Truncated(), name, call),
        _ => null,
    };

    private static StoreException Failure(StoreFault fault, ObjectName? name, string call) =>
        new(fault, name, $"simulated {fault.GetType().Name} of {call}", "none: this is a simulation");

    private void Put(ObjectName name, byte[] bytes, PutMode mode)
    {
        if (mode != PutMode.Replace && medium.Find(name.Value) is { } existing)
        {
            if (mode == PutMode.ContentNamed && existing.Length == bytes.Length) return;
            throw Failure(new StoreFault.AlreadyExists(), name, $"put {name}");
        }

        medium.Put(name.Value, bytes);
    }

    private PooledBytes Read(ObjectName name, ByteRange range)
    {
        var bytes = medium.Find(name.Value) ?? throw Failure(new StoreFault.NotFound(), name, $"read {name}");
        if (range.OffsetBytes + range.LengthBytes > bytes.Length)
            throw Failure(new StoreFault.Truncated(), name, $"read {name}");
        var read = new PooledBytes(range.LengthBytes);
        bytes.AsSpan((int)range.OffsetBytes, range.LengthBytes).CopyTo(read.Memory.Span);
        return read;
    }

    private void LoseOrKeepWhatIsUnderWay()
    {
        foreach (var call in underWay.ToList())
        {
            var kept = chance.OneIn(2);
            counters.Add(kept ? CrashEffect.CallKept : CrashEffect.CallDropped);
            if (kept) Arrive(call);
        }
    }

    private static void Arrive(Action call)
    {
        try
        {
            call();
        }
        catch (StoreException e) when (e.Fault is StoreFault.AlreadyExists)
        {
            // Nobody is left to hear the refusal.
        }
    }

    private sealed class Once(Action effect)
    {
        private bool done;

        public void Run()
        {
            if (done) return;
            done = true;
            effect();
        }
    }
}
