"""Every table, one file a family."""

from app.database.models.avatars import Avatar, AvatarPhoto, AvatarState, AvatarType, Gender
from app.database.models.base import Base
from app.database.models.fal_keys import FalKeys
from app.database.models.inbox import InboxEvent, Outcome, Source
from app.database.models.notifications import Notification, NotificationState
from app.database.models.sending import RefusedToken, SendingLimit
from app.database.models.trainings import FINAL, OPEN, Training, TrainingKind, TrainingState
from app.database.models.updates import BotOffset, BotState, BotUpdate, BotUpdateId
from app.database.models.users import User

__all__ = [
    "FINAL",
    "OPEN",
    "Avatar",
    "AvatarPhoto",
    "AvatarState",
    "AvatarType",
    "Base",
    "BotOffset",
    "BotState",
    "BotUpdate",
    "BotUpdateId",
    "FalKeys",
    "Gender",
    "InboxEvent",
    "Notification",
    "NotificationState",
    "Outcome",
    "RefusedToken",
    "SendingLimit",
    "Source",
    "Training",
    "TrainingKind",
    "TrainingState",
    "User",
]
