using System.Text;
using Reprise.Recovery.Assets;
using Reprise.Recovery.State;
using Reprise.Repository.Points;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;
using Reprise.Tests.Restoring;
using Reprise.Tests.Storage;

namespace Reprise.Tests.State;

public sealed class StateFolderTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 11, 22, 3, 0, 0, TimeSpan.Zero);
    private readonly ScratchFolder scratch = new();
    private readonly StateFolder state;

    public StateFolderTests() => state = new StateFolder(Disks.OfThisMachine(), scratch / "state");

    public void Dispose() => scratch.Dispose();

    [Fact]
    public void The_default_place_follows_the_variables()
    {
        Assert.Equal("/elsewhere", At(("REPRISE_STATE", "/elsewhere"), ("XDG_STATE_HOME", "/x"), ("HOME", "/h")));
        Assert.StartsWith("/x/reprise/shop-", At(("XDG_STATE_HOME", "/x"), ("HOME", "/h")), StringComparison.Ordinal);
        var relative = At(("XDG_STATE_HOME", "relative"), ("HOME", "/h"));
        Assert.StartsWith("/h/.local/state/reprise/shop-", relative, StringComparison.Ordinal);
        Assert.Equal(At(("HOME", "/h")).Length, "/h/.local/state/reprise/shop-".Length + 8);
        Assert.NotEqual(
            StateFolder.DefaultPath("shop", "/one/reprise.yaml", _ => null),
            StateFolder.DefaultPath("shop", "/two/reprise.yaml", _ => null));

        static string At(params (string Name, string Value)[] variables) => StateFolder.DefaultPath(
            "shop", "/one/reprise.yaml", name => variables.FirstOrDefault(v => v.Name == name).Value).ToString();
    }

    [Fact]
    public void A_journal_comes_back_as_it_was_saved_and_only_its_owner_reads_it()
    {
        var journal = Journal(PointId.At(Now)) with
        {
            SkippedChecks = new SortedDictionary<string, string> { ["health"] = "down" },
            Safety = new SortedDictionary<string, SafetyKind> { ["orders"] = SafetyKind.MovedAside },
            Events = [new JournalEvent(Now, OperationState.Staging)],
        };
        state.Save(journal);
        state.Save(journal with { State = OperationState.Publishing });
        var again = state.Operations().Single();
        Assert.Equal(OperationState.Publishing, again.State);
        Assert.Equal(journal.Assets[0].Record.Facts, again.Assets[0].Record.Facts);
        Assert.Equal((SlotKind.New, journal.Id), (again.Assets[0].Incoming!.Kind, again.Assets[0].Incoming!.Id));
        Assert.Equal(SafetyKind.MovedAside, again.Safety["orders"]);
        Assert.Equal("down", again.SkippedChecks["health"]);
        Assert.Equal([journal.Id], state.Interrupted().Select(o => o.Id));
        Assert.Equal(0x1C0, Disks.OfThisMachine().Stat(state.Path)!.Mode);
        Assert.Equal(again.Id, state.Find(again.Id.Value[..12]).Id);
        Assert.Equal("restore-unknown", Assert.Throws<RepriseException>(() => state.Find("2025")).Code.Name);
        Assert.Equal("restore-unknown", Assert.Throws<RepriseException>(() => state.Find("202")).Code.Name);
        Assert.NotEqual(PointId.At(Now), state.NewId(Now));
    }

    [Fact]
    public void What_a_newer_program_wrote_is_not_called_damaged_and_what_is_damaged_is_named()
    {
        state.Save(Journal(PointId.At(Now)) with { Version = OperationJournal.CurrentVersion + 1 });
        Assert.Equal("format-newer", Assert.Throws<RepriseException>(state.Operations).Code.Name);
        var file = Directory.EnumerateFiles($"{scratch.Text}/state/restores").Single();
        File.WriteAllText(file, "{ \"id\": ");
        var damaged = Assert.Throws<RepriseException>(state.Operations);
        Assert.Equal(("journal-damaged", file), (damaged.Code.Name, damaged.Problem.Where));
    }

    [Fact]
    public void One_process_at_a_time_holds_the_lock()
    {
        using (state.Lock())
        {
            var other = new StateFolder(Disks.OfThisMachine(), state.Path);
            var refused = Assert.Throws<RepriseException>(other.Lock);
            Assert.Equal(("operation-running", ExitCodes.Refused), (refused.Code.Name, refused.Code.Exit));
        }

        using var again = state.Lock();
        Assert.NotNull(again);
    }

    [Fact]
    public void The_newest_point_seen_never_becomes_an_older_one()
    {
        Assert.Null(state.ReadHead());
        var (older, newer) = (PointId.At(Now), PointId.At(Now.AddHours(1)));
        state.RememberHead(new PointReference(newer, new Sha256Digest(new byte[32])), Now);
        state.RememberHead(new PointReference(older, new Sha256Digest(new byte[32])), Now);
        Assert.Equal(newer, state.ReadHead()!.Newest.Id);
    }

    [Fact]
    public void An_answer_is_kept()
    {
        Assert.Null(state.ReadAnswers().KeySheetConfirmed);
        state.SaveAnswers(new KeptAnswers { KeySheetConfirmed = Now });
        Assert.Equal(Now, state.ReadAnswers().KeySheetConfirmed);
    }

    [Fact]
    public void Only_journals_that_keep_nothing_are_trimmed()
    {
        var kept = Journal(PointId.At(Now)) with { State = OperationState.Kept };
        state.Save(kept);
        for (var i = 1; i <= StateFolder.MaxFinishedJournals + 5; i++)
            state.Save(Journal(PointId.At(Now.AddMinutes(i))) with { State = OperationState.Abandoned });
        state.Trim();
        Assert.Equal(StateFolder.MaxFinishedJournals + 1, state.Operations().Count);
        Assert.Equal(kept.Id, state.Operations()[0].Id);
    }

    [Theory]
    [InlineData(StepFault.CrashBefore)]
    [InlineData(StepFault.CrashAfter)]
    [InlineData(StepFault.FailBefore)]
    [InlineData(StepFault.FailAfter)]
    public void A_save_that_ends_anywhere_leaves_the_old_or_the_new_journal(StepFault fault)
    {
        for (var number = 1; ; number++)
        {
            var medium = new MemoryFiles();
            var before = new StateFolder(new MemoryDisk(medium, Steps.Untouched), new DiskPath("/state"));
            before.Save(Journal(PointId.At(Now)));
            var steps = new Steps(fault, number);
            var ended = Record.Exception(() => new StateFolder(new MemoryDisk(medium, steps), new DiskPath("/state"))
                .Save(Journal(PointId.At(Now)) with { State = OperationState.Publishing }));
            OperationState[] legal = [OperationState.Staging, OperationState.Publishing];
            Assert.Contains(before.Operations().Single().State, legal);
            if (!steps.Reached)
            {
                Assert.Null(ended);
                Assert.InRange(number, 5, 50);
                return;
            }

            Assert.NotNull(ended);
            before.Save(Journal(PointId.At(Now)) with { State = OperationState.Kept });
            Assert.Equal(OperationState.Kept, before.Operations().Single().State);
        }
    }

    private static OperationJournal Journal(PointId id) => new()
    {
        Id = id,
        Kind = OperationKind.Restore,
        Application = "shop",
        Point = id,
        Started = Now,
        State = OperationState.Staging,
        Assets =
        [
            new JournalAsset
            {
                Name = "orders",
                Record = FolderAsset.Record(
                    "orders", new Dictionary<string, string> { ["a"] = Encoding.UTF8.GetString("é"u8) }),
                Incoming = JournalSlot.Of(Slot.New(id)),
                Outgoing = JournalSlot.Of(Slot.Before(id)),
            },
        ],
    };
}
