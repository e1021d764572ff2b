"""Every screen as a pure function: data in, text and buttons out."""

from collections.abc import Sequence

from app.bot.views import AvatarView
from app.core.buttons import (
    Action,
    Button,
    ChooseGender,
    ChooseType,
    ConfirmTraining,
    NewAvatar,
    Screen,
    ShowAvatar,
    ShowAvatars,
    ShowMenu,
    StartTraining,
)
from app.core.i18n import Words
from app.database.models import Avatar, AvatarState, AvatarType, Gender
from app.database.models.avatars import NAME_LENGTH
from app.photos.checks import PhotoLimits
from app.photos.service import PhotoCount

_BAR = 10
_LIMITS = PhotoLimits()

Rows = tuple[tuple[Button, ...], ...]


def menu(words: Words, text: str) -> Screen:
    return Screen(
        text,
        (
            (_button(words, "button-new-avatar", NewAvatar()),),
            (_button(words, "button-my-avatars", ShowAvatars()),),
        ),
    )


def choose_type(words: Words) -> Screen:
    types = (
        _button(words, "button-portrait", ChooseType(AvatarType.PORTRAIT.value)),
        _button(words, "button-style", ChooseType(AvatarType.STYLE.value)),
    )
    return Screen(words("choose-type"), (types, (_button(words, "button-menu", ShowMenu()),)))


def choose_gender(words: Words, avatar_type: AvatarType) -> Screen:
    genders = (
        _button(words, "button-male", ChooseGender(avatar_type.value, Gender.MALE.value)),
        _button(words, "button-female", ChooseGender(avatar_type.value, Gender.FEMALE.value)),
    )
    return Screen(words("choose-gender"), (genders, (_button(words, "button-back", NewAvatar()),)))


def ask_name(words: Words, avatar_type: AvatarType) -> Screen:
    back = _button(words, "button-back", ChooseType(avatar_type.value))
    return Screen(words("ask-name", maximum=NAME_LENGTH), ((back,),))


def avatar(words: Words, view: AvatarView) -> Screen:
    """How an avatar is now, and what can be done with it."""
    match view.state:
        case AvatarState.DRAFT:
            return _draft(words, view)
        case AvatarState.TRAINING:
            return _in_training(words, view)
        case AvatarState.COMPLETED:
            return _completed(words, view)


def confirm_training(words: Words, view: AvatarView) -> Screen:
    return Screen(
        words("confirm-training", name=view.name, type=_type(words, view), count=view.photos.have),
        (
            (_button(words, "button-confirm", StartTraining(view.id)),),
            (_button(words, "button-back", ShowAvatar(view.id)),),
        ),
    )


def avatars_list(words: Words, avatars: Sequence[Avatar]) -> Screen:
    rows: Rows = tuple(
        (Button(words.label("avatar-label", state=item.state.value, name=item.name), ShowAvatar(item.id)),)
        for item in avatars
    )
    text = words("avatars-list") if avatars else words("avatars-empty")
    new = _button(words, "button-new-avatar", NewAvatar())
    return Screen(text, (*rows, (new,), (_button(words, "button-menu", ShowMenu()),)))


def no_avatar(words: Words) -> Screen:
    return Screen(words("avatars-empty"), ((_button(words, "button-new-avatar", NewAvatar()),),))


def _draft(words: Words, view: AvatarView) -> Screen:
    photos, about = view.photos, {"name": view.name, "type": _type(words, view), "bar": _bar(view.photos)}
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
        return Screen(_with_failure(words, view, text), (_menu_row(words),))
    text = words(
        "avatar-ready",
        **about,
        photos=words.label("photos-count", count=photos.have),
        room=max(0, photos.maximum - photos.have),
        maximum=photos.maximum,
    )
    train = _button(words, "button-train", ConfirmTraining(view.id))
    return Screen(_with_failure(words, view, text), ((train,), _menu_row(words)))


def _in_training(words: Words, view: AvatarView) -> Screen:
    training = view.training
    if training is None:
        raise ValueError("an avatar in training has a training")
    text = words(
        "avatar-training",
        name=view.name,
        type=_type(words, view),
        state=training.state.value,
        minutes=training.minutes,
    )
    if training.drill:
        text = f"{text}\n\n{words('avatar-drill', training=str(training.id))}"
    refresh = _button(words, "button-refresh", ShowAvatar(view.id))
    return Screen(text, ((refresh,), _menu_row(words)))


def _completed(words: Words, view: AvatarView) -> Screen:
    photos = words.label("photos-count", count=view.photos.have)
    text = words("avatar-completed", name=view.name, type=_type(words, view), photos=photos)
    return Screen(_with_failure(words, view, text), (_menu_row(words),))


def _with_failure(words: Words, view: AvatarView, text: str) -> str:
    """A failed last training stays on the screen until the next one, with its reason."""
    if view.training is None or view.training.failure is None:
        return text
    reason = words.label(f"failure-{view.training.failure.value}")
    return f"{text}\n\n{words('avatar-failed', reason=reason)}"


def _type(words: Words, view: AvatarView) -> str:
    return words.label("avatar-type", type=view.type.value)


def _bar(photos: PhotoCount) -> str:
    """Ten blocks: how much of what is needed is there."""
    filled = min(_BAR, photos.have * _BAR // photos.needed)
    return "▓" * filled + "░" * (_BAR - filled)


def _menu_row(words: Words) -> tuple[Button, ...]:
    return (_button(words, "button-menu", ShowMenu()),)


def _button(words: Words, key: str, action: Action) -> Button:
    return Button(words.label(key), action)
