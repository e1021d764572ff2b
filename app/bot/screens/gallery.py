"""Paging through an avatar's photos, and putting them right."""

from collections.abc import Iterator

from app.bot.screens.coach import advice_words
from app.bot.screens.parts import Rows, button
from app.bot.views import AvatarView, PhotoView
from app.core.buttons import (
    AskDeletePhotos,
    Button,
    ChooseFace,
    CropPhoto,
    DeletePhoto,
    DeletePhotos,
    OpenPhotos,
    RestorePhoto,
    Screen,
    ShowAvatar,
    ShowPhoto,
    ShowPhotos,
    TurnPhoto,
)
from app.core.i18n import Words
from app.photos.coach import Advice
from app.photos.traits import Edit

_FACES = 8  # buttons in a row


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
    questions = dict(_questions(words, view)) if view.changeable else {}
    advice = [f"⚠️ {advice_words(words, Advice(one))}" for one in view.advice if Advice(one) not in questions]
    missing = [words("photo-not-shown")] if picture is None else []
    said = [text, *questions.values(), *advice, *missing]
    return Screen("\n\n".join(said), _rows(words, view), picture)


def _questions(words: Words, view: PhotoView) -> Iterator[tuple[Advice, str]]:
    """What a tap answers, in place of advice."""
    if view.fixes.turn == 180:
        yield Advice.UPSIDE_DOWN, words("photo-upside-down")
    elif view.fixes.turn:
        yield Advice.SIDEWAYS, words("photo-turn")
    if view.fixes.crop:
        yield Advice.SCREENSHOT, words("photo-screenshot")
    elif view.fixes.screenshot:
        yield Advice.SCREENSHOT, words("photo-screenshot-small")
    if len(view.fixes.faces) > 1:
        yield Advice.SEVERAL_FACES, words("photo-whose")


def _fixes(words: Words, view: PhotoView) -> Rows:
    """One thing at a time: what is seen of the faces may be others when it is done."""
    here = view.avatar_id, view.id
    faces = [Button(str(number), ChooseFace(*here, number)) for number in range(1, len(view.fixes.faces) + 1)]
    if view.fixes.turn:
        fix = [button(words, "button-turn-photo", TurnPhoto(*here))]
    elif view.fixes.crop:
        fix = [button(words, "button-crop-photo", CropPhoto(*here))]
    else:
        fix = faces[:_FACES] if len(faces) > 1 else []
    undo = [button(words, "button-restore-photo", RestorePhoto(*here))] if view.edit != Edit() else []
    return tuple(tuple(row) for row in (fix, undo) if row)


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
        *(_fixes(words, view) if view.changeable else ()),
        *([deletes] if view.changeable else []),
        *([(change,)] if view.openable else []),
        (back,),
    )
