"""An avatar's photos: looked through, deleted."""

from aiogram import Router
from aiogram.types import CallbackQuery
from dishka.integrations.aiogram import FromDishka, inject

from app.avatars import service as avatars
from app.bot import screens
from app.bot.callbacks import Pressed
from app.bot.rendering import show
from app.bot.user_context import Person
from app.bot.views import AvatarView, PhotoView, avatar_view, own_avatar_view, photo_view
from app.core.buttons import (
    AskDeletePhotos,
    ChooseFace,
    CropPhoto,
    DeletePhoto,
    DeletePhotos,
    OpenPhotos,
    RestorePhoto,
    Screen,
    ShowPhoto,
    ShowPhotos,
    TurnPhoto,
)
from app.core.i18n import Words
from app.database.engine import Database
from app.photos import edits
from app.photos.decoders import DecodingFailed
from app.photos.features import Edit
from app.photos.service import Editing, Photos
from app.photos.storage import PhotoMissing, StorageUnavailable
from app.telegram.update_store import StoredUpdate


def router() -> Router:
    routes = Router(name="gallery")
    routes.callback_query.register(show_photo, Pressed(ShowPhotos))
    routes.callback_query.register(show_photo, Pressed(ShowPhoto))
    routes.callback_query.register(open_photos, Pressed(OpenPhotos))
    routes.callback_query.register(delete_photo, Pressed(DeletePhoto))
    routes.callback_query.register(edit_photo, Pressed(TurnPhoto))
    routes.callback_query.register(edit_photo, Pressed(CropPhoto))
    routes.callback_query.register(edit_photo, Pressed(ChooseFace))
    routes.callback_query.register(edit_photo, Pressed(RestorePhoto))
    routes.callback_query.register(ask_delete_photos, Pressed(AskDeletePhotos))
    routes.callback_query.register(delete_photos, Pressed(DeletePhotos))
    return routes


@inject
async def show_photo(
    query: CallbackQuery,
    action: ShowPhotos | ShowPhoto,
    person: Person,
    database: FromDishka[Database],
    photos: FromDishka[Photos],
) -> None:
    chosen = action.photo_id if isinstance(action, ShowPhoto) else None
    async with database.transaction() as session:
        page = await photo_view(session, photos, person.id, action.avatar_id, chosen)
        view = await own_avatar_view(session, photos, person.id, action.avatar_id)
    await show(query, await _screen(person.words, photos, page, view))


@inject
async def delete_photo(
    query: CallbackQuery,
    action: DeletePhoto,
    person: Person,
    kept: StoredUpdate,
    photos: FromDishka[Photos],
) -> None:
    """The next one takes its place, or the one before."""
    async with kept.effect() as session:
        page = await photo_view(session, photos, person.id, action.avatar_id, action.photo_id)
        beside = (page.next_id or page.previous_id) if page else None
        await photos.remove(session, person.id, action.avatar_id, action.photo_id)
        page = await photo_view(session, photos, person.id, action.avatar_id, beside)
        view = await own_avatar_view(session, photos, person.id, action.avatar_id)
    await show(query, await _screen(person.words, photos, page, view))


@inject
async def edit_photo(
    query: CallbackQuery,
    action: TurnPhoto | CropPhoto | ChooseFace | RestorePhoto,
    person: Person,
    kept: StoredUpdate,
    photos: FromDishka[Photos],
) -> None:
    async with kept.effect() as session:
        await photos.edit(session, person.id, action.avatar_id, action.photo_id, _editing(action))
        page = await photo_view(session, photos, person.id, action.avatar_id, action.photo_id)
        view = await own_avatar_view(session, photos, person.id, action.avatar_id)
    await show(query, await _screen(person.words, photos, page, view))


def _editing(action: TurnPhoto | CropPhoto | ChooseFace | RestorePhoto) -> Editing:
    match action:
        case TurnPhoto():
            return edits.turned
        case CropPhoto():
            return edits.without_borders
        case ChooseFace():
            return lambda features, edit: edits.cropped_to_face(features, edit, action.number)
        case RestorePhoto():
            return lambda features, edit: Edit()


@inject
async def open_photos(
    query: CallbackQuery, action: OpenPhotos, person: Person, kept: StoredUpdate, photos: FromDishka[Photos]
) -> None:
    async with kept.effect() as session:
        avatar = await avatars.open_photos(session, person.id, action.avatar_id)
        view = await avatar_view(session, photos, avatar)
    await show(query, screens.avatar(person.words, view))


@inject
async def ask_delete_photos(
    query: CallbackQuery,
    action: AskDeletePhotos,
    person: Person,
    database: FromDishka[Database],
    photos: FromDishka[Photos],
) -> None:
    async with database.transaction() as session:
        view = await own_avatar_view(session, photos, person.id, action.avatar_id)
    await show(query, screens.ask_delete_photos(person.words, view))


@inject
async def delete_photos(
    query: CallbackQuery,
    action: DeletePhotos,
    person: Person,
    kept: StoredUpdate,
    photos: FromDishka[Photos],
) -> None:
    async with kept.effect() as session:
        await photos.remove(session, person.id, action.avatar_id)
        view = await own_avatar_view(session, photos, person.id, action.avatar_id)
    await show(query, screens.avatar(person.words, view))


async def _screen(words: Words, photos: Photos, page: PhotoView | None, view: AvatarView) -> Screen:
    """The avatar, where it has no photos."""
    if page is None:
        return screens.avatar(words, view)
    try:
        picture = await photos.preview(page.storage_key, page.edit, page.fixes.marks)
    except (PhotoMissing, StorageUnavailable, DecodingFailed):
        picture = None
    return screens.photo(words, page, picture)
