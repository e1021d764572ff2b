"""What several screens share."""

from app.bot.views import AvatarView
from app.core.buttons import Action, Button, ShowMenu
from app.core.i18n import Words

Row = tuple[Button, ...]
Rows = tuple[Row, ...]

_BLOCKS = 10


def type_of(words: Words, view: AvatarView) -> str:
    return words.label("avatar-type", type=view.type.value)


def menu_row(words: Words) -> tuple[Button, ...]:
    return (button(words, "button-menu", ShowMenu()),)


def bar(done: int, total: int) -> str:
    """Ten blocks: how much of all there is."""
    filled = min(_BLOCKS, done * _BLOCKS // total)
    return "▓" * filled + "░" * (_BLOCKS - filled)


def button(words: Words, key: str, action: Action) -> Button:
    return Button(words.label(key), action)
