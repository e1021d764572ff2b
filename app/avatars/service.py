"""Avatars of a person: made, found, moved through their states. Nothing here commits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.avatars.states import IN_TRAINING, TRAINABLE
from app.core.errors import AishaError
from app.database.models import Avatar, AvatarPhoto, AvatarState, AvatarType, Gender, User
from app.database.models.avatars import NAME_LENGTH
from app.fal.trainers import Model

_END = """
UPDATE avatars SET
    state = CASE
        WHEN coalesce(given.url, given.finetune_id, model_url, avatars.finetune_id) IS NULL THEN 'DRAFT'
        ELSE 'COMPLETED'
    END,
    model_url = CASE WHEN coalesce(given.url, given.finetune_id) IS NULL THEN model_url ELSE given.url END,
    finetune_id = coalesce(given.finetune_id, CASE WHEN given.url IS NULL THEN avatars.finetune_id END)
FROM unnest($1::bigint[], $2::text[], $3::text[]) AS given(id, url, finetune_id)
WHERE avatars.id = given.id AND avatars.state = ANY($4::text[])
"""
PAGE = 8  # avatars on a screen
_JOINER = "\u200d"  # not printable, and yet what holds composed emoji together


@dataclass(frozen=True, slots=True)
class AvatarPage:
    """Page `number` of `pages`, counted from 1; `main_id` is the avatar that the person made the main one."""

    items: Sequence[Avatar]
    number: int
    pages: int
    main_id: int | None


class AvatarNotFound(AishaError):
    """There is none with this id that belongs to this person; which of the two is not told."""

    reason = "avatar-not-found"


class AvatarInTraining(AishaError):
    """It can't be deleted before its training is over."""

    reason = "avatar-in-training"


class AvatarBusy(AishaError):
    """It is being trained, or trained already, so this can't be done to it now."""

    reason = "avatar-busy"


class NameRefused(AishaError):
    reason = "name-refused"


async def get_or_create_user(session: AsyncSession, user_id: int, language: str) -> User:
    """The person's row, made on first sight."""
    known = await session.get(User, user_id)
    if known is not None:
        return known
    await session.execute(insert(User).values(id=user_id, language=language).on_conflict_do_nothing())
    return await session.get_one(User, user_id)


def clean_name(text: str) -> str:
    """The name as it is kept: one line, no outer blanks.

    Raises:
        NameRefused: nothing is left, or it is longer than the column.
    """
    shown = "".join(sign if sign.isprintable() or sign == _JOINER else " " for sign in text)
    name = " ".join(shown.split()).strip(_JOINER)
    if not 0 < len(name) <= NAME_LENGTH:
        raise NameRefused(maximum=NAME_LENGTH)
    return name


async def create(
    session: AsyncSession, user_id: int, avatar_type: AvatarType, gender: Gender | None, name: str
) -> Avatar:
    """A new draft, which becomes the one that photos are added to; a portrait has a gender."""
    avatar = Avatar(user_id=user_id, type=avatar_type, gender=gender, name=clean_name(name))
    session.add(avatar)
    await session.flush()
    await make_current(session, user_id, avatar.id)
    return avatar


async def make_current(session: AsyncSession, user_id: int, avatar_id: int) -> None:
    """
    Raises:
        AvatarNotFound: there is none, or it is another's.
    """
    await _choose(session, user_id, avatar_id, current_avatar_id=avatar_id)


async def _choose(session: AsyncSession, user_id: int, avatar_id: int, **column: int) -> None:
    """One statement, so that it asks for no lock and no look before it."""
    own = exists().where(Avatar.id == avatar_id, Avatar.user_id == User.id)
    chosen = update(User).where(User.id == user_id, own).values(column).returning(User.id)
    if await session.scalar(chosen) is None:
        raise AvatarNotFound


async def record_summary(session: AsyncSession, avatar_id: int, message_id: int | None) -> None:
    """Remember the latest word on its photos, if the next one replaces it."""
    await session.execute(update(Avatar).where(Avatar.id == avatar_id).values(summary_message_id=message_id))


async def detach_summary(session: AsyncSession, user_id: int, message_id: int) -> None:
    """That message is no word on photos any more, so the next one doesn't replace it."""
    this = (Avatar.user_id == user_id, Avatar.summary_message_id == message_id)
    await session.execute(update(Avatar).where(*this).values(summary_message_id=None))


async def get(session: AsyncSession, user_id: int, avatar_id: int, *, lock: bool = False) -> Avatar:
    """The person's avatar; with `lock`, held against changes until the transaction ends.

    Raises:
        AvatarNotFound: there is none, or it is another's.
    """
    query = select(Avatar).where(Avatar.id == avatar_id, Avatar.user_id == user_id)
    avatar = await session.scalar(query.with_for_update() if lock else query)
    if avatar is None:
        raise AvatarNotFound
    return avatar


async def current(session: AsyncSession, user_id: int) -> Avatar | None:
    """The avatar that photos go to."""
    return await session.scalar(
        select(Avatar).join(User, User.current_avatar_id == Avatar.id).where(User.id == user_id)
    )


async def newest_after(session: AsyncSession, user_id: int, before: int | None) -> Avatar | None:
    """The newest avatar, if it is newer than the one with the id `before`; where that isn't known, none."""
    if before is None:
        return None
    mine = select(Avatar).where(Avatar.user_id == user_id, Avatar.id > before)
    return await session.scalar(mine.order_by(Avatar.id.desc()).limit(1))


async def newest_id(session: AsyncSession, user_id: int) -> int:
    """0 when there is none."""
    return await session.scalar(select(func.max(Avatar.id)).where(Avatar.user_id == user_id)) or 0


async def page(session: AsyncSession, user_id: int, number: int) -> AvatarPage:
    """The person's avatars, newest first; a page that isn't there any more is the last one."""
    mine = select(Avatar).where(Avatar.user_id == user_id)
    pages = -(-(await session.scalar(mine.with_only_columns(func.count())) or 0) // PAGE)
    number = max(1, min(number, pages))
    items = await session.scalars(mine.order_by(Avatar.id.desc()).limit(PAGE).offset(PAGE * (number - 1)))
    main = await session.scalar(select(User.main_avatar_id).where(User.id == user_id))
    return AvatarPage(items.all(), number, pages, main)


async def rename(session: AsyncSession, user_id: int, avatar_id: int, name: str) -> Avatar:
    """Raises:
    AvatarNotFound, NameRefused: the avatar isn't this person's, or that is no name.
    """
    avatar = await get(session, user_id, avatar_id, lock=True)
    avatar.name = clean_name(name)
    return avatar


async def open_photos(session: AsyncSession, user_id: int, avatar_id: int) -> Avatar:
    """From now on photos go to this avatar, also if it has a model.

    Raises:
        AvatarNotFound, AvatarBusy: it isn't this person's, or is being trained.
    """
    await lock_user(session, user_id)
    avatar = await get(session, user_id, avatar_id, lock=True)
    if avatar.state not in TRAINABLE:
        raise AvatarBusy(name=avatar.name)
    avatar.photos_open = True
    await make_current(session, user_id, avatar_id)
    return avatar


async def make_main(session: AsyncSession, user_id: int, avatar_id: int) -> None:
    """
    Raises:
        AvatarNotFound: there is none, or it is another's.
    """
    await _choose(session, user_id, avatar_id, main_avatar_id=avatar_id)


async def lock_user(session: AsyncSession, user_id: int) -> None:
    """Other work that holds this person waits until the transaction ends. Taken before any avatar's lock."""
    await session.execute(select(User.id).where(User.id == user_id).with_for_update(key_share=True))


async def language_of(session: AsyncSession, user_id: int) -> str:
    return (await session.get_one(User, user_id)).language


async def set_language(session: AsyncSession, user_id: int, language: str) -> None:
    """From now on the person is spoken to in this language."""
    await session.execute(update(User).where(User.id == user_id).values(language=language))


async def count_photos(session: AsyncSession, avatar_id: int) -> int:
    query = select(func.count()).select_from(AvatarPhoto).where(AvatarPhoto.avatar_id == avatar_id)
    return await session.scalar(query) or 0


async def begin_training(session: AsyncSession, avatar_id: int) -> bool:
    """To TRAINING; false when somebody was first."""
    changed = await session.execute(
        update(Avatar)
        .where(Avatar.id == avatar_id, Avatar.state.in_(TRAINABLE))
        .values(state=AvatarState.TRAINING, photos_open=False)
        .returning(Avatar.id)
    )
    return changed.first() is not None


async def end_trainings(session: AsyncSession, models: Mapping[int, Model]) -> None:
    """Each to COMPLETED with the model that its training gave; without one, to what it was before."""
    urls, finetunes = [model.url for model in models.values()], [m.finetune_id for m in models.values()]
    await (await session.connection()).exec_driver_sql(
        _END, (list(models), urls, finetunes, list(IN_TRAINING))
    )
