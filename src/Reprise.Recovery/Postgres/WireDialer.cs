using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Recovery.Postgres;

/// <summary>
/// Makes a connection as <c>sslmode</c> and its kin ask, with libpq's meaning of them. <c>allow</c> is taken as
/// <c>prefer</c>, which never encrypts less. Over a Unix socket nothing is encrypted.
/// </summary>
internal static class WireDialer
{
    private const string DirectProtocol = "postgresql";
    private const int MaxFileBytes = 1024 * 1024;

    // Length 8, and the number that the protocol has for "TLS?".
    private static readonly byte[] TlsRequest = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

    /// <summary>Connects; nothing of the protocol was said yet.</summary>
    /// <exception cref="RepriseException"><c>database-unavailable</c>, <c>password-refused</c>, <c>connection-invalid</c>.</exception>
    public static async Task<WireTransport> DialAsync(
        PostgresConnection target, string where, PostgresHost host, CancellationToken cancellationToken)
    {
        var socket = target.IsSocket
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Stream? stream = null;
        try
        {
            if (target.IsSocket) await socket.ConnectAsync(new UnixDomainSocketEndPoint(target.SocketFile), cancellationToken);
            else await socket.ConnectAsync(target.Options.GetValueOrDefault("hostaddr", target.Host), target.Port, cancellationToken);
            stream = new NetworkStream(socket, ownsSocket: true);
            if (!target.IsSocket) stream = await SecureAsync(stream, target, where, host.Disk, cancellationToken);
            return new StreamTransport(stream);
        }
        catch (Exception e)
        {
            if (stream is not null) await stream.DisposeAsync();
            socket.Dispose();
            if (e is SocketException or IOException or AuthenticationException or CryptographicException)
                throw SqlErrors.Unreachable(where, (e.InnerException ?? e).Message, e);
            throw;
        }
    }

    private static async Task<Stream> SecureAsync(
        Stream plain, PostgresConnection target, string where, IDisk disk, CancellationToken cancellationToken)
    {
        var mode = target.Options.GetValueOrDefault("sslmode", "prefer");
        if (mode == "disable") return plain;
        var isDirect = target.Options.GetValueOrDefault("sslnegotiation") == "direct";
        if (!isDirect)
        {
            await plain.WriteAsync(TlsRequest, cancellationToken);

            // One byte and no more: what came behind it in the clear may not be taken for what the server said encrypted.
            var answer = new byte[1];
            if (await plain.ReadAsync(answer, cancellationToken) == 0) throw SqlErrors.Unreachable(where, "it closed the connection");
            if (answer[0] == 'N' && (mode is "prefer" or "allow")) return plain;
            if (answer[0] != 'S')
            {
                throw SqlErrors.Unreachable(
                    where, answer[0] == 'N' ? $"it has no TLS, and sslmode is {mode}" : "it does not understand that TLS is wanted");
            }
        }

        var secured = new SslStream(plain, leaveInnerStreamOpen: false);
        try
        {
            await secured.AuthenticateAsClientAsync(Options(target, mode, isDirect, disk), cancellationToken);
        }
        catch
        {
            await secured.DisposeAsync();
            throw;
        }

        return secured;
    }

    private static SslClientAuthenticationOptions Options(PostgresConnection target, string mode, bool isDirect, IDisk disk)
    {
        var named = target.Options.GetValueOrDefault("sslrootcert");
        var roots = named is null or "system" ? null : Certificates(disk, named);

        // A root that was given is used: libpq treats require as verify-ca then.
        var verifies = mode is "verify-ca" or "verify-full" || roots is not null;
        var isNamed = mode == "verify-full";
        return new SslClientAuthenticationOptions
        {
            TargetHost = target.Host,
            ApplicationProtocols = isDirect ? [new SslApplicationProtocol(DirectProtocol)] : null,
            ClientCertificates = ClientCertificate(target, disk) is { } mine ? [mine] : null,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
                !verifies || (certificate is not null && IsTrusted(certificate, chain, errors, roots, isNamed)),
        };
    }

    private static bool IsTrusted(
        X509Certificate certificate, X509Chain? sent, SslPolicyErrors errors, X509Certificate2Collection? roots, bool isNamed)
    {
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable)) return false;
        if (isNamed && errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch)) return false;
        if (roots is null) return !errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors);
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(roots);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        foreach (var between in sent?.ChainElements.Select(e => e.Certificate) ?? []) chain.ChainPolicy.ExtraStore.Add(between);
        using var leaf = new X509Certificate2(certificate);
        return chain.Build(leaf);
    }

    private static X509Certificate2? ClientCertificate(PostgresConnection target, IDisk disk)
    {
        if (!target.Options.TryGetValue("sslcert", out var file)) return null;
        var certificate = Text(disk, file);
        var key = Text(disk, target.Options.GetValueOrDefault("sslkey", file));
        return target.Options.TryGetValue("sslpassword", out var password)
            ? X509Certificate2.CreateFromEncryptedPem(certificate, key, password)
            : X509Certificate2.CreateFromPem(certificate, key);
    }

    private static X509Certificate2Collection Certificates(IDisk disk, string file)
    {
        var found = new X509Certificate2Collection();
        found.ImportFromPem(Text(disk, file));
        return found.Count > 0
            ? found
            : throw new RepriseException(RecoveryErrors.ConnectionInvalid, $"{file} holds no certificate", "correct sslrootcert of the connection");
    }

    private static string Text(IDisk disk, string file)
    {
        if (disk.Stat(new DiskPath(file)) is null)
            throw new RepriseException(RecoveryErrors.ConnectionInvalid, $"{file} is not there", "correct sslrootcert, sslcert and sslkey of the connection");
        using var opened = disk.OpenRead(new DiskPath(file));
        var bytes = new byte[Math.Min(opened.Stat().SizeBytes, MaxFileBytes)];
        return Encoding.UTF8.GetString(bytes, 0, opened.Read(0, bytes));
    }
}
