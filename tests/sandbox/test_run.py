"""What `make run` makes of the credentials it finds."""

import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.environment import ROOT


@pytest.mark.parametrize("token", ["", "TELEGRAM_TOKEN=", "TELEGRAM_TOKEN=CHANGE_ME"])
def test_key_without_a_token_is_refused_in_words(token: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"FAL_API_KEY=some:key\n{token}\n")
    run = subprocess.run(
        [sys.executable, "-m", "sandbox.run"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2
    assert "TELEGRAM_TOKEN" in run.stderr
    assert "@BotFather" in run.stderr
    assert "some:key" not in run.stderr
