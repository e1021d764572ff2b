"""What there is to tell a person: typed facts without words, stored as JSON until they are sent."""

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from app.fal.failures import Reason


class _Fact(BaseModel):
    """A `provisional` one isn't sent any more once there is a later fact about the same request."""

    model_config = ConfigDict(frozen=True, serialize_by_alias=True, validate_by_name=True)

    provisional: ClassVar[bool] = False

    avatar_id: int
    avatar_name: str


class TrainingCompleted(_Fact):
    """With `too_late` the person had asked to cancel it; a `trial` gave the avatar no model."""

    kind: Literal["training_completed"] = "training_completed"
    too_late: bool = False
    trial: bool = Field(default=False, alias="smoke")


class DrillCompleted(_Fact):
    """A drill went all the way; no model was trained."""

    kind: Literal["drill_completed"] = "drill_completed"


class TrainingFailed(_Fact):
    """With `has_model` an earlier training gave the avatar one, which it keeps."""

    kind: Literal["training_failed"] = "training_failed"
    failure: Reason
    has_model: bool = False


class TrainingOverdue(_Fact):
    """FAL takes longer than trainings take."""

    provisional = True
    kind: Literal["training_overdue"] = "training_overdue"


class TrainingUnconfirmed(_Fact):
    """The reply to its submit was lost; it will be known in so many hours, at the most, whether it runs."""

    provisional = True
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
