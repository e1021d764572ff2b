"""Paging through an avatar's photos."""

from app.bot.screens.coach import advice_words
from app.bot.screens.parts import Rows, button
from app.bot.views import AvatarView, PhotoView
from app.core.buttons import (
    AskDeletePhotos,
    Button,
    DeletePhoto,
    DeletePhotos,
    OpenPhotos,
    Screen,
    ShowAvatar,
    ShowPhoto,
    ShowPhotos,
)
from app.core.i18n import Words
from app.photos.coach import Advice


def photo(words: Words, view: PhotoView, picture: bytes | None) -> Screen:
    """With the picture above it, where it can be had."""
    text = words(
        "photo-page",
        name=view.avatar_name,
        number=view.number,
        count=view.count,
        width=view.width,
        height=view.height,
    )
    advice = [f"⚠️ {advice_words(words, Advice(one))}" for one in view.advice]
    missing = [words("photo-not-shown")] if picture is None else []
    return Screen("\n\n".join([text, *advice, *missing]), _rows(words, view), picture)


def ask_delete_photos(words: Words, view: AvatarView) -> Screen:
    photos = words.label("photos-count", count=view.photos.have)
    return Screen(
        words("photos-ask-delete", name=view.name, photos=photos),
        (
            (button(words, "button-delete-for-ever", DeletePhotos(view.id)),),
            (button(words, "button-back", ShowPhotos(view.id)),),
        ),
    )


def _rows(words: Words, view: PhotoView) -> Rows:
    turns = (
        *([Button("‹", ShowPhoto(view.avatar_id, view.previous_id))] if view.previous_id else []),
        *([Button("›", ShowPhoto(view.avatar_id, view.next_id))] if view.next_id else []),
    )
    deletes = (
        button(words, "button-delete-photo", DeletePhoto(view.avatar_id, view.id)),
        button(words, "button-delete-photos", AskDeletePhotos(view.avatar_id)),
    )
    back = button(words, "button-to-avatar", ShowAvatar(view.avatar_id))
    change = button(words, "button-open-photos", OpenPhotos(view.avatar_id))
    return (
        *([turns] if turns else []),
        *([deletes] if view.changeable else []),
        *([(change,)] if view.openable else []),
        (back,),
    )
