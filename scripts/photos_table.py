"""`python -m scripts.photos_table folder ...`: what the coach finds in folders of photos, as Markdown.

For tuning PHOTO_...: give it real photos, or what `python -m sandbox.spoils` makes. Figures are the lowest,
the median and the highest. `original` is how many bits photos differ from those of the same name in the first
folder; `bits` and `background` are how far the photos of a folder are from one another.
"""

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from statistics import median

from app.core.settings import PhotoSettings
from app.photos.checks import inspect
from app.photos.features import PhotoFeatures, PhotoLimits, background_distance, distance
from app.photos.quality import advise, refuse
from app.photos.refusals import PhotoRefused
from app.photos.set_quality import assess_set

_HEAD = ("photos", "sharpness", "highlights", "clipped", "original", "bits", "background", "each", "together")
_ANY = PhotoLimits(min_side=1, max_stretch=100)
Photos = Mapping[str, PhotoFeatures]


def line(folder: Path, photos: Photos, originals: Photos, settings: PhotoSettings) -> str:
    features = list(photos.values())
    pairs = list(combinations(features, 2))
    said = Counter(word for photo in features for word in _said(photo, settings))
    cells = [
        folder.name,
        _spread([photo.sharpness for photo in features]),
        _spread([photo.light.highlights for photo in features]),
        _spread([photo.light.clipped for photo in features]),
        _spread([distance(photos[name].hash, originals[name].hash) for name in photos if name in originals]),
        _spread([distance(a.hash, b.hash) for a, b in pairs]),
        _spread([round(background_distance(a.background, b.background)) for a, b in pairs]),
        ", ".join(f"{count} {word}" for word, count in said.most_common()),
        ", ".join(f"{remark.advice} {remark.count}" for remark in assess_set(features, settings)),
    ]
    return _row(cells)


def _measured(folder: Path, settings: PhotoSettings) -> Photos:
    return {
        path.name: inspect(path, _ANY, look_for_faces=settings.faces).features for path in folder.iterdir()
    }


def _said(photo: PhotoFeatures, settings: PhotoSettings) -> list[str]:
    if photo.aspect_ratio > settings.max_stretch:
        return ["TOO STRETCHED"]
    try:
        refuse(photo, settings)
    except PhotoRefused as refusal:
        return [refusal.reason.removeprefix("photo-").replace("-", " ").upper()]
    return [advice.value for advice in advise(photo, settings)] or ["good"]


def _spread(values: Sequence[float]) -> str:
    return " ".join(f"{value:g}" for value in (min(values), median(values), max(values))) if values else ""


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.photos_table", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    settings = PhotoSettings()
    originals: Photos = {}
    print(f"{_row(_HEAD)}\n{'|---' * len(_HEAD)}|")
    for folder in parser.parse_args().folders:
        photos = _measured(folder, settings)
        originals = originals or photos
        print(line(folder, photos, originals, settings), flush=True)


if __name__ == "__main__":
    main()
