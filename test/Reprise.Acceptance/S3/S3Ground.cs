using Reprise.Acceptance.BadInput;
using Reprise.Acceptance.Harness;
using Reprise.Peers;

namespace Reprise.Acceptance.S3;

/// <summary>
/// The small application with its repository in a bucket of the tests' own server, which counts requests and strikes the
/// program at one of them. Bucket, application and state can be kept and put back, so that every strike meets the same.
/// </summary>
internal sealed class S3Ground : IAsyncDisposable
{
    private readonly Lock gate = new();
    private Strike? strike;
    private Kept? kept;

    private S3Ground(SmallApplication application) => Application = application;

    /// <summary>The application.</summary>
    public SmallApplication Application { get; }

    /// <summary>The server.</summary>
    public S3Peer Peer { get; } = new();

    /// <summary>An application with some data, and an empty bucket.</summary>
    public static S3Ground Make(string more = "", Action<PeerBucket>? prepare = null)
    {
        var ground = new S3Ground(SmallApplication.Make(rows: 60, files: 3, fileBytes: 6_000));
        prepare?.Invoke(ground.Peer.Content);
        ground.Application.WriteConfiguration(SmallApplication.Configuration.Replace(
            "location: ../recovery", $"location: \"{ground.Peer.Location(more: more)}\"", StringComparison.Ordinal));
        foreach (var (name, value) in S3Peer.Login) ground.Application.Variables[name] = value;
        ground.Peer.Fault = ground.Before;
        ground.Peer.Applied = ground.After;
        return ground;
    }

    /// <summary>Runs the program, which must succeed.</summary>
    public async Task<ProgramRun> RunAsync(params string[] arguments) =>
        (await Application.RepriseAsync(arguments)).MustExit(0);

    /// <summary>Replaces the data of the application.</summary>
    public void Fill(int seed) => Application.Fill(seed, rows: 60, files: 3, fileBytes: 6_000);

    /// <summary>Keeps bucket, application and state as they are now.</summary>
    public void Keep()
    {
        if (kept is not null) Directory.Delete(kept.Folder, recursive: true);
        var folder = Application.Path("kept");
        foreach (var name in new[] { "app", "state" }) Copy(Application.Path(name), Path.Combine(folder, name));
        lock (Peer.Content.Gate) kept = new Kept(folder, new Dictionary<string, byte[]>(Peer.Objects));
    }

    /// <summary>Puts everything back as it was kept.</summary>
    public void PutBack()
    {
        var now = kept ?? throw new InvalidOperationException("nothing was kept");
        foreach (var name in new[] { "app", "state" })
        {
            if (Directory.Exists(Application.Path(name))) Directory.Delete(Application.Path(name), recursive: true);
            Copy(Path.Combine(now.Folder, name), Application.Path(name));
        }

        lock (Peer.Content.Gate)
        {
            Peer.Objects.Clear();
            foreach (var (key, content) in now.Objects) Peer.Objects[key] = content;
        }
    }

    /// <summary>
    /// Runs a command and strikes it at its request of this number, before or after it takes effect. Null when the
    /// command ended without coming so far.
    /// </summary>
    public async Task<ProgramRun?> KillAtAsync(int request, bool after, params string[] arguments)
    {
        using var struck = new Strike(Peer.Requests + request, after, program => program.Kill());
        lock (gate) strike = struck;
        using var running = Application.Start(arguments);
        struck.Program.SetResult(running);
        var run = await running.EndAsync();
        lock (gate) strike = null;
        if (!struck.Done.IsSet) return null;
        Assert.Equal(128 + 9, run.Exit);
        return run;
    }

    /// <summary>Starts a command and stops it after its request of this number has taken effect.</summary>
    public async Task<RunningProgram> PauseAfterAsync(int request, params string[] arguments)
    {
        using var struck = new Strike(Peer.Requests + request, true, program => program.Pause());
        lock (gate) strike = struck;
        var running = Application.Start(arguments);
        struck.Program.SetResult(running);
        Assert.True(await SmallApplication.WaitAsync(() => struck.Done.IsSet || running.HasEnded));
        lock (gate) strike = null;
        Assert.True(struck.Done.IsSet, $"it ended before request {request}");
        return running;
    }

    /// <summary>The keys of the bucket that begin with this, without the prefix of the location.</summary>
    public IReadOnlyList<string> Keys(string folder)
    {
        lock (Peer.Content.Gate) return [.. Peer.Objects.Keys.Where(k => k.StartsWith("shop/" + folder, StringComparison.Ordinal))];
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await Peer.DisposeAsync();
        Application.Dispose();
    }

    private PeerFault Before(int number, PeerRequest request) => Struck(number, after: false) ? PeerFault.DropBefore : PeerFault.None;

    private void After(int number) => Struck(number, after: true);

    private bool Struck(int number, bool after)
    {
        lock (gate)
        {
            if (strike is not { } now || now.Request != number || now.After != after) return false;
            now.Act(now.Program.Task.GetAwaiter().GetResult());
            now.Done.Set();
            return true;
        }
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var folder in Directory.EnumerateDirectories(from)) Copy(folder, Path.Combine(to, Path.GetFileName(folder)));
        foreach (var file in Directory.EnumerateFiles(from)) File.Copy(file, Path.Combine(to, Path.GetFileName(file)), overwrite: true);
    }

    private sealed record Kept(string Folder, IReadOnlyDictionary<string, byte[]> Objects);

    // The program is known only after it was started; its first request waits for that.
    private sealed class Strike(int request, bool after, Action<RunningProgram> act) : IDisposable
    {
        public int Request => request;

        public bool After => after;

        public Action<RunningProgram> Act => act;

        public TaskCompletionSource<RunningProgram> Program { get; } = new();

        public ManualResetEventSlim Done { get; } = new();

        public void Dispose() => Done.Dispose();
    }
}
