"""The code of the previous release works on the schema of this one: so an update can be rolled back."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.database import revision
from app.photos import quality
from app.photos.quality import Advice
from sandbox.journey import PHOTOS
from tests.deploy.previous_release import NoHistory, previous_release, unpack
from tests.images import blocks, encoded

# Its own sandbox: its bot and its webhook service, played from /start to a finished avatar.
pytestmark = pytest.mark.torture
PLAY = """
import os, sys
from pathlib import Path
from sandbox.journey import Kind
from sandbox.stage import perform
settings = {name: os.environ[name] for name in ("DATABASE_URL", "PHOTO_FACES")}
sys.exit(perform(Path("played"), settings=settings, journey=Kind.PORTRAIT, stay=False))
"""


@pytest.fixture
def release(open_folder: Path) -> Path:
    """The previous release, unpacked."""
    try:
        unpack(previous_release(), open_folder)
    except NoHistory:
        pytest.skip("the previous release isn't in this clone: git fetch --unshallow")
    return open_folder


def test_the_previous_release_plays_a_whole_journey_on_the_new_schema(
    release: Path, database_url: str
) -> None:
    versions = release / revision.VERSIONS.relative_to(revision.ROOT)
    assert max(path.name for path in versions.glob("0*")) < revision.known()[-1]
    _put_photographs(release / "var" / "sandbox" / "photographs")
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(release),
        "DATABASE_URL": database_url,
        "PHOTO_FACES": "off",
    }
    played = subprocess.run(
        [sys.executable, "-c", PLAY],
        cwd=release,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert played.returncode == 0, played.stdout[-3000:] + played.stderr
    assert "COMPLETED" in played.stdout


def test_the_previous_release_has_words_for_all_advice_that_is_kept(release: Path) -> None:
    words = "from app.photos.quality import Advice; print(*Advice)"
    known = subprocess.run(
        [sys.executable, "-c", words], cwd=release, capture_output=True, text=True, check=True
    )
    assert set(quality.known_before(Advice)) <= set(known.stdout.split())


def _put_photographs(folder: Path) -> None:
    """Small ones, where it keeps those it has painted: ten of 12 megapixels take longer than all the rest."""
    folder.mkdir(parents=True)
    for number in range(PHOTOS):
        (folder / f"IMG_{4100 + number}.jpg").write_bytes(encoded(blocks(number, 768, 768)))
