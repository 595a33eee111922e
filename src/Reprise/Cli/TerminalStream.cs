namespace Reprise.Cli;

/// <summary>
/// Output to a terminal that may be closed while we put something back: what can no longer be shown is dropped, for
/// ending half-way because nobody can read about it would be the worst of all.
/// </summary>
internal sealed class TerminalStream(Stream terminal) : Stream
{
    private bool gone;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (gone) return;
        try
        {
            terminal.Write(buffer);
        }
        catch (IOException)
        {
            gone = true;
        }
    }

    public override void Flush()
    {
        if (!gone) terminal.Flush();
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
