"""The command that takes pictures of every screen."""

import re
from pathlib import Path

import pytest

from app.core.i18n import LOCALES, Language
from sandbox import screens

COMMANDS = "commands"  # the menu of them, whose words are Telegram's to lay out


def test_without_a_browser_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tmp_path / "en" / "01-old.png"
    old.parent.mkdir()
    old.touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["screens", str(tmp_path)])
    assert screens.main() == 2
    assert "apt-get install chromium" in capsys.readouterr().err
    assert old.exists()


@pytest.mark.parametrize("language", Language)
def test_each_picture_is_of_words_that_are_still_said(language: Language) -> None:
    """Where a screen was renamed or went, the command has to be run again."""
    words = "\n".join(path.read_text() for path in (LOCALES / language).glob("*.ftl"))
    keys = set(re.findall(r"^([a-z-]+) =", words, flags=re.MULTILINE))
    pictures = {path.stem.partition("-")[2] for path in (screens.FOLDER / language).iterdir()}
    assert pictures - {COMMANDS} <= keys
    assert len(pictures) > 30


def test_the_gallery_shows_every_picture() -> None:
    shown = re.findall(r"\]\((.+?)\)", (screens.FOLDER / "README.md").read_text())
    assert sorted(shown) == sorted(
        str(path.relative_to(screens.FOLDER)) for path in screens.FOLDER.glob("*/*.png")
    )
