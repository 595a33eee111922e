using System.Buffers;
using System.Text;
using NSec.Cryptography;
using Reprise.Repository.Format;
using Reprise.Storage.Runtime;

namespace Reprise.Repository.Sealing;

/// <summary>How a passphrase becomes a secret: Argon2id with these costs, which stand in the slot in clear.</summary>
internal sealed record Stretching(int MemoryKiB, int Passes, byte[] Salt)
{
    // Whoever can write can put any costs into a slot: these bound what opening may be made to cost.
    private const int MostMemoryKiB = 256 * 1024;
    private const int MostPasses = 16;
    private const int UsualMemoryKiB = 64 * 1024;
    private const int UsualPasses = 3;
    private const int SaltLength = 16;

    public static Stretching Fresh(Entropy entropy) => new(UsualMemoryKiB, UsualPasses, entropy.Bytes(SaltLength));

    /// <summary>The secret: 32 bytes. Takes a core and the memory for part of a second.</summary>
    public byte[] Secret(string passphrase)
    {
        var argon = new Argon2id(new Argon2Parameters { DegreeOfParallelism = 1, MemorySize = MemoryKiB, NumberOfPasses = Passes });
        return argon.DeriveBytes(Encoding.UTF8.GetBytes(passphrase), Salt, Slot.SecretLength);
    }

    public void Write(ArrayBufferWriter<byte> writer)
    {
        ByteWriter.Number(writer, MemoryKiB);
        ByteWriter.Number(writer, Passes);
        ByteWriter.Number(writer, 1);
        ByteWriter.Sized(writer, Salt);
    }

    public static Stretching Read(ref ByteReader reader)
    {
        var memory = (int)reader.Number(MostMemoryKiB);
        var passes = (int)reader.Number(MostPasses);
        var lanes = reader.Number(1);
        var salt = reader.Sized(SaltLength).ToArray();
        if (memory < 8 || passes < 1 || lanes != 1 || salt.Length != SaltLength)
            throw ByteReader.Broken("a slot asks for an Argon2id that there is not");
        return new Stretching(memory, passes, salt);
    }
}
