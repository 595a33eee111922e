using System.Buffers.Binary;

namespace Reprise.Recovery.Postgres;

/// <summary>
/// Takes the frames off the answer to a COPY: the server sends each row as a message of its own, a byte <c>d</c>, four
/// bytes of length, and the row. Pure; wherever the caller's blocks end.
/// </summary>
internal sealed class CopyFrames(byte[] output)
{
    private const int HeaderBytes = 5;
    private const int LengthBytes = 4;

    private readonly byte[] carried = new byte[HeaderBytes];
    private int carry;
    private int frameLeft;

    /// <summary>Rows so far.</summary>
    public long Rows { get; private set; }

    /// <summary>How much of the output is used.</summary>
    public int Used { get; private set; }

    /// <summary>Whether the output must be taken before anything else.</summary>
    public bool IsFull => Used == output.Length;

    /// <summary>What came so far, valid until <see cref="Clear"/>.</summary>
    public ReadOnlyMemory<byte> Output => output.AsMemory(0, Used);

    /// <summary>A message of another kind has begun: its type and how many bytes follow.</summary>
    public (char Type, int Length)? Other { get; private set; }

    /// <summary>Type and length of what follows a header.</summary>
    public static (char Type, int Length) Header(ReadOnlySpan<byte> bytes) =>
        ((char)bytes[0], BinaryPrimitives.ReadInt32BigEndian(bytes[1..]) - LengthBytes);

    /// <summary>Takes what it can of <paramref name="input"/> and says how much that was.</summary>
    public int Take(ReadOnlySpan<byte> input)
    {
        var at = 0;
        while (at < input.Length && !IsFull && Other is null)
        {
            if (frameLeft > 0)
            {
                var count = Math.Min(Math.Min(frameLeft, input.Length - at), output.Length - Used);
                input.Slice(at, count).CopyTo(output.AsSpan(Used));
                at += count;
                Used += count;
                frameLeft -= count;
                continue;
            }

            if (carry == 0 && input.Length - at >= HeaderBytes)
            {
                Begin(input[at..]);
                at += HeaderBytes;
                continue;
            }

            var more = Math.Min(HeaderBytes - carry, input.Length - at);
            input.Slice(at, more).CopyTo(carried.AsSpan(carry));
            at += more;
            carry += more;
            if (carry < HeaderBytes) break;
            carry = 0;
            Begin(carried);
        }

        return at;
    }

    /// <summary>The output was taken.</summary>
    public void Clear() => Used = 0;

    /// <summary>The other message was read.</summary>
    public void Resume() => Other = null;

    private void Begin(ReadOnlySpan<byte> header)
    {
        var (type, length) = Header(header);
        if (type != 'd' || length < 0)
        {
            Other = (type, length);
            return;
        }

        Rows++;
        frameLeft = length;
    }
}
