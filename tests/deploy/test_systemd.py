"""The units, and the script that installs them."""

import re
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from tests.deploy.rig import ROOT, Rig
from tests.programs import needs

UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
EXPOSURE = 20  # of 100, as systemd counts
PROGRAMS = (
    "curl",
    "git",
    "sleep",
    "systemctl",
    "systemd-run",
    "useradd",
    "getent",
    "id",
    "chgrp",
    "python3.11",
)


@needs("systemd-analyze", "systemd")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_is_understood_and_shut_in(tmp_path: Path, unit: Path) -> None:
    copy = tmp_path / unit.name
    copy.write_text(unit.read_text().replace("/opt/aisha-backend/current/.venv/bin/python", "/bin/true"))
    analyze = ["systemd-analyze", "--no-pager"]
    verified = subprocess.run(
        [*analyze, "verify", "--man=no", str(copy)], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    exposed = subprocess.run(
        [*analyze, "security", "--offline=yes", f"--threshold={EXPOSURE}", str(copy)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert exposed.returncode == 0, exposed.stdout[-200:]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_what_a_unit_logs_is_rotated(unit: Path) -> None:
    text = unit.read_text()
    folder = re.search(r"^ExecStart=/usr/bin/env LOG_DIR=(\S+) ", text, re.MULTILINE)
    rotated = (ROOT / "deploy" / "logrotate" / "aisha").read_text()
    glob = re.search(r"^(/\S+) \{", rotated, re.MULTILINE)
    assert folder
    assert glob
    assert PurePosixPath(folder[1], "any.log").match(glob[1])
    assert f"LogsDirectory={folder[1].removeprefix('/var/log/')}\n" in text


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    rig = Rig(tmp_path, stubbed=PROGRAMS)
    rig.fail("getent passwd")
    (tmp_path / "units").mkdir()
    return rig


def install(rig: Rig, tag: str = "new", **environment: str) -> subprocess.CompletedProcess[str]:
    units, prefix = str(rig.folder / "units"), str(rig.folder / "opt")
    return rig.run("install-systemd.sh", "--prefix", prefix, UNIT_DIR=units, IMAGE_TAG=tag, **environment)


def current(rig: Rig) -> str:
    return (rig.folder / "opt" / "current").resolve().name


def test_a_first_install(rig: Rig) -> None:
    done = install(rig)
    assert done.returncode == 0, done.stderr
    prefix = rig.folder / "opt"
    assert current(rig) == "new"
    assert (prefix / "current" / "api_server" / "main.py").exists()
    assert (prefix / "prod.env").stat().st_mode & 0o777 == 0o640
    assert (prefix / "current").stat().st_mode & 0o777 == 0o755
    unit = (rig.folder / "units" / "aisha-bot.service").read_text()
    assert (
        f"ExecStart=/usr/bin/env LOG_DIR=/var/log/aisha/bot {prefix}/current/.venv/bin/python -m app.main"
        in unit
    )
    assert "/opt/aisha-backend" not in unit.replace(str(prefix), "")
    order = [
        "useradd",
        "-m venv",
        "--require-hashes",
        "alembic upgrade head",
        "daemon-reload",
        "restart",
        "curl",
    ]
    calls = rig.calls(*order)
    assert [next(word for word in order if word in call) for call in calls] == order
    assert "127.0.0.1:8000/health" in calls[-1]
    assert len(rig.calls("systemctl show")) > 1


def test_a_repeated_install_keeps_what_is_whole_and_the_settings(rig: Rig) -> None:
    install(rig)
    settings = rig.folder / "opt" / "prod.env"
    settings.write_text(settings.read_text() + "API_PORT=8123\n")
    rig.env_file.unlink()
    assert install(rig).returncode == 0
    assert len(rig.calls("-m venv")) == 1
    assert "8123/health" in rig.calls("curl")[-1]
    assert "API_PORT" in settings.read_text()


def test_the_last_two_releases_stay(rig: Rig) -> None:
    for tag in ("1", "2", "3"):
        assert install(rig, tag).returncode == 0
    assert sorted(path.name for path in (rig.folder / "opt" / "releases").iterdir()) == ["2", "3"]


@pytest.mark.parametrize(
    ("pattern", "step", "begun"),
    [
        ("systemctl --version", "check", False),
        ("useradd", "user", False),
        ("--require-hashes", "environment", False),
        ("alembic", "migrate", False),
        ("daemon-reload", "units", False),
        ("systemctl restart", "start", True),
    ],
)
def test_an_install_that_fails_names_the_step_and_returns(
    rig: Rig, pattern: str, step: str, begun: bool
) -> None:
    assert install(rig, "old").returncode == 0
    rig.fail(pattern, 2)
    done = install(rig)
    assert done.returncode == 1
    assert f", {step}. All of it" in done.stderr
    assert ("Returned to " in done.stderr) == begun
    assert current(rig) == "old"
    assert install(rig).returncode == 0
    assert current(rig) == "new"


@pytest.mark.parametrize(
    "bot",
    [
        "NRestarts=1 ActiveState=active",
        "NRestarts=0 ActiveState=activating",
        "NRestarts=10 ActiveState=active",
    ],
)
def test_a_bot_that_cant_run_is_no_release(rig: Rig, bot: str) -> None:
    assert install(rig, "older").returncode == 0
    assert install(rig, "old").returncode == 0
    done = install(rig, BOT=bot)
    assert done.returncode == 1
    assert ", start. All of it" in done.stderr
    assert bot.split()[0] in done.stderr
    assert current(rig) == "old"
    assert (rig.folder / "opt" / "releases" / "older").exists()
