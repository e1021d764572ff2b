"""A Postgres of one's own for development: the wheel's programs, run from `DATA_DIR`.

`DATA_DIR/postgres` holds the cluster, `connection` (the address with its password, 0600) and two locks.
The launcher holds `launcher.lock`; `cluster.lock` is inherited by every process of Postgres, so that a free
one proves that none is left, whatever a pid file says.
"""

import argparse
import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from threading import Event

from sqlalchemy import URL, make_url

from app.database import revision
from devtools.postgres import wheel
from devtools.postgres.wheel import EmbeddedPostgresError

NAME = "aisha"
CREATE_DATABASE = (
    "SELECT 'CREATE DATABASE aisha' WHERE NOT EXISTS "
    "(SELECT FROM pg_database WHERE datname = 'aisha') \\gexec"
)
PATIENCE = 30.0
PORT_TRIES = 3
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "32MB",
    "dynamic_shared_memory_type": "mmap",  # files in the cluster: a kill leaves nothing in /dev/shm
    "min_wal_size": "32MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
LOCALES = {
    18: ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
    16: ("--locale=C.UTF-8",),  # the system's
}


def running_url(data_dir: Path) -> str | None:
    """The address of this folder's server if it lets us in with its password, else None.

    A real log-in by the wheel's psql, some 15 ms: a foreign server on the same port refuses the password.
    """
    try:
        address = (data_dir / "postgres" / "connection").read_text()
        wheel.psql(make_url(address), "SELECT 1")
    except (OSError, EmbeddedPostgresError):
        return None
    return address


class EmbeddedPostgres:
    """The server of one `data_dir`: started by whoever comes first, shared by whoever comes later."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir.resolve()
        self._home = self._data_dir / "postgres"
        self._launcher: int | None = None

    def __enter__(self) -> str:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> str:
        """Start it, or join the one that runs; return the address of its database `aisha`.

        A server whose launcher was killed is taken over and ends with `stop`; one that belongs to a living
        launcher ends with that launcher.

        Raises:
            EmbeddedPostgresError: the wheel or a permission is missing, or Postgres refuses to start.
        """
        try:
            self._home.mkdir(parents=True, exist_ok=True)
            return self._join_or_boot()
        except PermissionError as error:
            self.stop()
            raise EmbeddedPostgresError(
                f"{error.filename} belongs to another user: run as that user, or choose another DATA_DIR"
            ) from error
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the server, open connections included, if it is ours to end."""
        if self._launcher is None:
            return
        try:
            if self.alive():
                self._shut_down()
            (self._home / "connection").unlink(missing_ok=True)
        finally:
            os.close(self._launcher)
            self._launcher = None

    def alive(self) -> bool:
        """Whether any process of this Postgres is left."""
        lock = _lock(_storage(self._home) / "cluster.lock", fcntl.LOCK_SH)
        if lock is not None:
            os.close(lock)
        return lock is None

    def _shut_down(self) -> None:
        """A fast shutdown; the children of a postmaster that was killed leave by themselves."""
        pid_file = _storage(self._home) / "cluster" / "postmaster.pid"
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int(pid_file.read_text().split()[0]), signal.SIGINT)
        deadline = time.monotonic() + PATIENCE
        while self.alive():
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    f"Postgres does not shut down: see server.log in {pid_file.parent}"
                )
            time.sleep(0.02)

    def _join_or_boot(self) -> str:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self._launcher is None:
                self._launcher = _lock(self._home / "launcher.lock")
            if address := running_url(self._data_dir):
                return address
            storage = _storage(self._home)
            if self._launcher is not None and (lock := _lock(storage / "cluster.lock")) is not None:
                try:
                    return self._boot(storage / "cluster", lock)
                finally:
                    os.close(lock)
            time.sleep(0.1)
        raise EmbeddedPostgresError(
            f"another Postgres holds {self._home} and does not answer: end the processes shown by "
            f"`fuser {_storage(self._home)}/cluster.lock`, then start again"
        )

    def _boot(self, cluster: Path, lock: int) -> str:
        if not cluster.exists():
            _create(cluster)
        (cluster / "postmaster.pid").unlink(missing_ok=True)
        password = (cluster / "password").read_text()
        url = URL.create("postgresql+asyncpg", NAME, password, "127.0.0.1", _launch(cluster, lock), NAME)
        wheel.psql(url.set(database="postgres"), CREATE_DATABASE)
        address = url.render_as_string(hide_password=False)
        _write_secret(self._home / "connection", address)
        return address


def _lock(path: Path, mode: int = fcntl.LOCK_EX) -> int | None:
    """A descriptor that holds the lock until its last copy is closed, or None if somebody else holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _write_secret(path: Path, text: str) -> None:
    """Write it whole or not at all, readable by its owner only."""
    descriptor, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    Path(name).replace(path)


def _storage(home: Path) -> Path:
    """Where the cluster lives: at home, unless root's home is closed to the user that Postgres runs as."""
    if os.geteuid() != 0 or (home / "cluster").exists():
        return home
    elsewhere = home / "elsewhere"
    if not elsewhere.exists():
        if wheel.open_to_all(home):
            return home
        elsewhere.unlink(missing_ok=True)
        elsewhere.symlink_to(wheel.shared_folder())
    return elsewhere.resolve()


def _create(cluster: Path) -> None:
    """A new cluster with a random password; half a one, left by a crash, is thrown away."""
    draft = cluster.with_suffix(".draft")
    shutil.rmtree(draft, ignore_errors=True)
    password = cluster.with_suffix(".password")
    _write_secret(password, secrets.token_hex(24))
    owner = wheel.account(cluster)
    draft.mkdir(mode=0o700)
    if owner:
        for path in (draft, password):
            os.chown(path, owner.pw_uid, owner.pw_gid)
    settings = [f"--set={name}={value}" for name, value in SETTINGS.items()]
    locale = ["--encoding=UTF8", *LOCALES[wheel.RELEASE]]
    access = ["--auth=scram-sha-256", f"--username={NAME}", f"--pwfile={password}"]
    wheel.run(draft, "initdb", f"--pgdata={draft}", "--no-sync", *locale, *access, *settings)
    password.rename(draft / "password")
    draft.rename(cluster)


def _launch(cluster: Path, lock: int) -> int:
    """Start Postgres on a free port and return it; another program may snatch the port, hence the tries."""
    log = cluster / "server.log"
    failures: list[str] = []
    while len(failures) < PORT_TRIES:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        log.unlink(missing_ok=True)
        options = ["-D", str(cluster), "-l", str(log), "-o", f"-p {port}"]
        try:
            wheel.run(cluster, "pg_ctl", "start", "-w", "-s", *options, pass_fds=(lock,))
        except EmbeddedPostgresError as error:
            failures.append(f"{error}\n{log.read_text() if log.exists() else ''}")
        else:
            return port
    raise EmbeddedPostgresError(failures[-1])


def main() -> int:
    """Print the address as one line of JSON when it answers, stay until SIGTERM or SIGINT, then end it."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--migrate", action="store_true", help="bring the schema to head before printing")
    options = parser.parse_args()
    told = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    server = EmbeddedPostgres(options.data_dir)
    try:
        url = server.start()
        if options.migrate:
            revision.upgrade(url)
        sys.stdout.write(json.dumps({"url": url}) + "\n")
        sys.stdout.flush()
        while not told.wait(1):
            if not server.alive():
                raise EmbeddedPostgresError("Postgres ended by itself; its last words are in server.log")
    except EmbeddedPostgresError as error:
        sys.stderr.write(f"Embedded Postgres: {error}\n")
        return 2
    finally:
        server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
