"""An avatar as it is, and the list of them."""

from collections.abc import Sequence

from app.bot.screens.parts import Rows, button, menu_row, type_of
from app.bot.screens.training import in_training
from app.bot.views import AvatarView
from app.core.buttons import Button, ConfirmTraining, NewAvatar, Screen, ShowAvatar, ShowTips
from app.core.i18n import Words
from app.database.models import Avatar, AvatarState
from app.photos.checks import PhotoLimits
from app.photos.service import PhotoCount

_BAR = 10
_LIMITS = PhotoLimits()


def avatar(words: Words, view: AvatarView) -> Screen:
    """How an avatar is now, and what can be done with it."""
    match view.state:
        case AvatarState.DRAFT:
            return _draft(words, view)
        case AvatarState.TRAINING:
            return in_training(words, view)
        case AvatarState.COMPLETED:
            return _completed(words, view)


def avatars_list(words: Words, avatars: Sequence[Avatar]) -> Screen:
    rows: Rows = tuple(
        (Button(words.label("avatar-label", state=item.state.value, name=item.name), ShowAvatar(item.id)),)
        for item in avatars
    )
    text = words("avatars-list") if avatars else words("avatars-empty")
    new = button(words, "button-new-avatar", NewAvatar())
    return Screen(text, (*rows, (new,), menu_row(words)))


def no_avatar(words: Words) -> Screen:
    return Screen(words("avatars-empty"), ((button(words, "button-new-avatar", NewAvatar()),),))


def _draft(words: Words, view: AvatarView) -> Screen:
    photos, about = view.photos, {"name": view.name, "type": type_of(words, view), "bar": _bar(view.photos)}
    tips = (button(words, "button-tips", ShowTips(view.id)),)
    if not photos.ready:
        text = words(
            "avatar-collecting",
            **about,
            have=photos.have,
            minimum=photos.needed,
            left=photos.needed - photos.have,
            side=_LIMITS.min_side,
            megabytes=_LIMITS.max_bytes // 1024**2,
        )
        return Screen(_with_failure(words, view, text), (tips, menu_row(words)))
    text = words(
        "avatar-ready",
        **about,
        photos=words.label("photos-count", count=photos.have),
        room=max(0, photos.maximum - photos.have),
        maximum=photos.maximum,
    )
    train = button(words, "button-train", ConfirmTraining(view.id))
    return Screen(_with_failure(words, view, text), ((train,), tips, menu_row(words)))


def _completed(words: Words, view: AvatarView) -> Screen:
    photos = words.label("photos-count", count=view.photos.have)
    text = words("avatar-completed", name=view.name, type=type_of(words, view), photos=photos)
    return Screen(_with_failure(words, view, text), (menu_row(words),))


def _with_failure(words: Words, view: AvatarView, text: str) -> str:
    """A failed last training stays on the screen until the next one, with its reason."""
    if view.training is None or view.training.failure is None:
        return text
    reason = words.label(f"failure-{view.training.failure.value}")
    return f"{text}\n\n{words('avatar-failed', reason=reason)}"


def _bar(photos: PhotoCount) -> str:
    """Ten blocks: how much of what is needed is there."""
    filled = min(_BAR, photos.have * _BAR // photos.needed)
    return "▓" * filled + "░" * (_BAR - filled)
