"""Both journeys as a newcomer starts them: one command, real processes, nothing given."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.environment import ROOT

HOSTILE = {
    "TELEGRAM_TOKEN": "123456:somebody-elses",
    "FAL_KEY": "somebody:elses",
    "DATABASE_URL": "postgresql+asyncpg://nobody:nothing@127.0.0.1:1/none",
    "AVATAR_TEST_MODE": "on",
    "HTTPS_PROXY": "http://127.0.0.1:1",
}


@pytest.mark.parametrize(
    ("journey", "language", "step", "ready", "trainer"),
    [
        ("portrait", "en", "Step 1.", "“Летний вечер” is ready!", "flux-lora-portrait-trainer"),
        ("style", "kk", "2 қадамның 2-қадамы", "«Плёнка <35 мм>» аватары дайын!", "flux-lora-fast-training"),
    ],
    ids=["portrait-en", "style-kk"],
)
def test_journey_happens_whatever_the_environment_says(
    journey: str, language: str, step: str, ready: str, trainer: str, open_folder: Path
) -> None:
    (open_folder / ".env").write_text("\n".join(f"{key}={value}" for key, value in HOSTILE.items()))
    options = ["--journey", journey, "--language", language, "--data-dir", str(open_folder / "data")]
    played = subprocess.run(
        [sys.executable, "-m", "sandbox", *options],
        cwd=open_folder,
        env=os.environ | HOSTILE | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert played.returncode == 0, played.stdout + played.stderr
    assert played.stderr == ""
    assert played.stdout.splitlines()[-1] == "COMPLETED"
    chat, _, rows = played.stdout.partition("the rows it left")
    assert step in chat  # as it stood before the bot edited it
    assert ready in chat
    assert f" fal-ai/{trainer} " in rows
    assert "✓ answers to FAL's callback: 200" in rows
    for table in ("avatars", "avatar_photos", "trainings", "inbox_events", "notifications"):
        assert f"\n{table}" in rows
