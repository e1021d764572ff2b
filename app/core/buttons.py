"""What a button does: frozen actions that travel in Telegram's callback data, and the screens they stand on.

Callback data is the user's: anybody can send any value. `unpack` takes nothing but a well-formed action;
whether the avatar it names is the sender's is checked by whoever carries it out.
"""

import re
from dataclasses import astuple, dataclass, fields
from typing import ClassVar, Literal, get_args, get_type_hints

MAX_BYTES = 64
_MAX_ID = 2**63
_ID = re.compile(r"[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Action:
    code: ClassVar[str]

    def pack(self) -> str:
        return ":".join([self.code, *(str(value) for value in astuple(self))])


@dataclass(frozen=True, slots=True)
class ShowMenu(Action):
    code = "menu"


@dataclass(frozen=True, slots=True)
class NewAvatar(Action):
    code = "new"


@dataclass(frozen=True, slots=True)
class ChooseType(Action):
    code = "type"
    type: Literal["portrait", "style"]


@dataclass(frozen=True, slots=True)
class ChooseGender(Action):
    code = "gender"
    type: Literal["portrait", "style"]
    gender: Literal["male", "female"]


@dataclass(frozen=True, slots=True)
class ShowAvatars(Action):
    """Pages are counted from 1."""

    code = "list"
    page: int = 1


@dataclass(frozen=True, slots=True)
class ShowAvatar(Action):
    code = "show"
    avatar_id: int


@dataclass(frozen=True, slots=True)
class ConfirmTraining(Action):
    code = "confirm"
    avatar_id: int


@dataclass(frozen=True, slots=True)
class ChoosePreset(Action):
    """The confirmation with another preset."""

    code = "preset"
    avatar_id: int
    preset: Literal["fast", "balanced", "quality"]


@dataclass(frozen=True, slots=True)
class GiveConsent(Action):
    """Consent to the text of this version in this language, and a training: real, or a trial."""

    code = "agree"
    avatar_id: int
    version: int
    language: Literal["ru", "kk", "en"]
    preset: Literal["fast", "balanced", "quality"]
    extent: Literal["real", "trial"]


@dataclass(frozen=True, slots=True)
class StartTraining(Action):
    """As the last one was, and at once, if consent was given."""

    code = "start"
    avatar_id: int


@dataclass(frozen=True, slots=True)
class AskToCancel(Action):
    code = "stop"
    avatar_id: int


@dataclass(frozen=True, slots=True)
class CancelTraining(Action):
    code = "cancel"
    avatar_id: int


@dataclass(frozen=True, slots=True)
class ShowPhotos(Action):
    """From the first one on."""

    code = "photos"
    avatar_id: int


@dataclass(frozen=True, slots=True)
class ShowPhoto(Action):
    code = "photo"
    avatar_id: int
    photo_id: int


@dataclass(frozen=True, slots=True)
class DeletePhoto(Action):
    code = "unphoto"
    avatar_id: int
    photo_id: int


@dataclass(frozen=True, slots=True)
class TurnPhoto(Action):
    """So that its faces are upright."""

    code = "turn"
    avatar_id: int
    photo_id: int


@dataclass(frozen=True, slots=True)
class CropPhoto(Action):
    """To what lies between a screenshot's borders."""

    code = "crop"
    avatar_id: int
    photo_id: int


@dataclass(frozen=True, slots=True)
class ChooseFace(Action):
    """Crop to one of several faces, counted from 1."""

    code = "face"
    avatar_id: int
    photo_id: int
    number: int


@dataclass(frozen=True, slots=True)
class RestorePhoto(Action):
    """As it was sent."""

    code = "restore"
    avatar_id: int
    photo_id: int


@dataclass(frozen=True, slots=True)
class AskDeletePhotos(Action):
    code = "clear?"
    avatar_id: int


@dataclass(frozen=True, slots=True)
class DeletePhotos(Action):
    code = "clear"
    avatar_id: int


@dataclass(frozen=True, slots=True)
class OpenPhotos(Action):
    """So that they can be changed though the avatar has a model."""

    code = "open"
    avatar_id: int


@dataclass(frozen=True, slots=True)
class RenameAvatar(Action):
    code = "rename"
    avatar_id: int


@dataclass(frozen=True, slots=True)
class MakeMain(Action):
    code = "main"
    avatar_id: int


@dataclass(frozen=True, slots=True)
class AskDeleteAvatar(Action):
    code = "delete?"
    avatar_id: int


@dataclass(frozen=True, slots=True)
class DeleteAvatar(Action):
    code = "delete"
    avatar_id: int


@dataclass(frozen=True, slots=True)
class ChooseLanguage(Action):
    code = "language"
    language: Literal["ru", "kk", "en"]


@dataclass(frozen=True, slots=True)
class DeleteMe(Action):
    """Everything that is known of the person."""

    code = "forget"


@dataclass(frozen=True, slots=True)
class ShowTips(Action):
    code = "tips"
    avatar_id: int


ACTIONS: dict[str, type[Action]] = {action.code: action for action in Action.__subclasses__()}


def unpack(data: str) -> Action | None:
    """The action in this callback data, or None when it is not one of ours."""
    code, *values = data.split(":")
    action = ACTIONS.get(code)
    if action is None or len(values) != len(fields(action)):
        return None
    hints = get_type_hints(action)
    arguments = [_value(hints[field.name], text) for field, text in zip(fields(action), values, strict=True)]
    return None if None in arguments else action(*arguments)


def _value(hint: object, text: str) -> str | int | None:
    if hint is int:
        number = int(text) if _ID.fullmatch(text) else None
        return number if number is not None and number < _MAX_ID else None
    return text if text in get_args(hint) else None


@dataclass(frozen=True, slots=True)
class Button:
    label: str
    action: Action


@dataclass(frozen=True, slots=True)
class Screen:
    """A message as a person gets it: HTML text and the rows of buttons under it; maybe a JPEG above it."""

    text: str
    rows: tuple[tuple[Button, ...], ...] = ()
    picture: bytes | None = None
