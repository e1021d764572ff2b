"""The example of production's variables: complete, true about defaults, and refused until it is filled in."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from app.core.settings import PLACEHOLDER, Settings
from tests.deploy import example
from tests.deploy.example import ROOT, spelled_out
from tests.unit.settings import put, variables

COMPOSE = (ROOT / "docker-compose.webhook.prod.yml").read_text(encoding="utf-8")
OF_SETTINGS = {variable.names[0] for variable in variables()}
OF_COMPOSE = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", COMPOSE))
OF_SCRIPTS = {"COMPOSE_PROFILES", "BACKUP_DIR", "WITHOUT_BOT"}
REFUSED_IN_PRODUCTION = {"AVATAR_TEST_MODE"}


def load(monkeypatch: pytest.MonkeyPatch, folder: Path, values: Mapping[str, str]) -> Settings:
    """From these variables alone."""
    monkeypatch.chdir(folder)
    put(monkeypatch, dict(values))
    return Settings.load()


def test_it_says_all_that_production_may_set_and_nothing_else() -> None:
    documented = example.variables(spelled_out(example.EXAMPLE)).keys()
    assert documented == (OF_SETTINGS | OF_COMPOSE | OF_SCRIPTS) - REFUSED_IN_PRODUCTION


def test_what_is_commented_out_is_the_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lean = load(monkeypatch, tmp_path, example.variables(example.filled()))
    assert load(monkeypatch, tmp_path, example.variables(spelled_out(example.filled()))) == lean


def test_filled_in_it_serves_production(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = load(monkeypatch, tmp_path, example.variables(example.filled()))
    assert settings.in_production
    assert settings.fal.webhook_url == "https://aisha.example/api/v1/avatar/status_update"


def test_every_placeholder_in_it_is_named_at_start(tmp_path: Path) -> None:
    """A password's too, that stands in a server's address."""
    values = example.variables()
    done = subprocess.run(
        [sys.executable, "-m", "api_server"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **values},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    named = re.findall(r"^  (\w+) +is still a placeholder", done.stderr, re.M)
    assert sorted(named) == sorted(name for name in OF_SETTINGS if PLACEHOLDER in values.get(name, ""))
    assert {"DATABASE_URL", "REDIS_URL", "FAL_WEBHOOK_URL", "TELEGRAM_TOKEN"} <= set(named)
