"""An avatar as it is, and the list of them."""

from app.avatars.service import AvatarPage
from app.bot.screens.parts import Rows, bar, button, menu_row, type_of
from app.bot.screens.photo_advice import set_advice_words, shots_words
from app.bot.screens.training import in_training
from app.bot.views import AvatarView
from app.core.buttons import (
    AskDeleteAvatar,
    Button,
    ConfirmTraining,
    DeleteAvatar,
    MakeMain,
    NewAvatar,
    OpenPhotos,
    RenameAvatar,
    Screen,
    ShowAvatar,
    ShowAvatars,
    ShowPhoto,
    ShowPhotos,
    ShowTips,
    StartTraining,
)
from app.core.i18n import Words
from app.database.models import Avatar, AvatarState, RequestState
from app.database.models.avatars import NAME_LENGTH
from app.fal.failures import NEEDS_OTHER_PHOTOS
from app.photos.features import PhotoLimits

_LIMITS = PhotoLimits()


def avatar(words: Words, view: AvatarView) -> Screen:
    """How an avatar is now, and what can be done with it."""
    match view.state:
        case AvatarState.DRAFT:
            return _draft(words, view)
        case AvatarState.TRAINING:
            return in_training(words, view)
        case AvatarState.COMPLETED:
            return _completed(words, view)


def deleted(words: Words, name: str, page: AvatarPage) -> Screen:
    """What was deleted, and what there still is, or can be done next."""
    rest = avatars_list(words, page)
    text = rest.text if page.items else words("avatars-none-left")
    return Screen(f"{words('avatar-deleted', name=name)}\n\n{text}", rest.rows)


def avatars_list(words: Words, page: AvatarPage) -> Screen:
    if not page.items:
        return no_avatar(words)
    rows = [(Button(_label(words, item, page.main_id), ShowAvatar(item.id)),) for item in page.items]
    turns = (
        *([Button("‹", ShowAvatars(page.number - 1))] if page.number > 1 else []),
        *([Button("›", ShowAvatars(page.number + 1))] if page.number < page.pages else []),
    )
    new = button(words, "button-new-avatar", NewAvatar())
    text = words("avatars-list")
    if page.pages > 1:
        text = words("avatars-list-page", page=page.number, pages=page.pages)
    return Screen(text, (*rows, *([turns] if turns else []), (new,), menu_row(words)))


def ask_new_name(words: Words, avatar_id: int, name: str) -> Screen:
    back = button(words, "button-back", ShowAvatar(avatar_id))
    return Screen(words("avatar-rename", name=name, maximum=NAME_LENGTH), ((back,),))


def ask_delete(words: Words, view: AvatarView) -> Screen:
    """A draft never had a model that could be deleted with it."""
    about = {"name": view.name, "photos": words.label("photos-count", count=view.photos.have)}
    draft = view.state is AvatarState.DRAFT
    return Screen(
        words("draft-ask-delete", **about) if draft else words("avatar-ask-delete", **about),
        (
            (button(words, "button-delete-for-ever", DeleteAvatar(view.id)),),
            (button(words, "button-back", ShowAvatar(view.id)),),
        ),
    )


def _label(words: Words, item: Avatar, main_id: int | None) -> str:
    label = words.label("avatar-label", state=item.state.value, name=item.name)
    return f"⭐ {label}" if item.id == main_id else label


def no_avatar(words: Words) -> Screen:
    return Screen(words("avatars-empty"), ((button(words, "button-new-avatar", NewAvatar()),),))


def _draft(words: Words, view: AvatarView) -> Screen:
    photos = view.photos
    about = {"name": view.name, "type": type_of(words, view), "bar": bar(photos.have, photos.needed)}
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
        return Screen(_with_failure(words, view, text), _tools(words, view))
    text = words(
        "avatar-ready",
        **about,
        photos=words.label("photos-count", count=photos.have),
        room=photos.room,
        maximum=photos.maximum,
    )
    train = button(words, "button-train", ConfirmTraining(view.id))
    rows = _distinct(*_training_rows(words, view, train), *_tools(words, view))
    remarks = [set_advice_words(words, remark, photos.room) for remark in view.remarks]
    if view.shots and view.shots.wanted:
        remarks.append(shots_words(words, view.shots, photos.room))
    return Screen(_with_failure(words, view, "\n\n".join([text, *remarks])), rows)


def _completed(words: Words, view: AvatarView) -> Screen:
    photos = words.label("photos-count", count=view.photos.have)
    text = words("avatar-completed", name=view.name, type=type_of(words, view), photos=photos)
    if view.changeable:
        text = f"{text}\n\n{words('photos-open', maximum=view.photos.maximum)}"
    again = button(words, "button-train-again", ConfirmTraining(view.id))
    main = button(words, "button-main", MakeMain(view.id))
    rows = _distinct(
        *_training_rows(words, view, again),
        *([] if view.main else [(main,)]),
        *_tools(words, view),
    )
    return Screen(_with_cancelled(words, view, _with_failure(words, view, text)), rows)


def _training_rows(words: Words, view: AvatarView, train: Button) -> Rows:
    """What can be trained; after a failure first what helps: other photos, or the same once more."""
    if not view.photos.ready:
        return ()
    failure = view.training.failure if view.training else None
    if failure is None:
        return ((train,),)
    if failure in NEEDS_OTHER_PHOTOS:
        return ((_change(words, view),), (train,))
    return ((button(words, "button-try-again", StartTraining(view.id)),), (train,))


def _change(words: Words, view: AvatarView) -> Button:
    """Where its photos are changed."""
    if view.changeable:
        return button(words, "button-photos", ShowPhotos(view.id))
    return button(words, "button-open-photos", OpenPhotos(view.id))


def _distinct(*rows: tuple[Button, ...]) -> Rows:
    """Each row once, at its first place."""
    return tuple(dict.fromkeys(rows))


def _tools(words: Words, view: AvatarView) -> Rows:
    """What can be done with an avatar that isn't in training."""
    photos = button(words, "button-photos", ShowPhotos(view.id))
    tips = button(words, "button-tips", ShowTips(view.id))
    rename = button(words, "button-rename", RenameAvatar(view.id))
    delete = button(words, "button-delete", AskDeleteAvatar(view.id))
    back = button(words, "button-my-avatars", ShowAvatars())
    return (
        *_to_fix(words, view),
        *([(photos,)] if view.photos.have else []),
        (tips if view.changeable else _change(words, view),),
        (rename, delete),
        (back,),
    )


def _to_fix(words: Words, view: AvatarView) -> Rows:
    """Where a tap puts photos right, one after the other."""
    if not view.to_fix:
        return ()
    label = words.label("button-fix-photo", count=len(view.to_fix))
    return ((Button(label, ShowPhoto(view.id, view.to_fix[0])),),)


def _with_failure(words: Words, view: AvatarView, text: str) -> str:
    """A failed last training stays on the screen until the next one, with its reason."""
    if view.training is None or view.training.failure is None:
        return text
    reason = words.label(f"failure-{view.training.failure.value}")
    if view.state is AvatarState.COMPLETED:
        return f"{text}\n\n{words('avatar-retraining-failed', reason=reason)}"
    return f"{text}\n\n{words('avatar-failed', reason=reason)}"


def _with_cancelled(words: Words, view: AvatarView, text: str) -> str:
    """That an avatar which was being trained again has the model it had."""
    if view.training is None or view.training.state is not RequestState.CANCELLED:
        return text
    return f"{text}\n\n{words('avatar-retraining-cancelled')}"
