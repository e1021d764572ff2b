"""What several screens share."""

from app.bot.views import AvatarView
from app.core.buttons import Action, Button, ShowMenu
from app.core.i18n import Words

Rows = tuple[tuple[Button, ...], ...]


def type_of(words: Words, view: AvatarView) -> str:
    return words.label("avatar-type", type=view.type.value)


def menu_row(words: Words) -> tuple[Button, ...]:
    return (button(words, "button-menu", ShowMenu()),)


def button(words: Words, key: str, action: Action) -> Button:
    return Button(words.label(key), action)
