"""Every setting: its variable is the section's prefix and the field's name, in capitals."""

from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, SecretStr
from pydantic_settings import SettingsConfigDict

from app.core.setting_types import BotToken, CallbackSecret, Hosts, Networks, Origins, RedisUrl, WebhookUrl
from app.core.settings.section import Section, setting
from app.core.urls import DatabaseUrl, Endpoint

_MAKE_ONE = "Make one with: openssl rand -hex 32"


class Environment(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Preset(StrEnum):
    FAST = "fast"
    BALANCED = "balanced"
    QUALITY = "quality"


class GeneralSettings(Section):
    """The process, and where things are stored."""

    environment: Environment = setting(Environment.DEVELOPMENT, "`development` or `production`")
    data_dir: Path = setting(Path("var"), "the embedded database, and photos when there is no bucket")
    database_url: DatabaseUrl | None = setting(
        None,
        "`postgresql://user:password@host/name`, or as a provider hands it out (`postgres://`, `?sslmode=`); "
        "a pooler before it in session mode only. Empty: `make run` brings a Postgres of its own",
        remedy="postgresql://user:password@host/name; `make run` brings a database of its own",
    )
    support_contact: str = setting("", "where people write when something is wrong, as /support shows it")
    redis_url: RedisUrl | None = setting(
        None,
        "`redis://:password@host:6379/0`, for several bot processes in webhook mode; "
        "empty: one, its state in the database",
        remedy="redis://:password@host:6379/0; empty: one bot process, its state in the database",
    )


class TelegramSettings(Section):
    """The Bot API, for both processes."""

    model_config = SettingsConfigDict(env_prefix="TELEGRAM_")

    token: BotToken = setting(
        SecretStr(""),
        "the bot's token: @BotFather in Telegram, /newbot",
        remedy="Ask @BotFather in Telegram: /newbot, or /token for an existing bot",
    )
    api_url: str = setting("https://api.telegram.org", "a local Bot API server may be http")
    timeout: float = setting(15, "seconds that Telegram may take to confirm a message", gt=0)
    rate: int = setting(25, "messages a second of the outbox, over all instances", ge=1)
    chat_rate: int = setting(1, "messages a second of the outbox in one chat", ge=1)
    webhook_url: WebhookUrl = setting(
        "",
        "the public https address that leads to `BOT_HOST:BOT_PORT`: Telegram brings updates there. "
        "Empty: the bot polls, and is one process",
        remedy="The public https address that leads to BOT_HOST:BOT_PORT; empty: the bot polls",
    )
    webhook_secret: CallbackSecret = setting(
        SecretStr(""), "needed with the address; 1 to 256 letters, digits, `_` and `-`", remedy=_MAKE_ONE
    )


class BotSettings(Section):
    """Where the bot listens, for Telegram in webhook mode and for who scrapes its metrics."""

    model_config = SettingsConfigDict(env_prefix="BOT_")

    host: str = setting("127.0.0.1", "the address it listens on")
    port: int = setting(8080, "the port for Telegram's webhook", ge=1, le=65535)
    metrics_port: int | None = setting(None, "a port for its metrics; empty: none", ge=1, le=65535)


class FalSettings(Section):
    """FAL: the account, its callbacks, and what a training is."""

    model_config = SettingsConfigDict(env_prefix="FAL_")

    api_key: SecretStr = setting(
        SecretStr(""),
        "FAL's key, from https://fal.ai/dashboard/keys; `FAL_KEY` is read too",
        remedy="Create one at https://fal.ai/dashboard/keys",
        validation_alias=AliasChoices("FAL_API_KEY", "FAL_KEY"),
    )
    webhook_url: WebhookUrl = setting(
        "",
        "the public https address of `/api/v1/avatar/status_update`; empty: no callbacks, results are polled",
        remedy="The public https address of /api/v1/avatar/status_update on this service",
    )
    webhook_secret: SecretStr = setting(
        SecretStr(""),
        "needed with the address, in which it signs what is ours (openssl rand -hex 32); rotate: `new,old`",
        remedy=_MAKE_ONE,
    )
    webhook_user_id: str = setting(
        "", "your FAL account's id: callbacks signed for another account are rejected"
    )
    webhook_verify: bool = setting(True, "`off` accepts unsigned callbacks; refused in production")
    jwks_url: str = setting("https://rest.fal.ai/.well-known/jwks.json", "where FAL publishes its keys")
    jwks_timeout: float = setting(5, "seconds that a fetch of FAL's keys may take", gt=0)
    training_preset: Preset = setting(Preset.BALANCED, "`fast`, `balanced` or `quality`")
    portrait_steps: int | None = setting(None, "steps of portraits, instead of the preset's", ge=1, le=10_000)
    style_steps: int | None = setting(None, "steps of styles, instead of the preset's", ge=1, le=10_000)
    pro_iterations: int | None = setting(
        None, "iterations of `flux-pro-trainer`, instead of the preset's", ge=1, le=10_000
    )
    style_trainer: Literal["flux-lora-fast-training", "flux-pro-trainer"] = setting(
        "flux-lora-fast-training",
        "the trainer of styles; `flux-pro-trainer` is deprecated and needs `FAL_ALLOW_DEPRECATED=true`",
    )
    allow_deprecated: bool = setting(False, "whether a deprecated trainer may be used")

    @property
    def secrets(self) -> list[str]:
        """The webhook secrets, newest first: the first signs, all of them verify."""
        parts = (part.strip() for part in self.webhook_secret.get_secret_value().split(","))
        return [part for part in parts if part]


class AvatarSettings(Section):
    """Avatars."""

    model_config = SettingsConfigDict(env_prefix="AVATAR_")

    test_mode: bool = setting(
        False, "trainings become drills of `ADMIN_CHAT_ID`, nothing is sent to FAL; refused in production"
    )
    min_photos: int = setting(10, "how many photos an avatar needs", ge=4, le=50)
    max_photos: int = setting(20, "how many photos an avatar may have", ge=4, le=50)


class PhotoSettings(Section):
    """When a photo is refused, and when it is accepted with advice; [photos](photos.md) has the tables."""

    model_config = SettingsConfigDict(env_prefix="PHOTO_")

    max_stretch: float = setting(3, "how many times longer than the other a side may be", ge=1, le=10)
    stretch_advised: float = setting(2.2, "how many times longer than the other a side should be", ge=1)
    side_advised: int = setting(900, "pixels that the shorter side should have", ge=512)
    face_advised: float = setting(0.11, "share of the shorter side that a face should have", ge=0, le=1)
    sharpness_refused: float = setting(1.5, "least sharpness of the whole picture", ge=0)
    sharpness_advised: float = setting(2.5, "sharpness of the whole picture without advice", ge=0)
    face_sharpness_refused: float = setting(1.9, "least sharpness of the face", ge=0)
    face_sharpness_advised: float = setting(2.8, "sharpness of the face without advice", ge=0)
    highlights_refused: float = setting(60, "of 255: how light the lightest parts must be", ge=0, le=255)
    highlights_advised: float = setting(110, "of 255: how light the lightest parts should be", ge=0, le=255)
    clipped_refused: float = setting(0.95, "share of white pixels from which a photo is refused", gt=0, le=1)
    clipped_advised: float = setting(0.8, "share of white pixels from which there is advice", gt=0, le=1)
    face_clipped_advised: float = setting(
        0.3, "share of white pixels in the face from which there is advice", gt=0, le=1
    )
    copy_misfit: float = setting(7.5, "per cent of the contrast by which copies may differ", ge=0)
    alike_bits: int = setting(10, "of 64 bits: how many may differ in photos that are alike", ge=0, le=64)
    background_alike: float = setting(12, "of 255: how much like backgrounds may differ", ge=0, le=255)
    faces: bool = setting(True, "whether faces are looked for")


class MinioSettings(Section):
    """A bucket for photos (S3, MinIO)."""

    model_config = SettingsConfigDict(env_prefix="MINIO_")

    endpoint: Endpoint = setting(
        "", "`host:port`, or with `https://` or `http://`; empty: a folder in `DATA_DIR`"
    )
    access_key: SecretStr = setting(SecretStr(""), "the bucket's access key")
    secret_key: SecretStr = setting(SecretStr(""), "the bucket's secret key")
    bucket: str = setting("avatars", "the bucket's name", min_length=3)
    secure: bool = setting(True, "over TLS, unless the endpoint begins with a scheme")

    @property
    def address(self) -> tuple[str, bool]:
        """Host and port, and whether over TLS."""
        scheme, _, rest = self.endpoint.rpartition("://")
        return rest.rstrip("/"), scheme.lower() == "https" if scheme else self.secure


class ApiSettings(Section):
    """The webhook service."""

    model_config = SettingsConfigDict(env_prefix="API_")

    host: str = setting("127.0.0.1", "the address it listens on")
    port: int = setting(8000, "the port it listens on", ge=1, le=65535)
    worker: bool = setting(True, "`off` leaves jobs to other instances")
    read_timeout: float = setting(10, "seconds for a request's head, and then for its body", gt=0)
    store_timeout: float = setting(12, "seconds for storing a callback, of the 15 that FAL waits", gt=0)


class EdgeSettings(Section):
    """Who gets as far as a route, and TLS without nginx. Lists have commas between their items."""

    ssl_certfile: Path | None = setting(None, "TLS without nginx: the certificate with its chain")
    ssl_keyfile: Path | None = setting(None, "TLS without nginx: the certificate's key")
    allowed_hosts: Hosts = setting(
        (),
        "host names in requests, `*.aisha.example` too (for /health, /live, /metrics: any); empty: any",
    )
    cors_origins: Origins = setting((), "origins whose pages may read the operators' routes")
    allowed_ips: Networks = setting((), "the only networks that callbacks may come from; empty: any")
    trusted_proxies: Networks = setting(
        (), "proxies whose X-Forwarded-For counts, like 127.0.0.1 for nginx beside the service"
    )


class JobSettings(Section):
    """The job queue."""

    model_config = SettingsConfigDict(env_prefix="JOBS_")

    heartbeat_timeout: float = setting(12, "seconds after which a silent worker's jobs are taken over", ge=1)
    dequeue_timeout: float = setting(5, "seconds after which a worker looks for jobs by itself", ge=0.1)


class ReconcileSettings(Section):
    """Polling FAL. Empty: it depends on whether there are callbacks."""

    model_config = SettingsConfigDict(env_prefix="RECONCILE_")

    after: int | None = setting(
        None, "seconds of silence before FAL is polled: 300, or 15 without `FAL_WEBHOOK_URL`", ge=1
    )
    interval: int | None = setting(
        None, "seconds between polls: 60 and doubling to 600, or 15 without `FAL_WEBHOOK_URL`", ge=1
    )


class AdminSettings(Section):
    """Operators."""

    model_config = SettingsConfigDict(env_prefix="ADMIN_")

    token: SecretStr = setting(
        SecretStr(""),
        "for the operators' routes (openssl rand -hex 32); empty: there are none",
        remedy=_MAKE_ONE,
    )
    chat_id: int | None = setting(
        None,
        "the operator's chat, which owns drills and hears of new kinds of errors",
        remedy="Your own numeric Telegram id; @userinfobot in Telegram shows it",
    )


class LogSettings(Section):
    """Logs."""

    model_config = SettingsConfigDict(env_prefix="LOG_")

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = setting("INFO", "the least level that is logged")
    format: Literal["console", "json"] = setting("console", "`console` or `json`")
    dir: Path | None = setting(
        None, "a folder of its own for each instance adds `bot.log`, or `api_server.log` and `webhook.log`"
    )
