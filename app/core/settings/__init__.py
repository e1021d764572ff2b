"""Settings by section, read from the environment and `.env`; what is wrong is told in one message."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal, Self, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.core.errors import CannotStart
from app.core.setting_types import Hosts, Networks, Origins
from app.core.urls import DatabaseUrl, Endpoint, unusable_proxies

PLACEHOLDER = "CHANGE_ME"


SectionT = TypeVar("SectionT", bound="Section")


class Environment(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Preset(StrEnum):
    FAST = "fast"
    BALANCED = "balanced"
    QUALITY = "quality"


@dataclass(frozen=True)
class Problem:
    """One variable that keeps a process from starting, and what to do about it."""

    variable: str
    what: str
    remedy: str


class SettingsError(CannotStart):
    """The process can't start with these settings; `str()` is the whole message for the operator."""

    reason = "settings"

    def __init__(self, problems: list[Problem]) -> None:
        width = max(len(problem.variable) for problem in problems)
        head = f"Cannot start: {len(problems)} setting{'s' if len(problems) > 1 else ''} to mend."
        rows = [f"  {p.variable:<{width}}  {p.what}. {p.remedy}" for p in problems]
        foot = "Set them in .env or in the environment (.env.example lists all of them), then start again."
        super().__init__("\n".join([head, *rows, foot]))
        self.problems = problems


class Section(BaseSettings):
    model_config = SettingsConfigDict(
        env_file=".env",
        extra="ignore",
        env_ignore_empty=True,
        frozen=True,
        hide_input_in_errors=True,
        str_strip_whitespace=True,
    )


class GeneralSettings(Section):
    environment: Environment = Environment.DEVELOPMENT
    data_dir: Path = Path("var")
    database_url: DatabaseUrl | None = None
    support_contact: str = ""
    redis_url: SecretStr | None = None


class TelegramSettings(Section):
    """Seconds for an answer; messages a second of the outbox, over all instances and per chat."""

    model_config = SettingsConfigDict(env_prefix="TELEGRAM_")

    token: SecretStr = SecretStr("")
    api_url: str = "https://api.telegram.org"
    timeout: float = Field(15, gt=0)
    rate: int = Field(25, ge=1)
    chat_rate: int = Field(1, ge=1)
    webhook_url: str = ""
    webhook_secret: SecretStr = SecretStr("")


class BotSettings(Section):
    """Where the bot listens, for Telegram in webhook mode and for who scrapes its metrics."""

    model_config = SettingsConfigDict(env_prefix="BOT_")

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=1, le=65535)
    metrics_port: int | None = Field(None, ge=1, le=65535)


class FalSettings(Section):
    model_config = SettingsConfigDict(env_prefix="FAL_")

    api_key: SecretStr = Field(SecretStr(""), validation_alias=AliasChoices("FAL_API_KEY", "FAL_KEY"))
    webhook_url: str = ""
    webhook_secret: SecretStr = SecretStr("")
    webhook_user_id: str = ""
    webhook_verify: bool = True
    jwks_url: str = "https://rest.fal.ai/.well-known/jwks.json"
    jwks_timeout: float = Field(5, gt=0)
    training_preset: Preset = Preset.BALANCED
    portrait_steps: int | None = Field(None, ge=1, le=10_000)
    style_steps: int | None = Field(None, ge=1, le=10_000)
    pro_iterations: int | None = Field(None, ge=1, le=10_000)
    style_trainer: Literal["flux-lora-fast-training", "flux-pro-trainer"] = "flux-lora-fast-training"
    allow_deprecated: bool = False

    @property
    def secrets(self) -> list[str]:
        """The webhook secrets, newest first: the first signs, all of them verify."""
        parts = (part.strip() for part in self.webhook_secret.get_secret_value().split(","))
        return [part for part in parts if part]


class AvatarSettings(Section):
    model_config = SettingsConfigDict(env_prefix="AVATAR_")

    test_mode: bool = False
    min_photos: int = Field(10, ge=4, le=50)
    max_photos: int = Field(20, ge=4, le=50)


class PhotoSettings(Section):
    """When a photo is refused, and when advised against; app/photos/measuring.py tells what is measured.

    highlights_...: of 255; clipped_..., face_clipped_...: shares; face_advised: share of the shorter side.
    copy_misfit: per cent of the contrast; alike_bits: of 64, so few differ in hashes of alike photos.
    background_alike: of 255, so little differs in the mean colours along the borders.
    The tables behind the defaults are in docs/photos.md.
    """

    model_config = SettingsConfigDict(env_prefix="PHOTO_")

    max_stretch: float = Field(3, ge=1, le=10)
    sharpness_refused: float = Field(1.5, ge=0)
    sharpness_advised: float = Field(2.5, ge=0)
    face_sharpness_refused: float = Field(1.9, ge=0)
    face_sharpness_advised: float = Field(2.8, ge=0)
    highlights_refused: float = Field(60, ge=0, le=255)
    highlights_advised: float = Field(110, ge=0, le=255)
    clipped_refused: float = Field(0.95, gt=0, le=1)
    clipped_advised: float = Field(0.8, gt=0, le=1)
    face_clipped_advised: float = Field(0.3, gt=0, le=1)
    face_advised: float = Field(0.11, ge=0, le=1)
    stretch_advised: float = Field(2.2, ge=1)
    side_advised: int = Field(900, ge=512)
    copy_misfit: float = Field(7.5, ge=0)
    alike_bits: int = Field(10, ge=0, le=64)
    background_alike: float = Field(12, ge=0, le=255)
    faces: bool = True


class MinioSettings(Section):
    """A scheme in `endpoint` says whether it is asked over TLS; without one `secure` does."""

    model_config = SettingsConfigDict(env_prefix="MINIO_")

    endpoint: Endpoint = ""
    access_key: SecretStr = SecretStr("")
    secret_key: SecretStr = SecretStr("")
    bucket: str = Field("avatars", min_length=3)
    secure: bool = True

    @property
    def address(self) -> tuple[str, bool]:
        """Host and port, and whether over TLS."""
        scheme, _, rest = self.endpoint.rpartition("://")
        return rest.rstrip("/"), scheme.lower() == "https" if scheme else self.secure


class ApiSettings(Section):
    """Seconds: how long a whole head, and then a whole body, may take; how long a callback may be stored."""

    model_config = SettingsConfigDict(env_prefix="API_")

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65535)
    worker: bool = True
    read_timeout: float = Field(10, gt=0)
    store_timeout: float = Field(12, gt=0)


class EdgeSettings(Section):
    """Who gets as far as a route, and TLS without nginx."""

    ssl_certfile: Path | None = None
    ssl_keyfile: Path | None = None
    allowed_hosts: Hosts = ()
    cors_origins: Origins = ()
    allowed_ips: Networks = ()
    trusted_proxies: Networks = ()


class JobSettings(Section):
    """Seconds: how long a silent worker keeps its job, and how often a worker looks by itself."""

    model_config = SettingsConfigDict(env_prefix="JOBS_")

    heartbeat_timeout: float = Field(12, ge=1)
    dequeue_timeout: float = Field(5, ge=0.1)


class ReconcileSettings(Section):
    """Seconds of silence before FAL is asked, and between questions; unset, they depend on the callbacks."""

    model_config = SettingsConfigDict(env_prefix="RECONCILE_")

    after: int | None = Field(None, ge=1)
    interval: int | None = Field(None, ge=1)


class AdminSettings(Section):
    model_config = SettingsConfigDict(env_prefix="ADMIN_")

    token: SecretStr = SecretStr("")
    chat_id: int | None = None


class LogSettings(Section):
    model_config = SettingsConfigDict(env_prefix="LOG_")

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["console", "json"] = "console"
    dir: Path | None = None


@dataclass(frozen=True)
class Settings:
    general: GeneralSettings
    telegram: TelegramSettings
    bot: BotSettings
    fal: FalSettings
    avatar: AvatarSettings
    photo: PhotoSettings
    minio: MinioSettings
    api: ApiSettings
    edges: EdgeSettings
    jobs: JobSettings
    reconcile: ReconcileSettings
    admin: AdminSettings
    log: LogSettings

    @classmethod
    def load(cls) -> Self:
        """Read every section.

        Raises:
            SettingsError: something is missing, a placeholder or malformed; all of it is named at once.
        """
        settings, problems = cls.read()
        if problems:
            raise SettingsError(problems)
        return settings

    @classmethod
    def read(cls) -> tuple[Self, list[Problem]]:
        """Every section as far as it can be read, and all that keeps a process from starting with it."""
        problems: list[Problem] = []
        settings = cls(
            general=_read(GeneralSettings, problems),
            telegram=_read(TelegramSettings, problems),
            bot=_read(BotSettings, problems),
            fal=_read(FalSettings, problems),
            avatar=_read(AvatarSettings, problems),
            photo=_read(PhotoSettings, problems),
            minio=_read(MinioSettings, problems),
            api=_read(ApiSettings, problems),
            edges=_read(EdgeSettings, problems),
            jobs=_read(JobSettings, problems),
            reconcile=_read(ReconcileSettings, problems),
            admin=_read(AdminSettings, problems),
            log=_read(LogSettings, problems),
        )
        named = {problem.variable for problem in problems}
        problems += [problem for problem in _unmet(settings) if problem.variable not in named]
        return settings, problems

    @property
    def in_production(self) -> bool:
        return self.general.environment is Environment.PRODUCTION

    def secrets(self) -> list[str]:
        """Every secret value, for the last guard of the logs."""
        telegram, minio = self.telegram, self.minio
        held = [telegram.token, telegram.webhook_secret, self.fal.api_key, self.admin.token]
        held += [minio.access_key, minio.secret_key]
        servers = [url for url in (self.general.database_url, self.general.redis_url) if url]
        values = [item.get_secret_value() for item in held] + self.fal.secrets
        passwords = [urlsplit(url.get_secret_value()).password for url in servers]
        return [form for value in [*values, *passwords] if value for form in {value, unquote(value)}]


REMEDIES = {
    "DATABASE_URL": "postgresql://user:password@host/name; `make run` brings a database of its own",
    "TELEGRAM_TOKEN": "Ask @BotFather in Telegram: /newbot, or /token for an existing bot",
    "TELEGRAM_WEBHOOK_URL": "The public https address that leads to BOT_HOST:BOT_PORT; empty: the bot polls",
    "TELEGRAM_WEBHOOK_SECRET": "Make one with: openssl rand -hex 32",
    "REDIS_URL": "redis://:password@host:6379/0; empty: one bot process, its state in the database",
    "FAL_API_KEY": "Create one at https://fal.ai/dashboard/keys",
    "FAL_WEBHOOK_URL": "The public https address of /api/v1/avatar/status_update on this service",
    "FAL_WEBHOOK_SECRET": "Make one with: openssl rand -hex 32",
    "ADMIN_TOKEN": "Make one with: openssl rand -hex 32",
    "ADMIN_CHAT_ID": "Your own numeric Telegram id; @userinfobot in Telegram shows it",
}


def _read(section: type[SectionT], problems: list[Problem]) -> SectionT:
    """The section as the environment has it; what is malformed becomes a problem and its default stands."""
    try:
        values = section()
    except ValidationError as error:
        malformed = {str(item["loc"][0]): item for item in error.errors()}
        problems += [_problem(section, name, str(e.get("input")), e["msg"]) for name, e in malformed.items()]
        values = section(**{name: section.model_fields[name].default for name in malformed})
    for name, value in values:
        text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        if PLACEHOLDER in text:
            problems.append(_problem(section, name, text, ""))
    return values


def _problem(section: type[Section], field: str, value: str, message: str) -> Problem:
    prefix = section.model_config.get("env_prefix", "")
    variable = field if field.isupper() else f"{prefix}{field}".upper()
    what = "is still a placeholder" if PLACEHOLDER in value else message[:1].lower() + message[1:]
    return Problem(variable, what, REMEDIES.get(variable, "See .env.example"))


def _unmet(settings: Settings) -> Iterator[Problem]:
    """What this environment needs and doesn't have."""
    drills = settings.avatar.test_mode and not settings.in_production
    given: dict[str, object] = {
        "TELEGRAM_TOKEN": settings.telegram.token.get_secret_value(),
        "FAL_API_KEY": settings.fal.api_key.get_secret_value() or drills,
    }
    if settings.in_production:
        given |= {
            "DATABASE_URL": settings.general.database_url,
            "FAL_WEBHOOK_URL": settings.fal.webhook_url,
            "ADMIN_TOKEN": settings.admin.token.get_secret_value(),
        }
    if settings.telegram.webhook_url:
        given["TELEGRAM_WEBHOOK_SECRET"] = settings.telegram.webhook_secret.get_secret_value()
    if settings.in_production or settings.fal.webhook_url:
        given["FAL_WEBHOOK_SECRET"] = settings.fal.secrets
    if drills:
        given["ADMIN_CHAT_ID"] = settings.admin.chat_id
    for variable, value in given.items():
        if not value:
            yield Problem(variable, "is missing", REMEDIES[variable])
    yield from _contradictions(settings)


def _contradictions(settings: Settings) -> Iterator[Problem]:
    for variable in unusable_proxies():
        yield Problem(variable, "names a proxy that isn't http", "Set an http proxy, or unset it")
    token = settings.telegram.token.get_secret_value()
    if token and not re.fullmatch(r"\d+:\S+", token):
        yield Problem("TELEGRAM_TOKEN", "is no bot's token (digits:letters)", REMEDIES["TELEGRAM_TOKEN"])
    redis = settings.general.redis_url
    if redis and not re.match(r"(rediss?|unix)://", redis.get_secret_value()):
        yield Problem("REDIS_URL", "must start with redis://, rediss:// or unix://", REMEDIES["REDIS_URL"])
    webhooks = {
        "FAL_WEBHOOK_URL": settings.fal.webhook_url,
        "TELEGRAM_WEBHOOK_URL": settings.telegram.webhook_url,
    }
    allowed = {"", "https"} if settings.in_production else {"", "https", "http"}
    for variable, url in webhooks.items():
        if url.partition("://")[0] not in allowed:
            yield Problem(variable, "must start with https://", REMEDIES[variable])
    secret = settings.telegram.webhook_secret.get_secret_value()
    if secret and not re.fullmatch(r"[\w-]{1,256}", secret, re.ASCII):
        what = "may hold up to 256 letters, digits, _ and -"
        yield Problem("TELEGRAM_WEBHOOK_SECRET", what, REMEDIES["TELEGRAM_WEBHOOK_SECRET"])
    if settings.in_production and not settings.fal.webhook_verify:
        yield Problem("FAL_WEBHOOK_VERIFY", "is off in production", "Remove it")
    if settings.in_production and settings.avatar.test_mode:
        yield Problem("AVATAR_TEST_MODE", "is on in production", "Remove it: trainings would be drills")
    certificate = {"SSL_CERTFILE": settings.edges.ssl_certfile, "SSL_KEYFILE": settings.edges.ssl_keyfile}
    if any(certificate.values()):
        for variable in (name for name, path in certificate.items() if path is None):
            yield Problem(variable, "is missing beside its pair", "Set both, or neither")
    if settings.avatar.min_photos > settings.avatar.max_photos:
        yield Problem("AVATAR_MIN_PHOTOS", "is more than AVATAR_MAX_PHOTOS", "Lower it, or raise the other")
    if settings.fal.style_trainer == "flux-pro-trainer" and not settings.fal.allow_deprecated:
        yield Problem(
            "FAL_STYLE_TRAINER",
            "names a trainer that FAL no longer supports",
            "Remove it, or set FAL_ALLOW_DEPRECATED=true",
        )
