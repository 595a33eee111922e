using Reprise.Acceptance.Shop;

namespace Reprise.Acceptance.Runbooks.Causes;

/// <summary>
/// Tokens are refused: another key, no key, a clock that is forty days ahead. The clock is that of the backend alone: a
/// module that Python loads first adds what a file says to the time, which is the nearest that a test can come to a
/// machine with a wrong clock without setting the clock of the machine that it runs on.
/// </summary>
internal sealed class TokensIncident(string cause) : Incident(cause)
{
    // Logins last thirty days.
    private const int DaysAhead = 40;

    private static readonly string Rotated = "rotated/key+" + new string('k', 20) + "=";

    /// <summary>What can be injected.</summary>
    public static IReadOnlyList<string> Causes { get; } = ["rotated-key", "lost-key", "wrong-clock"];

    /// <inheritdoc />
    protected override bool SealedValues => Cause == "rotated-key";

    /// <inheritdoc />
    protected override IReadOnlyList<string> FurtherSecrets => [Rotated];

    /// <inheritdoc />
    protected override IReadOnlyList<string> Way => Cause switch
    {
        "rotated-key" => ["why-changed=accident-kept"],
        "lost-key" => ["why-changed=accident"],
        _ => ["why-changed=clock"],
    };

    /// <inheritdoc />
    public override Task<RunView> FollowAsync() => new TokensOperator(Machine, SignInWorksAsync).FollowAsync();

    /// <inheritdoc />
    protected override async Task<bool> IsBrokenAsync() => !await SignInWorksAsync();

    /// <inheritdoc />
    protected override async Task BreakAsync()
    {
        switch (Cause)
        {
            case "rotated-key":
                Shop.SetVariable("JWT_SECRET", Rotated);
                break;
            case "lost-key":
                File.WriteAllLines(
                    Shop.Application + "/.env",
                    [.. File.ReadAllLines(Shop.Application + "/.env").Where(l => !l.StartsWith("JWT_SECRET=", StringComparison.Ordinal))]);
                break;
            default:
                File.WriteAllText(Machine.Clock, $"{DaysAhead * 86400}");

                // The server writes the date of its answers once a second; nobody's clock is wrong for less than that.
                for (var i = 0; i < 100 && await Shop.DateAsync() < DateTimeOffset.UtcNow.AddDays(1); i++) await Task.Delay(100);
                return;
        }

        await Shop.RunAsync("run/backend", "stop");
        await Shop.RunAsync("run/backend", "start");
    }

    /// <inheritdoc />
    protected override Task BeforeShopAsync(ShopHost empty)
    {
        if (Cause != "wrong-clock") return Task.CompletedTask;
        var folder = Directory.CreateDirectory(empty.Path("clock")).FullName;
        File.WriteAllText(folder + "/offset", "0");
        File.WriteAllText(folder + "/sitecustomize.py", ShiftedTime);
        empty.Variables["PYTHONPATH"] = folder;
        return Task.CompletedTask;
    }

    private const string ShiftedTime = """
        # The clock of a machine whose time is off by what the file beside this one says, in seconds.
        import datetime, os, time

        _file = os.path.join(os.path.dirname(__file__), "offset")
        _time = time.time


        def _off():
            with open(_file) as f:
                return float(f.read() or 0)


        class _Shifted(datetime.datetime):
            @classmethod
            def now(cls, tz=None):
                return cls.fromtimestamp(time.time(), tz)


        time.time = lambda: _time() + _off()
        datetime.datetime = _Shifted
        """;
}
