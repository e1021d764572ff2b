"""Paging through an avatar's photos, and putting them right."""

from app.bot.screens.parts import Row, Rows, button
from app.bot.screens.photo_advice import advice_words
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
from app.photos.features import Edit
from app.photos.quality import TAPS, Advice

_FACES = 8  # buttons in a row


def photo(words: Words, view: PhotoView, picture: bytes | None) -> Screen:
    """With the picture above it, where it can be had; nobody is asked about what they can't see."""
    text = words(
        "photo-page",
        name=view.avatar_name,
        number=view.number,
        count=view.count,
        width=view.width,
        height=view.height,
    )
    question, fix = _question(words, view) if view.changeable and picture else ("", ())
    advice = [one for one in map(Advice, view.advice) if view.openable or one not in TAPS]
    warnings = [f"⚠️ {advice_words(words, one)}" for one in advice]
    missing = words("photo-not-shown") if picture is None else ""
    said = filter(None, [text, question, *warnings, missing])
    return Screen("\n\n".join(said), _rows(words, view, fix), picture)


def _question(words: Words, view: PhotoView) -> tuple[str, Row]:
    """In place of advice, with the buttons that answer it.

    One at a time: what is seen of the faces may be others when the photo is turned and cropped.
    """
    fixes, here = view.fixes, (view.avatar_id, view.id)
    if fixes.turn:
        asked = words("photo-upside-down") if fixes.turn == 180 else words("photo-turn")
        return asked, (button(words, "button-turn-photo", TurnPhoto(*here)),)
    if fixes.crop:
        return words("photo-screenshot"), (button(words, "button-crop-photo", CropPhoto(*here)),)
    if fixes.choices:
        numbers = [Button(str(number), ChooseFace(*here, number)) for number in fixes.choices]
        return words("photo-whose"), tuple(numbers[:_FACES])
    if fixes.screenshot:
        return words("photo-screenshot-small"), ()
    return (words("photo-faces-small") if len(fixes.faces) > 1 else ""), ()


def _fixes(words: Words, view: PhotoView, fix: Row) -> Rows:
    """The answers; where nothing is asked, the way to the next photo about which something is."""
    if not fix and view.to_fix_id:
        fix = (button(words, "button-fix-next", ShowPhoto(view.avatar_id, view.to_fix_id)),)
    restore = RestorePhoto(view.avatar_id, view.id)
    undo = (button(words, "button-restore-photo", restore),) if view.edit != Edit() else ()
    return tuple(row for row in (undo, fix) if row)


def ask_delete_photos(words: Words, view: AvatarView) -> Screen:
    photos = words.label("photos-count", count=view.photos.have)
    return Screen(
        words("photos-ask-delete", name=view.name, photos=photos),
        (
            (button(words, "button-delete-for-ever", DeletePhotos(view.id)),),
            (button(words, "button-back", ShowPhotos(view.id)),),
        ),
    )


def _rows(words: Words, view: PhotoView, fix: Row) -> Rows:
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
        *(_fixes(words, view, fix) if view.changeable else ()),
        *([deletes] if view.changeable else []),
        *([(change,)] if view.openable else []),
        (back,),
    )
