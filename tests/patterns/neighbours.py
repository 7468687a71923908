"""What the checks in this folder start beside Larder: a PostgreSQL of their own, and Larder once more where it must come and go."""

import contextlib
import glob
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import threading

os.environ.setdefault("CACHE_URL", f"redis://127.0.0.1:{os.environ['LARDER_PORT']}")

import check  # noqa: E402
import psycopg  # noqa: E402


@contextlib.contextmanager
def postgres(*statements):
    """A new PostgreSQL cluster in a temporary folder, reached through a socket there, in which the statements were executed.
    Its address is in DATABASE_URL, where the programs look for it; the block gets a connection."""
    programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))
    assert programs, "PostgreSQL must be there (Debian: apt install postgresql)"
    folder = pathlib.Path(tempfile.mkdtemp(prefix="larder-pg-", dir="/tmp"))
    who = []
    if os.geteuid() == 0:  # under whom it refuses to run
        shutil.chown(folder, "postgres", "postgres")
        who = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    server = None
    try:
        init = [f"{programs[-1]}/initdb", "--auth=trust", "--username=shop", "--no-sync", "--encoding=UTF8", "--locale=C"]
        subprocess.run([*who, *init, f"--pgdata={folder}/data"], check=True, stdout=subprocess.DEVNULL, cwd=folder)
        options = ["fsync=off", "listen_addresses=", f"unix_socket_directories={folder}", "shared_buffers=16MB"]
        command = [f"{programs[-1]}/postgres", "-D", f"{folder}/data", *(part for option in options for part in ("-c", option))]
        server = subprocess.Popen([*who, *command], cwd=folder, stdout=subprocess.DEVNULL, stderr=open("postgres.log", "wb"))
        address = os.environ["DATABASE_URL"] = f"postgresql://shop@/postgres?host={folder}"

        def connect():
            with contextlib.suppress(psycopg.OperationalError):
                return psycopg.connect(address, autocommit=True)

        with check.until("PostgreSQL answers", connect) as connection:
            for statement in statements:
                connection.execute(statement)
            yield connection
    finally:
        if server:
            server.send_signal(2)  # which does not wait for the programs' connections
            server.wait(30)
        shutil.rmtree(folder)


class Queries:
    """Counts what PostgreSQL is asked for through a connection."""

    def __init__(self, connection):
        self.connection, self.count = connection, 0

    def execute(self, *args):
        self.count += 1
        return self.connection.execute(*args)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def larder(port):
    """One more Larder, which the check ends itself."""
    server = subprocess.Popen([os.environ["LARDER_SERVER"], "--port", str(port)], stdout=subprocess.DEVNULL)

    def listens():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    check.until("Larder listens", listens)
    return server


def at_once(count, run):
    """Runs run(n) on that many threads which begin together, and returns what they returned."""
    barrier, results = threading.Barrier(count), [None] * count

    def one(n):
        barrier.wait()
        results[n] = run(n)

    threads = [threading.Thread(target=one, args=[n]) for n in range(count)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return results
