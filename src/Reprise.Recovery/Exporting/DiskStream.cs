using Reprise.Storage.Disk;

namespace Reprise.Recovery.Exporting;

/// <summary>An open file as a stream from its beginning, for libraries that want one. Does not own the file.</summary>
/// <param name="file">the file.</param>
/// <param name="passed">hears every byte that is read or written, in order.</param>
internal sealed class DiskStream(IDiskFile file, Action<ReadOnlySpan<byte>> passed) : Stream
{
    private long position;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => position;
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        var got = file.Read(position, buffer);
        position += got;
        passed(buffer[..got]);
        return got;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        file.Write(position, buffer);
        position += buffer.Length;
        passed(buffer);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
