#!/usr/bin/env python3
"""Looks at a drill with a clock and eyes of its own; nothing of the program that it looks at is used or believed.

  observe.py beat URL SQLITE FOLDER     notes the time in PostgreSQL, in SQLite and in a file, until it is ended
  observe.py drill OUT FOLDER -- RUN    runs a drill whose sandbox is made in FOLDER, and notes when what happened
  observe.py try WHERE...               connects to HOST:PORT and to sockets; prints what came of it
  observe.py inside WHERE... -- RUN     the same in the sandbox, keeps the answers there and becomes RUN
  observe.py note                       as the last check of a drill: notes the time of its answer in the sandbox
  observe.py found SANDBOX BIN          looks into a sandbox that was kept; starts the PostgreSQL that lies in it
"""
import json, os, pathlib, socket, sqlite3, subprocess, sys, time

POLL = 0.005
BEAT = 0.05


def main():
    verb, arguments = sys.argv[1], sys.argv[2:]
    split = arguments.index("--") if "--" in arguments else len(arguments)
    return VERBS[verb](arguments[:split], arguments[split + 1:])


def beat(arguments, _):
    url, database, folder = arguments
    psql = subprocess.Popen(["psql", "-X", "-q", "-At", "-d", url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    small = sqlite3.connect(database, timeout=30, isolation_level=None)
    print("beating", flush=True)
    while True:
        now = time.time()
        psql.stdin.write(f"insert into heartbeat values ({now}) returning 1;\n")
        psql.stdin.flush()
        if psql.stdout.readline().strip() != "1":
            raise SystemExit("PostgreSQL did not take it")
        small.execute("insert into heartbeat values (?)", (now,))
        partial = pathlib.Path(folder, ".heartbeat.partial")
        partial.write_text(str(now))
        partial.rename(pathlib.Path(folder, "heartbeat.txt"))
        time.sleep(BEAT)


def drill(arguments, run):
    out, folder = arguments
    before = set(os.listdir(folder))
    seen = {"t0": time.time()}
    process = subprocess.Popen(run)
    while process.poll() is None:
        for name in os.listdir(folder) if "t3" not in seen else []:
            path = pathlib.Path(folder, name)
            # The sandbox is there before; recovery begins with the first server or the first place for data in it.
            if name not in before and name.startswith("reprise-drill-") and any(
                    (path / part).exists() for part in ("0", "pg/0", "a")):
                seen["t3"] = time.time()
        time.sleep(POLL)
    pathlib.Path(out).write_text(json.dumps(seen))
    return process.returncode


def attempt(where):
    try:
        if where.startswith("/"):
            with socket.socket(socket.AF_UNIX) as door:
                door.settimeout(3)
                door.connect(where)
        else:
            host, port = where.rsplit(":", 1)
            socket.create_connection((host, int(port)), timeout=3).close()
        return "connected"
    except OSError as error:
        return type(error).__name__


def tries(arguments, _):
    print(json.dumps({where: attempt(where) for where in arguments}))


def inside(arguments, run):
    kept("inside.json").write_text(json.dumps({where: attempt(where) for where in arguments}))
    os.execvp(run[0], run)


def note(_, __):
    with open(kept("answered"), "a") as file:
        print(time.time(), file=file)


def kept(name):
    return pathlib.Path(os.environ["UPLOADS"]).parent / name


def found(arguments, _):
    sandbox, programs = arguments
    files = pathlib.Path(sandbox, "a", "runtime")
    small = sqlite3.connect(f"file:{sandbox}/a/sessions/sessions.db?mode=ro", uri=True)
    server = Kept(f"{sandbox}-pg/0", programs)
    try:
        print(json.dumps({
            "orders": {"beat": float(server.ask("select max(at) from heartbeat")),
                       "marks": server.ask("select coalesce(string_agg(what, ',' order by what), '') from marks"),
                       "rows": int(server.ask("select count(*) from orders"))},
            "sessions": {"beat": small.execute("select max(at) from heartbeat").fetchone()[0],
                         "marks": ",".join(row[0] for row in small.execute("select what from marks order by what"))},
            "runtime": {"beat": float((files / "uploads/heartbeat.txt").read_text()),
                        "marks": ",".join(sorted(path.stem for path in (files / "uploads").glob("mark-*.txt")))},
            "inside": json.loads((files / "inside.json").read_text()),
            "answered": float((files / "answered").read_text().split()[-1]),
        }))
    finally:
        server.stop()


class Kept:
    def __init__(self, folder, programs):
        self.folder, self.programs = folder, programs
        self.control("-w", "-t", "60", "-l", folder + "/kept.log",
                     "-o", f"-c listen_addresses= -c unix_socket_directories={folder}", "start")

    def control(self, *arguments):
        subprocess.run(["runuser", "-u", "postgres", "--", self.programs + "/pg_ctl", "-D", self.folder + "/data", "-s",
                        *arguments], check=True, cwd="/", stdout=subprocess.DEVNULL)

    def ask(self, query):
        return subprocess.run([self.programs + "/psql", "-X", "-q", "-At", "-h", self.folder, "-U", "reprise_drill", "-d", "shop",
                               "-c", query], check=True, capture_output=True, text=True).stdout.strip()

    def stop(self):
        self.control("-m", "immediate", "stop")


VERBS = {"beat": beat, "drill": drill, "try": tries, "inside": inside, "note": note, "found": found}
sys.exit(main())
