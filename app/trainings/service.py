"""The life of a training until its last word (endings.py): asked for, submitted, cancelled. Nothing commits.

Every move is a compare-and-set against the table of legal transitions; None back means somebody was first.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog
from sqlalchemy import case, func, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.avatars import service as avatars
from app.avatars.states import TRAINABLE
from app.core.errors import AishaError
from app.core.logging import correlation_id
from app.core.settings import Preset, Settings
from app.database.models import OPEN, AvatarState, Training, TrainingKind, TrainingState
from app.fal import trainers
from app.fal.trainers import Trainer
from app.jobs.queue import enqueue
from app.notifications.facts import TrainingOverdue
from app.notifications.service import Announcement, announce
from app.trainings.length import extent
from app.trainings.outcome import Cancelled, Ending, end
from app.trainings.poll_schedule import CANCEL_CHECKED_AFTER, RUNNING_CHECKED_AFTER
from app.trainings.states import SOURCES

SUBMIT = "training.submit"
ASK = "training.ask"
SUBMITTED = "training.submitted"
CANCEL = "training.cancel"

# Longer than the submit job tries: a training that isn't at FAL by then has lost its job.
STUCK_AFTER = timedelta(hours=1)

log = structlog.stdlib.get_logger(__name__)


class TooFewPhotos(AishaError):
    reason = "too-few-photos"


class TrainingsPaused(AishaError):
    """Test mode is on: only the operator trains, and only drills."""

    reason = "trainings-paused"


async def may_train(session: AsyncSession, settings: Settings, user_id: int, avatar_id: int) -> Trainer:
    """The trainer for this avatar; the avatar is held against changes until the transaction ends.

    Raises:
        AvatarNotFound, AvatarBusy, TooFewPhotos: the avatar isn't this person's, or isn't ready.
        TrainingsPaused, TrainerDeprecated: nobody may train it now.
    """
    avatar = await avatars.get(session, user_id, avatar_id, lock=True)
    if avatar.state not in TRAINABLE:
        raise avatars.AvatarBusy(name=avatar.name)
    needed = settings.avatar.min_photos
    have = await avatars.count_photos(session, avatar_id)
    if have < needed:
        raise TooFewPhotos(have=have, needed=needed)
    if settings.avatar.test_mode and user_id != settings.admin.chat_id:
        raise TrainingsPaused
    return trainers.choose(avatar.type, settings.fal)


async def request(
    session: AsyncSession, settings: Settings, user_id: int, avatar_id: int, preset: Preset | None = None
) -> Training:
    """Ask for a training, if `may_train` allows it; it is submitted by a job. Without a preset as last time.

    Asking twice is asking once: while the avatar trains, the training there is comes back.
    """
    avatar = await avatars.get(session, user_id, avatar_id, lock=True)
    last = await latest(session, avatar_id)
    if last is not None and avatar.state is AvatarState.TRAINING:
        return last
    trainer = await may_train(session, settings, user_id, avatar_id)
    wanted = await extent(session, settings.fal, trainer, user_id, preset or (last.preset if last else None))
    training_id = uuid4()
    drill = settings.avatar.test_mode
    training = Training(
        id=training_id,
        avatar_id=avatar_id,
        user_id=user_id,
        kind=TrainingKind.DRILL if drill else TrainingKind.REAL,
        next_check_at=None if drill else datetime.now(UTC) + STUCK_AFTER,
        trainer=trainer.endpoint,
        preset=wanted.preset,
        arguments=trainers.arguments(trainer, wanted.steps, training_id),
        smoke=wanted.smoke,
    )
    session.add(training)
    await session.flush()
    await avatars.begin_training(session, avatar_id)
    payload = {"training_id": str(training_id), "correlation_id": correlation_id()}
    await enqueue(await session.connection(), SUBMIT, [payload])
    return training


async def latest(session: AsyncSession, avatar_id: int) -> Training | None:
    return await session.scalar(
        select(Training)
        .where(Training.avatar_id == avatar_id)
        .order_by(Training.requested_at.desc())
        .limit(1)
    )


async def move(
    session: AsyncSession, training_id: UUID, to: TrainingState, request_id: str | None = None, **values: Any
) -> Training | None:
    """Move a training if the table allows it from where it is now.

    With `request_id` it is FAL's word about that request: a training whose own request was lost from sight
    takes it on, and one that is known by another isn't moved.
    """
    statement = update(Training).where(Training.id == training_id, Training.state.in_(SOURCES[to]))
    if request_id is not None:
        statement = statement.where(func.coalesce(Training.request_id, request_id) == request_id)
        values["request_id"] = request_id
    return await session.scalar(
        statement.values(state=to, **values).returning(Training),
        execution_options={"populate_existing": True},
    )


async def cancel(session: AsyncSession, user_id: int, avatar_id: int) -> None:
    """Have the avatar's training stopped, if there is one; asking twice is asking once.

    One that FAL hasn't heard of is cancelled at once. About any other FAL is asked, by a job.

    Raises:
        AvatarNotFound: the avatar isn't this person's.
    """
    await avatars.get(session, user_id, avatar_id)
    # The training is locked before the avatar, as by whatever else ends it.
    training = await session.scalar(
        select(Training).where(Training.avatar_id == avatar_id, Training.state.in_(OPEN)).with_for_update()
    )
    if training is None:
        return
    unheard_of = training.state is TrainingState.REQUESTED or training.kind is TrainingKind.DRILL
    now = datetime.now(UTC)
    clock: dict[str, Any] = {"next_check_at": now + CANCEL_CHECKED_AFTER, "checks": 0}
    moved = await move(session, training.id, TrainingState.CANCELLING, cancel_asked_at=now, **clock)
    if moved is None:
        return
    if unheard_of:
        await end(session, [Ending(training.id, Cancelled())])
    else:
        await ask_to_cancel(session, training.id)


async def ask_to_cancel(session: AsyncSession, training_id: UUID) -> None:
    payload = {"training_id": str(training_id), "correlation_id": correlation_id()}
    await enqueue(await session.connection(), CANCEL, [payload])


async def begin_submit(
    session: AsyncSession, training_id: UUID, *, with_callback: bool = False
) -> Training | None:
    """Write down that FAL is about to be called: from here on only FAL's answer says what happened."""
    return await move(session, training_id, TrainingState.SUBMITTING, with_callback=with_callback)


async def submitted(
    session: AsyncSession, training_id: UUID, request_id: str, check_at: datetime | None
) -> Training | None:
    """Keep FAL's request id, also when a callback overtook the reply and the training has moved on.

    From `check_at` on, silence is a reason to ask. A callback may have come before this was known.
    """
    payload = {"request_id": request_id, "correlation_id": correlation_id()}
    await enqueue(await session.connection(), SUBMITTED, [payload])
    moved = await move(
        session,
        training_id,
        TrainingState.SUBMITTED,
        request_id,
        submitted_at=func.now(),
        next_check_at=check_at,
    )
    if moved is None:
        await _learn(session, training_id, request_id, check_at)
    return moved


async def _learn(
    session: AsyncSession, training_id: UUID, request_id: str, check_at: datetime | None
) -> None:
    """Keep the request id of a training that has moved on. One being cancelled waited for just that."""
    cancelling = Training.state == TrainingState.CANCELLING
    state = await session.scalar(
        update(Training)
        .where(Training.id == training_id)
        .values(
            submitted_at=func.now(),
            next_check_at=case((cancelling, Training.next_check_at), else_=check_at),
            request_id=func.coalesce(Training.request_id, request_id),
        )
        .returning(Training.state)
    )
    if state is TrainingState.CANCELLING:
        await ask_to_cancel(session, training_id)


async def not_accepted(session: AsyncSession, training_id: UUID) -> None:
    """FAL surely didn't take the call: it may be made anew, unless the training is to be cancelled."""
    if await move(session, training_id, TrainingState.REQUESTED) is None:
        await end(session, [Ending(training_id, Cancelled())])


async def started(session: AsyncSession, training_id: UUID, request_id: str) -> Training | None:
    """FAL has begun to work on it."""
    return await move(
        session,
        training_id,
        TrainingState.RUNNING,
        request_id,
        started_at=func.now(),
        queue_position=None,
        # If the reply that sets the clock is lost, this has set it.
        next_check_at=func.least(Training.next_check_at, func.now() + RUNNING_CHECKED_AFTER),
    )


async def heard(
    session: AsyncSession,
    training_id: UUID,
    request_id: str,
    *,
    position: int | None = None,
    line: str | None = None,
) -> None:
    """Keep what FAL said last about an open training, for whoever looks at its status.

    Two may ask at a time, and be heard in the wrong order: one that was seen to run waits in no queue.
    """
    unseen = true() if position is None else Training.started_at.is_(None)
    await session.execute(
        update(Training)
        .where(Training.id == training_id, Training.state.in_(OPEN), Training.request_id == request_id)
        .where(unseen)
        .values(queue_position=position, last_line=line, unanswered=None)
    )


async def unanswered(session: AsyncSession, training_id: UUID, why: str | None) -> None:
    """Keep why FAL's last answer was none, for operators and for the end; None when FAL wasn't reached."""
    await session.execute(update(Training).where(Training.id == training_id).values(unanswered=why))


async def overdue(session: AsyncSession, training_id: UUID) -> Training | None:
    """It takes longer than trainings do. The person is told so; FAL's word still ends it."""
    training = await move(session, training_id, TrainingState.OVERDUE)
    if training is not None:
        avatar = await avatars.get(session, training.user_id, training.avatar_id)
        fact = TrainingOverdue(avatar_id=avatar.id, avatar_name=avatar.name)
        await announce(session, [Announcement(training.id, training.user_id, fact)])
    return training


async def ask_fal(
    session: AsyncSession, training_id: UUID, request_id: str | None, *, failed: str | None = None
) -> None:
    """Have FAL asked how a training is doing, because nobody's word for it is taken, or says enough.

    `failed` is the detail of a failure that a trusted callback told without a reason; it holds if FAL answers
    and doesn't tell more.
    """
    payload = {
        "training_id": str(training_id),
        "request_id": request_id,
        "correlation_id": correlation_id(),
        "failed": failed,
    }
    await enqueue(await session.connection(), ASK, [payload])
