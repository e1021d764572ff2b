"""Pictures at hand are different, named once, and painted once."""

from io import BytesIO
from pathlib import Path

from PIL import Image

from sandbox.samples import SETS, Sample, kept


def test_a_picture_is_painted_once(tmp_path: Path) -> None:
    painted: list[int] = []

    def paint() -> bytes:
        painted.append(1)
        return b"a picture"

    sample = Sample("one.jpg", paint)
    folder = tmp_path / "pictures"
    assert [kept(folder, sample).read_bytes() for _ in range(2)] == [b"a picture"] * 2
    assert painted == [1]
    assert [file.name for file in folder.iterdir()] == ["one.jpg"]


def test_names_are_used_once_and_a_training_can_be_filled() -> None:
    names = [sample.name for samples in SETS.values() for sample in samples]
    assert len(names) == len(set(names))
    assert {len(SETS["portraits"]), len(SETS["styles"])} == {20}


def test_landscapes_are_pictures_that_differ() -> None:
    first, second = (Image.open(BytesIO(sample.paint())) for sample in SETS["styles"][:2])
    assert min(first.size) > 1024
    assert first.tobytes() != second.tobytes()
