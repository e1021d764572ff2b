"""Where everything starts."""

from app.bot.screens.parts import button
from app.core.buttons import NewAvatar, Screen, ShowAvatars
from app.core.i18n import Words


def menu(words: Words, text: str) -> Screen:
    return Screen(
        text,
        (
            (button(words, "button-new-avatar", NewAvatar()),),
            (button(words, "button-my-avatars", ShowAvatars()),),
        ),
    )
