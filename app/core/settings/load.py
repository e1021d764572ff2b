"""Reading every section, and all that keeps a process from starting with what was read."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr, ValidationError

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
    ReconcileSettings,
    TelegramSettings,
)
from app.core.urls import unusable_proxies

SectionT = TypeVar("SectionT", bound=Section)


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
        found = [*_missing(settings), *_contradictions(settings)]
        problems += [problem for problem in found if problem.variable not in named]
        return settings, problems

    @property
    def in_production(self) -> bool:
        return self.general.environment is Environment.PRODUCTION

    def secrets(self) -> list[str]:
        """Every secret value, for the last guard of the logs."""
        telegram, minio = self.telegram, self.minio
        secrets = [telegram.token, telegram.webhook_secret, self.fal.api_key, self.admin.token]
        secrets += [minio.access_key, minio.secret_key]
        servers = [url for url in (self.general.database_url, self.general.redis_url) if url]
        values = [secret.get_secret_value() for secret in secrets] + self.fal.secrets
        passwords = [urlsplit(url.get_secret_value()).password for url in servers]
        return [form for value in [*values, *passwords] if value for form in {value, unquote(value)}]


def _read(section: type[SectionT], problems: list[Problem]) -> SectionT:
    """The section as the environment has it; what is malformed becomes a problem and its default stands."""
    try:
        values = section()
    except ValidationError as error:
        malformed = {str(item["loc"][0]): item for item in error.errors()}
        problems += [_problem(section, name, item["input"], item["msg"]) for name, item in malformed.items()]
        values = section(**{name: section.model_fields[name].default for name in malformed})
    for name, value in values:
        text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        if PLACEHOLDER in text:
            problems.append(_problem(section, name, text, ""))
    return values


def _problem(section: type[Section], name: str, value: object, message: str) -> Problem:
    what = "is still a placeholder" if PLACEHOLDER in str(value) else message[:1].lower() + message[1:]
    return Problem(section.variables()[name], what, section.remedy(name))


def _missing(settings: Settings) -> Iterator[Problem]:
    """What this environment needs and doesn't have."""
    production = settings.in_production
    drills = settings.avatar.test_mode and not production
    telegram, fal, admin = settings.telegram, settings.fal, settings.admin
    needed: list[tuple[Section, str, object]] = [
        (telegram, "token", telegram.token.get_secret_value()),
        (fal, "api_key", fal.api_key.get_secret_value() or drills),
    ]
    if production:
        needed += [
            (settings.general, "database_url", settings.general.database_url),
            (fal, "webhook_url", fal.webhook_url),
            (admin, "token", admin.token.get_secret_value()),
        ]
    if telegram.webhook_url:
        needed.append((telegram, "webhook_secret", telegram.webhook_secret.get_secret_value()))
    if production or fal.webhook_url:
        needed.append((fal, "webhook_secret", fal.secrets))
    if drills:
        needed.append((admin, "chat_id", admin.chat_id))
    for section, name, value in needed:
        if not value:
            yield Problem(section.variables()[name], "is missing", section.remedy(name))


def _contradictions(settings: Settings) -> Iterator[Problem]:
    """What is well-formed alone, and doesn't go with the rest."""
    for variable in unusable_proxies():
        yield Problem(variable, "names a proxy that isn't http", "Set an http proxy, or unset it")
    if settings.in_production:
        yield from _not_in_production(settings)
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


def _not_in_production(settings: Settings) -> Iterator[Problem]:
    for section in (settings.fal, settings.telegram):
        if section.webhook_url.startswith("http://"):
            variable = section.variables()["webhook_url"]
            yield Problem(variable, "must start with https://", section.remedy("webhook_url"))
    if not settings.fal.webhook_verify:
        yield Problem("FAL_WEBHOOK_VERIFY", "is off in production", "Remove it")
    if settings.avatar.test_mode:
        yield Problem("AVATAR_TEST_MODE", "is on in production", "Remove it: trainings would be drills")
