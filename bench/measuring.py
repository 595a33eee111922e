"""What the benchmarks share: a command with its time and its peak memory, and ratios of pairs."""
import statistics, subprocess, threading, time


def timed(command, folder, environment):
    """Runs a command; its seconds and its peak of RssAnon + RssShmem, polled every 20 ms."""
    started = time.monotonic()
    process = subprocess.Popen([str(part) for part in command], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    peak = Peak(process.pid)
    output, errors = process.communicate()
    seconds = time.monotonic() - started
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))} ended with {process.returncode}\n{output}\n{errors}")
    return {"seconds": round(seconds, 3), "peakBytes": peak.stop()}


class Peak:
    def __init__(self, pid):
        self.path, self.bytes, self.running = f"/proc/{pid}/status", 0, True
        self.thread = threading.Thread(target=self.poll)
        self.thread.start()

    def poll(self):
        while self.running:
            try:
                fields = dict(line.split(":", 1) for line in open(self.path).read().splitlines())
            except OSError:
                return
            kib = sum(int(fields[name].split()[0]) for name in ("RssAnon", "RssShmem") if name in fields)
            self.bytes = max(self.bytes, kib * 1024)
            time.sleep(0.02)

    def stop(self):
        self.running = False
        self.thread.join()
        return self.bytes


def ratio(ours, peer):
    """Of each pair, then the median: the machine is another one from minute to minute."""
    pairs = [a["seconds"] / b["seconds"] for a, b in zip(ours, peer)]
    return {"median": round(statistics.median(pairs), 3), "min": round(min(pairs), 3), "max": round(max(pairs), 3)}


def tree_bytes(folder):
    return sum(f.lstat().st_size for f in folder.rglob("*") if f.is_file() and not f.is_symlink())


def commit(root):
    return subprocess.run(["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
