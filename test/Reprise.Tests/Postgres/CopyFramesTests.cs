using System.Buffers.Binary;
using Reprise.Recovery.Postgres;

namespace Reprise.Tests.Postgres;

/// <summary>Rows come out as they went in, wherever blocks end.</summary>
public class CopyFramesTests
{
    [Fact]
    public void Frames_are_taken_off_wherever_blocks_end()
    {
        for (var seed = 1; seed <= 300; seed++)
        {
            var random = new Random(seed);
            var rows = Enumerable.Range(0, random.Next(60)).Select(_ => Bytes(random, random.Next(200))).ToList();
            byte[] wire = [.. rows.SelectMany(row => Message('d', row)), .. Message('c', [])];
            var frames = new CopyFrames(new byte[random.Next(1, 300)]);
            var output = new List<byte>();
            var left = wire.AsMemory();
            var block = ReadOnlyMemory<byte>.Empty;
            while (frames.Other is null)
            {
                if (block.IsEmpty)
                {
                    var count = Math.Min(left.Length, random.Next(1, 100));
                    (block, left) = (left[..count], left[count..]);
                }

                block = block[frames.Take(block.Span)..];
                output.AddRange(frames.Output.Span);
                frames.Clear();
            }

            Assert.True(rows.SelectMany(row => row).SequenceEqual(output), $"seed {seed}");
            Assert.Equal((rows.Count, ('c', 0)), (frames.Rows, frames.Other));
            Assert.True(block.IsEmpty && left.IsEmpty, $"seed {seed}");
        }
    }

    private static byte[] Bytes(Random random, int count)
    {
        var bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }

    private static byte[] Message(char type, byte[] body)
    {
        byte[] message = [(byte)type, 0, 0, 0, 0, .. body];
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(1), body.Length + 4);
        return message;
    }
}
