using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Reprise.Acceptance.Runbooks.Causes;

/// <summary>An authority of a test's own that issues certificates for 127.0.0.1.</summary>
internal sealed class CertificateAuthority : IDisposable
{
    private readonly X509Certificate2 own;

    /// <summary>Makes one, and writes what a browser has to know of it into a folder.</summary>
    public CertificateAuthority(string folder)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=authority of a test", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        own = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-60), DateTimeOffset.UtcNow.AddDays(60));
        Certificate = Path.Combine(Directory.CreateDirectory(folder).FullName, "authority.pem");
        File.WriteAllText(Certificate, own.ExportCertificatePem());
    }

    /// <summary>The file with its certificate.</summary>
    public string Certificate { get; }

    /// <summary>Puts a certificate that is good for some days from now, and its key, into a folder.</summary>
    /// <param name="folder">where the web server looks.</param>
    /// <param name="days">how long it is good; less than 0: it has expired that long ago.</param>
    public void Issue(string folder, int days)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=the shop", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        using var issued = request.Create(
            own, DateTimeOffset.UtcNow.AddDays(-30), DateTimeOffset.UtcNow.AddDays(days), RandomNumberGenerator.GetBytes(8));
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "certificate.pem"), issued.ExportCertificatePem());
        File.WriteAllText(Path.Combine(folder, "key.pem"), key.ExportPkcs8PrivateKeyPem());
    }

    /// <inheritdoc />
    public void Dispose() => own.Dispose();
}
