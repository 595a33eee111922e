using Reprise.Cli;

namespace Reprise.Tests.Cli;

/// <summary>What the commands print for people, exactly.</summary>
public class TextTests
{
    private readonly CommandBench bench = new();

    [Fact]
    public async Task The_program_alone_says_status_in_five_lines_and_the_next_command()
    {
        await bench.RunAsync();
        Assert.Equal(
            """
            this repository: the only key is on this host
              newest   20261122T031502Z-7f3a, 42 min old, 4 assets, 1.10 GiB
              at risk  the last 42 min; at most 1 h was promised
              proven   20261122T031502Z-7f3a by restore, 37 min ago, data
              key      the only key is on this host; print the sheet, then: reprise key
                       sheet --confirm
            next: reprise verify

            """,
            bench.Out);
    }

    [Fact]
    public async Task Status_says_everything()
    {
        await bench.RunAsync("status");
        Assert.Equal(
            """
            this repository: the only key is on this host
              newest    20261122T031502Z-7f3a, 42 min old, 4 assets, 1.10 GiB
              at risk   the last 42 min; at most 1 h was promised
              window    2026-11-20 03:15 UTC to 2026-11-22 03:15 UTC, 3 points
              replay    orders: any moment from 2026-11-20 03:15 UTC to 2026-11-22 03:15
                        UTC, 0/9000028 of timeline 1
              gap       2026-11-22 03:15 UTC to 2026-11-22 03:24 UTC: WAL from 0/5000000 to
                        0/6000000 is missing
              shipping  orders: by stream, 96 B behind the server
              shipping  ledger: the server does not answer; 3 segments in its pg_wal are not
                        in the repository
              WAL       timeline 1: 0/3000000 to 0/9000028 with 1 gap, last commit 42 min
                        ago, 19.1 MiB
              proven    20261122T031502Z-7f3a by restore, 37 min ago, data
              time      back in 41 s last time; 15 min was promised
              key       the only key is on this host; print the sheet, then: reprise key
                        sheet --confirm
              schedule  nothing starts reprise backup by itself; reprise init prints how
            former data: orders in database shop__before_x
            action: print the sheet (Ada, overdue, was due 2026-11-21; no second key; note
              20261122T091500Z-0001)
            next: reprise verify

            """,
            bench.Out);
    }

    [Fact]
    public async Task A_backup_names_the_point_and_what_is_in_it()
    {
        await bench.RunAsync("backup");
        Assert.Equal(
            """
            point 20261122T031502Z-7f3a is complete: 4 assets, 1.10 GiB read, 40.0 MiB
            stored, 0.4 s from first to last
              orders    postgres  logical     41,207 rows in 2 tables, 282 MiB, alembic:0004
              sessions  sqlite    pages       1 row in 1 table, 282 MiB
              runtime   files     files       25 entries, 282 MiB
              secrets   secrets   references  2 names
            next: reprise verify

            """,
            bench.Out);
    }

    [Fact]
    public async Task A_point_is_shown_in_full()
    {
        await bench.RunAsync("points", "show", "latest");
        Assert.Equal(
            """
            point 20261122T031502Z-7f3a
              taken      2026-11-22 03:15:02 UTC (Sunday 22 November 2026, 03:15 here)
              state      incomplete, manual
              size       1.10 GiB read, 40.0 MiB stored
              skew       0.4 s
              signature  valid
              release    3f2a9c0, with changes that are not committed
              image      backend=shop-backend@sha256:ab
              versions   orders: server 15.14

              orders    postgres  logical            41,207 rows in 2 tables, 282 MiB,
                                                     alembic:0004
              sessions  sqlite    pages              1 row in 1 table, 282 MiB
              runtime   files     files, incomplete  25 entries, 282 MiB
              secrets   secrets   references         2 names

            missing or odd when it was taken:
              file-unreadable  a file could not be read (uploads/1)

            """,
            bench.Out);
    }

    [Fact]
    public async Task A_restore_says_verdict_loss_time_and_what_is_unsafe_in_few_lines()
    {
        await bench.RunAsync("restore", "--yes");
        Assert.Equal(
            """
            the application is back in 32 s: point 20261122T031502Z-7f3a of 2026-11-22
            03:15:02 UTC (Sunday 22 November 2026, 03:15 here)
            lost: what was written in the last 42 min (orders 41,202 → 40,950, sessions none
              → 1)
            checks: 2 of 3 passed
              not-run  migrations-at-head  skipped: known
            unsafe: secret JWT_SECRET is not the one of the point: what it signed or sealed
              will be refused
            unsafe: not proven: migrations-at-head
            kept: the former orders in database shop__before_x until 2026-11-25 03:57 UTC
            back again with: reprise undo
            phases: stage 32 s, publish 0.4 s
            next: reprise check, then reprise restore forget 20261122T035000Z-00ff

            """,
            bench.Out);
    }

    [Fact]
    public async Task A_rolled_back_restore_says_why()
    {
        bench.Operations = bench.Operations with
        {
            Restore = (_, _, _) => Task.FromResult(
                new CommandReport<Reprise.Json.RestoreJson>(Samples.Restore("rolled-back"))),
        };
        await bench.RunAsync("restore", "--yes");
        Assert.StartsWith(
            "the application was rolled back in 32 s: what was live before is live again\n",
            bench.Out,
            StringComparison.Ordinal);
        Assert.Contains(
            "  FAIL     backend-healthy     expected /status = ok, got 503\n", bench.Out, StringComparison.Ordinal);
        Assert.Contains("\nlost: nothing\n", bench.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_plan_says_what_you_get_lose_and_how_to_go_back()
    {
        bench.Operations = bench.Operations with
        {
            Restore = (_, _, _) => Task.FromResult(
                new CommandReport<Reprise.Json.RestoreJson>(Samples.Restore("planned"))),
        };
        await bench.RunAsync("restore", "--plan");
        Assert.Equal(
            """
            You get back shop as of 2026-11-22 03:15:02 UTC, 42 minutes ago: orders 41,202 →
            40,950.
            You lose what was written in these 42 minutes; shop is down meanwhile.
            To go back, 'reprise undo': what is live now is kept.
              stage orders  costly      database shop__new_x, 1.00 GiB, about 31 s
              swap orders   reversible  database shop
            unsafe: secret JWT_SECRET is not the one of the point: what it signed or sealed
              will be refused
            nothing was changed
            next: reprise restore 20261122T031502Z-7f3a

            """,
            bench.Out);
    }

    [Fact]
    public async Task The_last_line_of_a_plan_carries_out_what_it_said_and_nothing_more()
    {
        bench.Operations = bench.Operations with
        {
            Restore = (_, _, _) => Task.FromResult(
                new CommandReport<Reprise.Json.RestoreJson>(Samples.Restore("planned"))),
        };
        await bench.RunAsync("restore", "latest", "--plan", "--asset", "orders", "--to", "/srv/my copy", "--salvage", "--asset=invoices");
        Assert.EndsWith(
            "next: reprise restore 20261122T031502Z-7f3a --asset orders --asset invoices --to '/srv/my copy' --salvage\n",
            bench.Out,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_verification_names_the_damage()
    {
        await bench.RunAsync("verify");
        Assert.Equal(
            """
            damage was found in 1 place (12 of 12 objects read, 118 MiB)
              runtime: uploads/1 in 20261122T031502Z-7f3a (object packs/ab12)

            """,
            bench.Out);
    }

    [Fact]
    public async Task Checks_are_a_line_each()
    {
        bench.Operations = bench.Operations with
        {
            Check = (_, _) => Task.FromResult(new CommandReport<Reprise.Json.ChecksJson>(new Reprise.Json.ChecksJson
            {
                Checks =
                [
                    Samples.Check("backend-healthy", "pass", null, "200"),
                    Samples.Check("orders-readable", "could-not-verify", "> 0", "the server does not answer"),
                ],
            })),
        };
        await bench.RunAsync("check");
        Assert.Equal(
            """
              ok      backend-healthy  200
              UNSURE  orders-readable  expected > 0, the server does not answer
            1 of 2 checks passed

            """,
            bench.Out);
    }

    [Theory]
    [InlineData("points")]
    [InlineData("doctor")]
    [InlineData("init")]
    [InlineData("export latest --to x")]
    [InlineData("recover --to x")]
    [InlineData("key list")]
    [InlineData("key sheet")]
    [InlineData("demo")]
    [InlineData("undo --yes")]
    [InlineData("restore forget x --yes")]
    public async Task Every_other_command_fits_80_columns(string line)
    {
        Assert.Equal(0, await bench.RunAsync(line.Split(' ')));
        Assert.NotEmpty(bench.Out);
        Assert.All(bench.Out.Split('\n'), text => Assert.True(text.Length <= 80, text));
        Assert.Empty(bench.Error);
    }

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1024, "1.00 KiB")]
    [InlineData(10_240, "10.0 KiB")]
    [InlineData(1_048_575, "1.00 MiB")]
    [InlineData(123_456_789, "118 MiB")]
    [InlineData(long.MaxValue, "8.00 EiB")]
    public void Sizes_are_three_digits(long bytes, string expected) => Assert.Equal(expected, Amounts.Bytes(bytes));

    [Theory]
    [InlineData(0, "0.0 s")]
    [InlineData(9.94, "9.9 s")]
    [InlineData(9.96, "10 s")]
    [InlineData(59.4, "59 s")]
    [InlineData(60, "1 min")]
    [InlineData(185, "3 min 5 s")]
    [InlineData(3600, "1 h")]
    [InlineData(7_800, "2 h 10 min")]
    [InlineData(273_600, "3 d 4 h")]
    [InlineData(-90, "-1 min 30 s")]
    public void Times_are_two_units(double seconds, string expected) =>
        Assert.Equal(expected, Amounts.Seconds(seconds));

    [Fact]
    public void Dates_are_said_in_utc_and_local_in_two_languages()
    {
        var paris = TimeZoneInfo.CreateCustomTimeZone("here", TimeSpan.FromHours(1), "here", "here");
        var late = new DateTimeOffset(2026, 7, 31, 23, 30, 0, TimeSpan.Zero);
        Assert.Equal(
            "2026-07-31 23:30:00 UTC (Saturday 1 August 2026, 00:30 here)", new Calendar(
                paris, Language.English).Both(late));
        Assert.Equal(
            "2026-07-31 23:30:00 UTC (samedi 1er août 2026, 00:30 ici)",
            new Calendar(paris, Language.French).Both(late));
        Assert.Equal("2026-07-31 23:30 UTC (2026-08-01 00:30 here)", new Calendar(paris, Language.English).Short(late));
        Assert.Equal(
            "2026-07-31 22:30 UTC (23:30 here)", new Calendar(paris, Language.English).Short(late.AddHours(-1)));
        Assert.Equal("2026-07-31 23:30 UTC", new Calendar(TimeZoneInfo.Utc, Language.English).Short(late));
    }

    [Theory]
    [InlineData("LANG", "fr_FR.UTF-8", "French")]
    [InlineData("LC_TIME", "fr", "French")]
    [InlineData("LANG", "en_GB.UTF-8", "English")]
    [InlineData("LANG", "fro", "English")]
    [InlineData("OTHER", "fr_FR", "English")]
    public void The_language_of_dates_is_that_of_the_locale(string name, string value, string expected) =>
        Assert.Equal(expected, Calendar.LanguageOf(new Dictionary<string, string> { [name] = value }).ToString());

    [Fact]
    public void A_stronger_locale_wins() => Assert.Equal(
        Language.English,
        Calendar.LanguageOf(new Dictionary<string, string> { ["LANG"] = "fr_FR", ["LC_ALL"] = "C" }));

    [Theory]
    [InlineData("one two three", 7, "one two|  three")]
    [InlineData("one", 2, "one")]
    [InlineData("", 5, "")]
    [InlineData("a\nb", 5, "a|b")]
    [InlineData("longerthanwidth x", 5, "longerthanwidth|  x")]
    public void Text_is_wrapped_at_words(string text, int width, string lines) =>
        Assert.Equal(lines.Split('|'), Output.Wrap(text, width, 2));
}
