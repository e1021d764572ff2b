"""What holds for every deploy script, whatever it does."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.rig import PASSWORD, SCRIPTS, SETTINGS, STUBBED, Rig
from tests.programs import needs

RUNNABLE = sorted(path.name for path in SCRIPTS.glob("*.sh") if not path.name.startswith("lib"))
READING = (
    "version",
    "config --hash",
    "docker info",
    "docker inspect",
    "network inspect",
    "image inspect",
    "git status",
    "git rev-parse",
)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    rig = Rig(tmp_path, stubbed=(*STUBBED, "systemctl", "useradd"))
    rig.deployed("older", "running")
    rig.backup()
    return rig


def arguments_of(script: str, rig: Rig) -> list[str]:
    return [str(rig.folder / "backup")] if script == "restore.sh" else []


@needs("shellcheck", "shellcheck")
def test_shellcheck_finds_nothing() -> None:
    scripts = [str(path) for path in sorted(SCRIPTS.glob("*.sh"))]
    found = subprocess.run(["shellcheck", *scripts], capture_output=True, text=True, check=False)
    assert found.stdout == ""


TAKEN_APART = """
set -euo pipefail
source lib_data.sh
setting() { printf '%s' "$URL"; }
find_database
echo "$PGUSER" "$PGPASSWORD" "$PGHOST" "$PGPORT" "$PGDATABASE" "$PGSSLMODE"
"""


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg2"])
@pytest.mark.parametrize(
    ("query", "mode"),
    [("", "prefer"), ("?sslmode=require&channel_binding=require", "require"), ("?ssl=true", "require")],
)
def test_the_address_of_a_provider_is_taken_apart(scheme: str, query: str, mode: str) -> None:
    done = subprocess.run(
        ["bash", "-c", TAKEN_APART],
        env={"PATH": os.environ["PATH"], "URL": f"{scheme}://aisha:p%40ss@db.example:6543/avatars{query}"},
        cwd=SCRIPTS,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["aisha", "p@ss", "db.example", "6543", "avatars", mode]


@pytest.mark.parametrize("script", RUNNABLE)
def test_help_tells_what_it_does_and_does_nothing(rig: Rig, script: str) -> None:
    done = rig.run(script, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(script)
    assert "--dry-run" in done.stdout
    assert "#" not in done.stdout
    assert rig.calls() == []


@pytest.mark.parametrize("script", RUNNABLE)
def test_a_dry_run_says_all_and_changes_nothing(rig: Rig, script: str) -> None:
    before = {path: path.stat().st_mtime_ns for path in rig.root.rglob("*")}
    done = rig.run(script, *arguments_of(script, rig), "--dry-run", UNIT_DIR=str(rig.folder))
    assert done.returncode == 0, done.stderr
    steps = [line for line in done.stdout.splitlines() if line.startswith("[")]
    number = len(steps)
    assert [step.split("]")[0] for step in steps] == [f"[{step}/{number}" for step in range(1, number + 1)]
    assert [call for call in rig.calls() if not any(word in call for word in READING)] == []
    assert {path: path.stat().st_mtime_ns for path in rig.root.rglob("*")} == before
    assert PASSWORD not in done.stdout + done.stderr


@pytest.mark.parametrize("script", RUNNABLE)
def test_placeholders_are_named_and_nothing_begins(rig: Rig, script: str) -> None:
    secret = "postgresql+asyncpg://aisha:CHANGE_ME_hidden@db/a"
    rig.settings(SETTINGS | {"DATABASE_URL": secret, "ADMIN_TOKEN": "CHANGE_ME"})
    done = rig.run(script, *arguments_of(script, rig))
    assert done.returncode == 1
    assert "prod.env: DATABASE_URL ADMIN_TOKEN." in done.stderr
    assert "hidden" not in done.stderr
    assert rig.calls() == []


@pytest.mark.parametrize("script", RUNNABLE)
def test_two_at_once_are_refused(rig: Rig, script: str) -> None:
    lock = rig.state / "lock"
    lock.write_text("update-webhook-images.sh, process 7\n")
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        done = rig.run(script, *arguments_of(script, rig))
    assert done.returncode == 1
    assert "at work: update-webhook-images.sh, process 7" in done.stderr
    assert rig.calls() == []


def test_without_settings_it_says_where_they_belong(rig: Rig) -> None:
    rig.env_file.unlink()
    done = rig.run("backup.sh")
    assert done.returncode == 1
    assert "There is no prod.env" in done.stderr


def test_settings_are_read_and_never_executed(rig: Rig) -> None:
    rig.env_file.write_text(
        "# DOMAIN=comment.example\r\n"
        "NAME=quoted\n"
        'DOMAIN="${NAME}.example" # ours\r\n'
        'REGISTRY="$(touch executed)`touch executed`"\n'
        "TLS_DIR=tls # beside\n"
        "LOG_DIR=${b[$(touch executed)]}\n"
        "export DATABASE_URL=postgresql+asyncpg://a:b#c@d/e\n"
        "DOMAINS=another"
    )
    done = rig.run("webhook-complete.sh", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "https://quoted.example/health" in done.stdout
    assert not list(rig.folder.rglob("executed"))


def test_the_environment_goes_before_the_file(rig: Rig) -> None:
    done = rig.run("restart_api_service.sh", "1", "--dry-run", DOMAIN="other.example")
    assert "https://other.example/health" in done.stdout


def test_the_older_compose_is_used_where_there_is_no_plugin(rig: Rig) -> None:
    rig.fail("docker compose version")
    assert rig.run("restart_api_service.sh", "2").returncode == 0
    assert rig.calls(" up ") == [
        "docker-compose up -d --no-deps --no-build --force-recreate webhook-api-2",
    ]


def test_the_older_compose_is_refused_by_a_docker_that_it_doesnt_know(rig: Rig) -> None:
    rig.fail("docker compose version")
    done = rig.run("update-webhook-images.sh", ENGINE="26.0.0")
    assert done.returncode == 1
    assert "install docker-compose-plugin" in done.stderr
    assert rig.calls(" up ", "build", "push") == []
    assert rig.run("restart_api_service.sh", ENGINE="26.0.0", OLD_COMPOSE="2.40.3").returncode == 0


def test_without_any_compose_it_says_what_to_install(rig: Rig) -> None:
    rig.fail("docker compose version")
    rig.without("docker-compose")
    bare = rig.folder / "bare"
    bare.mkdir()
    for name in ("bash", "dirname", "sed", "paste", "mkdir", "flock", "find", "date", "tail", "awk", "cut"):
        (bare / name).symlink_to(shutil.which(name) or name)
    done = rig.run("restart_api_service.sh", PATH=f"{rig.folder}/programs:{bare}")
    assert done.returncode == 1
    assert "neither 'docker compose' nor 'docker-compose'" in done.stderr
