"""A PostgreSQL server for measurements: as people run it, with fsync, in a folder that is thrown away."""
import os, shutil, subprocess


class Server:
    def __init__(self, binaries, work, settings=""):
        self.binaries, self.data, self.sockets, self.settings = binaries, work / "data", work / "s", settings
        self.environment = dict(os.environ, PGHOST=str(self.sockets), PGUSER="postgres", PGPORT="5432",
                                PATH=binaries + ":" + os.environ["PATH"])

    def start(self, scale):
        for folder in (self.data, self.sockets):
            folder.mkdir()
            shutil.chown(folder, "postgres", "postgres")
        self.as_postgres(self.binaries + "/initdb", "-D", self.data, "-A", "trust", "-k", "--no-sync")
        with open(self.data / "postgresql.conf", "a") as conf:
            conf.write(f"listen_addresses = ''\nunix_socket_directories = '{self.sockets}'\n"
                       "shared_buffers = 512MB\nmax_wal_size = 8GB\n" + self.settings)
        self.as_postgres(self.binaries + "/pg_ctl", "-D", self.data, "-w", "-l", self.data / "log", "start")
        self.run("createdb", "shop")
        self.run("pgbench", "-i", "-q", "-s", str(scale), "shop")
        self.run("psql", "-q", "-d", "shop", "-c", "vacuum analyze")

    def stop(self):
        if (self.data / "postmaster.pid").exists():
            self.as_postgres(self.binaries + "/pg_ctl", "-D", self.data, "-m", "immediate", "stop", check=False)

    def as_postgres(self, *command, check=True):
        subprocess.run(["runuser", "-u", "postgres", "--", *map(str, command)], check=check, stdout=subprocess.DEVNULL)

    def run(self, *command, **options):
        return subprocess.run([self.binaries + "/" + command[0], *map(str, command[1:])], env=self.environment,
                              check=True, capture_output=True, text=True, **options).stdout

    def version(self):
        return self.run("postgres", "--version").strip()

    def size(self):
        return int(self.run("psql", "-At", "-d", "shop", "-c", "select pg_database_size('shop')"))


def configure(folder, more=""):
    """A folder in which `reprise init` finds the server's database."""
    folder.mkdir()
    (folder / "reprise.yaml").write_text(
        f"application: shop\nrepository:\n  location: ./repository\n  key: {{ file: ./shop.key }}\n"
        "assets:\n  orders: { postgres: { connection: \"postgresql:///shop\" } }\n" + more)
    return folder
