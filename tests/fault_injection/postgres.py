"""A Postgres that is treated badly: restarted at once, stopped in its tracks, its connections cut."""

import os
import signal
import time
from pathlib import Path

from sqlalchemy import make_url

from app.database import revision
from devtools.postgres import embedded, wheel
from devtools.postgres.embedded import EmbeddedPostgres

PATIENCE = 30.0  # seconds


class Postgres:
    """At head once it is started; `url` stays the same through every restart."""

    def __init__(self, folder: Path) -> None:
        self._home = folder / "postgres"
        self._server = EmbeddedPostgres(folder)

    def start(self) -> None:
        self.url = self._server.start()
        revision.upgrade(self.url)

    def stop(self) -> None:
        self._server.stop()

    @property
    def _cluster(self) -> Path:
        return self._home / "cluster"

    def restart_immediately(self) -> None:
        """`pg_ctl restart -m immediate`, in two steps, so that the server keeps its lock and its port."""
        wheel.run(self._cluster, "pg_ctl", "stop", "-w", "-s", "-m", "immediate", "-D", str(self._cluster))
        lock = self._lock()
        options = ["-D", str(self._cluster), "-l", str(self._cluster / "server.log")]
        port = f"-p {make_url(self.url).port}"
        wheel.run(self._cluster, "pg_ctl", "start", "-w", "-s", *options, "-o", port, pass_fds=(lock,))
        os.close(lock)

    def _lock(self) -> int:
        """The cluster's lock, once the last of its processes has followed the postmaster."""
        deadline = time.monotonic() + PATIENCE
        while (lock := embedded._lock(self._home / "cluster.lock")) is None:
            assert time.monotonic() < deadline, "processes of Postgres are left"
            time.sleep(0.01)
        return lock

    def freeze(self) -> None:
        """SIGSTOP to every process of it: connections stay, and nothing answers."""
        for process in self._processes():
            os.kill(process, signal.SIGSTOP)

    def thaw(self) -> None:
        for process in self._processes():
            os.kill(process, signal.SIGCONT)

    def cut_connections(self) -> None:
        wheel.psql(
            make_url(self.url),
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
        )

    def _processes(self) -> list[int]:
        postmaster = int((self._cluster / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        return [postmaster, *map(int, children)]
