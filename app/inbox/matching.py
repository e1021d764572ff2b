"""Which training a delivery is about, and whether its word is taken: the table of docs/callbacks.md."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.database.models import OPEN, Source, Training, TrainingKind, TrainingState
from app.inbox.admission import Delivery, Unwelcome


@dataclass(frozen=True, slots=True)
class Match:
    """`proven` by what only FAL and we know; a comment's payload can be made by any customer of FAL."""

    training_id: UUID
    state: TrainingState
    kind: TrainingKind
    proven: bool


async def candidates(session: AsyncSession, deliveries: Sequence[Delivery]) -> Sequence[Training]:
    """Every training that one of these may be about, in one question."""
    named = {found for each in deliveries for found in (each.named, each.commented) if found}
    known = {each.request_id for each in deliveries}
    query = select(Training).where(or_(Training.request_id.in_(known), Training.id.in_(named)))
    return (await session.scalars(query)).all()


def match(delivery: Delivery, trainings: Sequence[Training]) -> Match | None:
    """By FAL's request id, else by our token, else by the training's id in the payload's comment.

    A token counts while its training is open and its request id unknown: whoever learnt an address can't
    finish the training with a job of their own, nor with another training's callback.
    """
    known = next((item for item in trainings if item.request_id == delivery.request_id), None)
    training = known or _awaiting(trainings, delivery.named) or _awaiting(trainings, delivery.commented)
    if training is None:
        return None
    proven = training is known or training.id == delivery.named
    return Match(training.id, training.state, training.kind, proven)


def _awaiting(trainings: Sequence[Training], named: UUID | None) -> Training | None:
    training = next((item for item in trainings if item.id == named), None)
    return training if training and training.request_id is None and training.state in OPEN else None


def trusted(delivery: Delivery, matched: Match | None) -> bool:
    """Whether the delivery's word is taken; if it isn't, FAL is asked.

    Raises:
        Unwelcome: nothing here is of ours, or the training is over and this is no fresh, readable word of it.
    """
    if matched is None:
        if delivery.pinned and delivery.fresh and delivery.callback:
            return True
        raise Unwelcome
    if delivery.source is Source.SIMULATION:
        return matched.kind is TrainingKind.DRILL
    if delivery.fresh and delivery.callback and (matched.proven or delivery.pinned):
        return True
    if matched.state in OPEN and (delivery.callback or delivery.named == matched.training_id):
        return False
    raise Unwelcome
