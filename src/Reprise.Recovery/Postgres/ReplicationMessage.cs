using System.Buffers.Binary;
using Reprise.Repository.Wal;

namespace Reprise.Recovery.Postgres;

/// <summary>What a server sends while it streams ("Streaming Replication Protocol"). Pure: nothing that came is believed.</summary>
internal abstract record ReplicationMessage
{
    // The letter, then two places and a time, or one place, a time and a question.
    private const int WalHeaderBytes = 25;
    private const int AliveBytes = 18;

    private ReplicationMessage()
    {
    }

    /// <summary>Reads a message; null with what is wrong with it.</summary>
    public static ReplicationMessage? Read(ReadOnlyMemory<byte> message, out string wrong)
    {
        var bytes = message.Span;
        wrong = "";
        switch (bytes.IsEmpty ? '\0' : (char)bytes[0])
        {
            case 'w' when bytes.Length > WalHeaderBytes:
                var start = BinaryPrimitives.ReadUInt64BigEndian(bytes[1..]);
                if (start <= ulong.MaxValue - (ulong)bytes.Length)
                    return new Wal(new Lsn(start), message[WalHeaderBytes..]);
                wrong = $"WAL that begins at {new Lsn(start)}";
                return null;
            case 'k' when bytes.Length == AliveBytes && bytes[17] <= 1:
                return new Alive(new Lsn(BinaryPrimitives.ReadUInt64BigEndian(bytes[1..])), bytes[17] == 1);
            default:
                wrong = bytes.IsEmpty ? "an empty message" : $"a message '{(char)bytes[0]}' of {bytes.Length} bytes";
                return null;
        }
    }

    /// <summary>A status of ours. What is not durable was not received, as far as the server need know.</summary>
    public static byte[] Status(Lsn durable, DateTimeOffset now, bool asks)
    {
        const int bytes = 34;
        var status = new byte[bytes];
        status[0] = (byte)'r';

        // Also with synchronous_commit = remote_write nobody may take what only lies in our memory for written.
        BinaryPrimitives.WriteUInt64BigEndian(status.AsSpan(1), durable.Value);
        BinaryPrimitives.WriteUInt64BigEndian(status.AsSpan(9), durable.Value);

        // Nothing is replayed: the server is told so, which is why remote_apply cannot be served.
        BinaryPrimitives.WriteUInt64BigEndian(status.AsSpan(17), 0);
        BinaryPrimitives.WriteInt64BigEndian(status.AsSpan(25), (now - Epoch).Ticks / TimeSpan.TicksPerMicrosecond);
        status[33] = (byte)(asks ? 1 : 0);
        return status;
    }

    private static DateTimeOffset Epoch => new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>A piece of WAL; its bytes are valid until the next message is asked for.</summary>
    public sealed record Wal(Lsn Start, ReadOnlyMemory<byte> Bytes) : ReplicationMessage;

    /// <summary>The server is there; perhaps it wants to know whether we are.</summary>
    public sealed record Alive(Lsn ServerEnd, bool Asks) : ReplicationMessage;

    /// <summary>The timeline has ended: everything of it was sent.</summary>
    public sealed record Ended : ReplicationMessage;
}
