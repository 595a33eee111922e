using System.Threading.Channels;

namespace Reprise.Recovery.Postgres;

/// <summary>Lets one through at a time, in the order in which they came: a point is written by one caller at once.</summary>
internal sealed class Gate
{
    private readonly Channel<bool> free = Channel.CreateBounded<bool>(1);

    public Gate() => free.Writer.TryWrite(true);

    /// <summary>Waits for the turn, which lasts until what is returned is disposed of.</summary>
    public async ValueTask<Turn> EnterAsync(CancellationToken cancellationToken)
    {
        await free.Reader.ReadAsync(cancellationToken);
        return new Turn(this);
    }

    /// <summary>Somebody's turn.</summary>
    public readonly struct Turn(Gate gate) : IDisposable
    {
        /// <inheritdoc />
        public void Dispose() => gate.free.Writer.TryWrite(true);
    }
}
