"""What a training is as a request to FAL: its limits in time, its result, and what follows from its end."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from app.avatars import service as avatars
from app.core.settings import Settings
from app.database.models import RequestState, Training, TrainingKind
from app.fal.trainers import TRAINERS, Model, model_of
from app.notifications.facts import (
    DrillCompleted,
    Fact,
    TrainingCancelled,
    TrainingCompleted,
    TrainingFailed,
    TrainingOverdue,
    TrainingUnconfirmed,
)
from app.notifications.service import Announcement
from app.requests.outcome import Ended
from app.requests.poll_schedule import PollSchedule, TimeLimits
from app.requests.purpose import Purpose


class TrainingPurpose(Purpose[Training, Model]):
    name = "training"
    row = Training
    limits = TimeLimits(
        submit_tried_for=timedelta(minutes=30),
        submit_lost_after=timedelta(hours=1),
        runs_at_most=timedelta(hours=3),
        takes_at_most=timedelta(hours=24),
        overdue_interval=timedelta(hours=1),
        overdue_for_at_most=timedelta(days=7),
        unconfirmed_for_at_most=timedelta(hours=4),
        unconfirmed_told_after=timedelta(minutes=15),
        running_checked_after=timedelta(minutes=5),
    )
    result_columns = ("model_url", "finetune_id")
    returning = """avatar_id, kind, smoke, request.model_url, request.finetune_id,
        (SELECT name FROM avatars WHERE avatars.id = request.avatar_id) AS avatar_name,
        (SELECT coalesce(avatars.model_url, avatars.finetune_id) IS NOT NULL FROM avatars
            WHERE avatars.id = request.avatar_id) AS has_model"""

    def schedule(self, settings: Settings) -> PollSchedule:
        return PollSchedule.of(settings, self.limits, with_callbacks=(300, 60), without=(15, 15))

    def callback_parameters(self, request: Training) -> Mapping[str, str]:
        return {"training_type": TRAINERS[request.endpoint].avatar_type}

    def mark(self, request: Training) -> str | None:
        return request.archive_url

    def read(self, request: Training, output: Mapping[str, Any], *, confirmed: bool) -> Model | None:
        if request.simulated:
            return Model()
        return model_of(output, TRAINERS[request.endpoint], confirmed=confirmed)

    def result_values(self, result: Model) -> Sequence[str | None]:
        return result.url, result.finetune_id

    async def settle(self, session: AsyncSession, ended: Sequence[Ended]) -> Sequence[Announcement]:
        """An avatar whose training gave a model is COMPLETED with it; any other is as it was before."""
        models = {each.row.avatar_id: _for_avatar(each.row) for each in ended}
        await avatars.end_trainings(session, models)
        return [
            Announcement(each.row.id, each.row.user_id, _fact(each), each.outcome.correlation_id)
            for each in ended
        ]

    async def overdue(self, session: AsyncSession, request: Training) -> Fact:
        avatar = await avatars.get(session, request.user_id, request.avatar_id)
        return TrainingOverdue(avatar_id=avatar.id, avatar_name=avatar.name)

    async def unconfirmed(self, session: AsyncSession, request: Training, hours: int) -> Fact:
        avatar = await avatars.get(session, request.user_id, request.avatar_id)
        return TrainingUnconfirmed(avatar_id=avatar.id, avatar_name=avatar.name, hours=hours)


TRAINING = TrainingPurpose()


def _for_avatar(row: Row[Any]) -> Model:
    return Model() if row.smoke else Model(row.model_url, row.finetune_id)


def _fact(ended: Ended) -> Fact:
    row, failure = ended.row, ended.outcome.failure
    about = {"avatar_id": row.avatar_id, "avatar_name": row.avatar_name}
    if row.state == RequestState.CANCELLED:
        return TrainingCancelled(**about, has_model=row.has_model)
    if failure is not None:
        return TrainingFailed(**about, failure=failure.reason, has_model=row.has_model)
    if row.kind == TrainingKind.DRILL:
        return DrillCompleted(**about)
    return TrainingCompleted(**about, too_late=row.cancel_asked, trial=row.smoke)
