namespace Reprise.Recovery.Secrets;

/// <summary>What it means for users when a secret is another one, guessed from its name.</summary>
internal static class SecretMeaning
{
    public static string WhenChanged(string name) => Kind(name) switch
    {
        Use.Token => "tokens issued before it will be refused",
        Use.Login => "the login that the restored data expects may be refused",
        Use.Encryption => "what was encrypted with the one of the point cannot be read",
        _ => "what depends on the one of the point may be refused",
    };

    private enum Use
    {
        Other,
        Token,
        Login,
        Encryption,
    }

    // In this order: DATABASE_ENCRYPTION_KEY encrypts, JWT_SECRET_KEY signs.
    private static Use Kind(string name)
    {
        if (Has(name, "ENCRYPT", "CIPHER", "FERNET", "MASTER_KEY")) return Use.Encryption;
        if (Has(name, "JWT", "SECRET_KEY", "TOKEN", "SESSION", "COOKIE", "SIGNING")) return Use.Token;
        return Has(name, "DATABASE_URL", "PASSWORD", "PASSWD", "_DSN", "DB_URL", "POSTGRES", "REDIS_URL")
            ? Use.Login
            : Use.Other;
    }

    private static bool Has(string name, params ReadOnlySpan<string> words)
    {
        foreach (var word in words)
        {
            if (name.Contains(word, StringComparison.OrdinalIgnoreCase)) return true;
        }

        return false;
    }
}
