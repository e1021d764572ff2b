"""Logs are rotated by the real logrotate while they are written, and no line is lost."""

import gzip
import os
import subprocess
import sys
import time
from pathlib import Path

from tests.deploy.promql import DEPLOY
from tests.programs import needs

WRITER = """
import sys
from pathlib import Path
import structlog
from app.core.settings import LogSettings
from app.core.logging import configure
configure(LogSettings.model_construct(level="INFO", format="json", dir=Path(sys.argv[1])), "api_server", [])
log = structlog.stdlib.get_logger("writer")
number = 0
while not Path(sys.argv[2]).exists():
    number += 1
    log.info("webhook.received", number=number)
print(number)
"""
DOCKER = """#!/bin/sh
echo "$@" >> "$CALLS"
"""
ROTATIONS = 4


@needs("logrotate", "logrotate")
def test_a_process_that_writes_all_the_while_loses_no_line(tmp_path: Path) -> None:
    logs, stop = tmp_path / "log" / "webhook-api-1", tmp_path / "stop"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(logs), str(stop)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    rotate = Rotation(tmp_path, logs.parent)
    try:
        for _ in range(ROTATIONS):
            _until_written(logs / "webhook.log", writer)
            rotate()
        _until_written(logs / "webhook.log", writer)
    finally:
        stop.touch()
        told, _ = writer.communicate(timeout=30)
    for name in ("api_server.log", "webhook.log"):
        files = sorted(logs.glob(f"{name}*"))
        assert len(files) == ROTATIONS + 1, files
        lines = [line for file in files for line in _text(file).splitlines()]
        assert len(lines) == len(set(lines)) == int(told)
    reopened = [call for call in rotate.calls.read_text().splitlines() if call.startswith("exec")]
    assert reopened == ["exec aisha-nginx-webhook nginx -s reopen"] * ROTATIONS


class Rotation:
    """The configuration as it stands, for another folder; `calls` are those of docker."""

    def __init__(self, folder: Path, logs: Path) -> None:
        text = (DEPLOY / "logrotate" / "aisha").read_text(encoding="utf-8")
        self._configuration = folder / "aisha.conf"
        self._configuration.write_text(text.replace("/var/log/aisha", str(logs)))
        self._configuration.chmod(0o644)
        self._folder = folder
        self.calls = folder / "calls"
        docker = folder / "bin" / "docker"
        docker.parent.mkdir()
        docker.write_text(DOCKER)
        docker.chmod(0o755)

    def __call__(self) -> None:
        path = f"{self._folder / 'bin'}:{os.environ['PATH']}:/usr/sbin"
        state = self._folder / "state"
        done = subprocess.run(
            ["logrotate", "--force", "--state", str(state), str(self._configuration)],
            env={"PATH": path, "CALLS": str(self.calls)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")


def _until_written(log: Path, writer: subprocess.Popen[str]) -> None:
    """A new file has lines; pytest's timeout is the deadline."""
    while not (log.exists() and log.stat().st_size):
        assert writer.poll() is None
        time.sleep(0.01)


def _text(path: Path) -> str:
    return (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()).decode()
