namespace Reprise.Acceptance.BadInput;

/// <summary>
/// The moments that random signals rarely meet, met on purpose: the programs that the restore itself starts tell when.
/// </summary>
public class KilledInPhaseTests
{
    private const string Control = """
        control:
          stop:  [sh, -c, "touch ../stopping; sleep 0.4"]
          start: [sh, -c, "touch ../starting; sleep 0.4"]
        checks:
          slow: { command: { run: [sh, -c, "touch ../checking; sleep 0.4"] }, when: data }

        """;

    private static readonly string[] Moments = ["stopping", "checking", "starting"];

    public static TheoryData<string, bool> Kills => new(
        from moment in Moments from goesOn in new[] { true, false } select (moment, goesOn));

    [Theory]
    [MemberData(nameof(Kills))]
    public async Task Killed_there_the_next_command_says_so_and_both_ways_out_work(string moment, bool goesOn)
    {
        using var application = await PrepareAsync();
        var wanted = application.Data();
        application.Fill(seed: 2, rows: 700);
        var old = application.Data();
        using (var running = application.Start("restore", "--yes"))
        {
            Assert.True(await SmallApplication.WaitAsync(() => File.Exists(application.Path(moment))));
            running.Kill();
            await running.EndAsync();
        }

        var status = (await application.RepriseAsync("status", "--json")).Result("status");
        Assert.Equal(1, status.GetProperty("interrupted").GetArrayLength());
        (await application.RepriseAsync("restore", "--yes", "--json")).MustFail("restore", 3, "operation-interrupted");
        var said = (await application.RepriseAsync("status")).Output;
        Assert.Contains("--continue", said, StringComparison.Ordinal);

        string[] wayOut = goesOn ? ["restore", "--continue", "--yes", "--json"] : ["undo", "--yes", "--json"];
        (await application.RepriseAsync(wayOut)).MustExit(0).Json(wayOut[0]);
        Assert.Equal(goesOn ? wanted : old, application.Data());
        status = (await application.RepriseAsync("status", "--json")).Result("status");
        Assert.Equal(0, status.GetProperty("interrupted").GetArrayLength());
        (await application.RepriseAsync("backup", "--json")).MustExit(0).Json("backup");
    }

    [Theory]
    [InlineData("stopping")]
    [InlineData("checking")]
    public async Task A_first_signal_puts_everything_back_and_a_second_one_is_answered(string moment)
    {
        using var application = await PrepareAsync();
        application.Fill(seed: 2, rows: 700);
        var before = application.Everything();
        using var running = application.Start("restore", "--yes", "--json");
        Assert.True(await SmallApplication.WaitAsync(() => File.Exists(application.Path(moment))));
        running.Interrupt();
        Assert.True(await SmallApplication.WaitAsync(() => File.Exists(application.Path("starting"))));
        running.Terminate();
        var run = await running.EndAsync();
        run.MustFail("restore", 130, "interrupted");
        Assert.Contains("SIGTERM: still putting back", run.Errors, StringComparison.Ordinal);
        Assert.Equal(before, application.Everything());
        (await application.RepriseAsync("restore", "--yes", "--json")).MustExit(0).Json("restore");
    }

    private static async Task<SmallApplication> PrepareAsync()
    {
        var application = await SmallApplication.WithPointAsync();
        application.WriteConfiguration(SmallApplication.Configuration + Control);
        return application;
    }
}
