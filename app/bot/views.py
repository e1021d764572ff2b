"""What a screen needs to know, read from the database in one go."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.avatars import service as avatars
from app.avatars.states import photos_changeable
from app.database.models import (
    OPEN,
    Avatar,
    AvatarPhoto,
    AvatarState,
    AvatarType,
    RequestState,
    Training,
    TrainingKind,
    User,
)
from app.fal import logs
from app.fal.failures import Reason
from app.fal.logs import Preparing, Steps
from app.photos import edits
from app.photos.features import Box, Edit
from app.photos.service import PhotoCount, Photos
from app.photos.set_quality import SetRemark, Shots
from app.photos.store import as_sent, edit_of, listing
from app.trainings import service as trainings
from app.trainings.plan import UsualTime, usual_time_of
from app.trainings.purpose import TRAINING


@dataclass(frozen=True, slots=True)
class TrainingView:
    """`position` counts from 1; `doing` is what FAL's log said last.

    `known_in` is in how many hours it will be known at the most, where the reply to its submit was lost.
    `usual` is how long trainings like it take, while it goes on.
    """

    id: UUID
    state: RequestState
    kind: TrainingKind
    minutes: int
    failure: Reason | None
    position: int | None = None
    doing: Steps | Preparing | None = None
    known_in: int | None = None
    usual: UsualTime | None = None


@dataclass(frozen=True, slots=True)
class AvatarView:
    """`to_fix` are the photos that a tap puts right, in their order."""

    id: int
    name: str
    type: AvatarType
    state: AvatarState
    photos: PhotoCount
    training: TrainingView | None
    changeable: bool = True
    main: bool = False
    remarks: Sequence[SetRemark] = ()
    shots: Shots | None = None
    to_fix: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Fixes:
    """What can be done to a photo with a tap.

    turn: by how many degrees, 0 for not at all.
    crop: whether a screenshot can be cut down to the photo in it, which may be too small for that.
    faces: where they are; of several one is to be chosen.
    choices: which of several can be cropped to, counted from 1.
    """

    turn: int = 0
    screenshot: bool = False
    crop: bool = False
    faces: tuple[Box, ...] = ()
    choices: tuple[int, ...] = ()

    @property
    def possible(self) -> bool:
        return bool(self.turn or self.crop or self.choices)

    @property
    def marks(self) -> tuple[Box, ...]:
        """The faces that are shown: several only when they are asked about, which comes last."""
        return () if len(self.faces) > 1 and (self.turn or self.crop) else self.faces


@dataclass(frozen=True, slots=True)
class PhotoView:
    """One of an avatar's photos: the `number`th of `count`; None beside the first and the last.

    `openable` where photos can be changed once they are opened for that. `to_fix_id` is the next one, after
    the last the first again, that a tap puts right.
    """

    avatar_id: int
    avatar_name: str
    id: int
    number: int
    count: int
    previous_id: int | None
    next_id: int | None
    width: int
    height: int
    advice: Sequence[str]
    storage_key: str
    changeable: bool
    openable: bool = False
    edit: Edit = field(default_factory=Edit)
    fixes: Fixes = field(default_factory=Fixes)
    to_fix_id: int | None = None


async def photo_view(
    session: AsyncSession, photos: Photos, user_id: int, avatar_id: int, photo_id: int | None = None
) -> PhotoView | None:
    """The photo, or the first one where it is gone; None when there is none.

    Raises:
        AvatarNotFound: the avatar isn't this person's.
    """
    avatar = await avatars.get(session, user_id, avatar_id)
    listed = await listing(session, avatar_id)
    if not listed:
        return None
    place = next((place for place, photo in enumerate(listed) if photo.id == photo_id), 0)
    photo = listed[place]
    edit = edit_of(photo)
    to_fix = _to_fix([*listed[place + 1 :], *listed[:place]])
    width, height = edit.size(photo.width, photo.height)
    return PhotoView(
        avatar_id=avatar_id,
        avatar_name=avatar.name,
        id=photo.id,
        number=place + 1,
        count=len(listed),
        previous_id=listed[place - 1].id if place else None,
        next_id=listed[place + 1].id if place + 1 < len(listed) else None,
        width=width,
        height=height,
        advice=photos.advice_of(photo),
        storage_key=photo.storage_key,
        changeable=photos_changeable(avatar),
        openable=avatar.state is AvatarState.COMPLETED and not avatar.photos_open,
        edit=edit,
        fixes=_fixes(photo),
        to_fix_id=to_fix[0] if to_fix else None,
    )


def _fixes(photo: AvatarPhoto) -> Fixes:
    features, edit = as_sent(photo), edit_of(photo)
    if features is None:
        return Fixes()
    seen = features.edited(edit)
    faces = tuple(face.box for face in seen.faces or ())
    numbers = range(1, len(faces) + 1) if len(faces) > 1 else ()
    return Fixes(
        turn=seen.turn,
        screenshot=seen.frame is not None,
        crop=edits.without_borders(features, edit) is not None,
        faces=faces,
        choices=tuple(n for n in numbers if edits.cropped_to_face(features, edit, n) is not None),
    )


def _to_fix(photos: Sequence[AvatarPhoto]) -> list[int]:
    return [photo.id for photo in photos if _fixes(photo).possible]


async def avatar_view(session: AsyncSession, photos: Photos, avatar: Avatar) -> AvatarView:
    training = await trainings.latest(session, avatar.id)
    count = await photos.count(session, avatar.id)
    main = await session.scalar(select(User.main_avatar_id).where(User.id == avatar.user_id))
    going_on = training if training and training.state in OPEN else None
    usual = await usual_time_of(session, going_on) if going_on else None
    await session.refresh(avatar)  # so that it is no older than its training, which may just have ended
    changeable = photos_changeable(avatar)
    listed = await listing(session, avatar.id)
    remarks, shots = photos.remarks(listed) if count.ready else ([], None)
    return AvatarView(
        id=avatar.id,
        name=avatar.name,
        type=avatar.type,
        state=avatar.state,
        photos=count,
        training=_training_view(training, usual) if training else None,
        changeable=changeable,
        main=main == avatar.id,
        remarks=remarks,
        shots=shots,
        to_fix=_to_fix(listed) if changeable else (),
    )


async def own_avatar_view(session: AsyncSession, photos: Photos, user_id: int, avatar_id: int) -> AvatarView:
    """As `avatar_view`, for an id that came from a button.

    Raises:
        AvatarNotFound: it isn't this person's.
    """
    return await avatar_view(session, photos, await avatars.get(session, user_id, avatar_id))


def _training_view(training: Training, usual: UsualTime | None) -> TrainingView:
    now = datetime.now(UTC)
    elapsed = now - training.requested_at
    lost = training.state is RequestState.SUBMIT_UNKNOWN
    return TrainingView(
        id=training.id,
        state=training.state,
        kind=training.kind,
        minutes=int(elapsed.total_seconds() // 60),
        failure=Reason(training.failure) if training.failure else None,
        position=None if training.queue_position is None else training.queue_position + 1,
        doing=logs.read(training.last_line or ""),
        known_in=TRAINING.limits.hours_until_known(training, now) if lost else None,
        usual=usual,
    )
