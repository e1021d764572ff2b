"""`python -m scripts.photos_table folder ...`: what the coach finds in folders of photos, one line each.

For tuning PHOTO_...: give it real photos, or what `python -m sandbox.spoils` makes.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from app.core.config import PhotoSettings
from app.photos.checks import PhotoLimits, PhotoRefused, inspect
from app.photos.coach import advise, refuse
from app.photos.traits import PhotoTraits, background_distance, distance
from app.photos.verdict import verdict

_ANY = PhotoLimits(min_side=1, max_stretch=100)


def examined(folder: Path, settings: PhotoSettings) -> list[str]:
    """The cells of the folder's line."""
    photos, unread = _measured(folder, settings)
    pairs = list(combinations(photos, 2))
    found = Counter(said for photo in photos for said in _said(photo, settings))
    together = [f"{remark.advice} {remark.count}" for remark in verdict(photos, settings)]
    return [
        folder.name,
        _spread([photo.sharpness for photo in photos]),
        _spread([photo.dark for photo in photos]),
        _spread([photo.bright for photo in photos]),
        _spread([distance(a.hash, b.hash) for a, b in pairs], 0),
        _spread([background_distance(a.background, b.background) for a, b in pairs], 0),
        ", ".join(f"{count} {said}" for said, count in (found + unread).most_common()),
        ", ".join(together),
    ]


def _measured(folder: Path, settings: PhotoSettings) -> tuple[list[PhotoTraits], Counter[str]]:
    photos, unread = [], Counter[str]()
    for path in sorted(folder.iterdir()):
        try:
            photos.append(inspect(path, _ANY, look_for_faces=settings.faces).traits)
        except PhotoRefused as refusal:
            unread[refusal.reason] += 1
    return photos, unread


def _said(photo: PhotoTraits, settings: PhotoSettings) -> list[str]:
    if photo.stretch > settings.max_stretch:
        return ["too stretched"]
    try:
        refuse(photo, settings)
    except PhotoRefused as refusal:
        return [refusal.reason.removeprefix("photo-").replace("-", " ")]
    return [advice.value for advice in advise(photo, settings)] or ["good"]


def _spread(values: Sequence[float], digits: int = 2) -> str:
    if not values:
        return ""
    return " · ".join(f"{value:.{digits}f}" for value in (min(values), median(values), max(values)))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.photos_table", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    settings = PhotoSettings()
    table = Table("photos", "sharpness", "dark", "bright", "bits", "background", "each", "together")
    for folder in parser.parse_args().folders:
        table.add_row(*examined(folder, settings))
    Console(width=200).print(table)


if __name__ == "__main__":
    main()
