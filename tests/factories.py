"""Sample rows, whole enough for every constraint; each is flushed, so that it has its id."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from typing import TypeVar
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.database.models import (
    FINAL,
    Avatar,
    AvatarPhoto,
    AvatarState,
    AvatarType,
    Base,
    Gender,
    InboxEvent,
    Notification,
    NotificationState,
    Outcome,
    RequestState,
    Source,
    Training,
    TrainingKind,
    User,
)

MODEL_URL = "https://v3.fal.media/files/sample/model.safetensors"
NOT_YET_AT_FAL = {RequestState.REQUESTED, RequestState.SUBMITTING, RequestState.SUBMIT_UNKNOWN}
CANCEL_ASKED = {RequestState.CANCELLING, RequestState.CANCELLED}
Row = TypeVar("Row", bound=Base)
_user_ids = count(1000)


async def make_user(session: AsyncSession, user_id: int | None = None, language: str = "ru") -> User:
    user = User(id=user_id or next(_user_ids), language=language)
    return await _added(session, user)


async def make_avatar(
    session: AsyncSession,
    user: User,
    avatar_type: AvatarType = AvatarType.PORTRAIT,
    state: AvatarState = AvatarState.DRAFT,
    name: str = "Aisha",
) -> Avatar:
    """An avatar; a COMPLETED one has a model."""
    avatar = Avatar(
        user_id=user.id,
        type=avatar_type,
        gender=Gender.FEMALE,
        name=name,
        state=state,
        model_url=MODEL_URL if state is AvatarState.COMPLETED else None,
    )
    return await _added(session, avatar)


async def make_photos(
    session: AsyncSession, avatar: Avatar, number: int = 10, first: int = 1
) -> Sequence[AvatarPhoto]:
    """So many photos at the positions from `first`; the storage holds nothing under their keys."""
    photos = [_photo(avatar, position) for position in range(first, first + number)]
    session.add_all(photos)
    await session.flush()
    return photos


async def make_training(
    session: AsyncSession,
    avatar: Avatar,
    state: RequestState = RequestState.REQUESTED,
    kind: TrainingKind = TrainingKind.REAL,
) -> Training:
    """A training that came to `state` the usual way, and its avatar in the state that goes with it."""
    now = datetime.now(UTC)
    model_url = MODEL_URL if state is RequestState.COMPLETED and kind is not TrainingKind.DRILL else None
    submitted = state not in NOT_YET_AT_FAL
    training = Training(
        avatar_id=avatar.id,
        user_id=avatar.user_id,
        kind=kind,
        state=state,
        endpoint="fal-ai/flux-lora-portrait-trainer",
        arguments={"steps": 1000},
        request_id=str(uuid4()) if submitted else None,
        submitted_at=now if submitted else None,
        started_at=now if submitted and state is not RequestState.SUBMITTED else None,
        cancel_asked_at=now if state in CANCEL_ASKED else None,
        finished_at=now if state in FINAL else None,
        failure="no-face" if state is RequestState.FAILED else None,
        model_url=model_url,
    )
    if model_url is not None and kind is TrainingKind.REAL:
        avatar.state, avatar.model_url = AvatarState.COMPLETED, model_url
    elif state not in FINAL:
        avatar.state = AvatarState.TRAINING
    return await _added(session, training)


async def make_inbox_event(
    session: AsyncSession,
    training: Training | None = None,
    body: bytes = b"{}",
    outcome: Outcome | None = None,
) -> InboxEvent:
    """A trusted callback for the training, or for none of ours; handled if it has an outcome."""
    event = InboxEvent(
        request_id=(training.request_id if training else None) or str(uuid4()),
        body=body,
        body_sha256=hashlib.sha256(body).digest(),
        source=Source.FAL,
        trusted=True,
        request_key=training.id if training else None,
        training_type="portrait",
        correlation_id=uuid4().hex,
        handled_at=datetime.now(UTC) if outcome else None,
        outcome=outcome,
    )
    return await _added(session, event)


async def make_notification(
    session: AsyncSession,
    training: Training,
    kind: str = "training_completed",
    state: NotificationState = NotificationState.PENDING,
) -> Notification:
    notification = Notification(
        request_key=training.id,
        kind=kind,
        user_id=training.user_id,
        fact={},
        state=state,
        correlation_id=uuid4().hex,
        sent_at=datetime.now(UTC) if state is NotificationState.SENT else None,
        held_reason="chat not found" if state is NotificationState.HELD else None,
    )
    return await _added(session, notification)


def _photo(avatar: Avatar, position: int) -> AvatarPhoto:
    digest = hashlib.sha256(f"{avatar.id}/{position}".encode()).digest()
    return AvatarPhoto(
        avatar_id=avatar.id,
        position=position,
        sha256=digest,
        storage_key=f"avatars/{avatar.id}/{digest.hex()}.jpg",
        format="JPEG",
        width=1024,
        height=1024,
        size_bytes=200_000,
    )


async def _added(session: AsyncSession, row: Row) -> Row:
    session.add(row)
    await session.flush()
    return row
