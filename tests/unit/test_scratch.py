"""The room for what is under way: nothing stays in it, not even what a killed process left."""

import os
from pathlib import Path

from app.photos.scratch import ScratchFolder

HOUR = 3600


def test_a_folder_goes_with_its_work(tmp_path: Path) -> None:
    room = tmp_path / "data/tmp"
    with ScratchFolder(room).folder() as name:
        Path(name, "photo").write_bytes(b"bytes")
        assert Path(name).parent == room
        assert Path(name).stat().st_mode & 0o777 == 0o700
    assert list(room.iterdir()) == []


def test_what_was_left_behind_long_ago_is_removed_and_nothing_else(tmp_path: Path) -> None:
    scratch = ScratchFolder(tmp_path)
    left, under_way = tmp_path / "left", tmp_path / "under way"
    for folder in (left, under_way):
        folder.mkdir()
        (folder / "photos.zip").write_bytes(b"bytes")
    began = left.stat().st_mtime - 2 * HOUR
    os.utime(left, (began, began))
    scratch.tidy()
    assert list(tmp_path.iterdir()) == [under_way]


def test_a_room_that_was_never_used_is_tidy(tmp_path: Path) -> None:
    ScratchFolder(tmp_path / "nowhere").tidy()
    assert list(tmp_path.iterdir()) == []
