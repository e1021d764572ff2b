"""nginx as root with few capabilities, as compose starts it."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import trustme

from sandbox.nginx import EdgePorts, join_chain, lay_out
from tests.conftest import passable_folder
from tests.ports import free_port
from tests.programs import needs

COMPOSE = Path(__file__).parents[3] / "docker-compose.webhook.prod.yml"

pytestmark = [
    needs("nginx", "nginx-light"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can give capabilities away"),
]


def capabilities() -> list[str]:
    (given,) = re.findall(r"cap_add: \[(.*)\]", COMPOSE.read_text(encoding="utf-8"))
    return [name.strip().lower() for name in given.split(",")]


@pytest.mark.parametrize("lacking", ["", "dac_override"])
def test_logs_that_belong_to_the_workers_since_a_reopen_keep_nothing_from_reloading(lacking: str) -> None:
    kept = ",".join(f"+{name}" for name in capabilities() if name != lacking)
    with passable_folder() as folder:
        ports = EdgePorts(free_port(), free_port(), free_port())
        lay_out(folder, ports, (free_port(), free_port()), trustme.CA())
        assert join_chain(folder)[0] == 0
        for log in ("access.log", "error.log"):
            (folder / log).touch(0o644)
            shutil.chown(folder / log, "nobody")
        whose = ["-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"]
        done = subprocess.run(
            ["setpriv", f"--bounding-set=-all,{kept}", "nginx", *whose, "-t"],
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode == 0) is (lacking == ""), done.stderr
