"""The command that takes pictures of every screen."""

from pathlib import Path

import pytest

from sandbox import screens


def test_without_a_browser_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tmp_path / "01-old.png"
    old.touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["screens", str(tmp_path)])
    assert screens.main() == 2
    assert "apt-get install chromium" in capsys.readouterr().err
    assert old.exists()
