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
    code = "list"


@dataclass(frozen=True, slots=True)
class ShowAvatar(Action):
    code = "show"
    avatar_id: int


@dataclass(frozen=True, slots=True)
class ConfirmTraining(Action):
    code = "confirm"
    avatar_id: int


@dataclass(frozen=True, slots=True)
class StartTraining(Action):
    code = "start"
    avatar_id: int


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
    """A message as a person gets it: HTML text and the rows of buttons under it."""

    text: str
    rows: tuple[tuple[Button, ...], ...] = ()
