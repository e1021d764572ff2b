"""What came of the photos that a person has sent."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from app.avatars.service import AvatarBusy
from app.bot.screens.avatar import avatar
from app.bot.screens.parts import button
from app.bot.screens.photo_advice import advice_words
from app.bot.views import AvatarView
from app.core.buttons import NewAvatar, OpenPhotos, Screen, ShowAvatar
from app.core.i18n import Words
from app.database.models import AvatarState
from app.photos.quality import Advice
from app.photos.refusals import PhotoLimitReached
from app.photos.uploads import WAITS

_NUMBERS = 20  # of photos, or of runs of them, in a line
_TOLD_APART = frozenset({PhotoLimitReached.reason})
_LINES = 10  # of a list; a message holds 4096 characters
_OF_ONE_PHOTO = 2  # pieces of advice; the photo's own page says all


@dataclass(frozen=True, slots=True)
class UploadResult:
    """On one photo: why it was refused, or what would make it better; ids of words."""

    refusal: str | None = None
    details: Mapping[str, str | int] = field(default_factory=dict)
    advice: tuple[str, ...] = ()


def digest(words: Words, view: AvatarView, results: Sequence[UploadResult]) -> Screen:
    """All that was sent for one avatar, in the order it was sent, above the avatar as it is now.

    One that takes no photos now isn't shown whole: only how things are, and where to look.
    """
    if view.changeable:
        after, unsaid = avatar(words, view), _TOLD_APART
    else:
        after, unsaid = _closed(words, view), _TOLD_APART | {AvatarBusy.reason}
    return Screen("\n\n".join([*_judged(words, results, unsaid), after.text]), after.rows)


def refused(
    words: Words, results: Sequence[UploadResult], waiting: int = 0, question: Screen | None = None
) -> Screen | None:
    """What was for no avatar: so many photos wait for one. None when there is nothing left to say."""
    paragraphs = list(_judged(words, results, _TOLD_APART | WAITS))
    if waiting and any(result.refusal in WAITS for result in results):
        then = words("error-name-first") if question else words("error-no-draft")
        paragraphs.append(f"{words('uploads-waiting', count=waiting)} {then}")
    if not paragraphs:
        return None
    if question is not None:
        return Screen("\n\n".join([*paragraphs, question.text]), question.rows)
    return Screen("\n\n".join(paragraphs), ((button(words, "button-new-avatar", NewAvatar()),),))


def _closed(words: Words, view: AvatarView) -> Screen:
    new = (button(words, "button-new-avatar", NewAvatar()),)
    if view.state is AvatarState.TRAINING:
        look = button(words, "button-open-avatar", ShowAvatar(view.id))
        return Screen(words("uploads-in-training", name=view.name), ((look,), new))
    change = button(words, "button-open-photos", OpenPhotos(view.id))
    return Screen(words("uploads-closed", name=view.name), ((change,), new))


def checking(words: Words, done: int, sent: int) -> Screen:
    return Screen(words("uploads-checking", done=done, sent=sent))


def _judged(words: Words, results: Sequence[UploadResult], unsaid: frozenset[str]) -> Iterator[str]:
    """Refusals that are `unsaid` here are told in another place."""
    accepted = sum(result.refusal is None for result in results)
    if accepted:
        yield words("uploads-accepted", count=accepted)
    advised = _list(words, [_advice(words, result) for result in results])
    if advised:
        yield f"{words('uploads-advised')}\n{advised}"
    refusals = _list(words, [_refusal(words, result, unsaid) for result in results])
    if refusals:
        yield f"{words('uploads-refused')}\n{refusals}"
    yield from _not_needed(words, results)


def _advice(words: Words, result: UploadResult) -> str:
    return "; ".join(advice_words(words, Advice(one)) for one in result.advice[:_OF_ONE_PHOTO])


def _refusal(words: Words, result: UploadResult, unsaid: frozenset[str]) -> str:
    if result.refusal is None or result.refusal in unsaid:
        return ""
    return words(f"error-{result.refusal}", **result.details)


def _not_needed(words: Words, results: Sequence[UploadResult]) -> Iterator[str]:
    """Nothing is wrong with a photo that the full set has no room for."""
    over = [n for n, result in enumerate(results, 1) if result.refusal == PhotoLimitReached.reason]
    if not over:
        return
    text = f"👌 {words('error-photo-limit', **results[over[0] - 1].details)}"
    if len(over) < len(results):
        text = f"{text} {words('uploads-left-out', numbers=_which(words, over, len(results)))}"
    yield text


def _list(words: Words, said: Sequence[str]) -> str:
    """A line for each thing that is said, with the photos it is said of, numbered as they were sent."""
    about: dict[str, list[int]] = {}
    for number, text in enumerate(said, 1):
        if text:
            about.setdefault(text, []).append(number)
    if len(said) == 1:
        return "".join(about)
    lines = [f"• {_which(words, numbers, len(said))}: {text}" for text, numbers in about.items()]
    left = len(lines) - _LINES
    return "\n".join([*lines[:_LINES], *([words("uploads-more", count=left)] if left > 0 else [])])


def _which(words: Words, numbers: Sequence[int], sent: int) -> str:
    """Those of the photos that were sent, told as shortly as can be."""
    if len(numbers) == sent:
        return words("uploads-all")
    runs = list(_runs(numbers))
    shown = ", ".join([*runs[:_NUMBERS], *(["…"] if len(runs) > _NUMBERS else [])])
    return words("uploads-numbers", numbers=shown)


def _runs(numbers: Sequence[int]) -> Iterator[str]:
    """Three and more in a row by the first and the last."""
    for _, group in groupby(enumerate(numbers), lambda place: place[1] - place[0]):
        run = [number for _, number in group]
        yield from [f"{run[0]}–{run[-1]}"] if len(run) > 2 else map(str, run)
