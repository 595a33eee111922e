using Reprise.Acceptance.Shop;

namespace Reprise.Acceptance.Runbooks.Causes;

/// <summary>
/// A shop that is well, one cause that breaks it, and somebody who follows the runbook. The cause and the operator meet
/// nowhere but in the shop.
/// </summary>
/// <param name="cause">what breaks it: one of the causes of its runbook.</param>
internal abstract class Incident(string cause) : IAsyncDisposable
{
    private ShopHost? shop;
    private Machine? machine;
    private string dump = "";
    private string token = "";
    private string first = "";

    /// <summary>The name of what breaks it.</summary>
    public string Cause => cause;

    /// <summary>The shop.</summary>
    public ShopHost Shop => shop ?? throw new InvalidOperationException("not prepared");

    /// <summary>What the operator can reach.</summary>
    public Machine Machine => machine ?? throw new InvalidOperationException("not prepared");

    /// <summary>Whether the points keep the values of secrets.</summary>
    protected virtual bool SealedValues => false;

    /// <summary>Secrets that came up while it was broken and mended.</summary>
    protected virtual IReadOnlyList<string> FurtherSecrets => [];

    /// <summary>Options with which the run is found again.</summary>
    public virtual IReadOnlyList<string> ReportOptions => [];

    /// <summary>The folder that holds one folder for each release of the shop's program.</summary>
    protected string Releases => Shop.Path("releases");

    /// <summary>Makes the shop, signs in, and takes a point.</summary>
    public async Task PrepareAsync()
    {
        shop = await ShopHost.StartAsync(onPostgres: true, BeforeShopAsync);
        await CopyReleaseAsync("1");
        await ConfigureAsync();
        token = await shop.LoginAsync();
        await RunbookGround.PrepareAsync(shop, SealedValues);
        machine = new Machine(shop, Releases)
        {
            PasswordStore = File.ReadAllLines(shop.Application + "/.env").Select(l => l.Split('=', 2))
                .ToDictionary(p => p[0], p => p[1], StringComparer.Ordinal),
        };
        first = machine.Password;
        dump = await shop.DumpAsync();
    }

    /// <summary>Breaks the shop, and makes sure that it is broken.</summary>
    public async Task InjectAsync()
    {
        await BreakAsync();
        Assert.True(await IsBrokenAsync(), $"{cause} broke nothing");
    }

    /// <summary>Follows the runbook to its end.</summary>
    public abstract Task<RunView> FollowAsync();

    /// <summary>
    /// The runbook brought the shop back: what proves was red before and is green now, the way was the right one for the
    /// cause, data and logins are there, and no secret was told.
    /// </summary>
    public async Task AssertWellAsync(RunView run)
    {
        Assert.Equal("done", run.State);
        Assert.Empty(run.NotDiscriminating);
        var proofs = run.Steps.Where(s => s.Type == "verify").ToList();
        Assert.NotEmpty(proofs);
        Assert.All(proofs, p => Assert.Equal("pass", run.Outcome(p.Id)));
        Assert.All(proofs, p => Assert.Contains(run.Before, b => b.Step == p.Id && b.Outcome != "pass"));
        Assert.All(Way, w => Assert.Contains(w, run.Decisions));
        Assert.Equal(200, await Shop.HealthAsync());
        Assert.True(await Shop.AcceptsAsync(token), "a login from before the incident is refused");
        Assert.Equal(dump, await Shop.DumpAsync());
        Assert.False(await IsBrokenAsync(), $"{cause} is still there");
        await RunbookGround.AssertNoSecretsAsync(Shop, run.Json, ReportOptions, [first, .. FurtherSecrets]);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (shop is null) return;
        await CleanAsync();
        await shop.DisposeAsync();
    }

    /// <summary>The decisions that are right for the cause; the operator never sees them.</summary>
    protected abstract IReadOnlyList<string> Way { get; }

    /// <summary>Happens before there is anything of the shop.</summary>
    protected virtual Task BeforeShopAsync(ShopHost empty) => Task.CompletedTask;

    /// <summary>Happens before the first point.</summary>
    protected virtual Task ConfigureAsync() => Task.CompletedTask;

    /// <summary>Breaks the shop.</summary>
    protected abstract Task BreakAsync();

    /// <summary>Whether users notice.</summary>
    protected virtual async Task<bool> IsBrokenAsync() => await Shop.HealthAsync() != 200;

    /// <summary>Whether somebody who was signed in before still is.</summary>
    protected Task<bool> SignInWorksAsync() => Shop.AcceptsAsync(token);

    /// <summary>What has to be stopped or unmounted at the end.</summary>
    protected virtual Task CleanAsync() => Task.CompletedTask;

    /// <summary>Keeps the program as it is as a release.</summary>
    protected async Task CopyReleaseAsync(string name)
    {
        var folder = Directory.CreateDirectory($"{Releases}/{name}").FullName;
        await Shop.ProgramAsync("cp", "-a", "backend", "frontend", "run", folder);
    }
}
