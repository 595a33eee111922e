using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Reprise.Recovery;
using Reprise.Recovery.Postgres;
using Reprise.Repository.Wal;
using Reprise.Storage.Errors;
using Reprise.Tests.Fixtures;
using Reprise.Tests.Wal;

namespace Reprise.Tests.Postgres;

/// <summary>Our own replication client, against real servers and against ones that lie.</summary>
public sealed class ReplicationTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Theory]
    [InlineData(15)]
    [InlineData(17)]
    [InlineData(18)]
    public async Task A_real_server_is_asked_and_streams(int major)
    {
        using var cluster = PostgresCluster.Start(major);
        using var connection = await OpenAsync(Target(cluster));
        Assert.Equal(major, connection.Major);
        var identity = await connection.IdentifyAsync(None);
        Assert.Equal(cluster.Sql("postgres", "select system_identifier from pg_control_system()"), identity.Identifier.ToString(CultureInfo.InvariantCulture));
        Assert.Equal(1u, identity.Timeline);
        Assert.Equal("16MB", await connection.ShowAsync("wal_segment_size", None));
        Assert.Equal((false, null), await connection.SlotAsync("mine", None));
        await connection.CreateSlotAsync("mine", None);
        var (isThere, kept) = await connection.SlotAsync("mine", None);
        Assert.True(isThere && kept <= identity.Flushed, $"{kept} {identity.Flushed}");
        var again = await Assert.ThrowsAsync<SqlException>(() => connection.CreateSlotAsync("mine", None));
        Assert.Equal("42710", again.State);
        var gone = await Assert.ThrowsAsync<SqlException>(() => connection.StartAsync("none", identity.Flushed, 1, None));
        Assert.Equal("42704", gone.State);

        // After an error the connection is as before.
        var start = new Lsn(kept!.Value.Value / (16 << 20) * (16 << 20));
        await connection.StartAsync("mine", start, 1, None);
        cluster.Sql("postgres", "create table t as select g, repeat('x', 500) from generate_series(1, 20000) g");
        Assert.True(Lsn.TryParse(cluster.Sql("postgres", "select pg_current_wal_flush_lsn()"), out var end));
        var received = start;
        while (received < end)
        {
            var message = await connection.NextAsync(None).WaitAsync(TimeSpan.FromSeconds(30));
            if (message is not ReplicationMessage.Wal wal) continue;
            Assert.Equal(received, wal.Start);
            received = received.Plus(wal.Bytes.Length);
        }

        await connection.ConfirmAsync(received, asks: true, None);
        while (await connection.NextAsync(None).WaitAsync(TimeSpan.FromSeconds(30)) is not ReplicationMessage.Alive)
        {
            // Until it answers.
        }

        Assert.Equal($"{received}|{received}|", cluster.Sql("postgres", "select write_lsn, flush_lsn, replay_lsn from pg_stat_replication"));
        await connection.LeaveAsync(None);
    }

    [Theory]
    [InlineData("trust", "scram-sha-256", true)]
    [InlineData("scram-sha-256", "scram-sha-256", true)]
    [InlineData("password", "scram-sha-256", true)]
    [InlineData("md5", "md5", true)]
    [InlineData("reject", "scram-sha-256", false)]
    public async Task Every_way_to_log_in_and_each_refusal_has_its_code(string method, string stored, bool isIn)
    {
        using var cluster = PostgresCluster.Start(15, tcp: true);
        cluster.Sql("postgres", $"set password_encryption = '{stored}'; create role streamer login replication password 'p w\"$''x'; create role nobody login password 'p'");
        await File.WriteAllTextAsync(
            Path.Combine(cluster.Data, "pg_hba.conf"), $"local all all trust\nhost replication all 127.0.0.1/32 {method}\nhost all all 127.0.0.1/32 {method}\n");
        cluster.Sql("postgres", "select pg_reload_conf()");
        var target = new PostgresConnection { Host = "127.0.0.1", Port = cluster.Port, User = "streamer", Password = "p w\"$'x", Database = "postgres" };
        if (!isIn)
        {
            Assert.Equal(RecoveryErrors.PasswordRefused, (await Assert.ThrowsAnyAsync<RepriseException>(() => OpenAsync(target))).Code);
            return;
        }

        using (var connection = await OpenAsync(target)) Assert.Equal(1u, (await connection.IdentifyAsync(None)).Timeline);
        var powerless = await Assert.ThrowsAnyAsync<RepriseException>(() => OpenAsync(target with { User = "nobody", Password = "p" }));
        Assert.Equal(RecoveryErrors.PrivilegeMissing, powerless.Code);
        var bound = await Assert.ThrowsAnyAsync<RepriseException>(() => OpenAsync(With(target, "channel_binding", "require")));
        Assert.Equal(RecoveryErrors.ConnectionInvalid, bound.Code);
        if (method == "trust") return;
        var wrong = await Assert.ThrowsAnyAsync<RepriseException>(() => OpenAsync(target with { Password = "other" }));
        Assert.Equal(RecoveryErrors.PasswordRefused, wrong.Code);
        Assert.DoesNotContain("other", wrong.ToString(), StringComparison.Ordinal);
        var none = await Assert.ThrowsAnyAsync<RepriseException>(() => OpenAsync(target with { Password = null }));
        Assert.Equal(RecoveryErrors.PasswordRefused, none.Code);
        Assert.Contains("none is given", none.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Encryption_is_as_sslmode_says()
    {
        using var cluster = PostgresCluster.Start(17, tcp: true);
        using var own = Certificate("127.0.0.1");
        using var other = Certificate("elsewhere");
        WriteAsServer(cluster, "server.crt", own.ExportCertificatePem());
        WriteAsServer(cluster, "server.key", own.GetRSAPrivateKey()!.ExportPkcs8PrivateKeyPem());
        var good = Path.Combine(cluster.Socket, "good.pem");
        var bad = Path.Combine(cluster.Socket, "bad.pem");
        await File.WriteAllTextAsync(good, own.ExportCertificatePem());
        await File.WriteAllTextAsync(bad, other.ExportCertificatePem());
        var target = new PostgresConnection { Host = "127.0.0.1", Port = cluster.Port, User = "postgres", Database = "postgres" };
        foreach (var mode in (string[])["require", "verify-full"])
        {
            var refused = await Assert.ThrowsAnyAsync<RepriseException>(() => OpenAsync(With(target, "sslmode", mode)));
            Assert.Contains("no TLS", refused.Message, StringComparison.Ordinal);
        }

        Assert.Equal("f", await IsEncryptedAsync(target));
        cluster.Sql("postgres", "alter system set ssl = on");
        cluster.Sql("postgres", "select pg_reload_conf()");
        for (var i = 0; i < 100 && await IsEncryptedAsync(target) == "f"; i++) await Task.Delay(50);
        Assert.Equal("f", await IsEncryptedAsync(With(target, "sslmode", "disable")));
        foreach (var mode in (string[])["prefer", "allow", "require"]) Assert.Equal("t", await IsEncryptedAsync(With(target, "sslmode", mode)));
        foreach (var mode in (string[])["require", "verify-ca", "verify-full"])
        {
            Assert.Equal("t", await IsEncryptedAsync(With(With(target, "sslmode", mode), "sslrootcert", good)));
            var wrong = await Assert.ThrowsAnyAsync<RepriseException>(() => OpenAsync(With(With(target, "sslmode", mode), "sslrootcert", bad)));
            Assert.Equal(RecoveryErrors.DatabaseUnavailable, wrong.Code);
        }

        // Another name: the certificate is for the address.
        var named = With(With(target with { Host = "localhost" }, "hostaddr", "127.0.0.1"), "sslrootcert", good);
        Assert.Equal("t", await IsEncryptedAsync(With(named, "sslmode", "verify-ca")));
        await Assert.ThrowsAnyAsync<RepriseException>(() => OpenAsync(With(named, "sslmode", "verify-full")));
        await Assert.ThrowsAnyAsync<RepriseException>(() => OpenAsync(With(target, "sslmode", "verify-full")));
        var missing = await Assert.ThrowsAnyAsync<RepriseException>(
            () => OpenAsync(With(With(target, "sslmode", "verify-ca"), "sslrootcert", Path.Combine(cluster.Socket, "none"))));
        Assert.Equal(RecoveryErrors.ConnectionInvalid, missing.Code);

        // The stream itself, not only the login.
        using var connection = await OpenAsync(With(With(target, "sslmode", "verify-full"), "sslrootcert", good));
        await connection.CreateSlotAsync("mine", None);
        await connection.StartAsync("mine", (await connection.IdentifyAsync(None)).Flushed, 1, None);
        cluster.Sql("postgres", "create table t(n int)");
        while (await connection.NextAsync(None).WaitAsync(TimeSpan.FromSeconds(20)) is not ReplicationMessage.Wal)
        {
            // Until some comes.
        }

        async Task<string> IsEncryptedAsync(PostgresConnection to)
        {
            using var one = await OpenAsync(to);
            return cluster.Sql("postgres", "select bool_or(ssl) from pg_stat_ssl join pg_stat_activity using (pid) where backend_type = 'walsender'");
        }
    }

    [Fact]
    public async Task Cancelled_and_broken_at_any_moment_it_ends_with_an_error_of_ours_and_nothing_else()
    {
        using var cluster = PostgresCluster.Start(17);
        using var proxy = new BreakingProxy(Path.Combine(cluster.Socket, $".s.PGSQL.{cluster.Port}"));
        var unobserved = 0;
        void Count(object? sender, UnobservedTaskExceptionEventArgs e) => Interlocked.Increment(ref unobserved);
        TaskScheduler.UnobservedTaskException += Count;
        using (var first = await OpenAsync(Target(cluster))) await first.CreateSlotAsync("mine", None);
        for (var round = 0; round < 40; round++)
        {
            using var connection = await OpenAsync(Target(cluster) with { Host = proxy.Folder });
            var identity = await connection.IdentifyAsync(None);
            for (var tries = 0; ; tries++)
            {
                try
                {
                    await connection.StartAsync("mine", identity.Flushed, 1, None);
                    break;
                }
                catch (SqlException e) when (e.State == "55006" && tries < 200)
                {
                    // The last round's has not noticed yet.
                    await Task.Delay(20);
                }
            }

            using var cancel = new CancellationTokenSource();
            var reading = connection.NextAsync(cancel.Token);
            var writing = Task.Run(async () =>
            {
                while (!cancel.IsCancellationRequested) await connection.ConfirmAsync(identity.Flushed, asks: true, cancel.Token);
            });
            await Task.Delay(round % 7);
            if (round % 2 == 0) proxy.Break();
            else await cancel.CancelAsync();
            await EndsAsync(reading);
            await cancel.CancelAsync();
            await EndsAsync(writing);
        }

        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        TaskScheduler.UnobservedTaskException -= Count;
        Assert.Equal(0, unobserved);

        static async Task EndsAsync(Task task)
        {
            try
            {
                await task.WaitAsync(TimeSpan.FromSeconds(20));
            }
            catch (Exception e) when (e is OperationCanceledException || (e as RepriseException)?.Code == RecoveryErrors.DatabaseUnavailable)
            {
                // The two that there may be.
            }
        }
    }

    [Fact]
    public async Task A_server_that_says_nothing_is_not_waited_for()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var target = new PostgresConnection
        {
            Host = "127.0.0.1", Port = ((IPEndPoint)listener.LocalEndpoint).Port, User = "x", Database = "x",
            Options = new Dictionary<string, string> { ["connect_timeout"] = "1" },
        };
        var silent = await Assert.ThrowsAnyAsync<RepriseException>(() => OpenAsync(target));
        Assert.Equal(RecoveryErrors.DatabaseUnavailable, silent.Code);
        using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ReplicationConnection.OpenAsync(target, "x", WalGround.Host(), cancel.Token));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("00000000")]
    [InlineData("52ffffffff")]
    [InlineData("527fffffff")]
    [InlineData("5200000000")]
    [InlineData("5200000004")]
    [InlineData("520000000800000000")]
    [InlineData("52000000080000000a")]
    [InlineData("520000000c0000000500")]
    [InlineData("520000000800000007")]
    [InlineData("4500000005000000000000")]
    [InlineData("450000000553")]
    [InlineData("5a00000005490000000000")]
    [InlineData("52000000080000000053000000044e00000004")]
    [InlineData("5200000008000000005a0000000549")]
    [InlineData("485454502f312e3120343030204261642052657175657374")]
    public async Task What_is_no_server_is_an_error_of_ours(string hex)
    {
        var bytes = Convert.FromHexString(hex.Length % 2 == 0 ? hex : "0" + hex);
        var e = await AgainstAsync(bytes);
        Assert.Contains(e.Code, (ErrorCode[])[RecoveryErrors.DatabaseUnavailable, RecoveryErrors.PasswordRefused, RecoveryErrors.SqlFailed]);
    }

    [Fact]
    public void Messages_that_are_none_are_named_and_random_ones_never_throw()
    {
        foreach (var length in (int[])[0, 1, 17, 18, 19, 24, 25])
        {
            var wal = new byte[length];
            if (length > 0) wal[0] = (byte)'w';
            Assert.Null(ReplicationMessage.Read(wal, out var wrong));
            Assert.NotEmpty(wrong);
        }

        var far = new byte[30];
        far[0] = (byte)'w';
        BinaryPrimitives.WriteUInt64BigEndian(far.AsSpan(1), ulong.MaxValue);
        Assert.Null(ReplicationMessage.Read(far, out _));
        BinaryPrimitives.WriteUInt64BigEndian(far.AsSpan(1), 0x1_0000_0028);
        var good = Assert.IsType<ReplicationMessage.Wal>(ReplicationMessage.Read(far, out _));
        Assert.Equal((new Lsn(0x1_0000_0028), 5), (good.Start, good.Bytes.Length));
        var alive = new byte[18];
        (alive[0], alive[8], alive[17]) = ((byte)'k', 9, 1);
        Assert.Equal(new ReplicationMessage.Alive(new Lsn(9), true), ReplicationMessage.Read(alive, out _));
        alive[17] = 2;
        Assert.Null(ReplicationMessage.Read(alive, out _));
        var random = new Random(1);
        for (var i = 0; i < 20_000; i++)
        {
            var any = new byte[random.Next(60)];
            random.NextBytes(any);
            if (any.Length > 0 && i % 2 == 0) any[0] = (byte)"wk"[i / 2 % 2];
            _ = ReplicationMessage.Read(any, out _);
        }
    }

    [Fact]
    public async Task Random_answers_never_hang_nor_throw_anything_else()
    {
        var random = new Random(2);
        for (var i = 0; i < 150; i++)
        {
            var bytes = new byte[random.Next(1, 200)];
            random.NextBytes(bytes);
            bytes[0] = (byte)"RESNZdcC"[i % 8];

            // Lengths that are mostly believable lead further in.
            if (bytes.Length > 4) BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(1), random.Next(0, 40));
            await AgainstAsync(bytes);
        }
    }

    // A server that sends fixed bytes whatever it hears, and closes.
    private static async Task<RepriseException> AgainstAsync(byte[] bytes)
    {
        var folder = Directory.CreateTempSubdirectory("rps").FullName;
        try
        {
            using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            listener.Bind(new UnixDomainSocketEndPoint(Path.Combine(folder, ".s.PGSQL.5432")));
            listener.Listen();
            var serving = Task.Run(async () =>
            {
                using var client = await listener.AcceptAsync();
                await client.SendAsync(bytes);
                client.Shutdown(SocketShutdown.Send);
                var rest = new byte[4096];
                while (await client.ReceiveAsync(rest) > 0)
                {
                    // Until it leaves.
                }
            });
            var e = await Assert.ThrowsAnyAsync<RepriseException>(async () =>
            {
                using var connection = await OpenAsync(new PostgresConnection { Host = folder, Port = 5432, User = "x", Password = "y", Database = "x" });
                await connection.IdentifyAsync(None);
                await connection.StartAsync("s", default, 1, None);
                while (true) await connection.NextAsync(None);
            }).WaitAsync(TimeSpan.FromSeconds(20));
            try
            {
                await serving.WaitAsync(TimeSpan.FromSeconds(20));
            }
            catch (SocketException)
            {
                // It left in the middle.
            }

            return e;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Task<ReplicationConnection> OpenAsync(PostgresConnection target) =>
        ReplicationConnection.OpenAsync(target, "reprise", WalGround.Host(), None);

    private static PostgresConnection Target(PostgresCluster cluster) =>
        new() { Host = cluster.Socket, Port = cluster.Port, User = "postgres", Database = "postgres" };

    private static PostgresConnection With(PostgresConnection target, string option, string value) =>
        target with { Options = new Dictionary<string, string>(target.Options) { [option] = value } };

    private static X509Certificate2 Certificate(string name)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        if (IPAddress.TryParse(name, out var address)) names.AddIpAddress(address);
        else names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    private static void WriteAsServer(PostgresCluster cluster, string name, string text)
    {
        var file = Path.Combine(cluster.Data, name);
        File.WriteAllText(file, text);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        if (Environment.UserName == "root") PostgresCluster.Run("chown", ["postgres:", file]);
    }
}
