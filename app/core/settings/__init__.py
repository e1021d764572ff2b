"""Settings by section, read from the environment and `.env`; all that is wrong is reported in one message."""

from app.core.settings.load import Settings
from app.core.settings.section import PLACEHOLDER, Problem, Section, SettingsError
from app.core.settings.sections import (
    AdminSettings,
    ApiSettings,
    AvatarSettings,
    BotSettings,
    EdgeSettings,
    Environment,
    FalSettings,
    GeneralSettings,
    JobSettings,
    LogSettings,
    MinioSettings,
    PhotoSettings,
    Preset,
    ReconcileSettings,
    TelegramSettings,
)

__all__ = [
    "PLACEHOLDER",
    "AdminSettings",
    "ApiSettings",
    "AvatarSettings",
    "BotSettings",
    "EdgeSettings",
    "Environment",
    "FalSettings",
    "GeneralSettings",
    "JobSettings",
    "LogSettings",
    "MinioSettings",
    "PhotoSettings",
    "Preset",
    "Problem",
    "ReconcileSettings",
    "Section",
    "Settings",
    "SettingsError",
    "TelegramSettings",
]
