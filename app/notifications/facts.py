"""What there is to tell a person: typed facts without words, kept as JSON until they are told."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from app.fal.failures import Reason


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True)

    avatar_id: int
    avatar_name: str


class TrainingCompleted(_Fact):
    """With `too_late` the person had asked to cancel it; a `smoke` one gave the avatar no model."""

    kind: Literal["training_completed"] = "training_completed"
    too_late: bool = False
    smoke: bool = False


class DrillCompleted(_Fact):
    """A drill went all the way; no model was trained."""

    kind: Literal["drill_completed"] = "drill_completed"


class TrainingFailed(_Fact):
    """With `has_model` an earlier training gave the avatar one, which it keeps."""

    kind: Literal["training_failed"] = "training_failed"
    failure: Reason
    has_model: bool = False


class TrainingOverdue(_Fact):
    """FAL has been at it for longer than trainings take."""

    kind: Literal["training_overdue"] = "training_overdue"


class TrainingUnconfirmed(_Fact):
    """The reply to its submit was lost; it will be known in so many hours, at the most, whether it runs."""

    kind: Literal["training_unconfirmed"] = "training_unconfirmed"
    hours: int


class TrainingCancelled(_Fact):
    """With `has_model` an earlier training gave the avatar one, which it keeps."""

    kind: Literal["training_cancelled"] = "training_cancelled"
    has_model: bool = False


Fact = (
    TrainingCompleted
    | DrillCompleted
    | TrainingFailed
    | TrainingOverdue
    | TrainingUnconfirmed
    | TrainingCancelled
)
FACT: TypeAdapter[Fact] = TypeAdapter(Annotated[Fact, Field(discriminator="kind")])
