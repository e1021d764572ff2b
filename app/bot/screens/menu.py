"""Where everything starts, and what a person decides about themselves."""

from app.bot.screens.avatar import avatar
from app.bot.screens.parts import button, menu_row
from app.bot.views import AvatarView
from app.core.buttons import Button, ChooseLanguage, DeleteMe, NewAvatar, Screen, ShowAvatar, ShowAvatars
from app.core.i18n import Words
from app.database.models import Avatar, AvatarState


def menu(words: Words, text: str, current: Avatar | None = None) -> Screen:
    """A draft that was begun can be gone on with."""
    resume = []
    if current is not None and current.state is AvatarState.DRAFT:
        resume = [(Button(words.label("button-resume", name=current.name), ShowAvatar(current.id)),)]
    return Screen(
        text,
        (
            *resume,
            (button(words, "button-new-avatar", NewAvatar()),),
            (button(words, "button-my-avatars", ShowAvatars()),),
        ),
    )


def again(
    words: Words, view: AvatarView | None, question: Screen | None = None, *, unreadable: bool = False
) -> Screen:
    """What the person is asked, or the avatar that they are at, or the menu, for what nobody understood."""
    excuse = words("message-unreadable") if unreadable else words("not-understood")
    after = question or (avatar(words, view) if view else menu(words, ""))
    return Screen(f"{excuse}\n\n{after.text}".strip(), after.rows)


def support(words: Words, contact: str) -> Screen:
    text = words("support", contact=contact) if contact else words("support-nobody")
    return Screen(text, (menu_row(words),))


def languages(words: Words) -> Screen:
    return Screen(
        words("language"),
        (
            (button(words, "language-ru", ChooseLanguage("ru")),),
            (button(words, "language-kk", ChooseLanguage("kk")),),
            (button(words, "language-en", ChooseLanguage("en")),),
        ),
    )


def ask_delete_me(words: Words) -> Screen:
    return Screen(
        words("ask-delete-me"), ((button(words, "button-delete-for-ever", DeleteMe()),), menu_row(words))
    )


def farewell(words: Words) -> Screen:
    return Screen(words("farewell"))
