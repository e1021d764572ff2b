"""`make photos`: what the coach says of real photographs, good and spoiled, as a Markdown table with counts.

Pictures are fetched once (bench/real/pictures.py). Spoiled ones become JPEGs and are checked like any photo.
"""

import argparse
import io
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from PIL import Image, ImageOps

from app.core.settings import PhotoSettings
from app.photos import quality
from app.photos.checks import inspect
from app.photos.copies import misfit
from app.photos.features import PhotoFacts, PhotoFeatures, PhotoLimits
from app.photos.quality import Advice
from app.photos.refusals import PhotoRefused
from bench import checking
from bench.real.pictures import Labelled, PicturesMissing, labelled
from bench.real.spoils import SPOILS

_ANY = PhotoLimits(min_side=1, max_stretch=100, max_pixels=10**9)
_SETTINGS = PhotoSettings(_env_file=None)
_LIGHT = {Advice.BLURRY, Advice.FACE_BLURRY, Advice.DARK, Advice.BRIGHT, "photo-too-dark", "photo-too-bright"}
_BLUR = {Advice.BLURRY, Advice.FACE_BLURRY, "photo-too-blurry", "photo-face-blurry"}
_SMALL = 512
_QUALITY = 90
_MEGAPIXELS, _TIME = 12, 0.5
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture, what was measured in it, and what is said of it: why it is refused, or advice."""

    picture: Labelled
    facts: PhotoFacts
    said: frozenset[str]

    @property
    def features(self) -> PhotoFeatures:
        return self.facts.features

    @property
    def faces(self) -> int:
        return len(self.features.faces or ())

    @property
    def refused(self) -> bool:
        return any(word.startswith("photo-") for word in self.said)


Judged = Mapping[str, Sequence[Seen]]
"""What was seen, by the label of the pictures, or by how the clear ones were spoiled."""


@dataclass(frozen=True, slots=True)
class Line:
    what: str
    wanted: str
    count: int
    of: int
    met: bool


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.real", description=__doc__)
    parser.add_argument("--half", choices=("tune", "judge"), default="judge", help="which people (judge)")
    half = parser.parse_args().half
    try:
        pictures = [picture for picture in labelled() if picture.half == half]
    except PicturesMissing as error:
        sys.exit(str(error))
    with ProcessPoolExecutor(2) as processes:
        lines = list(_lines(_judged(pictures, processes.map)))
    print(f"\n| real photographs ({half}) | wanted | counted | |\n|---|---|---|---|")
    for line in lines:
        share = f"{line.count} of {line.of} ({line.count / max(1, line.of):.0%})"
        print(f"| {line.what} | {line.wanted} | {share} | {'met' if line.met else '**short**'} |")
    ours, cascade = _times([picture for picture in pictures if picture.kind == "clear"])
    counted = f"{ours / cascade:.2f} ({1000 * ours:.0f} of {1000 * cascade:.0f} ms)"
    met = "met" if ours <= _TIME * cascade else "**short**"
    print(f"| a check of 12 megapixels, of one with the Haar cascade | <= {_TIME} | {counted} | {met} |")


def _times(pictures: Sequence[Labelled]) -> tuple[float, float]:
    """Seconds of one processor for a check, ours and with the Haar cascade, of real faces in large JPEGs."""
    checks: dict[str, Callable[[Path], object]] = {"ours": checking.ours, "cascade": checking.WithCascade()}
    spent = dict.fromkeys(checks, 0.0)
    with TemporaryDirectory() as folder:
        for number, picture in enumerate(pictures):
            path = Path(folder, f"{number}.jpg")
            with Image.open(picture.path) as opened:
                image = ImageOps.exif_transpose(opened).convert("RGB")
            large = ImageOps.scale(image, (_MEGAPIXELS * 1e6 / (image.width * image.height)) ** 0.5)
            large.save(path, "JPEG", quality=_QUALITY)
            for name, check in checks.items():
                began = time.process_time()
                check(path)
                spent[name] += time.process_time() - began
    return spent["ours"] / len(pictures), spent["cascade"] / len(pictures)


def _judged(pictures: Sequence[Labelled], together: Callable[..., Iterable[Seen]]) -> Judged:
    """Pictures as they are, then each way in which the clear ones are spoiled."""
    judged: dict[str, list[Seen]] = {}
    for seen in together(_seen, pictures):
        judged.setdefault(seen.picture.kind, []).append(seen)
    for name in SPOILS:
        print(name, file=sys.stderr, flush=True)
        judged[name] = list(together(partial(_spoiled, name), judged["clear"]))
    return judged


def _seen(picture: Labelled) -> Seen:
    facts = inspect(picture.path, _ANY, look_for_faces=True)
    try:
        quality.refuse(facts.features, _SETTINGS)
    except PhotoRefused as refusal:
        return Seen(picture, facts, frozenset({refusal.reason}))
    return Seen(picture, facts, frozenset(quality.advise(facts.features, _SETTINGS)))


def _spoiled(name: str, clear: Seen) -> Seen:
    with Image.open(clear.picture.path) as opened:
        image = ImageOps.exif_transpose(opened).convert("RGB")
    file = io.BytesIO()
    SPOILS[name](image, clear.features, clear.facts.size_bytes).save(file, "JPEG", quality=_QUALITY)
    with TemporaryDirectory() as folder:
        path = Path(folder, "photo")
        path.write_bytes(file.getvalue())
        return _seen(Labelled(path, clear.picture.kind, clear.picture.half))


def _lines(judged: Judged) -> Iterable[Line]:
    clear = judged["clear"]
    large = [seen for seen in clear if seen.features.short_side >= _SMALL]
    most, least = _at_most, _at_least
    yield most("a clear face, 512 px and more, isn't found", 0.03, large, lambda seen: not seen.faces)
    yield most("a clear face of any size isn't found", 0.03, clear, lambda seen: not seen.faces)
    tilted = [*judged["tilted by 30"], *judged["tilted by -30"]]
    yield most("a clear face tilted by 30 degrees isn't found", 0.03, tilted, lambda seen: not seen.faces)
    yield most("a hard one isn't found", 0.2, judged["hard"], lambda seen: not seen.faces)
    yield most("a face is seen where none is", 0.03, judged["none"], lambda seen: seen.faces)
    yield least("several people are seen as several", 0.8, judged["group"], lambda seen: seen.faces > 1)
    yield most("a good portrait is refused", 0, clear, lambda seen: seen.refused)
    yield most("... is called blurred, dark or bright", 0.02, clear, lambda seen: seen.said & _LIGHT)
    yield least("blurred by 2 px: refused", 0.85, judged["blurred by 2"], lambda seen: seen.refused)
    yield least("blurred by 1.5 px: told", 0.85, judged["blurred by 1.5"], lambda seen: seen.said & _BLUR)
    yield least("only the face blurred: told", 0.8, judged["face blurred"], lambda seen: seen.said & _BLUR)
    yield least("-3 EV: told", 0.9, judged["-3 EV"], lambda seen: seen.said & {Advice.DARK, "photo-too-dark"})
    bright = {Advice.BRIGHT, "photo-too-bright"}
    yield least("+3 EV: told", 0.9, judged["+3 EV"], lambda seen: seen.said & bright)
    lying = [
        seen for side in ("on its left side", "on its right side") for seen in judged[side] if seen.faces
    ]
    yield least("on its side, its face found: told so", 0.9, lying, lambda seen: Advice.SIDEWAYS in seen.said)
    yield most("upright: called lying", 0.02, clear, lambda seen: seen.features.turn)
    whole = [seen for kind in ("clear", "hard", "none", "group") for seen in judged[kind]]
    yield most("no screenshot: called one", 0.02, whole, lambda seen: seen.features.frame)
    shots = judged["a screenshot"]
    yield least("a screenshot: told to crop", 0.8, shots, lambda seen: Advice.SCREENSHOT in seen.said)
    for name in ("a screenshot", "cropped by 5%"):
        pairs = list(zip(clear, judged[name], strict=True))
        yield least(f"{name}: known as a copy", 0.7, pairs, _are_copies)
    series = list(combinations(judged.get("series", []), 2))
    yield most("two expressions are called the same", 0, series, _are_copies)


def _are_copies(pair: tuple[Seen, Seen]) -> bool:
    one, other = (seen.facts for seen in pair)
    near = quality.may_be_a_copy(one.features.hash, other.features.hash)
    return near and misfit(one.thumbnail, other.thumbnail) < _SETTINGS.copy_misfit


def _at_most(what: str, share: float, cases: Sequence[T], counts: Callable[[T], object]) -> Line:
    return _line(what, f"<= {share:.0%}", cases, counts, lambda part: part <= share)


def _at_least(what: str, share: float, cases: Sequence[T], counts: Callable[[T], object]) -> Line:
    return _line(what, f">= {share:.0%}", cases, counts, lambda part: part >= share)


def _line(
    what: str,
    wanted: str,
    cases: Sequence[T],
    counts: Callable[[T], object],
    is_met: Callable[[float], bool],
) -> Line:
    count = sum(bool(counts(case)) for case in cases)
    return Line(what, wanted, count, len(cases), is_met(count / max(1, len(cases))))


if __name__ == "__main__":
    main()
