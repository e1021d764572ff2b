"""Every table, one file a family."""

from app.database.models.avatars import Avatar, AvatarPhoto, AvatarState, AvatarType, Gender
from app.database.models.base import Base
from app.database.models.consents import Consent
from app.database.models.errors import ReportedError
from app.database.models.fal_keys import FalKeys
from app.database.models.forgotten import ForgottenRequest
from app.database.models.inbox import InboxEvent, Outcome, Source
from app.database.models.notifications import Notification, NotificationState
from app.database.models.requests import FINAL, OPEN, FalRequest, RequestState
from app.database.models.sending import RefusedToken, SendingLimit
from app.database.models.status_messages import StatusMessage
from app.database.models.trainings import Training, TrainingKind
from app.database.models.trial_mode import TrialMode
from app.database.models.updates import BotOffset, BotState, BotUpdate, BotUpdateId
from app.database.models.uploads import Upload, UploadState, WaitingPhoto
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
    "Consent",
    "FalKeys",
    "FalRequest",
    "ForgottenRequest",
    "Gender",
    "InboxEvent",
    "Notification",
    "NotificationState",
    "Outcome",
    "RefusedToken",
    "ReportedError",
    "RequestState",
    "SendingLimit",
    "Source",
    "StatusMessage",
    "Training",
    "TrainingKind",
    "TrialMode",
    "Upload",
    "UploadState",
    "User",
    "WaitingPhoto",
]
